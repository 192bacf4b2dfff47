"""The base class of values that pydantic validates, and a range of numbers."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator


class FrozenModel(BaseModel):
    """A value: cannot be changed, knows no other fields, holds no NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Range(FrozenModel):
    """A closed range of numbers."""

    low: float
    high: float

    @model_validator(mode="after")
    def _require_order(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"range: {self.low} is above {self.high}")
        return self

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high
