"""A sample: one dialogue with its stems and mixes; and a rejected seed, with the stage and the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from copilot.designers.contract import Account
from copilot.dialogue import Dialogue
from copilot.hashing import content_hash
from copilot.seed import Seed
from copilot.stem import StemInfo
from copilot.units import Decibels
from copilot.vocabulary import Check, Tier


def sample_id(run_seed: int, seed_id: str) -> str:
    """The sample's id: 16 hexadecimal digits from the run's seed and the seed's id."""
    return content_hash([run_seed, seed_id])[:16]


def tier_of(checks: Iterable[Check]) -> Tier:
    """Return `hq` if all checks passed, else `valid`."""
    return "hq" if all(check.passed for check in checks) else "valid"


@dataclass(frozen=True, slots=True)
class Recording:
    """A file that shows a voice, and its licence."""

    file: str
    licence: str


@dataclass(frozen=True, slots=True)
class CastVoice:
    """The voice that a speaker has for the whole dialogue, and the recordings that showed it to the backend.

    `fits` says whether the voice has the speaker's gender and emotions, or the gender alone. `stands_for` is
    the voice of the bank that was cast, where the backend cannot clone it and speaks with one of its own.
    """

    speaker: str
    voice: str
    fits: Literal["gender-and-emotion", "gender"]
    stands_for: str | None = None
    recordings: tuple[Recording, ...] = ()


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a sample came about."""

    designer: str
    mode: str
    run_seed: int
    fingerprint: str
    account: Account = field(default_factory=Account)
    normalised: tuple[str, ...] = ()
    voices: tuple[CastVoice, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredStem:
    """A stem as a sample stores it: under an element's id, with or without its FLAC file."""

    element_id: int
    info: StemInfo
    flac: bytes | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of the data set. `mixes` holds one FLAC file a turn, or none where only stems are kept."""

    id: str
    seed: Seed
    tier: Tier
    dialogue: Dialogue
    mixes: tuple[bytes, ...]
    stems: tuple[StoredStem, ...]
    headroom_db: Decibels
    mix_bits: int
    checks: tuple[Check, ...]
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Reject:
    """One seed that gave no sample: the stage that gave up, a kebab-case reason, and a detail for people."""

    id: str
    seed: Seed
    stage: str
    reason: str
    detail: str
    raw_replies: tuple[str, ...] = ()
    dialogue: Dialogue | None = None
