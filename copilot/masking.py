"""Speech against all else that sounds meanwhile: a line's lead, in LU, as the scene alone predicts it.

The rest of a scene is everything but the line, other lines too: a listener understands neither of two people
who speak at once. The prediction takes a sound as equally loud throughout, and a line to end before its slot.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

from copilot.dialogue import Dialogue, Task
from copilot.scene import Element, Scene, SpeechElement
from copilot.units import DIGITAL_SILENCE_DB, Lufs, Seconds

LEAST_LEAD_LU: Lufs = 5.0
"""The least lead of a line that is followed without effort."""

GOOD_LEAD_LU: Lufs = 8.0
"""The least lead that designers plan with."""

_SPOKEN_SHARE = 0.75
"""The share of a slot in which its line is spoken, on the safe side: voices take some 60 % of it."""

_JUDGED_TASKS: frozenset[Task] = frozenset({"story", "add", "replace"})

Lead = Callable[[Scene, SpeechElement], Lufs]


def list_lines(scene: Scene) -> list[SpeechElement]:
    """Return the lines of a scene, by id."""
    return [element for element in scene.elements if isinstance(element, SpeechElement)]


def list_judged_lines(dialogue: Dialogue, lead: Lead) -> Iterator[tuple[int, SpeechElement, Lufs]]:
    """Yield each line, with its turn and its lead, in the turns that have to keep it understood.

    These are the turns that bring sounds without a request for other levels: a user who turns the rain up, or
    wants the scene wilder, may drown a line. One that was masked before the turn is not judged again.
    """
    for index, before, turn, _ in dialogue.transitions():
        if turn.task not in _JUDGED_TASKS:
            continue
        for line in list_lines(turn.scene):
            old = before.get(line.id)
            if not isinstance(old, SpeechElement) or lead(before, old) >= LEAST_LEAD_LU:
                yield index, line, lead(turn.scene, line)


def predict_lead(scene: Scene, line: SpeechElement) -> Lufs:
    """Return the loudness of a line over that of all else while it is spoken; 200 or so over nothing."""
    rest = sum(measure_share(other, line) * _to_power(other.loudness) for other in _list_rest(scene, line))
    return line.loudness - _to_loudness(rest)


def _list_rest(scene: Scene, line: SpeechElement) -> Iterator[Element]:
    return (element for element in scene.elements if element.id != line.id)


def measure_share(sound: Element, line: SpeechElement) -> float:
    """Return the share of a line, from 0 to 1, in which another sound is heard."""
    covered_s = measure_covered_s(line, sound.start_time, sound.end_time)
    return covered_s / (line.duration * _SPOKEN_SHARE)


def measure_covered_s(line: SpeechElement, start_s: Seconds, end_s: Seconds) -> Seconds:
    """Return the time in which a line is spoken between two moments of its scene."""
    spoken_end_s = line.start_time + line.duration * _SPOKEN_SHARE
    return max(min(end_s, spoken_end_s) - max(start_s, line.start_time), 0.0)


def find_cap(
    line: SpeechElement, movable: Iterable[Element], fixed: Iterable[Element], lead_lu: Lufs
) -> Lufs:
    """Return the loudness that no movable sound may pass if the line shall have a lead.

    Loud sounds come down first, so that quiet ones stay as they are. `fixed` are the others in the scene.
    Infinite if nothing has to come down, minus infinity if the fixed ones alone leave no such lead.
    """
    left = _to_power(line.loudness - lead_lu) - sum(
        measure_share(sound, line) * _to_power(sound.loudness) for sound in fixed
    )
    shares = sorted((sound.loudness, measure_share(sound, line)) for sound in movable)
    weight = sum(share for _, share in shares)
    for loudness, share in shares:
        if weight <= 0:
            break
        if left <= 0 or _to_power(loudness) * weight > left:
            return _to_loudness(left / weight) if left > 0 else -math.inf
        left -= share * _to_power(loudness)
        weight -= share
    return math.inf if left >= 0 else -math.inf


def _to_power(loudness: Lufs) -> float:
    return float(10.0 ** (loudness / 10.0))


def _to_loudness(power: float) -> Lufs:
    return 10.0 * math.log10(power) if power > 0 else DIGITAL_SILENCE_DB
