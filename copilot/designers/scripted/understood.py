"""Loudness that leaves speech understood: of new sounds, and of edits for which no line has to suffer.

Plans have a margin over `copilot.masking:LEAST_LEAD_LU`, because sounds are not equally loud throughout. A
line that lies below it already is left alone: a user, or another designer, wanted it masked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.grid import Grid, Placement
from copilot.masking import (
    GOOD_LEAD_LU,
    LEAST_LEAD_LU,
    find_cap,
    list_lines,
    measure_share,
    predict_lead,
)
from copilot.scene import Element, Scene, SoundElement, SpeechElement
from copilot.units import Lufs

_STORY_LEADS_LU = (GOOD_LEAD_LU, GOOD_LEAD_LU + 1.5)
_BED_LEAD_LU: Lufs = 14.0
"""The least lead over each ambience and each piece of music."""
_ONE_LEAD_LU: Lufs = 6.0
"""The least lead over any one sound, however little it covers: it may be loudest just there."""
_EDIT_LEAD_LU: Lufs = LEAST_LEAD_LU + 1.5
"""The least lead that a new sound or a change of level leaves."""
_LAST_LEAD_LU: Lufs = LEAST_LEAD_LU + 1.0
_MOST_LOST_LU: Lufs = 0.5
"""The most that a new sound takes of a lead that is `_EDIT_LEAD_LU` already, down to `_LAST_LEAD_LU`."""
_UNEVEN_LU: Lufs = 1.5
"""Sounds that come down do not all come to the same loudness."""


def settle_story(scene: Scene, dice: Dice, grid: Grid) -> Scene:
    """Return a story's scene with its sounds as far below its lines as this story has them."""
    lead_lu = dice.between(*_STORY_LEADS_LU)
    for line in list_lines(scene):
        others = _leave_out(scene, {line.id})
        sounds = [_lower_one(e, line, grid) for e in others if not isinstance(e, SpeechElement)]
        lines = [e for e in others if isinstance(e, SpeechElement)]
        cap = find_cap(line, sounds, lines, lead_lu)
        lowered = (
            _lower(e, cap - dice.between(0, _UNEVEN_LU), grid) if _passes(e, line, cap) else e for e in sounds
        )
        scene = Scene(elements=(line, *lines, *lowered))
    # Limits may not let the others come down so far.
    raised = [raise_line(line, scene, grid) for line in list_lines(scene)]
    return Scene(elements=(*raised, *_leave_out(scene, (line.id for line in raised))))


def _lower_one(sound: SoundElement, line: SpeechElement, grid: Grid) -> SoundElement:
    if measure_share(sound, line) == 0:
        return sound
    lead_lu = _ONE_LEAD_LU if sound.role == "effect" else _BED_LEAD_LU
    return _lower(sound, line.loudness - lead_lu, grid)


def _passes(sound: Element, line: SpeechElement, cap: Lufs) -> bool:
    return measure_share(sound, line) > 0 and sound.loudness > cap


def _lower(sound: SoundElement, most: Lufs, grid: Grid) -> SoundElement:
    if sound.loudness <= most:
        return sound
    return sound.model_copy(update={"loudness": grid.level(max(most, grid.limits.loudness_lufs.low))})


def limit_sound(sound: SoundElement, scene: Scene, grid: Grid, gone: Iterable[int] = ()) -> SoundElement:
    """Return a new sound at a loudness that leaves the lines of its scene understood.

    `gone` are sounds that leave the scene with it.
    """
    others = _leave_out(scene, {*gone, sound.id})
    leads = _list_leads(Scene(elements=others))
    wanted = {
        line: min(_EDIT_LEAD_LU, max(_LAST_LEAD_LU, lead - _MOST_LOST_LU)) for line, lead in leads.items()
    }
    return _lower(sound, _find_cap(sound, others, wanted), grid)


def raise_line(line: SpeechElement, scene: Scene, grid: Grid, gone: Iterable[int] = ()) -> SpeechElement:
    """Return a new line at a loudness at which it is understood in its scene, as far as limits allow."""
    missing_lu = GOOD_LEAD_LU - predict_lead(Scene(elements=_leave_out(scene, gone)), line)
    return line.model_copy(update={"loudness": grid.level(line.loudness + max(missing_lu, 0.0))})


def is_understood(at: Placement, scene: Scene, grid: Grid, gone: Iterable[int] = ()) -> bool:
    """Return whether a new line would be understood at a place, at the highest loudness that it may have."""
    others = _leave_out(scene, gone)
    line = SpeechElement(
        id=max((element.id for element in others), default=0) + 1,
        text="",
        speaker="someone",
        gender="female",
        loudness=grid.limits.loudness_lufs.high,
        panning=at.panning,
        start_time=at.start_s,
        duration=at.duration_s,
    )
    loudest = max((other.loudness for other in others if measure_share(other, line) > 0), default=-math.inf)
    lead_lu = predict_lead(Scene(elements=others), line)
    return lead_lu >= GOOD_LEAD_LU and line.loudness - loudest >= _ONE_LEAD_LU


def measure_room_lu(element: Element, scene: Scene, way: Literal["up", "down"]) -> Lufs:
    """Return how much louder ("up") or quieter ("down") a sound may become so that lines stay understood."""
    if isinstance(element, SpeechElement):
        return math.inf if way == "up" else max(predict_lead(scene, element) - _EDIT_LEAD_LU, 0.0)
    if way == "down":
        return math.inf
    wanted = dict.fromkeys(_list_leads(scene), _EDIT_LEAD_LU)
    return max(_find_cap(element, _leave_out(scene, {element.id}), wanted) - element.loudness, 0.0)


def _list_leads(scene: Scene) -> dict[SpeechElement, Lufs]:
    """Return the leads of the lines that are understood."""
    leads = {line: predict_lead(scene, line) for line in list_lines(scene)}
    return {line: lead for line, lead in leads.items() if lead >= LEAST_LEAD_LU}


def _find_cap(sound: Element, others: Sequence[Element], leads: Mapping[SpeechElement, Lufs]) -> Lufs:
    """Return the loudness up to which a sound leaves each line its lead; infinite if it covers none."""
    loudest = sound.model_copy(update={"loudness": 0.0})
    caps = (
        min(
            find_cap(line, [loudest], [other for other in others if other.id != line.id], lead),
            line.loudness - _ONE_LEAD_LU,
        )
        for line, lead in leads.items()
        if measure_share(sound, line) > 0
    )
    return min(caps, default=math.inf)


def _leave_out(scene: Scene, ids: Iterable[int]) -> tuple[Element, ...]:
    gone = frozenset(ids)
    return tuple(element for element in scene.elements if element.id not in gone)
