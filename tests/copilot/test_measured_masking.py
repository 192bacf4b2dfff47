"""Speech against all else is measured on the stems, as the mix places them."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from helpers.examples import BELL, LINE, RAIN, but, dialogue_of

from copilot.audio.loudness import frame_energy
from copilot.dialogue import Dialogue
from copilot.edit import Add, Change
from copilot.measured_masking import NOT_MASKED, Masking, find_worst_masking
from copilot.mix import mix_dialogue
from copilot.scene import Element
from copilot.stem import SoundSpec, Stem, load_stem, make_stem

VOICE = but(LINE, loudness=-14, start_time=1, duration=3)
RATE_HZ = 48_000


def make_noise(seed: int, duration_s: float, n_channels: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((n_channels, round(duration_s * RATE_HZ)))
    return (noise / 9).astype(np.float32)


def sound_stem(duration_s: float, seed: int = 1, n_channels: int = 2) -> Stem:
    spec = SoundSpec("sfx", "x", duration_s, seed, {})
    return make_stem(spec, make_noise(seed, duration_s, n_channels), RATE_HZ)


def speech_stem(*parts_s: float) -> Stem:
    """Return a stem with speech and silence by turns, each of so many seconds."""
    parts = [make_noise(i, seconds) * (i % 2 == 0) for i, seconds in enumerate(parts_s)]
    return make_stem(SoundSpec("tts", "so it goes", 3.0, 0, {}), np.hstack(parts), RATE_HZ)


STEMS = {0: sound_stem(8.0), 2: speech_stem(2.0, 0.1), 4: sound_stem(4.0, seed=5, n_channels=1)}


def story(*elements: Element) -> Dialogue:
    return dialogue_of(("story", "u", [Add(element=element) for element in elements]))


def measure(*elements: Element, stems: dict[int, Stem] | None = None) -> Masking:
    return measure_dialogue(story(*elements), STEMS | (stems or {}))


def measure_dialogue(dialogue: Dialogue, stems: dict[int, Stem]) -> Masking:
    mix = mix_dialogue([turn.scene for turn in dialogue.turns], stems)
    return find_worst_masking(dialogue, stems, mix)


@pytest.mark.parametrize("rest_lufs", [-30.0, -18.0, -11.0])
@pytest.mark.parametrize("panning", [-1.0, 0.3])
def test_steady_sounds_have_the_difference_of_their_levels(rest_lufs, panning):
    found = measure(but(RAIN, loudness=rest_lufs), but(VOICE, panning=panning))
    assert found.rest_lu == pytest.approx(rest_lufs + 14, abs=0.15)


def test_sounds_add_up_by_their_power():
    found = measure(but(RAIN, loudness=-24), VOICE, but(BELL, loudness=-24, start_time=0.5, panning=1))
    assert found.rest_lu == pytest.approx(-10 + 3.01, abs=0.15)


def test_only_the_time_in_which_the_line_is_spoken_counts():
    after = but(BELL, loudness=-10, start_time=3)  # the slot ends at 4 s, the speech at 3 s
    assert measure(VOICE, after) == NOT_MASKED
    half = but(after, loudness=-20, start_time=2)
    assert measure(VOICE, half).rest_lu == pytest.approx(-6 - 3.01, abs=0.15)


def test_a_sound_that_a_turn_cuts_is_measured_as_cut():
    cut = but(BELL, loudness=-20, start_time=0, duration=2)
    found = measure(RAIN, VOICE, cut).rest_lu
    # The last 0.1 s of it fade out: 37 % of their power is left.
    heard_s = 0.9 + 0.1 * 0.37
    expected = 10 * math.log10(10**-1.4 + 10**-0.6 * heard_s / 2)
    assert found == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(("rest_lufs", "masked_s"), [(-16.0, 0.0), (-12.0, 1.7)])
def test_the_longest_masked_stretch_is_that_of_momentary_levels(rest_lufs, masked_s):
    # Windows of 400 ms begin in the first 1.6 s of a line of 2 s.
    assert measure(but(RAIN, loudness=rest_lufs), VOICE).masked_s == masked_s


def test_a_sound_over_a_part_of_the_line_masks_that_part():
    knock = but(BELL, loudness=-8, start_time=2, duration=0.5)
    found = measure(VOICE, knock)
    assert found.rest_lu < 0.5
    assert found.masked_s == pytest.approx(0.7, abs=0.11)


def test_a_pause_of_the_line_is_not_masked():
    spoken = speech_stem(1.0, 0.8, 1.0)
    found = measure(but(RAIN, loudness=-24), VOICE, stems={2: spoken})
    assert found.masked_s == 0.0


def test_a_user_may_drown_a_line():
    drown = ("volume", "u", [Change(id=0, loudness=-10)])
    steps = (("story", "u", [Add(element=but(RAIN, loudness=-28)), Add(element=VOICE)]), drown)
    more = ("add", "u", [Add(element=but(BELL, loudness=-30))])
    found = measure_dialogue(dialogue_of(*steps, more), STEMS)
    assert found.rest_lu == pytest.approx(-14, abs=0.15)


def test_without_speech_nothing_is_masked():
    assert measure(RAIN, BELL) == NOT_MASKED


def test_a_stem_has_the_same_energy_wherever_it_is_read():
    made = STEMS[4]
    for stem in (load_stem(made.info, made.flac), Stem(made.info, made.power, made.flac), made):
        assert np.array_equal(pickle.loads(pickle.dumps(stem)).energy, frame_energy(made.audio))
