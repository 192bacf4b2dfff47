"""Loudness at which a new sound is noticed: a user who asks for a sound wants to hear it come."""

from __future__ import annotations

from collections.abc import Iterable

from copilot.audibility import GOOD_PREDICTED_DB, LEAST_PREDICTED_DB
from copilot.designers.audible import predict_margin
from copilot.designers.scripted.grid import Grid
from copilot.designers.scripted.understood import limit_sound
from copilot.edit import Add
from copilot.scene import Scene, SoundElement

_MOST_STEPS_LU = 8
_UNHEARD_DB = 1.5 * LEAST_PREDICTED_DB["sound"] - GOOD_PREDICTED_DB["sound"]


def lift_sound(sound: SoundElement, scene: Scene, grid: Grid, gone: Iterable[int] = ()) -> SoundElement:
    """Return a new sound as loud as it takes to notice it, as far as limits and the scene's lines allow.

    One that would not be heard at all is louder than lines allow, which they hardly notice: it is 10 dB or
    more below all else. `gone` are sounds that leave the scene with it.
    """
    left = frozenset(gone)
    others = Scene(elements=tuple(element for element in scene.elements if element.id not in left))
    raised = [
        sound.model_copy(update={"loudness": grid.level(sound.loudness + step)})
        for step in range(_MOST_STEPS_LU + 1)
    ]
    limited = [limit_sound(one, others, grid) for one in raised]
    noticed = (one for one in limited if predict_margin(others, [Add(element=one)]) >= 0)
    if (lifted := next(noticed, None)) is not None:
        return lifted
    for one in (limited[-1], *raised):
        if predict_margin(others, [Add(element=one)]) >= _UNHEARD_DB:
            return one
    return raised[-1]
