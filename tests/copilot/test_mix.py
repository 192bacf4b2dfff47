"""The mix and the null test, as properties over rates, lengths, channels, levels and positions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot.audio.loudness import integrated_loudness
from copilot.audio.pcm import to_float
from copilot.audio.peak import true_peak_dbtp
from copilot.edit import compare
from copilot.errors import RowFault
from copilot.mix import compute_null_residual, mix_dialogue
from copilot.scene import Scene, SoundElement
from copilot.stem import SoundSpec, Stem, make_stem
from copilot.units import seconds_to_samples

BACKEND = {"backend": "noise"}


def element(number: int, **parameters) -> SoundElement:
    known = {
        "role": "effect",
        "text": f"sound {number}",
        "loudness": -20,
        "panning": 0,
        "start_time": 0,
        "duration": 1,
    }
    return SoundElement(id=number, **(known | parameters))


def stem(
    number: int, duration_s: float = 1.0, n_channels: int = 1, rate_hz: int = 48_000, tilt: float = 1.0
) -> Stem:
    """Make a stem of noise; `tilt` is the right channel's level over the left one's."""
    sound = np.random.default_rng(number).standard_normal(
        (n_channels, seconds_to_samples(duration_s, rate_hz))
    )
    sound[-1] *= tilt if n_channels == 2 else 1.0
    return make_stem(
        SoundSpec("sfx", f"sound {number}", duration_s, number, BACKEND),
        (sound / 8).astype(np.float32),
        rate_hz,
    )


def scene(*elements: SoundElement) -> Scene:
    return Scene(elements=elements)


mix_parameters = st.fixed_dictionaries(
    {
        "loudness": st.integers(-300, -100).map(lambda n: n / 10),
        "panning": st.integers(-100, 100).map(lambda n: n / 100),
        "start_time": st.integers(0, 100).map(lambda n: n / 100),
        "duration": st.integers(1, 100).map(lambda n: n / 100),
    }
)


@given(st.data(), st.sampled_from([16, 24]))
@settings(max_examples=30, deadline=None)
def test_the_difference_of_turns_is_the_edit_to_the_bit(data, bits):
    stems = {n: stem(n, n_channels=1 + n % 2) for n in range(4)}
    sounds = st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True)
    turns = [scene(*(element(n, **data.draw(mix_parameters)) for n in data.draw(sounds))) for _ in range(3)]
    mix = mix_dialogue(turns, stems, bits)
    for before, after, old, new in zip(turns, turns[1:], mix.turns, mix.turns[1:], strict=False):
        assert compute_null_residual(old, new, compare(before, after).touched) == 0


def test_the_null_test_can_fail():
    stems = {1: stem(1), 2: stem(2)}
    before, after = scene(element(1), element(2)), scene(element(1), element(2, loudness=-12))
    old, new = mix_dialogue([before, after], stems).turns
    assert compute_null_residual(old, new, frozenset({1})) > 1_000


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("duration_s", [0.4, 0.73, 2.0])
@pytest.mark.parametrize(("n_channels", "tilt"), [(1, 1.0), (2, 1.0), (2, 0.3)])
@pytest.mark.parametrize("panning", [-1.0, -0.37, 0.0, 0.8])
def test_every_stem_is_as_loud_as_asked(rate_hz, duration_s, n_channels, tilt, panning):
    made = stem(7, duration_s, n_channels, rate_hz, tilt)
    asked = scene(element(1, loudness=-23.5, panning=panning, duration=made.info.duration_s))
    turn = mix_dialogue([asked], {1: made}).turns[0]
    assert integrated_loudness(to_float(turn.pcm, 16)) == pytest.approx(-23.5, abs=0.05)


def test_panning_moves_a_stereo_stem_and_keeps_its_width():
    made = stem(3, 1.0, n_channels=2)
    turn = mix_dialogue([scene(element(1, panning=0.0))], {1: made}).turns[0]
    before, after = (np.corrcoef(pair)[0, 1] for pair in (made.audio, turn.pcm))
    assert after == pytest.approx(before, abs=1e-3)
    left = mix_dialogue([scene(element(1, panning=-1.0))], {1: made}).turns[0]
    assert not left.pcm[1].any()


def test_a_trimmed_stem_fades_out_in_5_ms_and_keeps_what_is_before():
    made = stem(4, 1.0)
    whole, cut = (mix_dialogue([scene(element(1, duration=d))], {1: made}).turns[0].pcm for d in (1.0, 0.5))
    n_cut, n_fade = 24_000, 240
    assert cut.shape == (2, n_cut)
    assert np.array_equal(cut[:, : n_cut - n_fade], whole[:, : n_cut - n_fade])
    assert np.abs(cut[:, -1]).max() <= np.abs(whole[:, n_cut - 1]).max() / 200 + 1
    assert np.abs(cut[:, -n_fade:]).sum() < np.abs(whole[:, n_cut - n_fade : n_cut]).sum()


def test_a_start_is_a_number_of_samples():
    turn = mix_dialogue([scene(element(1, start_time=0.25))], {1: stem(5)}).turns[0]
    assert not turn.pcm[:, :12_000].any()
    assert turn.pcm[:, 12_000:12_010].any()
    assert turn.pcm.shape == (2, 60_000)


class TestHeadroom:
    def loud(self):
        click = np.zeros((1, 48_000), dtype=np.float32)
        click[0, ::4_800] = 1.0
        click += stem(1).audio * 1e-3
        return make_stem(SoundSpec("sfx", "clicks", 1.0, 1, BACKEND), click, 48_000)

    def test_one_gain_brings_every_turn_below_the_limit(self):
        turns = [
            scene(element(1, loudness=-30)),
            scene(element(1, loudness=-10)),
            scene(element(1, loudness=-20)),
        ]
        mix = mix_dialogue(turns, {1: self.loud()})
        assert mix.headroom_db < -1
        assert mix.headroom_db == round(mix.headroom_db, 2)
        peaks = [true_peak_dbtp(to_float(turn.pcm, 16)) for turn in mix.turns]
        assert -1.03 < max(peaks) <= -1.0
        assert peaks[1] - peaks[0] == pytest.approx(20.0, abs=0.05)
        assert max(peaks) <= mix.true_peak_dbtp(mix.max_rounding_error()) <= max(peaks) + 0.003

    def test_without_need_there_is_none(self):
        assert mix_dialogue([scene(element(1))], {1: stem(1)}).headroom_db == 0.0

    def test_the_recorded_gain_makes_the_same_samples_again(self):
        turns = [scene(element(1, loudness=-10)), scene(element(1, loudness=-14, panning=0.4))]
        first = mix_dialogue(turns, {1: self.loud()})
        again = mix_dialogue(turns, {1: self.loud()}, headroom_db=first.headroom_db)
        assert all(np.array_equal(a.pcm, b.pcm) for a, b in zip(first.turns, again.turns, strict=True))


@pytest.mark.parametrize("bits", [16, 24])
def test_the_order_of_ids_does_not_matter(bits):
    """The same sounds under other ids are summed in another order, which changes sums of floats."""
    sounds = [stem(1), stem(2), stem(3)]
    orders = [(1, 2, 3), (3, 1, 2), (2, 3, 1)]
    mixes = [
        mix_dialogue(
            [scene(*(element(n, loudness=-24) for n in ids))], dict(zip(ids, sounds, strict=True)), bits
        )
        for ids in orders
    ]
    assert [mix.headroom_db for mix in mixes] == [0.0, 0.0, 0.0]
    first, *others = (mix.turns[0] for mix in mixes)
    assert all(not np.array_equal(first.unrounded, other.unrounded) for other in others)
    assert all(np.array_equal(first.pcm, other.pcm) for other in others)


def test_inputs_stay_as_they_are():
    made = stem(1, 1.0)
    before = made.pcm.copy()
    mix_dialogue([scene(element(1, duration=0.3))], {1: made})
    assert np.array_equal(made.pcm, before)


def test_a_missing_stem_is_named():
    with pytest.raises(RowFault, match="element 2") as caught:
        mix_dialogue([scene(element(1), element(2))], {1: stem(1)})
    assert caught.value.reason == "stem-missing"
