"""The edit turns but `open`: what the user asks, and the operations that do it and nothing else.

An edit is always possible: where one sound cannot be edited as drawn, another is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.draft import Draft, Placement
from copilot.designers.scripted.lexicon import Sound
from copilot.designers.scripted.moods import edit_open
from copilot.designers.scripted.phrasing import fill, indefinite
from copilot.designers.scripted.placing import place_sound, place_speech, side_of
from copilot.dialogue import Task
from copilot.edit import Add, Change, Operation, Remove, Replace
from copilot.scene import Element, SpeechElement
from copilot.units import Lufs, Seconds

Edited = tuple[str, list[Operation]]
"""The user's request, and the operations."""

_SMALLEST_STEP_LU: Lufs = 3.0
_LOUDNESS_STEPS_LU: Mapping[str, tuple[Lufs, Lufs]] = {
    "slight": (3.0, 4.5),
    "plain": (4.0, 7.0),
    "strong": (7.0, 10.0),
    "exact": (3.0, 8.0),
}
_SMALLEST_SHIFT = 0.3
_BORROWED = 0.3
"""How often a new sound is none of the setting's own, but one that fits there."""

_SIDES: Mapping[str, tuple[float, float]] = {"plain": (0.45, 0.8), "hard": (0.92, 1.0)}


def edit_add(draft: Draft, dice: Dice) -> Edited:
    """A new effect, music, or in dialogues that speak a line."""
    kind = dice.weighted({"effect": 0.66, "music": 0.18, "speech": 0.3 if draft.speaks else 0.0})
    if kind == "speech" and (spoken := _add_speech(draft, dice)):
        return spoken
    music = draft.desk.lexicon.music if dice.chance(_BORROWED) else draft.setting.music
    if kind == "music" and (sound := _unheard(draft, music, dice)):
        at = place_sound(draft.desk, dice, sound, side_of(dice, sound, 1), (0.0, 0.2))
        phrasing = draft.desk.book.draw(dice, "add", ("music",))
        return fill(phrasing.text, new=_new(sound, dice)), [Add(element=draft.element(sound, at))]
    return _add_effect(draft, dice)


def _add_effect(draft: Draft, dice: Dice) -> Edited:
    borrowed = dice.chance(_BORROWED)
    own = None if borrowed else _unheard(draft, draft.setting.effects, dice)
    sound = own or _fallback(draft, "effect", dice)
    kinds = ("effect",) if sound.lasts else ("effect", "early", "late", "sided")
    phrasing = draft.desk.book.draw(dice, "add", kinds)
    when = {"early": (0.0, 0.15), "late": (0.75, 1.0)}.get(phrasing.kind, (0.0, 0.3 if sound.lasts else 1.0))
    sign = dice.pick((-1, 1))
    side = sign * dice.between(0.4, 0.85) if phrasing.kind == "sided" else side_of(dice, sound, sign)
    spoken = any(element.role == "speech" for element in draft.scene.elements)
    at = place_sound(draft.desk, dice, sound, side, when, ducked=spoken)
    request = fill(phrasing.text, new=_new(sound, dice), side=_side_word(sign))
    return request, [Add(element=draft.element(sound, at))]


def _add_speech(draft: Draft, dice: Dice) -> Edited | None:
    limits = draft.desk.limits
    first_s, last_s = limits.start_time_s.low, limits.start_time_s.high
    ends_s = [e.end_time + 0.2 for e in draft.scene.elements if e.role == "speech"]
    starts_s = [first_s + 0.2, *ends_s, first_s + dice.between(0.2, 0.9) * (last_s - first_s)]
    for start_s in dice.shuffled([draft.desk.grid.start(s) for s in starts_s if first_s <= s <= last_s]):
        room_s = draft.silence_after(start_s)
        line = draft.line(room_s, dice, quotable=True)
        person = draft.speaker(dice) if line else None
        if line and person:
            side = dice.pick((-1, 1)) * dice.between(0.05, 0.45)
            at = place_speech(draft.desk, dice, line, side=side, start_s=start_s, room_s=room_s)
            element = draft.speech(line, *person, at)
            phrasing = draft.desk.book.draw(dice, "add", ("speech",))
            who = indefinite(element.speaker)
            return fill(phrasing.text, who=who, line=f'"{line.text}"'), [Add(element=element)]
    return None


def edit_remove(draft: Draft, dice: Dice) -> Edited:
    """One sound goes, but never the last ambience."""
    target = dice.pick(draft.removable())
    phrasing = draft.desk.book.draw(dice, "remove", ("any",))
    return draft.request(phrasing.text, target, dice), [Remove(id=target.id)]


def edit_volume(draft: Draft, dice: Dice) -> Edited:
    """One sound becomes louder or quieter by 3 to 10 LU."""
    options = [
        (element, way)
        for element in draft.scene.elements
        for way in ("up", "down")
        if _room_lu(draft, element, way) >= _SMALLEST_STEP_LU
    ]
    way = dice.pick(("up", "down"))
    target, way = dice.pick([option for option in options if option[1] == way] or options)
    room_lu = _room_lu(draft, target, way)
    kinds = [kind for kind, (least, _) in _LOUDNESS_STEPS_LU.items() if least <= room_lu]
    phrasing = draft.desk.book.draw(dice, "volume", [f"{way}_{kind}" for kind in kinds])
    low, high = _LOUDNESS_STEPS_LU[phrasing.kind.partition("_")[2]]
    step_lu = dice.between(low, min(high, room_lu))
    if phrasing.kind.endswith("exact"):
        step_lu = float(int(step_lu))
    sign = 1 if way == "up" else -1
    loudness = draft.desk.grid.level(target.loudness + sign * step_lu)
    request = draft.request(phrasing.text, target, dice, amount=(f"{step_lu:.0f}",))
    return request, [Change(id=target.id, loudness=loudness)]


def _room_lu(draft: Draft, element: Element, way: str) -> Lufs:
    allowed = draft.desk.limits.loudness_lufs
    room = allowed.high - element.loudness if way == "up" else element.loudness - allowed.low
    return room + 1e-9


def edit_panning(draft: Draft, dice: Dice) -> Edited:
    """One sound but an ambience moves by at least 0.3, to a side or to the centre."""
    target = dice.pick(draft.foreground())
    side = draft.desk.grid.side(target.panning)
    goals = [
        (kind, sign) for sign in (-1, 1) for kind in ("slight", "plain", "hard") if _goal(side, kind, sign)
    ]
    if abs(side) >= _SMALLEST_SHIFT:
        goals.append(("centre", 0))
    phrasing = draft.desk.book.draw(dice, "panning", {kind for kind, _ in goals})
    sign = dice.pick([sign for kind, sign in goals if kind == phrasing.kind])
    goal = _goal(side, phrasing.kind, sign) or (0.0, 0.0)
    panning = draft.desk.grid.panning(dice.between(*goal))
    request = draft.request(phrasing.text, target, dice, side=(_side_word(sign),))
    return request, [Change(id=target.id, panning=panning)]


def _goal(side: float, kind: str, sign: int) -> tuple[float, float] | None:
    """From where to where a sound at `side` may go in a direction; None if that is no real move."""
    if kind == "centre":
        return None
    outward = sign * side
    if kind == "slight":
        low, high = outward + _SMALLEST_SHIFT, outward + _SMALLEST_SHIFT + 0.15
    else:
        low, high = max(_SIDES[kind][0], outward + _SMALLEST_SHIFT), _SIDES[kind][1]
    # A hundredth more, so that the move is still a move on the steps.
    low += 0.01
    return (sign * low, sign * max(low, min(high, 1.0))) if low <= min(high, 1.0) else None


def _side_word(sign: int) -> str:
    return "left" if sign < 0 else "right"


def edit_replace(draft: Draft, dice: Dice) -> Edited:
    """One sound gives way to another of its role, in its place; a line to other words of the same person."""
    for target in dice.shuffled(tuple(draft.scene.elements)):
        if isinstance(target, SpeechElement):
            if edited := _replace_line(draft, dice, target):
                return edited
        elif sound := _successor(draft, target, dice):
            return _replace_sound(draft, dice, target, sound)
    target = dice.pick([e for e in draft.scene.elements if e.role == "ambience"])
    return _replace_sound(draft, dice, target, _fallback(draft, "ambience", dice, (target.id,)))


def _successor(draft: Draft, target: Element, dice: Dice) -> Sound | None:
    own = {
        "ambience": draft.setting.ambiences,
        "effect": draft.setting.effects,
        "music": draft.setting.music,
    }[target.role]
    old = draft.called[target.id].sound
    others = [sound for sound in own if old is None or sound.tag != old.tag]
    if sound := _unheard(draft, others, dice, (target.id,)):
        return sound
    return _fallback(draft, "music", dice, (target.id,)) if target.role == "music" else None


def _replace_sound(draft: Draft, dice: Dice, target: Element, sound: Sound) -> Edited:
    phrasing = draft.desk.book.draw(dice, "replace", ("any",))
    ways = (sound.caption, sound.family.ask) if dice.chance(0.6) else (sound.family.ask, sound.caption)
    request = draft.request(phrasing.text, target, dice, new=ways)
    natural = place_sound(draft.desk, dice, sound, 0.0, (0.0, 0.0))
    # It stands where the old one stood; how long it is, is its own affair.
    at = Placement(
        loudness=target.loudness if sound.role == "ambience" else natural.loudness,
        panning=target.panning,
        start_s=target.start_time,
        duration_s=_ground_or(draft, target, natural.duration_s),
    )
    return request, [Replace(id=target.id, element=draft.element(sound, at))]


def _ground_or(draft: Draft, target: Element, natural_s: Seconds) -> Seconds:
    if target.role == "ambience":
        return target.duration
    return draft.desk.grid.duration(natural_s, target.start_time)


def _replace_line(draft: Draft, dice: Dice, target: SpeechElement) -> Edited | None:
    room_s = draft.silence_after(target.start_time, besides=target.id)
    line = draft.line(room_s, dice, quotable=True)
    if line is None:
        return None
    side = draft.desk.grid.side(target.panning)
    at = place_speech(draft.desk, dice, line, side=side, start_s=target.start_time, room_s=room_s)
    element = draft.speech(line, target.speaker, target.gender, at)
    phrasing = draft.desk.book.draw(dice, "replace", ("speech",))
    request = fill(phrasing.text, who=f"the {target.speaker}", line=f'"{line.text}"')
    return request, [Replace(id=target.id, element=element)]


def _new(sound: Sound, dice: Dice) -> str:
    """A new sound as asked for: in few words, or described."""
    return sound.family.ask if dice.chance(0.4) else sound.caption


def _unheard(draft: Draft, sounds: Sequence[Sound], dice: Dice, besides: Iterable[int] = ()) -> Sound | None:
    return next(draft.free(dice.shuffled(sounds), besides), None)


def _fallback(draft: Draft, role: str, dice: Dice, besides: Iterable[int] = ()) -> Sound:
    """A sound of the role that fits anywhere, or another setting's ambience."""
    lexicon = draft.desk.lexicon
    if role == "ambience":
        alike = [s for s in lexicon.settings if s.where == draft.setting.where]
        pool = [sound for setting in alike for sound in setting.ambiences]
    else:
        pool = list(lexicon.music if role == "music" else lexicon.effects)
    first = dice.shuffled(draft.plausible(pool))
    return next(draft.free((*first, *dice.shuffled(pool)), besides))


EDITORS: Mapping[Task, Callable[[Draft, Dice], Edited]] = {
    "add": edit_add,
    "remove": edit_remove,
    "volume": edit_volume,
    "panning": edit_panning,
    "replace": edit_replace,
    "open": edit_open,
}
