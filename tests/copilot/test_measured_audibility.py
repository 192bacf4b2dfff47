"""Edits of tones and noise, alone, beside and under each other: what is heard of them."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.examples import RAIN, but, dialogue_of

from copilot.audio.bands import band_power
from copilot.edit import Add, Change, Operation, Remove, Replace
from copilot.measured_audibility import EditHeard, measure_edits
from copilot.scene import SoundElement
from copilot.stem import SoundSpec, Stem, make_stem

NOISE = but(RAIN, duration=4)
TONE = SoundElement(id=1, role="effect", text="a tone", loudness=-20, panning=0, start_time=1, duration=2)


def tone(hz: float, duration_s: float = 2.0) -> Stem:
    return stem_of(np.sin(2 * np.pi * hz * np.arange(round(duration_s * 48_000)) / 48_000), duration_s)


def noise(low_hz: float = 0.0, high_hz: float = 24_000.0) -> Stem:
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(4 * 48_000))
    hz = np.fft.rfftfreq(4 * 48_000, 1 / 48_000)
    return stem_of(0.2 * np.fft.irfft(spectrum * ((hz >= low_hz) & (hz < high_hz))), 4)


def stem_of(sound, duration_s: float) -> Stem:
    spec = SoundSpec("sfx", "x", duration_s, 0, {})
    return make_stem(spec, (0.1 * sound[np.newaxis]).astype(np.float32), 48_000)


def measure(*operations: Operation, stems: dict[int, Stem], task: str = "volume", **tone_fields) -> EditHeard:
    """Return how the edit of a scene of noise and a tone is heard."""
    story = [Add(element=NOISE), Add(element=but(TONE, **tone_fields))]
    (heard,) = measure_edits(dialogue_of(("story", "u", story), (task, "u", operations)), stems)
    return heard


STEMS = {0: noise(), 1: tone(1000)}


def test_a_tone_in_other_bands_than_the_noise_is_heard_in_full():
    heard = measure(Change(id=1, loudness=-14), stems={0: noise(3000), 1: tone(300)})
    assert heard.change_db == pytest.approx(6.0, abs=0.1)
    assert heard.least_db == 2.0


def test_a_tone_buried_under_noise_of_its_band_is_missed():
    stems = {0: noise(900, 1100), 1: tone(1000)}
    heard = measure(Change(id=1, loudness=-34), stems=stems, loudness=-38)
    assert heard.change_db == pytest.approx(
        10 * np.log10((10**-3.4 + 10**-2.8) / (10**-3.8 + 10**-2.8)), abs=0.2
    )
    assert heard.margin_db < 0
    assert measure(Change(id=1, loudness=-22), stems=stems, loudness=-28).margin_db > 0


def test_a_panning_is_heard_as_a_change_of_balance():
    heard = measure(Change(id=1, panning=0.5), stems={0: noise(3000), 1: tone(300)}, task="panning")
    assert heard == EditHeard(pytest.approx(20 * np.log10(np.tan(1.5 * np.pi / 4)), abs=0.2), 3.0)
    buried = measure(Change(id=1, panning=0.5), stems=STEMS, task="panning", loudness=-52)
    assert buried.margin_db < 0


@pytest.mark.parametrize(("loudness", "passes"), [(-28, True), (-50, False)])
def test_a_removed_sound_is_compared_with_what_was_heard_before(loudness, passes):
    heard = measure(Remove(id=1), stems=STEMS, task="remove", loudness=loudness)
    assert (heard.margin_db >= 0) == passes


def test_of_a_replacement_both_sounds_have_to_be_heard():
    stems = {**STEMS, 2: tone(2000)}
    loud = measure(Replace(id=1, element=but(TONE, id=2)), stems=stems, task="replace")
    assert loud.margin_db > 0
    soft = measure(Replace(id=1, element=but(TONE, id=2, loudness=-50)), stems=stems, task="replace")
    assert soft.margin_db < 0


def test_of_an_open_turn_one_change_has_to_be_heard():
    edits = (Change(id=1, loudness=-46), Change(id=0, loudness=-22))
    assert measure(*edits, stems=STEMS, task="open", loudness=-50).change_db > 5
    assert measure(*edits, stems=STEMS, task="volume", loudness=-50).change_db < 1


def test_only_what_the_slot_holds_counts():
    """The tone begins after the cut, so that nothing of it is heard."""
    late = np.zeros(96_000)
    late[72_000:] = np.sin(2 * np.pi * 1000 * np.arange(24_000) / 48_000)
    heard = measure(Change(id=1, loudness=-14), stems={0: noise(), 1: stem_of(late, 2)}, duration=1.0)
    assert heard.change_db == 0.0


def test_a_turn_without_an_edit_is_not_heard():
    assert measure(stems=STEMS) == EditHeard(0.0, 3.0)


def test_stems_are_analysed_once_and_only_where_turns_edit(monkeypatch):
    analysed = []
    monkeypatch.setattr(
        "copilot.measured_audibility.band_power", lambda audio: analysed.append(1) or band_power(audio)
    )
    story = ("story", "u", [Add(element=NOISE), Add(element=TONE)])
    measure_edits(dialogue_of(story), STEMS)
    assert not analysed
    edits = (("volume", "u", [Change(id=1, loudness=-level)]) for level in (12, 24))
    assert len(measure_edits(dialogue_of(story, *edits), STEMS)) == 2
    assert len(analysed) == 2
