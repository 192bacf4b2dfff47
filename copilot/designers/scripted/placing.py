"""The placement of new sounds: their loudness, panning, start and duration."""

from __future__ import annotations

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.draft import Placement, Tools
from copilot.designers.scripted.lexicon import Sound
from copilot.designers.scripted.lines import Line
from copilot.units import Lufs, Seconds

_AMBIENCE_LUFS = (-30.0, -24.0)
_MUSIC_LUFS = (-28.0, -22.0)
_SPEECH_LUFS = (-16.0, -14.0)
_UNDER_SPEECH_LU: Lufs = 2.5
"""The difference by which effects are softer in a scene with speech."""


def place_ambience(tools: Tools, dice: Dice) -> Placement:
    """Place the ambience of a scene: from the start to the end, in the middle."""
    return Placement(
        loudness=tools.grid.loudness(dice.between(*_AMBIENCE_LUFS)),
        panning=tools.grid.panning(dice.between(-1, 1), ambience=True),
        start_s=0.0,
        duration_s=tools.grid.duration(tools.limits.duration_s, 0.0),
    )


def place_sound(
    tools: Tools, dice: Dice, sound: Sound, side: float, when: tuple[float, float], *, ducked: bool = False
) -> Placement:
    """Place an effect or music on a side (-1 to 1), within a part (0 to 1) of the possible starts."""
    low_s, high_s = tools.limits.start_time_s.low, tools.limits.start_time_s.high
    start_s = tools.grid.start(low_s + dice.between(*when) * (high_s - low_s))
    shortest, longest = sound.family.seconds
    # A series of events needs time to be heard as one; a single event has its own duration.
    natural_s = dice.between((shortest + longest) / 2 if sound.family.repeats else shortest, longest)
    if sound.lasts or sound.role == "music":
        natural_s *= tools.grid.stretch
    lufs = dice.between(*(_MUSIC_LUFS if sound.role == "music" else sound.family.lufs))
    if ducked and sound.role == "effect":
        lufs -= _UNDER_SPEECH_LU
    return Placement(
        loudness=tools.grid.loudness(lufs),
        panning=tools.grid.panning(side),
        start_s=start_s,
        duration_s=tools.grid.duration(natural_s, start_s),
    )


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
