"""The configuration of a run: what stands in `run.json`, and so in the fingerprint."""

from __future__ import annotations

from copilot.designers.llm.settings import LlmSettings
from pipelines.config import RunConfig
from pipelines.fingerprint import Fingerprint


def fingerprint(**config) -> Fingerprint:
    return Fingerprint(config=RunConfig(seeds="starter", **config), designer={}, renderers={})


def test_settings_of_a_designer_that_has_none_are_left_out():
    content = fingerprint().model_dump(mode="json")["config"]
    assert "designer_settings" not in content
    unset = {"captions", "designer_settings", "language", "foreign_seeds", "speech_share", "continues"}
    assert set(content) == set(RunConfig.model_fields) - unset
    assert RunConfig.model_validate(content) == RunConfig(seeds="starter")


def test_settings_of_a_designer_are_part_of_the_fingerprint():
    moody = fingerprint(designer_settings={"mood": "grim"})
    content = moody.model_dump(mode="json")
    assert content["config"]["designer_settings"] == {"mood": "grim"}
    assert Fingerprint.model_validate(content) == moody
    assert Fingerprint.model_validate_json(moody.model_dump_json()) == moody
    assert moody.digest != fingerprint().digest
    assert moody.digest != fingerprint(designer_settings={"mood": "calm"}).digest


def test_the_share_of_speech_of_a_language_model_keeps_its_place_in_the_fingerprint():
    modelled = fingerprint(designer="llm", llm=LlmSettings(model="m"), speech_share=0.25)
    content = modelled.model_dump(mode="json")["config"]
    assert (content["llm"]["speech_share"], "speech_share" in content) == (0.25, False)
    assert RunConfig.model_validate(content) == modelled.config
    assert Fingerprint.model_validate_json(modelled.model_dump_json()) == modelled
    usual = fingerprint(designer="llm", llm=LlmSettings(model="m")).model_dump(mode="json")["config"]
    assert usual["llm"]["speech_share"] == 0.5


def test_another_share_of_speech_is_part_of_the_fingerprint():
    content = fingerprint(speech_share=1.0).model_dump(mode="json")["config"]
    assert content["speech_share"] == 1.0
    assert RunConfig.model_validate(content).speech_share == 1.0
