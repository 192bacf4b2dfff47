"""The configuration of a run: what stands in `run.json`, and so in the fingerprint."""

from __future__ import annotations

from pipelines.config import RunConfig
from pipelines.fingerprint import Fingerprint


def fingerprint(**config) -> Fingerprint:
    return Fingerprint(config=RunConfig(seeds="starter", **config), designer={}, renderers={})


def test_settings_of_a_designer_that_has_none_are_left_out():
    content = fingerprint().model_dump(mode="json")["config"]
    assert "designer_settings" not in content
    assert set(content) == set(RunConfig.model_fields) - {"designer_settings"}
    assert RunConfig.model_validate(content) == RunConfig(seeds="starter")


def test_settings_of_a_designer_are_part_of_the_fingerprint():
    moody = fingerprint(designer_settings={"mood": "grim"})
    content = moody.model_dump(mode="json")
    assert content["config"]["designer_settings"] == {"mood": "grim"}
    assert Fingerprint.model_validate(content) == moody
    assert Fingerprint.model_validate_json(moody.model_dump_json()) == moody
    assert moody.digest != fingerprint().digest
    assert moody.digest != fingerprint(designer_settings={"mood": "calm"}).digest
