"""A sample in Python: its sound as arrays, its stems, and its `repr`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.made_runs import a_dialogue, a_reject, a_sample, stems_for

from copilot.audio.pcm import decode_flac, to_float
from copilot.designers.account import Account
from copilot.designers.contract import Design
from copilot.errors import CorruptDataError
from copilot.mix import mix_dialogue
from copilot.scene import Scene
from copilot.seed import Seed

TURNS = range(3)


@pytest.fixture(scope="module")
def sample():
    return a_sample(1)


@pytest.mark.parametrize("turn", TURNS)
def test_a_turn_is_the_stored_mix_as_floats(sample, turn):
    audio = sample.audio(turn)
    pcm, bits = decode_flac(sample.mixes[turn])
    assert (audio.dtype, audio.shape[0]) == (np.float32, 2)
    np.testing.assert_array_equal(audio, to_float(pcm, bits))


@pytest.mark.parametrize("turn", TURNS)
def test_stems_alone_give_the_same_samples(sample, turn):
    stems_only = a_sample(1, keep="stems")
    assert stems_only.mixes == ()
    np.testing.assert_array_equal(stems_only.audio(turn), sample.audio(turn))


@pytest.mark.parametrize("turn", [-1, 3])
def test_a_turn_that_the_sample_does_not_have_is_an_index_error(sample, turn):
    with pytest.raises(IndexError, match="turns 0 to 2"):
        sample.audio(turn)


def test_the_stems_mix_again_to_the_stored_samples(sample):
    again = sample.mix_again()
    for turn in TURNS:
        np.testing.assert_array_equal(again.turns[turn].audio, sample.audio(turn))
    assert sample.load_stems().keys() == {1, 2, 3, 4}


def test_a_sample_without_stems_cannot_load_them():
    with pytest.raises(CorruptDataError, match="stem 1"):
        a_sample(1, keep="mixes").load_stems()


def test_the_audio_of_a_mix_follows_its_bit_depth():
    dialogue = a_dialogue(Seed("test/1", "a line"))
    scenes = [turn.scene for turn in dialogue.turns]
    coarse, fine = (mix_dialogue(scenes, stems_for(dialogue, 1), bits).turns[0] for bits in (16, 24))
    assert (coarse.audio.dtype, fine.audio.dtype) == (np.float32, np.float32)
    np.testing.assert_allclose(coarse.audio, fine.audio, atol=4 / 32768)


class TestRepr:
    """Every `repr` fits a line or two, whatever the object holds."""

    def test_a_stem_fits_300_characters(self, sample):
        for stem in sample.load_stems().values():
            worded = replace(stem.info, backend="a-backend-with-a-long-name", detail={"prompt": "x" * 1000})
            assert len(repr(replace(stem, info=worded))) < 300

    def test_what_a_sample_stores_of_a_stem_fits_300_characters(self, sample):
        assert all(len(repr(stored)) < 300 for stored in sample.stems)

    def test_a_sample_fits_600_characters(self, sample):
        assert sample.id in repr(sample)
        assert len(repr(sample)) < 600

    def test_a_mix_fits_600_characters(self, sample):
        mix = sample.mix_again()
        assert len(repr(mix)) < 600
        assert len(repr(mix.turns[0])) < 100
        assert len(repr(mix.turns[0].placed_stems[1])) < 100

    def test_a_dialogue_and_a_turn_fit_300_characters(self, sample):
        assert len(repr(sample.dialogue)) < 300
        assert len(repr(sample.dialogue.turns[0].model_copy(update={"user": "word " * 120}))) < 300

    def test_a_scene_shows_its_elements(self, sample):
        assert "a door slams" in repr(sample.dialogue.turns[0].scene)
        assert repr(Scene()) == "Scene(elements=())"

    def test_a_design_fits_600_characters(self, sample):
        design = Design(sample.dialogue, Account(raw_replies=("{}" * 5000,)))
        assert len(repr(design)) < 600

    def test_a_reject_and_a_provenance_fit_300_characters(self, sample):
        assert len(repr(replace(a_reject(1), detail="x" * 5000, dialogue=sample.dialogue))) < 300
        assert len(repr(sample.provenance)) < 300
