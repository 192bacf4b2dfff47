"""The placement of new sounds: their loudness, panning, start and duration."""

from __future__ import annotations

from collections.abc import Sequence

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.draft import Tools
from copilot.designers.scripted.grid import Placement
from copilot.designers.scripted.lexicon import Sound
from copilot.designers.scripted.lines import Line
from copilot.masking import measure_covered_s
from copilot.scene import SpeechElement
from copilot.units import Lufs, Seconds

_AMBIENCE_LUFS = (-30.0, -24.0)
_MUSIC_LUFS = (-28.0, -22.0)
_SPEECH_LUFS = (-14.0, -12.0)
_QUIET_LU: Lufs = 14.0
"""The distance from a line at which an effect may sound over it."""
_TRIES = 8
"""Starts that are tried for an effect that would cover a line."""


def place_ambience(tools: Tools, dice: Dice) -> Placement:
    """Place the ambience of a scene: from the start to the end, in the middle."""
    return Placement(
        loudness=tools.grid.loudness(dice.between(*_AMBIENCE_LUFS)),
        panning=tools.grid.panning(dice.between(-1, 1), ambience=True),
        start_s=0.0,
        duration_s=tools.grid.duration(tools.limits.duration_s, 0.0),
    )


def place_sound(
    tools: Tools,
    dice: Dice,
    sound: Sound,
    side: float,
    when: tuple[float, float],
    *,
    lines: Sequence[SpeechElement] = (),
) -> Placement:
    """Place an effect or music on a side (-1 to 1), within a part (0 to 1) of the possible starts.

    An effect that would cover one of the lines of its scene sounds before or after it, if that can be.
    """
    shortest, longest = sound.family.seconds
    # A series of events needs time to be heard as one; a single event has its own duration.
    natural_s = dice.between((shortest + longest) / 2 if sound.family.repeats else shortest, longest)
    if sound.lasts or sound.role == "music":
        natural_s *= tools.grid.stretch
    lufs = dice.between(*(_MUSIC_LUFS if sound.role == "music" else sound.family.lufs))
    loudness = tools.grid.loudness(lufs)
    covered = [line for line in lines if loudness > line.loudness - _QUIET_LU]
    if covered and sound.role == "effect":
        start_s, natural_s = _find_pause(tools, dice, when, (shortest, natural_s), covered)
    else:
        start_s = _draw_start(tools, dice, when)
    return Placement(
        loudness=loudness,
        panning=tools.grid.panning(side),
        start_s=start_s,
        duration_s=tools.grid.duration(natural_s, start_s),
    )


def _draw_start(tools: Tools, dice: Dice, when: tuple[float, float]) -> Seconds:
    low_s, high_s = tools.limits.start_time_s.low, tools.limits.start_time_s.high
    return tools.grid.start(low_s + dice.between(*when) * (high_s - low_s))


def _find_pause(
    tools: Tools,
    dice: Dice,
    when: tuple[float, float],
    seconds: tuple[Seconds, Seconds],
    lines: Sequence[SpeechElement],
) -> tuple[Seconds, Seconds]:
    """Return a start and a duration of a sound that cover least of the lines.

    `seconds` are the shortest possible duration and the wanted one.
    """
    shortest_s, longest_s = seconds

    def fit(start_s: Seconds) -> Seconds:
        next_s = min((line.start_time - start_s for line in lines if line.start_time > start_s), default=0.0)
        return next_s if shortest_s <= next_s < longest_s else longest_s

    def measure(start_s: Seconds) -> Seconds:
        return sum(measure_covered_s(line, start_s, start_s + fit(start_s)) for line in lines)

    starts = [_draw_start(tools, dice, when) for _ in range(_TRIES)]
    best_s = min(starts, key=measure)
    return best_s, fit(best_s)


def place_speech(
    tools: Tools, dice: Dice, line: Line, *, side: float, start_s: Seconds, room_s: Seconds
) -> Placement:
    """Place a line on a side at a start, with a little more time than the voice needs."""
    start_s = tools.grid.start(start_s)
    needed_s = line.needs_s(tools.limits)
    slot_s = min(needed_s + dice.between(0, 0.4), room_s, max(line.may_last_s(tools.limits), needed_s))
    return Placement(
        loudness=tools.grid.loudness(dice.between(*_SPEECH_LUFS)),
        panning=tools.grid.panning(side),
        start_s=start_s,
        duration_s=tools.grid.duration(slot_s, start_s),
    )


def draw_side(dice: Dice, sound: Sound, sign: int) -> float:
    """Draw a side for a sound: lasting sounds stay near the middle, events go further out."""
    if sound.role == "ambience":
        return 0.0
    if sound.role == "music":
        return dice.between(-0.2, 0.2)
    reach = (0.1, 0.5) if sound.lasts else (0.2, 0.85)
    return sign * dice.between(*reach)
