"""What the documents show works as they show it."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import soundfile
import typer
import yaml
from helpers.fake_llm import serving
from helpers.made_runs import a_dialogue, stems_for
from helpers.paths import ROOT

from copilot.checks import run_audio_checks
from copilot.designers.contract import DesignerContext
from copilot.designers.testing import Promise, check_designer
from copilot.errors import RowFault, UserError
from copilot.mix import mix_dialogue
from copilot.rules import check_dialogue
from copilot.scene import SceneLimits
from copilot.seed import Seed
from copilot.stem import SoundSpec, make_stem
from listeners import testing as listeners_testing
from listeners.contract import Clip, HearingFailure
from listeners.worker.listener import SCRIPTS
from pipelines.cli.app import app
from renderers import testing
from renderers.contract import RenderFailure, RenderRequest, get_info
from renderers.registry import create
from renderers.testing import check_renderer

OTHER_PROGRAMS = frozenset(
    [
        "--help",
        "--max-tokens",
        "--tiny",
        "--requeue",
        "--temp-dir",
        "--working-dir",
        "--quantization",
        "--parallel",
        "--enable-prefix-caching",
        "--enable-prompt-tokens-details",
        "--max-model-len",
        "--max-num-seqs",
        "--metrics",
        "--enable-metrics",
        "--no-deps",
        "--no-repack",
        "--dry-multiplier",
        "--dry-allowed-length",
        "--dry-penalty-last-n",
        "--poll",
    ]
)
"""Options of benchmarks, pip, Slurm, Ray, vLLM, SGLang and llama.cpp that pages name."""

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]


def example(page: str) -> dict:
    names: dict = {}
    for code in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL):
        # A page's code does not see this module's import from __future__.
        exec(compile(code, page, "exec", dont_inherit=True), names)
    return names


@pytest.fixture(scope="module")
def backend() -> dict:
    return example("backends.md")


def test_the_example_of_a_designer_keeps_the_contract(backend):
    check_designer(backend["MyDesigner"])
    check_designer(backend["MyDesigner"], {"weather": "wind"}, context=DesignerContext(n_turns=5))


def test_the_example_of_a_designer_does_what_the_page_says(backend):
    designer = backend["MyDesigner"](DesignerContext(), backend["WeatherSettings"]())
    assert designer.fingerprint() == {"designer": "mine", "version": "1", "weather": "rain"}
    design = designer.design(Seed("s", "The bell rang."), 7)
    assert [turn.task for turn in design.dialogue.turns] == ["story", "panning", "panning"]
    assert check_dialogue(design.dialogue, SceneLimits()) == ()
    with pytest.raises(RowFault) as caught:
        designer.design(Seed("s", "Silence."), 7)
    assert caught.value.reason == "no-sound"


def test_the_promises_of_a_designer_are_those_on_the_page():
    page = (ROOT / "docs" / "backends.md").read_text()
    table = page.partition("| promise |")[2].partition("\n\n")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == get_args(Promise)


def test_the_example_of_a_renderer_is_one(backend):
    renderer = backend["MySounds"](backend["Settings"]())
    assert renderer.fingerprint() == {
        "backend": "my-sounds",
        "version": "1",
        "decay_db": "40.0",
        "colour": "white",
    }
    sound, failure = renderer.render([RenderRequest("wind", 0.5, 1), RenderRequest("silence", 1.0, 2)])
    assert (sound.audio.shape, sound.audio.dtype) == ((1, 24_000), np.float32)
    assert failure == RenderFailure("no-sound", "silence has no sound")


def test_the_example_of_a_renderer_keeps_the_contract(backend):
    check_renderer(backend["MySounds"])
    check_renderer(backend["MySounds"], {"colour": "pink", "decay_db": "20"})


def test_the_promises_of_a_renderer_are_those_on_the_page():
    page = (ROOT / "docs" / "backends.md").read_text()
    table = page.rpartition("| promise |")[2].partition("\n\n")[0]
    assert tuple(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)) == get_args(testing.Promise)


@pytest.fixture(scope="module")
def listening() -> dict:
    return example("listeners.md")


def test_the_example_of_a_listener_is_one(listening):
    rater = listening["LoudnessRater"]()
    clips = [Clip(np.full(100, 0.1, np.float32)), Clip(np.zeros(0, np.float32))]
    rated, failure = rater.hear(clips)
    assert rated.values == {"level_db": pytest.approx(-20.0, abs=1e-4)}
    assert failure == HearingFailure("audio-empty", "no sample")


def test_the_promises_of_a_listener_are_those_on_the_page():
    page = (ROOT / "docs" / "listeners.md").read_text()
    table = page.rpartition("| promise |")[2].partition("\n\n")[0]
    assert tuple(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)) == get_args(listeners_testing.Promise)


def test_every_listener_has_a_row(listening):
    page = (ROOT / "docs" / "listeners.md").read_text()
    named = set(re.findall(r"^\| `([\w:-]+)`", page.partition("\n## ")[0], re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    built_in = set(project["entry-points"]["copilot.listeners"]) - {"worker"}
    assert named == built_in | {f"worker:{name}" for name in SCRIPTS}


@pytest.mark.parametrize("colour", ["white", "pink"])
@pytest.mark.parametrize("decay_db", [20, 40])
def test_the_sounds_of_the_example_pass_the_checks(backend, colour, decay_db):
    dialogue = a_dialogue(Seed(id="s", text="rain"))
    renderer = backend["MySounds"](backend["Settings"](colour=colour, decay_db=decay_db))
    stems = stems_for(dialogue, 1)
    for element in {e.id: e for turn in dialogue.turns for e in turn.scene.elements}.values():
        if element.tool == "sfx":
            (sound,) = renderer.render([RenderRequest(element.text, element.duration, element.id)])
            spec = SoundSpec("sfx", element.text, element.duration, element.id, renderer.fingerprint())
            stems[element.id] = make_stem(spec, sound.audio, sound.rate_hz)
            assert stems[element.id].info.loudness_lufs > -40
    checks = run_audio_checks(dialogue, stems, mix_dialogue([turn.scene for turn in dialogue.turns], stems))
    assert "offset" in {check.name for check in checks}
    assert [check for check in checks if not check.passed] == []


def test_the_example_is_made_and_listed_by_what_it_tells(backend, monkeypatch):
    monkeypatch.setattr("copilot.plugins.load", lambda *_, **__: backend["MySounds"])
    renderer = create("my-sounds:20", "sfx", {"colour": "pink"})
    assert renderer.settings == backend["Settings"](decay_db=20, colour="pink")
    with pytest.raises(UserError, match="colour='red': Input should be 'white' or 'pink'"):
        create("my-sounds", "sfx", {"colour": "red"})
    assert get_info(backend["MySounds"]).summary == "Noise with a decay"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_reached_from_the_index():
    text = (ROOT / "docs" / "index.md").read_text()
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert [page for page in sorted(pages) if f"]({page})" not in text] == []
    assert "docs/index.md" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_and_names_that_a_page_cites_exist(page):
    """`package.module:name` is importable, and a path in backticks is a file or a folder."""
    text = page.read_text()
    for module, names in re.findall(r"`((?:copilot|renderers|listeners|pipelines)[\w.]*):([\w.]+)`", text):
        found = importlib.import_module(module)
        for name in names.split("."):
            found = getattr(found, name)
    paths = re.findall(
        r"`((?:copilot|renderers|listeners|pipelines|tests|docs|examples|benchmarks|deploy)/[\w/.-]*)`", text
    )
    assert [path for path in paths if "NAME" not in path and not (ROOT / path).exists()] == []


def test_the_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_the_workflow_calls_targets_of_the_makefile():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = []
    for job in workflow["jobs"].values():
        suites = job.get("strategy", {}).get("matrix", {}).get("suite", [""])
        for step in job["steps"]:
            command = step.get("run", "")
            called += [command.replace("${{ matrix.suite }}", suite) for suite in suites if command]
    assert {command.removeprefix("make ") for command in called} <= targets
    assert {
        "make check",
        "make test",
        "make test-ray",
        "make test-torch",
        "make test-vllm",
        "make test-hearing",
    } <= set(called)


def shown_commands(page: Path) -> list[tuple[str, list[str]]]:
    """Return each `copilot COMMAND ...` that a page shows, with its options."""
    found = []
    for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        text = re.sub(r"\\\n", " ", block)
        for name, value in re.findall(r'^(\w+)="(.*)"$', text, re.MULTILINE):
            text = text.replace(f"${name}", value)
        for command, rest in re.findall(r"^(?:.*-- )?copilot ([\w-]+)(.*)$", text, re.MULTILINE):
            found.append((command, re.findall(r"(?<!\S)--[a-z][a-z-]*", rest.partition(" #")[0])))
    return found


def options_of(command: typer.core.TyperCommand | typer.core.TyperGroup) -> set[str]:
    """Return the options of a command, and of the commands below it."""
    known = {name for parameter in command.params for name in parameter.opts}
    return known.union(*(options_of(below) for below in getattr(command, "commands", {}).values()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_that_a_page_shows_exist(page):
    commands = typer.main.get_command(app).commands
    for command, options in shown_commands(page):
        assert set(options) <= options_of(commands[command]), command


def test_pages_show_commands():
    shown = {command for page in PAGES for command, _ in shown_commands(page)}
    assert {"generate", "status", "stats", "show", "verify", "filter", "plan", "preview", "stems"} <= shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_in_the_text_of_a_page_exist(page):
    """An option in backticks, such as `--sfx`, is one of some command."""
    named = set(re.findall(r"`(--[a-z]+(?:-[a-z]+)*)\b(?!-?\.\.\.)[^`]*`", page.read_text()))
    renamed = {"--seed"} if page.name == "CHANGELOG.md" else set()
    assert named - options_of(typer.main.get_command(app)) - OTHER_PROGRAMS - renamed == set()


def test_the_code_of_the_page_on_python_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict = {"__name__": "page"}
    with serving() as server:
        for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(), re.DOTALL):
            code = block.replace("http://HOST:8000/v1", server.url).replace("google/gemma-3-27b-it", "tiny")
            exec(compile(code, "python.md", "exec", dont_inherit=True), names)
    said = capsys.readouterr().out
    assert "Run runs/small: 4 samples" in said
    assert "(2, 288000)" in said
    assert soundfile.info("scene.flac").duration == 5
    assert len(names["open_run"]("runs/from-yaml")) == 2
    assert "sfx | " in said
