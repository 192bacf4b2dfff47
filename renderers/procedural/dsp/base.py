"""Types shared by the signal processing of this package.

A `Signal` is one channel, float32, shape (n_samples,), at 48 kHz.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from copilot.units import SAMPLE_RATE_HZ

Signal = NDArray[np.float32]
"""One channel of sound, or a curve with one value a sample."""

Positions = NDArray[np.int64]
"""Sample positions of events."""

Points = Sequence[tuple[float, float]]
"""Breakpoints of a curve: (Hz, dB) of a spectrum, or (seconds, level) of an envelope; ascending."""

NYQUIST_HZ = SAMPLE_RATE_HZ / 2
