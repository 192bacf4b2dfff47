"""The `open` turn: a mood, created by several operations that belong together.

At least two sounds are edited, by operations of at least two kinds. Every sound that contradicts the mood is
removed, replaced or made quieter, and none is brought or made louder.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from copilot.designers.audible import keep_audible
from copilot.designers.scripted.choosing import choose_audible
from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.draft import Draft, Edited, get_naming
from copilot.designers.scripted.lexicon import Mood, Sound
from copilot.designers.scripted.placing import draw_side, place_sound
from copilot.designers.scripted.understood import limit_sound, measure_room_lu
from copilot.edit import Add, Change, Operation, Remove, Replace, apply
from copilot.masking import list_lines
from copilot.scene import Element, Scene, SpeechElement
from copilot.units import Lufs

_STEP_LU: tuple[Lufs, Lufs] = (3.0, 5.0)
_AGAINST_LU: tuple[Lufs, Lufs] = (5.0, 9.0)
"""The step by which a sound is lowered that contradicts the mood and has to stay."""
_MOST_CHANGED = 3
_MOST_REMOVED = 2
_OWN = 0.5
"""Share of moods that bring a sound of the setting, if it has one that suits them."""


def edit_open(draft: Draft, dice: Dice) -> Edited:
    """Return a request for a mood that the scene does not have yet, and the operations that create it."""
    moods = [m for m in draft.tools.lexicon.moods if m.suits(draft.setting) and m != draft.mood]
    drawn: list[tuple[Mood, Edited]] = []

    def draw() -> Edited:
        mood = dice.pick(moods)
        operations = _Maker(draft, mood, dice).make_operations()
        drawn.append((mood, (dice.pick(mood.requests), operations)))
        return drawn[-1][1]

    chosen = choose_audible(draft, draw, is_open=True)
    draft.mood = next(mood for mood, edited in drawn if edited is chosen)
    return chosen


class _Maker:
    """Collects the operations of one mood; a sound is edited at most once."""

    def __init__(self, draft: Draft, mood: Mood, dice: Dice) -> None:
        self._draft, self._mood, self._dice = draft, mood, dice
        self._edited: set[int] = set()
        self._scene = draft.scene
        self._new: list[Sound] = []

    def make_operations(self) -> list[Operation]:
        """Return removals, then changes, then new sounds."""
        against = [e for e in self._draft.scene.elements if self._mood.opposes(self._draft.get_kinds(e))]
        removed = self._remove(against)
        exchanged = self._replace_or_lower(against)
        music = self._bring_music()
        brought = self._bring_sound(sum(operation.op == "add" for operation in music))
        self._scene = apply(self._draft.scene, removed + exchanged + music + brought)
        changed = self._change_levels()
        made = removed + exchanged + changed + music + brought
        if not any(operation.op == "change" for operation in made):
            made += self._change_any_level()
        if len({operation.op for operation in made}) < 2:
            made += self._exchange_any()
        made.sort(key=lambda operation: _ORDER.index(operation.op))
        after = apply(self._draft.scene, made)
        return [self._limit(operation, after) for operation in made]

    def _limit(self, operation: Operation, after: Scene) -> Operation:
        """Return the operation with a new sound at a loudness that leaves lines understood."""
        if not isinstance(operation, Add | Replace) or isinstance(operation.element, SpeechElement):
            return operation
        limited = limit_sound(operation.element, after, self._draft.tools.grid)
        return operation.model_copy(update={"element": limited})

    def _remove(self, against: Sequence[Element]) -> list[Operation]:
        """Remove sounds that contradict the mood, the loudest first, if enough others are left."""
        n_spare = min(_MOST_REMOVED, self._draft.count_spare())
        foreground = [e for e in against if e.role != "ambience"]
        foreground.sort(key=lambda element: (element.role != "speech", -element.loudness))
        # The last ambience has to stay, or to be replaced.
        n_ambiences = sum(element.role == "ambience" for element in self._draft.scene.elements)
        grounds = [e for e in against if e.role == "ambience"][: max(0, n_ambiences - 1)]
        chosen = foreground[: max(0, n_spare)] + grounds
        self._edited.update(element.id for element in chosen)
        return [Remove(id=element.id) for element in chosen]

    def _replace_or_lower(self, against: Iterable[Element]) -> list[Operation]:
        """Replace what contradicts the mood and cannot go, or make it quieter."""
        operations: list[Operation] = []
        for element in against:
            if element.id in self._edited:
                continue
            if element.role in ("ambience", "speech") and (operation := self._exchange(element)):
                operations.append(operation)
            elif element.role != "music" and (change := self._shift(element, -1, _AGAINST_LU)):
                operations.append(change)
        return operations

    def _bring_music(self) -> list[Operation]:
        """Replace the music, or add some if there is none; lower what contradicts the mood and stays."""
        old = next((e for e in self._draft.scene.elements if e.role == "music"), None)
        if old and old.id not in self._edited:
            if other := self._pick_free(self._mood.music, old):
                self._edited.add(old.id)
                side = draw_side(self._dice, other, 1)
                at = place_sound(self._draft.tools, self._dice, other, side, (0.0, 0.1))
                return [Replace(id=old.id, element=self._draft.make_new_element(other, at, (old.id,)))]
            if self._mood.opposes(self._draft.get_kinds(old)):
                change = self._shift(old, -1, _AGAINST_LU)
                return [change] if change else []
        wanted = old is None and self._draft.count_room() > 0 and self._dice.chance(0.5)
        sound = self._pick_free(self._mood.music) if wanted else None
        return [self._add(sound)] if sound else []

    def _bring_sound(self, n_added: int) -> list[Operation]:
        """Add a sound that belongs to the mood, of the place or of the mood itself."""
        if self._draft.count_room() - n_added <= 0:
            return []
        own = [sound for sound in self._draft.setting.effects if self._mood.lifts_kind(sound.kinds)]
        brought = self._draft.filter_plausible(self._mood.bring)
        pools = (own, brought) if self._dice.chance(_OWN) else (brought, own)
        sound = self._pick_free(pools[0]) or self._pick_free(pools[1])
        return [self._add(sound)] if sound else []

    def _change_levels(self) -> list[Operation]:
        """Lower all sounds of kinds that the mood lowers, and change some others."""
        changes: list[Operation] = []
        n_free = _MOST_CHANGED
        for element in self._list_by_audibility(1):
            kinds = self._draft.get_kinds(element)
            way, is_named = self._mood.find_direction(kinds), self._mood.lowers_kind(kinds)
            if way and (is_named or n_free > 0) and (change := self._shift(element, way)):
                n_free -= not is_named
                changes.append(change)
        return changes

    def _change_any_level(self) -> list[Operation]:
        """Change a sound that is not edited yet, not against the mood; no speech.

        A mood that raises nothing makes it quieter.
        """
        ways = (-1, 1) if self._mood.lift else (-1,)
        for element in (e for e in self._list_by_audibility(-1) if e.role != "speech"):
            way = self._mood.find_direction(self._draft.get_kinds(element))
            for allowed in (way,) if way else ways:
                if change := self._shift(element, allowed, (_STEP_LU[0] - 0.5, _STEP_LU[0])):
                    return [change]
        return []

    def _list_by_audibility(self, way: int) -> list[Element]:
        """Return the sounds in random order, those first whose change of level will be heard."""
        elements = self._dice.shuffle(self._draft.list_nameable())
        level, step_lu = self._draft.tools.grid.level, way * _STEP_LU[0]
        heard = keep_audible(
            elements, self._draft.scene, lambda e: [Change(id=e.id, loudness=level(e.loudness + step_lu))]
        )
        return heard + [element for element in elements if element not in heard]

    def _shift(self, element: Element, way: int, step_lu: tuple[Lufs, Lufs] = _STEP_LU) -> Change | None:
        """Return a change of level by such a step, or as much of it as is still heard; else None."""
        if element.id in self._edited:
            return None
        step = self._dice.between(*step_lu)
        if step_lu != _AGAINST_LU:
            step = min(step, measure_room_lu(element, self._scene, "up" if way > 0 else "down"))
        loudness = self._draft.tools.grid.level(element.loudness + way * step)
        if abs(loudness - element.loudness) < min(step_lu[0], _STEP_LU[0]) - 1e-9:
            return None
        self._edited.add(element.id)
        return Change(id=element.id, loudness=loudness)

    def _exchange_any(self) -> list[Operation]:
        """Replace an effect or an ambience, if the mood takes one kind of operation only."""
        for element in self._dice.shuffle(self._draft.list_nameable()):
            if element.id not in self._edited and (operation := self._exchange(element)):
                return [operation]
        return []

    def _exchange(self, element: Element) -> Operation | None:
        """Replace a sound by one that the mood does not oppose: an ambience by an ambience."""
        draft = self._draft
        if element.role == "music":
            return None
        if element.role == "ambience":
            others = self._dice.shuffle(draft.filter_plausible(draft.tools.lexicon.grounds))
            wanted = [*self._dice.shuffle(draft.setting.ambiences), *others]
        else:
            effects = self._dice.shuffle(draft.filter_plausible(draft.tools.lexicon.effects))
            wanted = [*self._dice.shuffle(draft.filter_plausible(self._mood.bring)), *effects]
        sound = self._pick_first(wanted, element)
        if sound is None:
            return None
        self._edited.add(element.id)
        return Replace(id=element.id, element=self._place_instead(sound, element))

    def _place_instead(self, sound: Sound, old: Element) -> Element:
        new = self._draft.make_new_element(
            sound, place_sound(self._draft.tools, self._dice, sound, 0.0, (0.0, 0.0))
        )
        duration = old.duration if old.role == "ambience" else new.duration
        duration = self._draft.tools.grid.duration(duration, old.start_time)
        kept = {"panning": old.panning, "start_time": old.start_time, "duration": duration}
        if old.role != "speech":
            kept["loudness"] = old.loudness
        return new.model_copy(update=kept)

    def _add(self, sound: Sound) -> Add:
        when = (0.0, 0.2) if sound.lasts or sound.role == "music" else (0.1, 1.0)
        side = draw_side(self._dice, sound, self._dice.pick((-1, 1)))
        lines = list_lines(self._draft.scene)
        at = place_sound(self._draft.tools, self._dice, sound, side, when, lines=lines)
        return Add(element=self._draft.make_new_element(sound, at))

    def _pick_free(self, sounds: Sequence[Sound], instead_of: Element | None = None) -> Sound | None:
        return self._pick_first(self._dice.shuffle(sounds), instead_of)

    def _pick_first(self, sounds: Iterable[Sound], instead_of: Element | None = None) -> Sound | None:
        """Return the first sound that is free and that the mood welcomes."""
        besides = {instead_of.id} if instead_of else set()
        for sound in self._draft.filter_free(sounds, besides):
            clashes = any(get_naming(sound).clashes(get_naming(other)) for other in self._new)
            if not clashes and self._mood.welcomes(sound.kinds):
                self._new.append(sound)
                return sound
        return None


_ORDER = ("remove", "change", "replace", "add")
