"""How far an edit is heard: what that means, and its prediction from the scenes alone.

An edit changes one sound, and a listener hears the mix: a sound that others cover can be made 6 dB louder
without anybody noticing. So the change is that of the level of the mix (of a panning, of the balance of left
and right) while the sound plays. For the prediction, sounds are as loud as planned throughout their
slots, and cover each other at all frequencies. Both make it lower than what `copilot.measured_audibility`
finds in the mix: at the median by 1.5 dB for a change of loudness, by 3 dB for one of panning, and by 6 to 9
dB for a sound that comes or goes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from copilot.audio.panning import pan_gains
from copilot.edit import changed_fields
from copilot.scene import Element, Scene
from copilot.units import Decibels, Seconds

Kind = Literal["volume", "panning", "sound"]
"""A change of loudness alone, of panning alone, or another: a sound that comes, goes or moves in time."""

LEAST_MEASURED_DB: Mapping[Kind, Decibels] = {"volume": 2.0, "panning": 3.0, "sound": 3.0}
"""The least change of the mix that a listener who requested it notices without effort."""

LEAST_PREDICTED_DB: Mapping[Kind, Decibels] = {"volume": 0.4, "panning": 1.0, "sound": 0.2}
"""The least prediction of an edit that may be heard."""

GOOD_PREDICTED_DB: Mapping[Kind, Decibels] = {"volume": 1.5, "panning": 2.0, "sound": 0.8}
"""The least prediction that designers plan with."""

MOST_DB: Decibels = 20.0
"""A larger change is heard as well as this one."""

INAUDIBLE_POWER = 10.0 ** (-70.0 / 10.0)
"""Power of what nobody hears, -70 LUFS: beside it, silence is no quieter."""


def find_kind(before: Scene, after: Scene, element_id: int) -> Kind:
    """Return the kind of the change that an edit makes to a sound."""
    fields = changed_fields(before, after, element_id)
    if fields == {"loudness"}:
        return "volume"
    return "panning" if fields == {"panning"} else "sound"


def predict_change(before: Scene, after: Scene, element_id: int) -> Decibels:
    """Return the change that is heard of one sound's edit, in dB: of level, or of balance if it is panned.

    0 if the sound is not edited, or in neither scene.
    """
    old, new = before.get(element_id), after.get(element_id)
    if old == new:
        return 0.0
    fields = changed_fields(before, after, element_id)
    # A sound is compared with what else is heard in the turn; one that is removed, with what was before.
    others = [_Part.of(e) for e in (after if new else before).elements if e.id != element_id]
    was, now = ([_Part.of(e)] if e else [] for e in (old, new))
    change = weight = 0.0
    for start_s, end_s in _list_spans([*was, *now], others):
        old_power, new_power = _add_power(was, start_s, end_s), _add_power(now, start_s, end_s)
        rest = _add_power(others, start_s, end_s)
        share = (end_s - start_s) * max(sum(old_power), sum(new_power))
        change += share * min(_compute_change(old_power, new_power, rest, fields), MOST_DB)
        weight += share
    return change / weight if weight else 0.0


_Sides = tuple[float, float]
"""Power of left and right."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A sound's slot, and its power there."""

    start_s: Seconds
    end_s: Seconds
    left: float
    right: float

    @classmethod
    def of(cls, element: Element) -> _Part:
        power = 10.0 ** (element.loudness / 10.0)
        left, right = pan_gains(element.panning, 1)
        return cls(element.start_time, element.end_time, power * left**2, power * right**2)


def _list_spans(own: list[_Part], others: list[_Part]) -> Iterator[tuple[Seconds, Seconds]]:
    """Yield the spans in which the same sounds play, from the first start of a sound to its last end."""
    first_s, last_s = min(part.start_s for part in own), max(part.end_s for part in own)
    times = {time_s for part in (*own, *others) for time_s in (part.start_s, part.end_s)}
    yield from pairwise(sorted(time_s for time_s in times if first_s <= time_s <= last_s))


def _add_power(parts: Iterable[_Part], start_s: Seconds, end_s: Seconds) -> _Sides:
    left = right = 0.0
    for part in parts:
        if part.start_s < end_s and part.end_s > start_s:
            left += part.left
            right += part.right
    return left, right


def _compute_change(was: _Sides, now: _Sides, rest: _Sides, fields: frozenset[str]) -> Decibels:
    left, right = (
        10.0 * math.log10((n + r + INAUDIBLE_POWER / 2) / (w + r + INAUDIBLE_POWER / 2))
        for w, n, r in zip(was, now, rest, strict=True)
    )
    balance = abs(left - right) if "panning" in fields else 0.0
    if fields == {"panning"}:
        return balance
    total = sum(rest) + INAUDIBLE_POWER
    return max(balance, abs(10.0 * math.log10((sum(now) + total) / (sum(was) + total))))
