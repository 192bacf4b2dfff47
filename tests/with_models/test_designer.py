"""Dialogues of a small real model on llama.cpp's server: their form and the rules, not how good they are."""

from __future__ import annotations

import json

import pytest
from helpers.llama_cpp import SLOTS
from helpers.llm_runs import LlmRun
from typer.testing import CliRunner

from copilot.arrow import read_dialogue
from copilot.rules import check_dialogue
from copilot.scene import SceneLimits
from pipelines.cli.app import app

LIMITS = SceneLimits()
SEEDS = (
    "The rain had stopped, and somewhere behind the barn a dog was barking.",
    "She heard the kettle whistle before the clock struck six.",
    "A train went over the bridge, and then the valley was quiet again.",
    "The children ran along the beach while gulls cried above the waves.",
)
LONGEST_S = 1500


@pytest.fixture(scope="module")
def made(server, tmp_path_factory):
    """A run of one dialogue a seed."""
    run = LlmRun(server, tmp_path_factory.mktemp("made"), SEEDS, LIMITS, "--llm-concurrency", str(SLOTS))
    done = run.make(LONGEST_S)
    assert done.returncode == 0, done.stderr
    return run


def test_check_llm_finds_that_the_grammar_is_enforced(server):
    answer = CliRunner().invoke(app, ["check-llm", "--llm-url", server.url, "--json"])
    found = json.loads(answer.stdout)
    assert found["model"] == server.model
    assert found["recommended"] == "json_schema"


def test_every_seed_is_accounted_for_once(made):
    assert made.accounted() == made.seed_ids()


def test_at_least_half_of_the_seeds_become_samples(made):
    assert len(made.rows("samples")) >= len(SEEDS) / 2, made.rows("rejects")


def test_no_sample_has_a_fatal_fault(made):
    for row in made.rows("samples"):
        violations = check_dialogue(read_dialogue(row), LIMITS)
        assert [violation for violation in violations if violation.severity == "fatal"] == []


def test_every_edit_changes_the_scene(made):
    for row in made.rows("samples"):
        for turn in row["turns"][1:]:
            assert turn["operations"]
            assert turn["added"] or turn["changed"] or turn["removed"]
