"""Whole runs with the designer on a real vLLM server, whose model is noise that keeps to a grammar."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import pytest
from helpers.llm_runs import LlmRun, end
from helpers.stand_ins import Command

from copilot.arrow import read_dialogue
from copilot.designers.llm.judge import CHECKS
from copilot.designers.llm.prompts import PromptLibrary
from copilot.rules import RULES, check_dialogue
from copilot.scene import SceneLimits
from pipelines.run.totals import Totals

# Noise has long words: with fewer of them, texts would sooner be too long.
LIMITS = SceneLimits(n_elements=5)
N_SEEDS = 12


def plan_run(server, folder: Path, n_seeds: int, *options: str) -> LlmRun:
    return LlmRun(server, folder, [f"Line {k} of the seeds." for k in range(n_seeds)], LIMITS, *options)


@pytest.fixture(scope="module")
def made(vllm_server, tmp_path_factory):
    """A run that was left alone, with a judge."""
    call = plan_run(vllm_server, tmp_path_factory.mktemp("made"), N_SEEDS, "--judge")
    done = call.make()
    assert done.returncode == 0, done.stderr
    call.told = json.loads(done.stdout)["totals"]
    return call


def test_every_seed_is_accounted_for_once(made):
    assert made.accounted() == made.seed_ids()
    assert len(made.seed_ids()) == N_SEEDS


def test_all_but_one_seed_become_samples(made):
    assert len(made.rows("samples")) >= N_SEEDS - 1, made.rows("rejects")


def test_no_sample_has_a_fatal_fault(made):
    for row in made.rows("samples"):
        violations = check_dialogue(read_dialogue(row), LIMITS)
        assert [violation for violation in violations if violation.severity == "fatal"] == []


def test_what_no_operation_names_does_not_change(made):
    for row in made.rows("samples"):
        turns = row["turns"]
        assert [turn["index"] for turn in turns] == [0, 1, 2]
        for before, turn in pairwise(turns):
            assert turn["operations"]
            named = {op["element"]["id"] if op["op"] == "add" else op["id"] for op in turn["operations"]}
            named |= {op["element"]["id"] for op in turn["operations"] if op["op"] == "replace"}
            others = [[e for e in at["elements"] if e["id"] not in named] for at in (before, turn)]
            assert others[0] == others[1]
            assert {*turn["added"], *turn["changed"], *turn["removed"]} == named


def test_both_prompts_are_used_and_speech_is_where_it_is_offered(made):
    spoken = {"turnwise-speech": 0, "turnwise-sounds": 0}
    n_used = Counter(row["provenance"]["prompt"] for row in made.rows("samples"))
    for row in made.rows("samples"):
        elements = [element for turn in row["turns"] for element in turn["elements"]]
        spoken[row["provenance"]["prompt"]] += any(element["tool"] == "tts" for element in elements)
    assert n_used.keys() == spoken.keys()
    assert spoken["turnwise-sounds"] == 0
    assert spoken["turnwise-speech"] > 0


def test_the_run_records_the_prompts(made):
    prompts = made.run.describe()["fingerprint"]["prompts"]
    hashes = PromptLibrary.load().hashes()
    names = {"turnwise-speech", "turnwise-sounds", "story", "edit", "correction", "judge"}
    assert prompts == {name: hashes[name] for name in names}
    used = {(row["provenance"]["prompt"], row["provenance"]["prompt_hash"]) for row in made.rows("samples")}
    assert used <= prompts.items()


def test_samples_tell_what_they_cost(made):
    accounts = [row["provenance"] for row in made.rows("samples")]
    for account in accounts:
        assert (account["model"], account["mode"]) == ("tiny", "turnwise")
        assert len(account["raw_replies"]) == account["requests"] >= 5  # three turns, two judged
        assert account["requests"] >= 5 + account["corrections"] + account["fresh_starts"]
        assert account["tokens"]["prompt"] > account["tokens"]["cached"] >= 0
        assert account["tokens"]["generated"] > 0
        assert account["design_s"] > 0
    assert any(account["tokens"]["cached"] for account in accounts)


def test_usages_add_up(made):
    replies = [row["provenance"]["raw_replies"] for row in made.rows("samples")]
    replies += [row["raw_replies"] for row in made.rows("rejects")]
    usage = asdict(Totals.of_entries(made.run.ledger.entries()).usage)
    assert usage["requests"] == sum(map(len, replies))
    assert made.told["usage"] == usage
    # A reject's row has its replies, but not its tokens.
    for entry in made.run.ledger.entries():
        accounts = [row["provenance"] for row in made.rows_of(entry, "samples")]
        if not entry.rejected:
            for name in ("prompt", "cached", "generated"):
                told = sum(account["tokens"][name] for account in accounts)
                assert getattr(entry.usage, f"{name}_tokens") == told


def test_every_edit_turn_is_judged(made):
    for row in made.rows("samples"):
        verdicts = {check["name"]: check for check in row["checks"] if check["name"].startswith("judge/")}
        assert tuple(verdicts) == CHECKS
        assert {(check["limit"], check["value"] in {0, 1, 2}) for check in verdicts.values()} == {(0, True)}
        assert verdicts["judge/no-verdict"]["value"] == 0


def test_what_noise_cannot_do_is_rejected_with_reason_and_reply(vllm_server, tmp_path):
    """A grammar cannot make a whole dialogue keep the rules, and nothing is asked twice here."""
    once = ("--mode", "whole", "--llm-corrections", "0", "--llm-fresh-starts", "0")
    call = plan_run(vllm_server, tmp_path, 6, *once)
    done = call.make()
    assert done.returncode == 0, done.stderr
    rejects = call.rows("rejects")
    assert call.accounted() == sorted(row["seed_id"] for row in rejects) == call.seed_ids()
    known = {rule.name for rule in RULES if rule.severity == "fatal"} | {"schema", "speech-not-offered"}
    for row in rejects:
        assert (row["stage"], row["reason"] in known) == ("design", True), row["reason"]
        assert row["detail"].startswith("the dialogue: ")
        assert row["detail"].endswith(
            "(given up after 1 requests, among them 0 corrections and 0 fresh starts)"
        )
        (reply,) = row["raw_replies"]
        assert list(json.loads(reply)) == ["story", "edit_1", "edit_2"]
    assert Totals.of_entries(call.run.ledger.entries()).usage.requests == len(rejects) == 6
    assert call.run.describe()["fingerprint"]["prompts"].keys() == {
        "whole-speech",
        "whole-sounds",
        "whole",
        "correction",
    }


@pytest.fixture
def ending():
    """Takes commands that are not to outlive the test."""
    commands: list[Command] = []
    yield commands.append
    for command in commands:
        command.process.kill()


def test_a_server_that_is_killed_and_started_again_costs_no_seed(vllm_server, tmp_path, ending):
    """Of two runs one waits for the server, and the other ends and is started again."""
    # One by one, so that there are dialogues to come long after the first are committed.
    few = ("--turns", "2", "--llm-concurrency", "1")
    patient = plan_run(vllm_server, tmp_path / "patient", 12, *few, "--llm-patience", "600")
    hasty = plan_run(vllm_server, tmp_path / "hasty", 12, *few, "--llm-patience", "0")
    ending(waiting := patient.begin())
    ending(hurrying := hasty.begin())
    until_committed(patient, waiting)
    until_committed(hasty, hurrying)
    vllm_server.kill()
    gone = end(hurrying)
    assert gone.returncode == 1
    assert "no server of the language model has answered for" in gone.stderr
    assert "start the server" in gone.stderr
    assert "Traceback" not in gone.stderr
    committed = {entry.name: entry for entry in hasty.run.ledger.entries()}
    assert 0 < len(hasty.accounted()) < 12
    assert waiting.is_alive()
    assert len(patient.accounted()) < 12

    vllm_server.start()
    again = hasty.make()
    assert again.returncode == 0, again.stderr
    assert hasty.accounted() == hasty.seed_ids()
    assert committed.items() <= {entry.name: entry for entry in hasty.run.ledger.entries()}.items()
    waited = end(waiting)
    assert waited.returncode == 0, waited.stderr
    assert patient.accounted() == patient.seed_ids()


def until_committed(call: LlmRun, command: Command) -> None:
    """Wait until a run has its first seeds in the ledger, and is not done."""
    while not call.run.ledger.names():
        command.process.join(0.1)
        assert command.is_alive(), end(command).stderr
