"""The options that stand for settings in messages."""

from __future__ import annotations

import pytest

from pipelines.cli.option_names import option_names, with_options
from pipelines.config import RunConfig
from pipelines.config_file import known_options


@pytest.mark.parametrize("field", sorted(set(RunConfig.model_fields) - {"continues"}))
def test_every_field_of_a_configuration_has_an_option(field):
    option = option_names()[field]
    assert option.startswith("--")
    assert option[2:].replace("-", "_") in known_options() or field == "llm"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("`run_seed`: 7", "--random-seed: 7"),
        ("`sfx_settings`: steps", "--sfx-set: steps"),
        ("`ray.stall_timeout_s` is 8 s", "--stall-timeout is 8 s"),
        ("lower `ray.pools.mix.size`", "lower `ray.pools.mix.size`"),
        ("`llm.temperature` is 1, `llm.mode` whole", "--llm-temperature is 1, --mode whole"),
        ("`old name` stays", "`old name` stays"),
    ],
)
def test_settings_in_a_message(message, shown):
    assert with_options(message) == shown
