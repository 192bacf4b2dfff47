"""A sample: one dialogue with its stems and mixes; and a rejected seed, with the stage and the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from copilot.audio.pcm import decode_flac, to_float
from copilot.designers.account import Account
from copilot.dialogue import Dialogue
from copilot.edges import MIX_VERSION
from copilot.errors import CorruptDataError
from copilot.hashing import content_hash
from copilot.heard import Heard
from copilot.mix import DialogueMix, mix_dialogue
from copilot.seed import Seed
from copilot.stem import Stem, StemInfo, load_stem
from copilot.units import Audio, Decibels, Seconds
from copilot.vocabulary import BitDepth, Check, Tier


def sample_id(run_seed: int, seed_id: str) -> str:
    """Return the sample's id: 16 hexadecimal digits from the run's random seed and the seed's id."""
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
    the voice of the bank that was cast, if the backend cannot clone it and speaks with its own voice.
    """

    speaker: str
    voice: str
    fits: Literal["gender-and-emotion", "gender"]
    stands_for: str | None = None
    recordings: tuple[Recording, ...] = ()


@dataclass(frozen=True, slots=True)
class Provenance:
    """The origin of a sample: designer, run, voices, and the versions of the software."""

    designer: str
    mode: str
    run_seed: int
    fingerprint: str
    account: Account = field(default_factory=Account, repr=False)
    normalised: tuple[str, ...] = field(default=(), repr=False)
    voices: tuple[CastVoice, ...] = field(default=(), repr=False)
    versions: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class StoredStem:
    """A stem as a sample stores it: under an element's id, with or without its FLAC file."""

    element_id: int
    info: StemInfo
    flac: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of the data set. `mixes` holds one FLAC file per turn, or none if only stems are kept.

    `copilot.arrow.read_sample` makes it from a row of a run's Parquet files:

        sample.audio(turn=2)                  # float32, (2, samples), 48 kHz
        sample.mix_again().turns[2].audio     # the same, mixed from the stems
    """

    id: str
    seed: Seed
    tier: Tier
    dialogue: Dialogue
    mixes: tuple[bytes, ...]
    stems: tuple[StoredStem, ...]
    headroom_db: Decibels
    mix_bits: BitDepth
    checks: tuple[Check, ...]
    provenance: Provenance
    heard: tuple[Mapping[int, Heard], ...] = field(default=(), repr=False)
    """For each turn, when its sounds are heard, by element id; empty for a sample of an older run."""
    mix_version: int = MIX_VERSION

    @property
    def duration_s(self) -> Seconds:
        """Seconds of the mixes of all turns together."""
        return sum(turn.scene.duration_s for turn in self.dialogue.turns)

    def __repr__(self) -> str:
        """Name the sample and count its parts."""
        tasks = "/".join(turn.task for turn in self.dialogue.turns)
        n_passed = sum(check.passed for check in self.checks)
        return (
            f"Sample(id={self.id!r}, seed_id={self.seed.id!r}, tier={self.tier!r}, turns={tasks}, "
            f"{len(self.mixes)} mixes, {len(self.stems)} stems, "
            f"{n_passed} of {len(self.checks)} checks passed)"
        )

    def _repr_html_(self) -> str:
        """Return a picture and a player of each turn for notebooks."""
        from copilot.notebook import render_sample  # noqa: PLC0415 - only notebooks need it

        return render_sample(self)

    def audio(self, turn: int) -> Audio:
        """Return a turn's mix as float32, (2, samples), full scale 1.0. Turns count from 0, the story.

        Decodes the stored mix; if only stems are kept, mixes them again, to the same samples. Raises
        IndexError for a turn that the sample does not have, CorruptDataError for a damaged file.
        """
        if not 0 <= turn < len(self.dialogue.turns):
            raise IndexError(f"turn {turn}: sample {self.id} has turns 0 to {len(self.dialogue.turns) - 1}")
        if not self.mixes:
            return self._mix(slice(turn, turn + 1)).turns[0].audio
        pcm, bits = decode_flac(self.mixes[turn])
        return to_float(pcm, bits)

    def load_stems(self) -> dict[int, Stem]:
        """Return the stems by element id. Raises CorruptDataError for one that is not kept, or damaged."""
        return {stored.element_id: self._load(stored) for stored in self.stems}

    def mix_again(self) -> DialogueMix:
        """Mix all turns from the stems: equal to the stored mixes to the bit. Raises as `load_stems` does."""
        return self._mix(slice(None))

    def _mix(self, turns: slice) -> DialogueMix:
        scenes = [turn.scene for turn in self.dialogue.turns]
        used = frozenset().union(*(scene.ids for scene in scenes[turns]))
        stems = {stored.element_id: self._load(stored) for stored in self.stems if stored.element_id in used}
        return mix_dialogue(
            scenes, stems, self.mix_bits, self.headroom_db, version=self.mix_version, turns=turns
        )

    def _load(self, stored: StoredStem) -> Stem:
        if stored.flac is None:
            raise CorruptDataError(f"sample {self.id}: keeps no audio of stem {stored.element_id}")
        return load_stem(stored.info, stored.flac)


@dataclass(frozen=True, slots=True)
class Reject:
    """A seed that became no sample: the stage that rejected it, a kebab-case reason, a detail for people."""

    id: str
    seed: Seed
    stage: str
    reason: str
    detail: str = field(repr=False)
    raw_replies: tuple[str, ...] = field(default=(), repr=False)
    dialogue: Dialogue | None = field(default=None, repr=False)
