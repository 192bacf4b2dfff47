"""The disk that dialogues take, estimated before anything is rendered.

The figures were measured on samples of the built-in backends. Sounds of a model, in stereo and full of
detail, may take twice as much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from copilot.units import Seconds
from copilot.vocabulary import BitDepth, Keep
from pipelines.config import RunConfig

_MIX_BYTES_PER_S: Mapping[BitDepth, int] = {16: 115_000, 24: 211_000}
_STEM_BYTES_PER_S = 140_000
_STORY_SOUNDS = 6.0
_SOUNDS_PER_EDIT = 0.75
_AMBIENCES = 1.3
"""Ambiences of a dialogue, which last as long as its scene."""
_OTHER_SOUND_S: Seconds = 4.4
_OTHER_BYTES = 10_000
"""Everything in a row but its audio."""


@dataclass(frozen=True, slots=True)
class DiskUse:
    """Bytes of one dialogue: of its mixes and its stems in a shard, and of the stems in the stem store."""

    mixes: float
    stems: float
    store: float

    def sum_kept(self, keep: Keep) -> float:
        """Return the bytes in a shard if `keep` is stored."""
        audio = {"mixes": self.mixes, "stems": self.stems, "both": self.mixes + self.stems}
        return audio[keep] + _OTHER_BYTES


def estimate_disk(config: RunConfig) -> DiskUse:
    """Return what a dialogue of a configuration takes, right to a factor of about two."""
    limits, n_turns = config.limits, config.n_turns
    n_sounds = min(_STORY_SOUNDS + _SOUNDS_PER_EDIT * (n_turns - 1), limits.n_elements + n_turns - 1)
    n_ambiences = min(_AMBIENCES, n_sounds)
    other_s = min(_OTHER_SOUND_S, limits.duration_s)
    stems_s = n_ambiences * limits.duration_s + (n_sounds - n_ambiences) * other_s
    stems = stems_s * _STEM_BYTES_PER_S
    mixes = n_turns * limits.duration_s * _MIX_BYTES_PER_S[config.mix_bits]
    return DiskUse(mixes=mixes, stems=stems, store=stems)
