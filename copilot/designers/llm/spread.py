"""Finer values in place of a reply's steps, so that a scene has -17.3 LUFS where its reply says -17.

The values derive from content: the run's random seed, the seed's id, the turn, the sound and the field. Each
is nearest to its step and within the limits, no sound ends later than its steps say, and a change of loudness
or panning is never smaller than its steps make it. A number that is none of the steps stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from copilot.designers.llm.scales import Scale, Scales
from copilot.frozen_model import Range
from copilot.hashing import derive_random_seed
from copilot.scene import MIX_FIELDS, Element, Role
from copilot.units import Seconds

_N_SEEDS = 2**63
"""The number of random seeds."""


@dataclass(frozen=True, slots=True)
class Known:
    """A sound that a reply changes: as it is, and its numbers as the model knows them."""

    element: Element
    shown: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Spread:
    """Spreads the numbers of one turn's sounds. `fixed` are the fields that keep their steps, by role."""

    scales: Scales
    run_seed: int
    seed_id: str
    turn: int
    fixed: Mapping[Role, frozenset[str]] = field(default_factory=dict)

    def refine(
        self, fields: Mapping[str, Any], role: Role, element_id: int, known: Known | None = None
    ) -> dict[str, Any]:
        """Return a reply's fields of a sound with finer numbers: all of a new sound, some of a known one."""
        sound = _Sound(self, {n: fields[n] for n in MIX_FIELDS if n in fields}, role, element_id, known)
        return {**fields, **sound.refine()}


class _Sound:
    """The numbers of one sound: those that its reply says, and those made of them so far."""

    def __init__(
        self, spread: Spread, said: Mapping[str, float], role: Role, element_id: int, known: Known | None
    ) -> None:
        self._spread, self._said, self._role = spread, said, role
        self._element_id, self._known = element_id, known
        self._shown = {**(known.shown if known else {}), **said}
        """All numbers after the turn, as the model knows them."""
        self._made = known.element.model_dump(include=set(MIX_FIELDS)) if known else {}

    def refine(self) -> dict[str, float]:
        for name, value in self._said.items():
            if self._known and value == self._known.shown[name]:
                continue
            room = self._find_room(name, value)
            self._made[name] = (
                value if room is None else self._scale(name).spread(value, self._draw(name), room)
            )
        return {name: self._made[name] for name in self._said}

    def _scale(self, name: str) -> Scale:
        return self._spread.scales.get(name, self._role)

    def _draw(self, name: str) -> float:
        spread = self._spread
        parts = ("spread", spread.run_seed, spread.seed_id, spread.turn, self._element_id, name)
        return derive_random_seed(*parts) / _N_SEEDS

    def _find_room(self, name: str, value: float) -> Range | None:
        """Return the range of the finer values; None if the number stays as it is."""
        allowed = self._scale(name).allowed
        if name in self._spread.fixed.get(self._role, ()) or not self._scale(name).is_step(value):
            return None
        if name in {"start_time", "duration"}:
            latest = (
                self._find_latest_start() if name == "start_time" else self._end_s - self._made["start_time"]
            )
            return Range(low=min(allowed.low, latest), high=latest)
        if name == "panning" and value == 0:
            return None  # the centre is a place of its own
        if self._known is None:
            return allowed
        louder = value > self._made[name]
        return Range(low=value, high=allowed.high) if louder else Range(low=allowed.low, high=value)

    @property
    def _end_s(self) -> Seconds:
        return self._shown["start_time"] + self._shown["duration"]

    def _find_latest_start(self) -> Seconds:
        """Return the latest start from which the sound can end no later than its steps say."""
        duration = self._shown.get("duration")
        if duration is None:
            return self._scale("start_time").allowed.high  # a line lasts as long as its words
        if self._known and duration == self._known.shown["duration"]:
            return self._end_s - self._known.element.duration
        if "duration" in self._spread.fixed.get(self._role, ()) or not self._scale("duration").is_step(
            duration
        ):
            return self._shown["start_time"]
        shortest = duration - self._scale("duration").step / 2
        return self._end_s - max(self._scale("duration").allowed.low, shortest)
