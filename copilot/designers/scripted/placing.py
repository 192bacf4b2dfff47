"""Where new sounds stand: their loudness, panning, start and duration."""

from __future__ import annotations

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.draft import Desk, Placement
from copilot.designers.scripted.lexicon import Sound
from copilot.designers.scripted.lines import Line
from copilot.units import Lufs, Seconds

_AMBIENCE_LUFS = (-30.0, -24.0)
_MUSIC_LUFS = (-28.0, -22.0)
_SPEECH_LUFS = (-16.0, -14.0)
_UNDER_SPEECH_LU: Lufs = 2.5
"""How much effects give way where somebody speaks."""


def place_ambience(desk: Desk, dice: Dice) -> Placement:
    """The ground of the scene: from the start to the end, in the middle."""
    return Placement(
        loudness=desk.grid.loudness(dice.between(*_AMBIENCE_LUFS)),
        panning=desk.grid.panning(dice.between(-1, 1), ambience=True),
        start_s=0.0,
        duration_s=desk.grid.duration(desk.limits.duration_s, 0.0),
    )


def place_sound(
    desk: Desk, dice: Dice, sound: Sound, side: float, when: tuple[float, float], *, ducked: bool = False
) -> Placement:
    """An effect or music on a side (-1 to 1), starting within a part (0 to 1) of the possible starts."""
    low_s, high_s = desk.limits.start_time_s.low, desk.limits.start_time_s.high
    start_s = desk.grid.start(low_s + dice.between(*when) * (high_s - low_s))
    shortest, longest = sound.family.seconds
    # A run of events needs time to be heard as one; a single event is as long as it is.
    natural_s = dice.between((shortest + longest) / 2 if sound.family.repeats else shortest, longest)
    if sound.lasts or sound.role == "music":
        natural_s *= desk.grid.stretch
    lufs = dice.between(*(_MUSIC_LUFS if sound.role == "music" else sound.family.lufs))
    if ducked and sound.role == "effect":
        lufs -= _UNDER_SPEECH_LU
    return Placement(
        loudness=desk.grid.loudness(lufs),
        panning=desk.grid.panning(side),
        start_s=start_s,
        duration_s=desk.grid.duration(natural_s, start_s),
    )


def place_speech(
    desk: Desk, dice: Dice, line: Line, *, side: float, start_s: Seconds, room_s: Seconds
) -> Placement:
    """A line on a side, from a start on; the slot leaves the voice a little more than it needs."""
    start_s = desk.grid.start(start_s)
    needed_s = line.needs_s(desk.limits)
    slot_s = min(needed_s + dice.between(0, 0.4), room_s, max(line.may_last_s(desk.limits), needed_s))
    return Placement(
        loudness=desk.grid.loudness(dice.between(*_SPEECH_LUFS)),
        panning=desk.grid.panning(side),
        start_s=start_s,
        duration_s=desk.grid.duration(slot_s, start_s),
    )


def side_of(dice: Dice, sound: Sound, sign: int) -> float:
    """A side for a sound: what lasts stays near the middle, what marks a moment goes further out."""
    if sound.role == "ambience":
        return 0.0
    if sound.role == "music":
        return dice.between(-0.2, 0.2)
    reach = (0.1, 0.5) if sound.lasts else (0.2, 0.85)
    return sign * dice.between(*reach)
