"""Units, and the one rule from seconds to samples.

Arrays of audio are float32, shape (channels, samples), at `SAMPLE_RATE_HZ`, full scale 1.0.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Audio: TypeAlias = NDArray[np.float32]
    """Float32 audio, shape (channels, samples), full scale 1.0."""
else:
    # Most who need units need no arrays: NumPy is imported with the first use of `Audio`.
    def __getattr__(name):  # noqa: ANN001, ANN202 - typed above
        if name != "Audio":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import numpy as np  # noqa: PLC0415
        from numpy.typing import NDArray  # noqa: PLC0415

        return NDArray[np.float32]


Seconds = float
Decibels = float
Lufs = float

SAMPLE_RATE_HZ = 48_000
"""The one sample rate of stems and mixes."""

DIGITAL_SILENCE_DB = -200.0
"""Stands for minus infinity in values that must be finite (JSON, Parquet statistics)."""


def seconds_to_samples(seconds: Seconds, rate_hz: int = SAMPLE_RATE_HZ) -> int:
    """Return the number of samples in `seconds`, rounded half up. The only such rule in the project.

    Raises ValueError for a negative or non-finite duration.
    """
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"seconds: {seconds} is not a finite duration of at least 0")
    return math.floor(seconds * rate_hz + 0.5)


def samples_to_seconds(n_samples: int, rate_hz: int = SAMPLE_RATE_HZ) -> Seconds:
    """Return the duration of `n_samples`, in seconds."""
    return n_samples / rate_hz


def db_to_gain(level_db: Decibels) -> float:
    """Return the factor of amplitude of a level in decibels."""
    return float(10.0 ** (level_db / 20.0))


def gain_to_db(gain: float) -> Decibels:
    """Return a factor of amplitude in decibels; `DIGITAL_SILENCE_DB` at and below that level."""
    return max(20.0 * math.log10(gain), DIGITAL_SILENCE_DB) if gain > 0 else DIGITAL_SILENCE_DB
