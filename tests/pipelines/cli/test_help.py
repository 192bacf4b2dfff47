"""The help of commands: short by default, whole with `--help-all`, and true about defaults."""

from __future__ import annotations

import re

import pytest
from typer.main import get_command

from copilot.designers.llm.service import LlmService
from copilot.designers.llm.settings import LlmSettings
from pipelines.cli.app import app
from pipelines.cli.options import groups
from pipelines.config import RunConfig
from pipelines.config_file import OLD_NAMES, known_options
from pipelines.options.execution import REJECTS_AFTER
from pipelines.options.option import options_of
from pipelines.options.plan import PlanOptions
from pipelines.options.preview import PreviewOptions
from pipelines.options.run import RunOptions
from pipelines.planning.ray_settings import RaySettings
from pipelines.stages.worker_spec import RECORDS_AT_ONCE

TWO_SCREENS = 96
GROUPS = {
    "generate": (RunOptions,),
    "plan": (RunOptions, PlanOptions),
    "preview": (PreviewOptions,),
}
COMMANDS = [name for name, command in get_command(app).commands.items() if not command.hidden]
HELPS = [
    (),
    ("prompts", "show"),
    *((command, "--help-all") for command in GROUPS),
    *((command,) for command in COMMANDS),
]


def names_in(text: str) -> set[str]:
    """The options that have a line of their own."""
    return set(re.findall(r"^│ (?:\*  |   )?--([a-z-]+)", text, re.MULTILINE))


@pytest.mark.parametrize("command", GROUPS)
def test_help_fits_two_screens(copilot, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "100")
    code, text, _ = copilot(command, "--help")
    assert (code, len(text.splitlines()) <= TWO_SCREENS) == (0, True)
    assert {"seeds", "designer", "random-seed", "help-all"} <= names_in(text)


@pytest.mark.parametrize("command", GROUPS)
def test_help_all_has_every_option(copilot, command):
    code, text, _ = copilot(command, "--help-all")
    options = {name.replace("_", "-") for group in GROUPS[command] for name in options_of(group)}
    if command == "plan":
        options -= {"out", "max-rejects"}
    assert code == 0
    assert options - names_in(text) == set()
    assert OLD_NAMES.keys() & names_in(text) == set()


@pytest.mark.parametrize("call", HELPS, ids=" ".join)
def test_flags_have_no_type_and_defaults_one_style(copilot, call):
    code, text, _ = copilot(*call, *(() if "--help-all" in call else ("--help",)))
    assert (code, "help" in names_in(text)) == (0, True)
    assert [wrong for wrong in ("<bool>", "list[", "default: (", "without it") if wrong in text] == []


def test_every_group_has_its_place_in_the_help():
    assert {option.option.group for option in known_options().values()} <= set(groups._HEADINGS)


@pytest.mark.parametrize(
    ("option", "default"),
    [
        ("llm_concurrency", LlmService.model_fields["concurrency"].default),
        ("llm_patience", LlmService.model_fields["patience_s"].default),
        ("llm_timeout", LlmService.model_fields["timeout_s"].default),
        ("mode", LlmSettings.model_fields["mode"].default),
        ("llm_structured", LlmSettings.model_fields["structured"].default),
        ("llm_max_tokens", LlmSettings.model_fields["max_tokens"].default),
        ("speech_share", RunConfig.model_fields["speech_share"].default),
        ("llm_corrections", LlmSettings.model_fields["corrections"].default),
        ("llm_fresh_starts", LlmSettings.model_fields["fresh_starts"].default),
        ("stall_timeout", RaySettings.model_fields["stall_timeout_s"].default),
        ("max_reject_after", REJECTS_AFTER),
        ("at_once", RECORDS_AT_ONCE),
    ],
)
def test_a_default_that_is_defined_elsewhere_is_that_one(option, default):
    shown = known_options()[option].default_text
    assert shown == (f"{default:g}" if isinstance(default, float) else str(default))


def test_defaults_are_in_the_help(copilot):
    text = " ".join(copilot("generate", "--help-all")[1].replace("│", " ").split())
    for option in options_of(RunOptions).values():
        if option.default_text is not None and not option.option.required:
            assert f"[default: {option.default_text}]" in text
