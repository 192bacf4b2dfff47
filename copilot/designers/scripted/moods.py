"""The `open` turn: a mood, brought about by several operations that belong together.

At least two sounds are edited, by operations of at least two kinds.
"""

from __future__ import annotations

from collections.abc import Sequence

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.draft import Draft, naming_of
from copilot.designers.scripted.lexicon import Mood, Sound
from copilot.designers.scripted.placing import place_sound, side_of
from copilot.edit import Add, Change, Operation, Remove, Replace
from copilot.scene import Element
from copilot.units import Lufs

_STEP_LU: tuple[Lufs, Lufs] = (3.0, 5.0)
_MOST_CHANGES = 2


def edit_open(draft: Draft, dice: Dice) -> tuple[str, list[Operation]]:
    """A request for a mood that the scene does not have yet, and what brings it about."""
    moods = [m for m in draft.desk.lexicon.moods if m.suits(draft.setting) and m != draft.mood]
    mood = dice.pick(moods)
    draft.mood = mood
    return dice.pick(mood.requests), _Maker(draft, mood, dice).operations()


class _Maker:
    """Collects the operations of one mood; a sound is edited once at most."""

    def __init__(self, draft: Draft, mood: Mood, dice: Dice) -> None:
        self._draft, self._mood, self._dice = draft, mood, dice
        self._edited: set[int] = set()
        self._new: list[Sound] = []

    def operations(self) -> list[Operation]:
        """Removals, then changes, then what is new."""
        removed = self._removal()
        music = self._music()
        brought = self._brought(sum(operation.op == "add" for operation in music))
        exchanged = [] if removed or music or brought else self._exchange()
        return removed + (self._changes() or self._any_change()) + exchanged + music + brought

    def _removal(self) -> list[Operation]:
        """The sound that is most in the way of the mood, if there is enough else."""
        in_the_way = [e for e in self._draft.removable() if self._tag(e) in self._mood.drop]
        foreground = [e for e in in_the_way if e.role != "ambience"]
        chosen = foreground if self._draft.spare() > 0 else [e for e in in_the_way if e.role == "ambience"]
        if not chosen:
            return []
        target = self._dice.pick(chosen)
        self._edited.add(target.id)
        return [Remove(id=target.id)]

    def _music(self) -> list[Operation]:
        """Other music, or music where there is none."""
        old = next((e for e in self._draft.scene.elements if e.role == "music"), None)
        if old and old.id not in self._edited and (other := self._free(self._mood.music, old)):
            self._edited.add(old.id)
            side = side_of(self._dice, other, 1)
            at = place_sound(self._draft.desk, self._dice, other, side, (0.0, 0.1))
            return [Replace(id=old.id, element=self._draft.element(other, at))]
        wanted = old is None and self._draft.room() > 0 and self._dice.chance(0.5)
        sound = self._free(self._mood.music) if wanted else None
        return [self._add(sound)] if sound else []

    def _brought(self, n_added: int) -> list[Operation]:
        """A sound that belongs to the mood."""
        if self._draft.room() - n_added <= 0:
            return []
        sound = self._free(self._draft.plausible(self._mood.bring))
        return [self._add(sound)] if sound else []

    def _changes(self) -> list[Operation]:
        """What the mood lifts and lowers, as far as there is room for it."""
        changes: list[Operation] = []
        for element in self._dice.shuffled(tuple(self._draft.scene.elements)):
            if element.id in self._edited or len(changes) >= _MOST_CHANGES:
                continue
            way = self._way(element)
            step_lu = way * self._dice.between(*_STEP_LU)
            loudness = self._draft.desk.grid.level(element.loudness + step_lu)
            if way and abs(loudness - element.loudness) >= _STEP_LU[0] - 1e-9:
                self._edited.add(element.id)
                changes.append(Change(id=element.id, loudness=loudness))
        return changes

    def _way(self, element: Element) -> int:
        keys = {element.role, self._tag(element)}
        if keys.isdisjoint(self._mood.lift):
            return 0 if keys.isdisjoint(self._mood.lower) else -1
        return 1

    def _any_change(self) -> list[Operation]:
        """Where the mood finds nothing to lift or lower: a step for whatever is left as it was."""
        for element in self._dice.shuffled(tuple(self._draft.scene.elements)):
            for way in (-1, 1):
                loudness = self._draft.desk.grid.level(element.loudness + way * _STEP_LU[0])
                if element.id not in self._edited and abs(loudness - element.loudness) >= _STEP_LU[0] - 0.5:
                    self._edited.add(element.id)
                    return [Change(id=element.id, loudness=loudness)]
        return []

    def _exchange(self) -> list[Operation]:
        """Where nothing goes and nothing comes: an effect or the ground gives way to another."""
        draft = self._draft
        alike = [s for s in draft.desk.lexicon.settings if s.where == draft.setting.where]
        grounds = [*draft.setting.ambiences, *(sound for s in alike for sound in s.ambiences)]
        effects = draft.plausible((*self._mood.bring, *draft.desk.lexicon.effects))
        for element in self._dice.shuffled(tuple(draft.scene.elements)):
            wanted = {"ambience": grounds, "effect": effects}.get(element.role, [])
            if element.id not in self._edited and (sound := self._free(wanted, element)):
                self._edited.add(element.id)
                return [Replace(id=element.id, element=self._instead(sound, element))]
        return []

    def _instead(self, sound: Sound, old: Element) -> Element:
        new = self._draft.element(sound, place_sound(self._draft.desk, self._dice, sound, 0.0, (0.0, 0.0)))
        duration = old.duration if old.role == "ambience" else new.duration
        duration = self._draft.desk.grid.duration(duration, old.start_time)
        kept = {"loudness": old.loudness, "panning": old.panning, "start_time": old.start_time}
        return new.model_copy(update=kept | {"duration": duration})

    def _add(self, sound: Sound) -> Add:
        when = (0.0, 0.2) if sound.lasts or sound.role == "music" else (0.1, 1.0)
        side = side_of(self._dice, sound, self._dice.pick((-1, 1)))
        ducked = any(element.role == "speech" for element in self._draft.scene.elements)
        at = place_sound(self._draft.desk, self._dice, sound, side, when, ducked=ducked)
        return Add(element=self._draft.element(sound, at))

    def _free(self, sounds: Sequence[Sound], instead_of: Element | None = None) -> Sound | None:
        besides = {instead_of.id} if instead_of else set()
        for sound in self._draft.free(self._dice.shuffled(sounds), besides):
            if not any(naming_of(sound).clashes(naming_of(other)) for other in self._new):
                self._new.append(sound)
                return sound
        return None

    def _tag(self, element: Element) -> str:
        sound = self._draft.called[element.id].sound
        return sound.tag if sound else ""
