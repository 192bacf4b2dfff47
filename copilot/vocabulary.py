"""Small words of the data, light to import: a check, a spoken word, a tier, what a run keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from copilot.units import Seconds


@dataclass(frozen=True, slots=True)
class Check:
    """One named test of a sample: it passes if the value is at most the limit."""

    name: str
    value: float
    limit: float

    @property
    def passed(self) -> bool:
        """True if the value keeps the limit."""
        return self.value <= self.limit


Tier = Literal["valid", "hq"]


Keep = Literal["mixes", "stems", "both"]


ForeignSeeds = Literal["reject", "silent"]
"""A seed in a language that the designer does not write: a reject, or a dialogue without speech."""


BitDepth = Literal[16, 24]
"""Of a mix's file. Stems have 24."""


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word and the time at which it is heard, in seconds from the start of the stem."""

    text: str
    start_s: Seconds
    end_s: Seconds
