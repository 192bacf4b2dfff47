"""Levels, loudness, true peak, panning and PCM, against their definitions and against pyloudnorm."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from copilot.audio.activity import active_span
from copilot.audio.clipping import clipped_share
from copilot.audio.conform import conform
from copilot.audio.loudness import integrated_loudness
from copilot.audio.panning import pan_gains
from copilot.audio.pcm import decode_flac, encode_flac, full_scale, quantise, to_float
from copilot.audio.peak import true_peak, true_peak_dbtp
from copilot.errors import CorruptDataError, RowFault
from copilot.units import SAMPLE_RATE_HZ, db_to_gain, gain_to_db, samples_to_seconds, seconds_to_samples


def noise(seed: int, n_channels: int, n_samples: int, level: float = 0.1) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((n_channels, n_samples)) * level).astype(np.float32)


def sine(frequency_hz: float, n_samples: int, phase: float = 0.0) -> np.ndarray:
    t = np.arange(n_samples) / SAMPLE_RATE_HZ
    return np.sin(2 * np.pi * frequency_hz * t + phase)[None].astype(np.float32)


class TestUnits:
    @pytest.mark.parametrize(
        ("seconds", "rate_hz", "n_samples"),
        [
            (0, 48_000, 0),
            (8, 48_000, 384_000),
            (0.5 / 48_000, 48_000, 1),
            (0.49 / 48_000, 48_000, 0),
            (1.1, 44_100, 48_510),
        ],
    )
    def test_seconds_round_half_up(self, seconds, rate_hz, n_samples):
        assert seconds_to_samples(seconds, rate_hz) == n_samples

    @pytest.mark.parametrize("seconds", [-0.1, math.nan, math.inf])
    def test_no_samples_for_what_is_no_duration(self, seconds):
        with pytest.raises(ValueError, match="is not a finite duration of at least 0"):
            seconds_to_samples(seconds)

    @given(st.integers(0, 10**9), st.sampled_from([8000, 16_000, 22_050, 44_100, 48_000]))
    def test_samples_survive_the_way_through_seconds(self, n_samples, rate_hz):
        assert seconds_to_samples(samples_to_seconds(n_samples, rate_hz), rate_hz) == n_samples

    @given(st.floats(-190, 60))
    def test_decibels_and_gains_are_inverse(self, level_db):
        assert gain_to_db(db_to_gain(level_db)) == pytest.approx(level_db, abs=1e-9)

    def test_silence_has_a_finite_level(self):
        assert gain_to_db(0.0) == -200.0


class TestPcm:
    @given(st.sampled_from([16, 24]), st.sampled_from([1, 2]), st.integers(1, 3000), st.integers(0, 99))
    @settings(max_examples=40, deadline=None)
    def test_flac_holds_every_sample(self, bits, n_channels, n_samples, seed):
        top = full_scale(bits)
        pcm = np.random.default_rng(seed).integers(-top, top, (n_channels, n_samples), dtype=np.int32)
        decoded, depth = decode_flac(encode_flac(pcm, bits))
        assert depth == bits
        assert np.array_equal(decoded, pcm)

    @pytest.mark.parametrize("bits", [16, 24])
    def test_every_grid_value_is_a_float_exactly(self, bits):
        top = full_scale(bits)
        pcm = np.array([[-top, -1, 0, 1, top // 3, top - 1]], dtype=np.int32)
        assert np.array_equal(quantise(to_float(pcm, bits), bits), pcm)

    def test_past_full_scale_is_clipped(self):
        assert quantise(np.array([[1.5, -1.5]], dtype=np.float32), 16).tolist() == [[32767, -32768]]

    @pytest.mark.parametrize("spoil", [lambda b: b"", lambda b: b"RIFF" + b[4:], lambda b: b[: len(b) // 2]])
    def test_damaged_files_are_told_apart(self, spoil):
        data = encode_flac(quantise(noise(0, 1, 48_000), 24), 24)
        with pytest.raises(CorruptDataError, match=r"^FLAC: "):
            decode_flac(spoil(data))


class TestLoudness:
    @given(st.integers(1, 2), st.integers(19_200, 150_000), st.integers(0, 99), st.floats(0.001, 0.9))
    @settings(max_examples=25, deadline=None)
    def test_equals_pyloudnorm_from_400_ms(self, n_channels, n_samples, seed, level):
        sound = noise(seed, n_channels, n_samples, level)
        sound[:, n_samples // 2 :] *= 0.05  # so that the relative gate has work to do
        expected = pyloudnorm.Meter(SAMPLE_RATE_HZ).integrated_loudness(sound.T)
        assert integrated_loudness(sound) == pytest.approx(expected, abs=1e-5)

    @pytest.mark.parametrize("n_samples", [480, 4_800, 19_199])
    def test_short_sounds_are_one_ungated_block(self, n_samples):
        sound = noise(1, 1, n_samples, 0.2)
        meter = pyloudnorm.Meter(SAMPLE_RATE_HZ, block_size=n_samples / SAMPLE_RATE_HZ)
        assert integrated_loudness(sound) == pytest.approx(meter.integrated_loudness(sound.T), abs=0.01)

    def test_ebu_tech_3341_case_1(self):
        # 1 kHz at -23 dBFS in both channels reads -23 LUFS.
        tone = db_to_gain(-23.0) * np.repeat(sine(1000, 20 * SAMPLE_RATE_HZ), 2, axis=0)
        assert integrated_loudness(tone.astype(np.float32)) == pytest.approx(-23.0, abs=0.1)

    def test_one_signal_in_both_channels_reads_3_lu_higher(self):
        mono = noise(2, 1, 48_000)
        both = np.repeat(mono, 2, axis=0)
        assert integrated_loudness(both) - integrated_loudness(mono) == pytest.approx(3.0103, abs=1e-4)

    @pytest.mark.parametrize("n_samples", [100, 48_000])
    def test_silence_is_minus_infinity(self, n_samples):
        assert integrated_loudness(np.zeros((2, n_samples), dtype=np.float32)) == -math.inf


class TestTruePeak:
    def test_a_peak_between_samples_is_found(self):
        # At a quarter of the rate and 45 degrees, every sample is 3 dB below the crest.
        assert true_peak_dbtp(sine(12_000, 4_800, np.pi / 4)) == pytest.approx(0.0, abs=0.2)

    @given(st.integers(1, 2), st.integers(1, 30_000), st.integers(0, 99))
    @settings(max_examples=25, deadline=None)
    def test_pruning_changes_nothing(self, n_channels, n_samples, seed):
        sound = noise(seed, n_channels, n_samples)
        sound *= np.exp(-np.arange(n_samples) / 3_000).astype(np.float32)
        # Held against silence after it, the loud part is all that is looked at.
        together = np.concatenate([sound, np.zeros((n_channels, 5_000), dtype=np.float32)], axis=1)
        assert true_peak(sound) == pytest.approx(true_peak(together), rel=1e-6)
        assert true_peak(sound) >= np.abs(sound).max()

    @pytest.mark.parametrize("seed", range(5))
    def test_near_another_oversampling(self, seed):
        # Band-limited, where two interpolation filters have to agree.
        sound = resample_poly(noise(seed, 1, 12_000), 2, 1, axis=1).astype(np.float32)
        reference = np.abs(resample_poly(sound.astype(np.float64), 4, 1, axis=1)).max()
        assert true_peak(sound) == pytest.approx(reference, rel=0.02)

    def test_several_signals_have_one_peak(self):
        quiet, loud = noise(1, 2, 1_000), noise(2, 1, 1_000, 0.4)
        assert true_peak(quiet, loud) == true_peak(loud)

    def test_nothing_has_no_peak(self):
        assert true_peak(np.zeros((2, 0), dtype=np.float32)) == 0.0


class TestPanning:
    @given(st.floats(-1, 1))
    def test_power_is_constant(self, panning):
        left, right = pan_gains(panning, 1)
        assert left**2 + right**2 == pytest.approx(1.0)

    @pytest.mark.parametrize(
        ("panning", "n_channels", "gains"),
        [
            (-1, 1, (1, 0)),
            (0, 1, (math.sqrt(0.5), math.sqrt(0.5))),
            (1, 1, (0, 1)),
            (0, 2, (1, 1)),
            (-1, 2, (math.sqrt(2), 0)),
            (0.5, 2, (math.sqrt(2) * math.cos(0.375 * math.pi), math.sqrt(2) * math.sin(0.375 * math.pi))),
        ],
    )
    def test_gains(self, panning, n_channels, gains):
        assert pan_gains(panning, n_channels) == pytest.approx(gains, abs=1e-12)

    @given(st.floats(-1, 1), st.integers(0, 50))
    @settings(max_examples=20, deadline=None)
    def test_mono_is_as_loud_everywhere(self, panning, seed):
        mono = noise(seed, 1, 24_000)
        panned = mono * np.array(pan_gains(panning, 1), dtype=np.float32)[:, None]
        assert integrated_loudness(panned) == pytest.approx(integrated_loudness(mono), abs=1e-4)

    @pytest.mark.parametrize(("panning", "n_channels"), [(1.01, 1), (-2, 2), (0, 3)])
    def test_what_has_no_place(self, panning, n_channels):
        with pytest.raises(ValueError, match=r"^panning: "):
            pan_gains(panning, n_channels)


class TestConform:
    @given(
        st.sampled_from([8_000, 22_050, 24_000, 44_100, 48_000]),
        st.sampled_from([1, 2]),
        st.floats(0.05, 1.0),
    )
    @settings(max_examples=30, deadline=None)
    def test_any_rate_becomes_48_khz(self, rate_hz, n_channels, duration_s):
        sound = noise(3, n_channels, seconds_to_samples(duration_s, rate_hz))
        pcm = conform(sound, rate_hz)
        assert np.array_equal(pcm, np.rint(pcm))
        assert pcm.shape[0] == n_channels
        assert abs(pcm.shape[1] - sound.shape[1] * 48_000 / rate_hz) <= 1

    def test_a_tone_keeps_its_pitch(self):
        t = np.arange(22_050) / 22_050
        pcm = conform((0.5 * np.sin(2 * np.pi * 1000 * t))[None].astype(np.float32), 22_050)
        assert int(np.abs(np.fft.rfft(pcm[0])).argmax()) == 1000

    def test_what_is_too_long_is_cut(self):
        assert conform(noise(4, 2, 48_000), 48_000, longest_s=0.25).shape == (2, 12_000)

    def test_peaks_past_full_scale_are_scaled_not_clipped(self):
        sound = np.array([[0.5, 2.0, -1.0]], dtype=np.float32)
        assert to_float(conform(sound, 48_000), 24).tolist() == [pytest.approx([0.25, 1.0, -0.5], abs=1e-6)]

    def test_the_callers_array_stays(self):
        sound = noise(5, 1, 100, 3.0)
        before = sound.copy()
        conform(sound, 48_000)
        assert np.array_equal(sound, before)

    @pytest.mark.parametrize(
        ("sound", "reason"),
        [
            (np.zeros((1, 100)), "stem-silent"),
            (np.full((1, 100), np.nan), "stem-not-finite"),
            (np.full((2, 100), np.inf), "stem-not-finite"),
            (np.zeros((3, 100)), "stem-layout"),
            (np.zeros(100), "stem-layout"),
            (np.zeros((1, 0)), "stem-layout"),
        ],
    )
    def test_what_is_no_sound(self, sound, reason):
        with pytest.raises(RowFault) as fault:
            conform(sound, 48_000)
        assert fault.value.reason == reason


def test_activity_is_found_to_10_ms():
    sound = np.zeros((1, 48_000), dtype=np.float32)
    sound[:, 12_000:30_000] = noise(6, 1, 18_000)
    assert active_span(sound) == (0.25, 0.63)
    assert active_span(np.zeros((1, 480), dtype=np.float32)) == (0.0, 0.0)


class TestClipping:
    @pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
    @pytest.mark.parametrize("frequency_hz", [30, 100, 440, 1_000, 5_000])
    def test_a_tone_touches_its_peak_and_a_clipped_one_stays_there(self, rate_hz, frequency_hz):
        tone = np.sin(2 * np.pi * frequency_hz * np.arange(rate_hz) / rate_hz)[None].astype(np.float32)
        assert clipped_share(tone, rate_hz) == 0.0
        clipped = np.clip(3 * tone, -1, 1)
        assert clipped_share(clipped, rate_hz) > 0.9
        clipped[0, 7] = 1.2
        assert clipped_share(clipped, rate_hz) > 0.9
        quiet = np.concatenate([clipped, 0.1 * tone])
        assert clipped_share(quiet, rate_hz) > 0.9

    def test_what_is_loud_or_square_is_not_clipped(self):
        noise = np.random.default_rng(1).standard_normal((2, 48_000)).astype(np.float32)
        assert clipped_share(noise, 48_000) == 0.0
        square = np.sign(np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000))[None].astype(np.float32)
        assert clipped_share(square * np.float32(0.3), 48_000) == 0.0

    def test_it_is_counted_by_frames(self):
        noise = np.random.default_rng(1).standard_normal((2, 48_000)).astype(np.float32)
        half = np.clip(noise * np.where(np.arange(48_000) < 24_000, 20, 0.1), -1, 1).astype(np.float32)
        assert clipped_share(half, 48_000) == pytest.approx(0.5, abs=0.02)
        assert clipped_share(np.zeros((1, 48_000), np.float32), 48_000) == 0.0
        assert clipped_share(np.ones((1, 3), np.float32), 48_000) == 0.0


def test_digital_silence_after_a_sound_does_not_change_its_loudness():
    noise = np.random.default_rng(2).standard_normal((1, 96_000)).astype(np.float32) * 0.1
    padded = np.concatenate([noise, np.zeros((1, 96_000), np.float32)], axis=1)
    assert integrated_loudness(padded) == pytest.approx(integrated_loudness(noise), abs=0.35)
    assert integrated_loudness(np.zeros((2, 96_000), np.float32)) == -math.inf
