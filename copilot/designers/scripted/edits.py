"""All edit turns but `open`: the user's request, and the operations that do it and nothing else.

An edit is always possible: if one sound cannot be edited as drawn, another is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from copilot.audibility import GOOD_PREDICTED_DB, LEAST_PREDICTED_DB
from copilot.designers.audible import keep_audible, predict_margin
from copilot.designers.scripted.choosing import choose_audible
from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.draft import Draft, Edited
from copilot.designers.scripted.grid import Placement
from copilot.designers.scripted.lexicon import Sound
from copilot.designers.scripted.moods import edit_open
from copilot.designers.scripted.phrasing import add_article, fill
from copilot.designers.scripted.placing import draw_side, place_sound, place_speech
from copilot.designers.scripted.understood import is_understood, measure_room_lu
from copilot.dialogue import Task
from copilot.edit import Add, Change, Remove, Replace
from copilot.errors import RowFault
from copilot.masking import list_lines
from copilot.scene import Element, SpeechElement
from copilot.units import Lufs, Seconds

Way = Literal["up", "down"]

_WAYS: tuple[Way, ...] = ("up", "down")
_SMALLEST_STEP_LU: Lufs = 3.0
_LARGEST_STEP_LU: Lufs = 10.0
_UNHEARD_DB = LEAST_PREDICTED_DB["volume"] - GOOD_PREDICTED_DB["volume"]
_LOUDNESS_STEPS_LU: Mapping[str, tuple[Lufs, Lufs]] = {
    "slight": (3.0, 4.5),
    "plain": (4.0, 7.0),
    "strong": (7.0, 10.0),
    "exact": (3.0, 8.0),
}
_SMALLEST_SHIFT = 0.3
_BORROWED = 0.3
"""Share of new sounds that are not the setting's own, but fit there."""

_SIDES: Mapping[str, tuple[float, float]] = {"plain": (0.45, 0.8), "hard": (0.92, 1.0)}


def edit_add(draft: Draft, dice: Dice) -> Edited:
    """Add an effect, music, or, in dialogues with speech, a line: one that will be heard."""
    return choose_audible(draft, lambda: _draw_addition(draft, dice))


def _draw_addition(draft: Draft, dice: Dice) -> Edited:
    has_music = any(element.role == "music" for element in draft.scene.elements)
    may_speak = draft.speaks and not (draft.mood and "speech" in draft.mood.drop)
    weights = {"effect": 0.6, "music": 0.0 if has_music else 0.35, "speech": 0.3 if may_speak else 0.0}
    kind = dice.pick_weighted(weights)
    if kind == "speech" and (spoken := _add_speech(draft, dice)):
        return spoken
    music = draft.tools.lexicon.music if dice.chance(_BORROWED) else draft.setting.music
    if kind == "music" and (sound := _pick_unheard(draft, music, dice)):
        at = place_sound(draft.tools, dice, sound, draw_side(dice, sound, 1), (0.0, 0.2))
        phrasing = draft.draw_phrasing(dice, "add", ("music",))
        return fill(phrasing.text, new=_name_new_sound(sound, dice)), [
            Add(element=draft.make_new_element(sound, at))
        ]
    return _add_effect(draft, dice)


def _add_effect(draft: Draft, dice: Dice) -> Edited:
    borrowed = dice.chance(_BORROWED)
    own = None if borrowed else _pick_unheard(draft, draft.setting.effects, dice)
    sound = own or _pick_fallback(draft, "effect", dice)
    kinds = ("effect",) if sound.lasts else ("effect", "early", "late", "sided")
    phrasing = draft.draw_phrasing(dice, "add", kinds)
    when = {"early": (0.0, 0.15), "late": (0.75, 1.0)}.get(phrasing.kind, (0.0, 0.3 if sound.lasts else 1.0))
    sign = dice.pick((-1, 1))
    side = sign * dice.between(0.4, 0.85) if phrasing.kind == "sided" else draw_side(dice, sound, sign)
    at = place_sound(draft.tools, dice, sound, side, when, lines=list_lines(draft.scene))
    request = fill(phrasing.text, new=_name_new_sound(sound, dice), side=_name_side(sign))
    return request, [Add(element=draft.make_new_element(sound, at))]


def _add_speech(draft: Draft, dice: Dice) -> Edited | None:
    limits = draft.tools.limits
    first_s, last_s = limits.start_time_s.low, limits.start_time_s.high
    ends_s = [e.end_time + 0.2 for e in draft.scene.elements if e.role == "speech"]
    starts_s = [first_s + 0.2, *ends_s, first_s + dice.between(0.2, 0.9) * (last_s - first_s)]
    for start_s in dice.shuffle([draft.tools.grid.start(s) for s in starts_s if first_s <= s <= last_s]):
        room_s = draft.measure_silence_after(start_s)
        line = draft.pick_line(room_s, dice, quotable=True)
        if line is None:
            continue
        side = dice.pick((-1, 1)) * dice.between(0.05, 0.45)
        at = place_speech(draft.tools, dice, line, side=side, start_s=start_s, room_s=room_s)
        heard = is_understood(at, draft.scene, draft.tools.grid)
        if heard and (person := draft.pick_speaker(dice)):
            element = draft.make_speech(line, *person, at)
            phrasing = draft.draw_phrasing(dice, "add", ("speech",))
            who = add_article(element.speaker)
            return fill(phrasing.text, who=who, line=f'"{line.text}"'), [Add(element=element)]
    return None


def edit_remove(draft: Draft, dice: Dice) -> Edited:
    """Remove one sound that is heard, but never the last ambience."""
    heard = keep_audible(draft.list_removable(), draft.scene, lambda e: [Remove(id=e.id)])
    target = dice.pick(draft.prefer_unwanted(heard))
    phrasing = draft.draw_phrasing(dice, "remove", ("any",))
    return draft.phrase_request(phrasing.text, target, dice), [Remove(id=target.id)]


def edit_volume(draft: Draft, dice: Dice) -> Edited:
    """Make one sound louder or quieter by 3 to 10 LU, and by as much as it takes to hear it."""
    heard = _list_audible(draft, spares_lines=True)
    if not heard or predict_margin(draft.scene, [_shift(draft, *heard[0])]) < _UNHEARD_DB:
        # Within narrow limits, every change that is heard may cost a line some of its lead.
        heard = _list_audible(draft, spares_lines=False)
    way = dice.pick(_WAYS)
    heard = [option for option in heard if (option[0].id, "loudness") not in draft.changed] or heard
    target, way, room_lu = dice.pick([option for option in heard if option[1] == way] or heard)
    least_lu = _find_least_step_lu(draft, target, way, room_lu)
    kinds = [k for k, (low, high) in _LOUDNESS_STEPS_LU.items() if max(low, least_lu) <= min(high, room_lu)]
    phrasing = draft.draw_phrasing(dice, "volume", [f"{way}_{kind}" for kind in kinds])
    low, high = _LOUDNESS_STEPS_LU[phrasing.kind.partition("_")[2]]
    step_lu = dice.between(max(low, least_lu), min(high, room_lu))
    if phrasing.kind.endswith("exact"):
        step_lu = float(int(step_lu))
    request = draft.phrase_request(phrasing.text, target, dice, amount=(f"{step_lu:.0f}",))
    return request, [_shift(draft, target, way, step_lu)]


def _list_audible(draft: Draft, *, spares_lines: bool) -> list[tuple[Element, Way, Lufs]]:
    options = _list_rooms(draft, spares_lines=spares_lines)
    return keep_audible(options, draft.scene, lambda option: [_shift(draft, *option)])


def _list_rooms(draft: Draft, *, spares_lines: bool) -> list[tuple[Element, Way, Lufs]]:
    """Return the sounds that may change, with the way and how far; no line suffers from it if wanted."""
    allowed = draft.tools.limits.loudness_lufs
    rooms: list[tuple[Element, Way, Lufs]] = []
    for element in draft.list_nameable():
        for way in _WAYS:
            room = allowed.high - element.loudness if way == "up" else element.loudness - allowed.low
            if spares_lines:
                room = min(room, measure_room_lu(element, draft.scene, way))
            room = min(room + 1e-9, _LARGEST_STEP_LU)
            if room >= _SMALLEST_STEP_LU:
                rooms.append((element, way, room))
    return rooms


def _shift(draft: Draft, element: Element, way: Way, step_lu: Lufs) -> Change:
    sign = 1 if way == "up" else -1
    return Change(id=element.id, loudness=draft.tools.grid.level(element.loudness + sign * step_lu))


def _find_least_step_lu(draft: Draft, element: Element, way: Way, room_lu: Lufs) -> Lufs:
    """Return the smallest whole step that is heard; all of the room if none is."""
    steps = (float(step) for step in range(int(_SMALLEST_STEP_LU), int(room_lu) + 1))
    heard = (s for s in steps if predict_margin(draft.scene, [_shift(draft, element, way, s)]) >= 0)
    return next(heard, room_lu)


def edit_panning(draft: Draft, dice: Dice) -> Edited:
    """Move one sound that is not an ambience by at least 0.3, to a side or to the centre."""
    options = [
        (element, kind, sign)
        for element in draft.list_nameable()
        if element.role != "ambience"
        for kind, sign in _list_goals(draft.tools.grid.side(element.panning))
    ]
    heard = keep_audible(options, draft.scene, lambda option: [_move(draft, *option, 0.0)])
    targets = list({element.id: element for element, _, _ in heard}.values())
    target = dice.pick(draft.prefer_unchanged(targets, "panning"))
    goals = [(kind, sign) for element, kind, sign in heard if element == target]
    phrasing = draft.draw_phrasing(dice, "panning", {kind for kind, _ in goals})
    sign = dice.pick([sign for kind, sign in goals if kind == phrasing.kind])
    request = draft.phrase_request(phrasing.text, target, dice, side=(_name_side(sign),))
    return request, [_move(draft, target, phrasing.kind, sign, dice.between(0, 1))]


def _list_goals(side: float) -> list[tuple[str, int]]:
    """Return the kinds of moves, with their directions, of a sound at `side`."""
    kinds = [(kind, sign) for sign in (-1, 1) for kind in ("slight", "plain", "hard")]
    goals = [(kind, sign) for kind, sign in kinds if _find_goal(side, kind, sign)]
    return [*goals, ("centre", 0)] if abs(side) >= _SMALLEST_SHIFT else goals


def _move(draft: Draft, element: Element, kind: str, sign: int, share: float) -> Change:
    """Return the move of a sound; `share`, from 0 to 1, tells how far it goes into its goal's range."""
    low, high = _find_goal(draft.tools.grid.side(element.panning), kind, sign) or (0.0, 0.0)
    return Change(id=element.id, panning=draft.tools.grid.panning(low + (high - low) * share))


def _find_goal(side: float, kind: str, sign: int) -> tuple[float, float] | None:
    """Return the range that a sound at `side` may move to in a direction; None if it is too close."""
    if kind == "centre":
        return None
    outward = sign * side
    if kind == "slight":
        low, high = outward + _SMALLEST_SHIFT, outward + _SMALLEST_SHIFT + 0.15
    else:
        low, high = max(_SIDES[kind][0], outward + _SMALLEST_SHIFT), _SIDES[kind][1]
    # A hundredth more, so that rounding to the steps does not undo the move.
    low += 0.01
    return (sign * low, sign * max(low, min(high, 1.0))) if low <= min(high, 1.0) else None


def _name_side(sign: int) -> str:
    return "left" if sign < 0 else "right"


def edit_replace(draft: Draft, dice: Dice) -> Edited:
    """Replace one sound by another of its role, in its place; a line by other words of the same person."""
    return choose_audible(draft, lambda: _draw_replacement(draft, dice))


def _draw_replacement(draft: Draft, dice: Dice) -> Edited:
    shuffled = dice.shuffle(draft.list_nameable())
    missing_db = {e.id: max(-predict_margin(draft.scene, [Remove(id=e.id)]), 0.0) for e in shuffled}
    for target in sorted(shuffled, key=lambda element: (missing_db[element.id], element.id in draft.wanted)):
        if isinstance(target, SpeechElement):
            if edited := _replace_line(draft, dice, target):
                return edited
        elif sound := _pick_successor(draft, target, dice):
            return replace_sound(draft, dice, target, sound)
    target = dice.pick([e for e in draft.scene.elements if e.role == "ambience"])
    return replace_sound(draft, dice, target, _pick_fallback(draft, "ambience", dice, (target.id,)))


def _pick_successor(draft: Draft, target: Element, dice: Dice) -> Sound | None:
    own = {
        "ambience": draft.setting.ambiences,
        "effect": draft.setting.effects,
        "music": draft.setting.music,
    }[target.role]
    old = draft.names_by_id[target.id].sound
    others = [sound for sound in own if old is None or sound.tag != old.tag]
    if sound := _pick_unheard(draft, others, dice, (target.id,)):
        return sound
    return None if target.role == "ambience" else _find_fallback(draft, target.role, dice, (target.id,))


def replace_sound(draft: Draft, dice: Dice, target: Element, sound: Sound) -> Edited:
    """Replace one sound by a given one."""
    phrasing = draft.draw_phrasing(dice, "replace", ("any",))
    ways = sound.asks[::-1] if dice.chance(0.6) else sound.asks
    request = draft.phrase_request(phrasing.text, target, dice, new=ways)
    natural = place_sound(draft.tools, dice, sound, 0.0, (0.0, 0.0))
    # It takes the place of the old sound, but has a duration of its own.
    at = Placement(
        loudness=target.loudness if sound.role == "ambience" else natural.loudness,
        panning=target.panning,
        start_s=target.start_time,
        duration_s=_fit_duration(draft, target, natural.duration_s),
    )
    return request, [Replace(id=target.id, element=draft.make_new_element(sound, at, (target.id,)))]


def _fit_duration(draft: Draft, target: Element, natural_s: Seconds) -> Seconds:
    if target.role == "ambience":
        return target.duration
    return draft.tools.grid.duration(natural_s, target.start_time)


def _replace_line(draft: Draft, dice: Dice, target: SpeechElement) -> Edited | None:
    room_s = draft.measure_silence_after(target.start_time, besides=target.id)
    line = draft.pick_line(room_s, dice, quotable=True)
    if line is None:
        return None
    side = draft.tools.grid.side(target.panning)
    at = place_speech(draft.tools, dice, line, side=side, start_s=target.start_time, room_s=room_s)
    if not is_understood(at, draft.scene, draft.tools.grid, (target.id,)):
        return None
    element = draft.make_speech(line, target.speaker, target.gender, at, (target.id,))
    phrasing = draft.draw_phrasing(dice, "replace", ("speech",))
    request = fill(phrasing.text, who=f"the {target.speaker}", line=f'"{line.text}"')
    return request, [Replace(id=target.id, element=element)]


def _name_new_sound(sound: Sound, dice: Dice) -> str:
    """Name a new sound as a user does: in few words, or by its caption."""
    return dice.pick(sound.asks[:-1] or sound.asks) if dice.chance(0.4) else sound.caption


def _pick_unheard(
    draft: Draft, sounds: Sequence[Sound], dice: Dice, besides: Iterable[int] = ()
) -> Sound | None:
    """Pick a sound that was not heard yet, if possible one that does not contradict the mood of the scene."""
    drawn = dice.shuffle(sounds)
    if mood := draft.mood:
        drawn.sort(key=lambda sound: mood.opposes(sound.kinds))
    return next(draft.filter_free(drawn, besides), None)


def _pick_fallback(draft: Draft, role: str, dice: Dice, besides: Iterable[int] = ()) -> Sound:
    """Pick a sound as `_find_fallback` does. Raises RowFault if there is none."""
    if sound := _find_fallback(draft, role, dice, besides):
        return sound
    raise RowFault(
        "lexicon-exhausted", f"the lexicon has no other {role} for this scene; give it more `anywhere`"
    )


def _find_fallback(draft: Draft, role: str, dice: Dice, besides: Iterable[int]) -> Sound | None:
    """Return a sound of the role that fits anywhere, or another setting's ambience."""
    lexicon = draft.tools.lexicon
    if role == "ambience":
        pool = [*draft.setting.ambiences, *lexicon.grounds]
    else:
        pool = list(lexicon.music if role == "music" else lexicon.effects)
    sound = None
    for sounds in (draft.filter_common(pool), draft.filter_plausible(pool), pool):
        sound = sound or _pick_unheard(draft, sounds, dice, besides)
    if sound is None:
        # In a small lexicon everything was heard: a sound of an earlier turn returns.
        here = {element.text for element in draft.scene.elements}
        known = list(draft.filter_allowed((*pool, *(draft.setting.effects if role == "effect" else ()))))
        absent = (s for s in dice.shuffle(known) if s.caption not in here and draft.fits(s.naming, besides))
        sound = next(absent, None)
    return sound


EDITORS: Mapping[Task, Callable[[Draft, Dice], Edited]] = {
    "add": edit_add,
    "remove": edit_remove,
    "volume": edit_volume,
    "panning": edit_panning,
    "replace": edit_replace,
    "open": edit_open,
}
