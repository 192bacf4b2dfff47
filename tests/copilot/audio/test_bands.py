"""Powers in bands and blocks: they add up to the loudness, and a tone is in its own band."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot.audio.bands import HOP, N_BANDS, band_power, count_blocks
from copilot.audio.loudness import integrated_loudness
from copilot.units import Audio


def tone(hz: float, duration_s: float = 2.0, gain: float = 0.1) -> Audio:
    time = np.arange(round(duration_s * 48_000)) / 48_000
    return np.asarray(gain * np.sin(2 * np.pi * hz * time)[np.newaxis], dtype=np.float32)


@pytest.mark.parametrize("hz", [140, 440, 1000, 3500, 9000])
def test_the_bands_of_a_tone_have_its_loudness(hz):
    sound = tone(hz)
    power = band_power(sound)[0, 2:-3].sum(axis=1)
    assert -0.691 + 10 * np.log10(power.mean()) == pytest.approx(integrated_loudness(sound), abs=0.2)


@pytest.mark.parametrize(("hz", "band"), [(140, 4), (1130, 13), (18_000, 25)])
def test_a_tone_is_in_its_own_band(hz, band):
    power = band_power(tone(hz))[0].mean(axis=0)
    assert power.argmax() == band
    assert power[band] > 0.8 * power.sum()


def test_channels_are_measured_apart_and_time_is_kept():
    sound = np.zeros((2, 10 * HOP), dtype=np.float32)
    sound[1, 6 * HOP] = 1.0
    power = band_power(sound).sum(axis=2)
    assert power.shape == (2, 11)
    assert not power[0].any()
    assert power[1].argmax() == 6
    assert power[1, :5].max() < 1e-6 * power[1, 6]


@given(st.integers(1, 20_000))
@settings(max_examples=20, deadline=None)
def test_every_length_has_its_blocks(n_samples):
    power = band_power(np.ones((1, n_samples), dtype=np.float32))
    assert power.shape == (1, count_blocks(n_samples), N_BANDS)
    assert (count_blocks(n_samples) - 1) * HOP >= n_samples
