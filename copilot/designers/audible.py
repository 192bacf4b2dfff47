"""The choice of edits that will be heard: a sound that others cover is not what a turn is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from copilot.audibility import GOOD_PREDICTED_DB, find_kind, predict_change
from copilot.edit import Operation, apply, compare
from copilot.scene import Scene
from copilot.units import DIGITAL_SILENCE_DB, Decibels

T = TypeVar("T")


def predict_margin(scene: Scene, operations: Sequence[Operation], *, is_open: bool = False) -> Decibels:
    """Return how far an edit will be heard beyond what designers plan with; below 0 if not as far.

    Of several sounds, the one that is heard least counts; in an open turn, the one that is heard most. An
    edit that changes nothing has -200.
    """
    after = apply(scene, operations)
    return (max if is_open else min)(
        (
            predict_change(scene, after, element_id) - GOOD_PREDICTED_DB[find_kind(scene, after, element_id)]
            for element_id in compare(scene, after).touched
        ),
        default=DIGITAL_SILENCE_DB,
    )


def keep_audible(options: Sequence[T], scene: Scene, make: Callable[[T], Sequence[Operation]]) -> list[T]:
    """Return the options whose operations, which `make` gives, will be heard; if there are none, the best.

    Their order stays.
    """
    margins = [predict_margin(scene, make(option)) for option in options]
    least = min(max(margins, default=0.0), 0.0)
    return [option for option, margin in zip(options, margins, strict=True) if margin >= least]
