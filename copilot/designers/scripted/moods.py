"""The `open` turn: a mood, created by several operations that belong together.

At least two sounds are edited, by operations of at least two kinds.
"""

from __future__ import annotations

from collections.abc import Sequence

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.draft import Draft, get_naming
from copilot.designers.scripted.lexicon import Mood, Sound
from copilot.designers.scripted.placing import draw_side, place_sound
from copilot.edit import Add, Change, Operation, Remove, Replace
from copilot.scene import Element
from copilot.units import Lufs

_STEP_LU: tuple[Lufs, Lufs] = (3.0, 5.0)
_MOST_CHANGES = 2


def edit_open(draft: Draft, dice: Dice) -> tuple[str, list[Operation]]:
    """Return a request for a mood that the scene does not have yet, and the operations that create it."""
    moods = [m for m in draft.tools.lexicon.moods if m.suits(draft.setting) and m != draft.mood]
    mood = dice.pick(moods)
    draft.mood = mood
    return dice.pick(mood.requests), _Maker(draft, mood, dice).make_operations()


class _Maker:
    """Collects the operations of one mood; a sound is edited at most once."""

    def __init__(self, draft: Draft, mood: Mood, dice: Dice) -> None:
        self._draft, self._mood, self._dice = draft, mood, dice
        self._edited: set[int] = set()
        self._new: list[Sound] = []

    def make_operations(self) -> list[Operation]:
        """Return removals, then changes, then new sounds."""
        removed = self._remove_in_the_way()
        music = self._bring_music()
        brought = self._bring_sound(sum(operation.op == "add" for operation in music))
        exchanged = [] if removed or music or brought else self._exchange()
        return removed + (self._change_levels() or self._change_any_level()) + exchanged + music + brought

    def _remove_in_the_way(self) -> list[Operation]:
        """Remove a sound that does not suit the mood, if enough others are left."""
        in_the_way = [e for e in self._draft.list_removable() if self._get_tag(e) in self._mood.drop]
        foreground = [e for e in in_the_way if e.role != "ambience"]
        chosen = (
            foreground if self._draft.count_spare() > 0 else [e for e in in_the_way if e.role == "ambience"]
        )
        if not chosen:
            return []
        target = self._dice.pick(chosen)
        self._edited.add(target.id)
        return [Remove(id=target.id)]

    def _bring_music(self) -> list[Operation]:
        """Replace the music, or add some if there is none."""
        old = next((e for e in self._draft.scene.elements if e.role == "music"), None)
        if old and old.id not in self._edited and (other := self._pick_free(self._mood.music, old)):
            self._edited.add(old.id)
            side = draw_side(self._dice, other, 1)
            at = place_sound(self._draft.tools, self._dice, other, side, (0.0, 0.1))
            return [Replace(id=old.id, element=self._draft.make_element(other, at))]
        wanted = old is None and self._draft.count_room() > 0 and self._dice.chance(0.5)
        sound = self._pick_free(self._mood.music) if wanted else None
        return [self._add(sound)] if sound else []

    def _bring_sound(self, n_added: int) -> list[Operation]:
        """Add a sound that belongs to the mood."""
        if self._draft.count_room() - n_added <= 0:
            return []
        sound = self._pick_free(self._draft.filter_plausible(self._mood.bring))
        return [self._add(sound)] if sound else []

    def _change_levels(self) -> list[Operation]:
        """Raise and lower the sounds that the mood raises and lowers, as far as the limits allow."""
        changes: list[Operation] = []
        for element in self._dice.shuffle(tuple(self._draft.scene.elements)):
            if element.id in self._edited or len(changes) >= _MOST_CHANGES:
                continue
            way = self._find_direction(element)
            step_lu = way * self._dice.between(*_STEP_LU)
            loudness = self._draft.tools.grid.level(element.loudness + step_lu)
            if way and abs(loudness - element.loudness) >= _STEP_LU[0] - 1e-9:
                self._edited.add(element.id)
                changes.append(Change(id=element.id, loudness=loudness))
        return changes

    def _find_direction(self, element: Element) -> int:
        keys = {element.role, self._get_tag(element)}
        if keys.isdisjoint(self._mood.lift):
            return 0 if keys.isdisjoint(self._mood.lower) else -1
        return 1

    def _change_any_level(self) -> list[Operation]:
        """Change any sound that is not edited yet, if the mood raises or lowers none."""
        for element in self._dice.shuffle(tuple(self._draft.scene.elements)):
            for way in (-1, 1):
                loudness = self._draft.tools.grid.level(element.loudness + way * _STEP_LU[0])
                if element.id not in self._edited and abs(loudness - element.loudness) >= _STEP_LU[0] - 0.5:
                    self._edited.add(element.id)
                    return [Change(id=element.id, loudness=loudness)]
        return []

    def _exchange(self) -> list[Operation]:
        """Replace an effect or an ambience, if no sound was removed or added."""
        draft = self._draft
        alike = [s for s in draft.tools.lexicon.settings if s.where == draft.setting.where]
        grounds = [*draft.setting.ambiences, *(sound for s in alike for sound in s.ambiences)]
        effects = draft.filter_plausible((*self._mood.bring, *draft.tools.lexicon.effects))
        for element in self._dice.shuffle(tuple(draft.scene.elements)):
            wanted = {"ambience": grounds, "effect": effects}.get(element.role, [])
            if element.id not in self._edited and (sound := self._pick_free(wanted, element)):
                self._edited.add(element.id)
                return [Replace(id=element.id, element=self._place_instead(sound, element))]
        return []

    def _place_instead(self, sound: Sound, old: Element) -> Element:
        new = self._draft.make_element(
            sound, place_sound(self._draft.tools, self._dice, sound, 0.0, (0.0, 0.0))
        )
        duration = old.duration if old.role == "ambience" else new.duration
        duration = self._draft.tools.grid.duration(duration, old.start_time)
        kept = {"loudness": old.loudness, "panning": old.panning, "start_time": old.start_time}
        return new.model_copy(update=kept | {"duration": duration})

    def _add(self, sound: Sound) -> Add:
        when = (0.0, 0.2) if sound.lasts or sound.role == "music" else (0.1, 1.0)
        side = draw_side(self._dice, sound, self._dice.pick((-1, 1)))
        ducked = any(element.role == "speech" for element in self._draft.scene.elements)
        at = place_sound(self._draft.tools, self._dice, sound, side, when, ducked=ducked)
        return Add(element=self._draft.make_element(sound, at))

    def _pick_free(self, sounds: Sequence[Sound], instead_of: Element | None = None) -> Sound | None:
        besides = {instead_of.id} if instead_of else set()
        for sound in self._draft.filter_free(self._dice.shuffle(sounds), besides):
            if not any(get_naming(sound).clashes(get_naming(other)) for other in self._new):
                self._new.append(sound)
                return sound
        return None

    def _get_tag(self, element: Element) -> str:
        sound = self._draft.names_by_id[element.id].sound
        return sound.tag if sound else ""
