"""One dialogue, sample or scene at a time: equal to what a run makes."""

from __future__ import annotations

import asyncio
import sys

import numpy as np
import pytest
from helpers.made_runs import a_dialogue
from helpers.stand_ins import account_of

from copilot.edit import Change, apply
from copilot.errors import RejectedError, RowFault, UserError
from copilot.frozen_model import Range
from copilot.scene import Scene, SceneLimits, SoundElement, SpeechElement
from copilot.seed import Seed
from pipelines.config import RunConfig
from pipelines.main_job import GenerateRequest, generate
from pipelines.run.open import open_run
from pipelines.single import design_dialogue, make_sample, render_scene
from renderers.contract import RenderFailure
from renderers.testing import MurmurRenderer, NoiseRenderer

STAND_INS = RunConfig(seeds="starter", designer="stand-in", sfx="noise", tts="murmur", run_seed=7)
AHEAD = STAND_INS.model_copy(update={"designer": "stand-in-ahead"})

RAIN = SoundElement(
    id=1, role="ambience", text="steady rain", loudness=-30, panning=0, start_time=0, duration=2
)
VOICE = SpeechElement(
    id=2, text="who is there", speaker="woman", gender="female", emotion="neutral",
    loudness=-16, panning=0.5, start_time=0.5, duration=1.2,
)  # fmt: skip


class TestMakeSample:
    @pytest.mark.parametrize("config", [RunConfig(seeds="starter", run_seed=7), AHEAD])
    def test_it_is_the_sample_of_a_run(self, tmp_path, config):
        generate(GenerateRequest(config=config, out=tmp_path / "run", num=1))
        (expected,) = open_run(tmp_path / "run")
        sample = make_sample(expected.seed, config)
        assert sample.mixes == expected.mixes
        assert [stem.flac for stem in sample.stems] == [stem.flac for stem in expected.stems]
        assert (sample.id, sample.tier, sample.dialogue) == (expected.id, expected.tier, expected.dialogue)
        assert sample.checks == expected.checks
        assert sample.provenance.fingerprint == expected.provenance.fingerprint

    def test_speech_needs_no_engine_under_the_gpl(self, monkeypatch):
        for module in ("espeakng_loader", "phonemizer"):
            monkeypatch.setitem(sys.modules, module, None)
        sample = make_sample(a_dialogue(Seed("mine/1", "a line")), RunConfig(seeds="starter", sfx="noise"))
        assert {stem.info.backend for stem in sample.stems} == {"noise", "hibari"}

    def test_a_text_is_a_seed_by_its_hash(self):
        one, other = (make_sample(text, STAND_INS) for text in ("  a dog\tbarks ", "a dog barks"))
        assert (one.id, one.mixes) == (other.id, other.mixes)
        assert (one.seed.id.partition("/")[0], one.seed.text) == ("text", "a dog barks")

    def test_a_dialogue_is_not_designed(self):
        seed = Seed("mine/1", "a line")
        sample = make_sample(a_dialogue(seed), STAND_INS)
        designed = make_sample(seed, STAND_INS)
        assert (sample.seed, sample.mixes) == (seed, designed.mixes)
        assert (sample.provenance.designer, designed.provenance.designer) == ("given", "stand-in")

    @pytest.mark.parametrize("config", [STAND_INS, AHEAD])
    def test_a_reject_is_an_error_with_stage_and_reason(self, config):
        with pytest.raises(RejectedError) as caught:
            make_sample("a refused line", config)
        error = caught.value
        assert (error.stage, error.reason, error.detail) == ("design", "refused", "the seed says so")

    def test_a_dialogue_that_breaks_a_rule_is_rejected(self):
        strict = STAND_INS.model_copy(update={"limits": SceneLimits(element_duration_s=Range(low=1, high=8))})
        with pytest.raises(RejectedError) as caught:
            make_sample(a_dialogue(Seed("mine/1", "a line")), strict)
        assert (caught.value.stage, caught.value.reason) == ("validate", "duration-range")

    def test_stems_of_a_store_are_used_again(self, tmp_path, monkeypatch):
        first = make_sample("a line", STAND_INS, store=tmp_path)
        monkeypatch.setattr(NoiseRenderer, "render", None)
        assert make_sample("a line", STAND_INS, store=tmp_path).mixes == first.mixes

    def test_it_works_where_a_loop_runs_already(self):
        async def notebook():
            return make_sample("a line", AHEAD)

        assert asyncio.run(notebook()).mixes == make_sample("a line", STAND_INS).mixes

    def test_a_text_without_words_names_the_argument(self):
        with pytest.raises(UserError) as caught:
            make_sample(" \n", STAND_INS)
        assert caught.value.field == "seed"


class TestDesignDialogue:
    @pytest.mark.parametrize("config", [STAND_INS, AHEAD])
    def test_it_is_what_the_designer_writes(self, config):
        seed = Seed("mine/1", "a line")
        assert design_dialogue(seed, config).dialogue == a_dialogue(seed)

    def test_its_account_is_kept(self):
        seed = Seed("mine/1", "a line")
        assert design_dialogue(seed, AHEAD).account == account_of(seed)

    @pytest.mark.parametrize("config", [STAND_INS, AHEAD])
    def test_a_seed_without_a_dialogue_raises(self, config):
        with pytest.raises(RowFault) as caught:
            design_dialogue("a refused line", config)
        assert caught.value.reason == "refused"


class TestRenderScene:
    def test_it_renders_and_mixes(self):
        rendered = render_scene(Scene(elements=(RAIN, VOICE)), STAND_INS)
        assert sorted(rendered.stems) == [1, 2]
        assert (rendered.audio.shape, rendered.audio.dtype) == ((2, 96_000), np.float32)
        assert repr(rendered) == "RenderedScene(2 elements, 2 s)"

    def test_a_mix_parameter_leaves_the_sounds_as_they_are(self):
        scene = Scene(elements=(RAIN, VOICE))
        moved = apply(scene, [Change(id=2, panning=-0.5), Change(id=1, loudness=-26)])
        before, after = render_scene(scene, STAND_INS), render_scene(moved, STAND_INS)
        assert {i: stem.flac for i, stem in before.stems.items()} == {
            i: stem.flac for i, stem in after.stems.items()
        }
        assert not np.array_equal(before.audio, after.audio)

    @pytest.mark.parametrize(("element", "unused"), [(RAIN, "tts"), (VOICE, "sfx")])
    def test_a_renderer_that_the_scene_does_not_use_is_not_constructed(self, element, unused):
        config = STAND_INS.model_copy(update={unused: "nope"})
        assert render_scene(Scene(elements=(element,)), config).audio.any()

    def test_renderers_are_closed(self, monkeypatch):
        closed = []
        monkeypatch.setattr(NoiseRenderer, "close", lambda self: closed.append(self.name))
        render_scene(Scene(elements=(RAIN, VOICE)), STAND_INS)
        assert sorted(closed) == ["murmur", "noise"]

    def test_an_element_without_a_sound_is_an_error(self, monkeypatch):
        monkeypatch.setattr(
            MurmurRenderer,
            "render",
            lambda self, requests: [RenderFailure("too-odd", "no idea")] * len(requests),
        )
        with pytest.raises(RejectedError) as caught:
            render_scene(Scene(elements=(RAIN, VOICE)), STAND_INS)
        assert (caught.value.stage, caught.value.reason) == ("render-speech", "too-odd")

    def test_a_scene_as_json_becomes_audio(self):
        scene = Scene.model_validate_json(Scene(elements=(RAIN,)).model_dump_json())
        assert np.array_equal(
            render_scene(scene, STAND_INS).audio, render_scene(Scene(elements=(RAIN,)), STAND_INS).audio
        )
