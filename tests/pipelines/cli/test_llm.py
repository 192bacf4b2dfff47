"""The commands around a language model: options, prompts, preview and check."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stdout

import pytest
from helpers.fake_llm import http_status, saying, serving

from copilot.designers.llm.prompts import PromptLibrary
from copilot.designers.llm.service import LlmService
from copilot.designers.llm.settings import LlmSettings
from copilot.errors import UserError
from pipelines.cli.commands.check_llm import run_check_llm
from pipelines.cli.output.draw_text import MAX_SHOWN_PROBLEMS, describe_draw
from pipelines.llm.keywords import keyword_trials
from pipelines.options.dialogue import DialogueOptions
from pipelines.seeds import read_seeds

URL = "http://127.0.0.1:1/v1"
PREVIEW = ("preview", "--seeds", "starter", "--designer", "llm", "--llm-model", "tiny")


def options(**given) -> DialogueOptions:
    return DialogueOptions(**{"seeds": "starter", "designer": "llm", **given})


SERVED = {"llm_url": [URL], "llm_model": "tiny"}


def test_options_not_given_are_the_models_own():
    given = options(**SERVED)
    assert given.create_run_config().llm == LlmSettings(model="tiny")
    assert given.create_service() == LlmService(urls=(URL,))
    assert given.create_run_config().task_mix is None


def test_every_option_reaches_its_setting():
    given = options(
        task_mix="open=0.5, add=2",
        mode="whole",
        llm_url=[URL, "http://127.0.0.1:2/v1"],
        llm_model="tiny",
        llm_concurrency=7,
        llm_patience=0.0,
        llm_timeout=9.0,
        llm_structured="none",
        llm_temperature=0.0,
        llm_top_p=0.5,
        llm_max_tokens=100,
        speech_share=0.0,
        llm_corrections=0,
        llm_fresh_starts=4,
        llm_correct="valid",
        judge=True,
        judge_model="wise",
        judge_url=["http://127.0.0.1:3/v1"],
    )
    assert given.create_run_config().task_mix == {"open": 0.5, "add": 2.0}
    assert given.create_run_config().speech_share == 0
    assert given.create_run_config().llm == LlmSettings(
        model="tiny",
        mode="whole",
        structured="none",
        temperature=0,
        top_p=0.5,
        max_tokens=100,
        corrections=0,
        fresh_starts=4,
        correct_hq=False,
        judge_model="wise",
    )
    assert given.create_service() == LlmService(
        urls=(URL, "http://127.0.0.1:2/v1"),
        concurrency=7,
        timeout_s=9,
        patience_s=0,
        judge_urls=("http://127.0.0.1:3/v1",),
    )


def test_the_judge_is_the_same_model_unless_another_is_named():
    llm = options(**SERVED, judge=True).create_run_config().llm
    assert llm is not None
    assert llm.judge_model == "tiny"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"llm_model": "tiny"}, "llm_url"),
        ({"llm_url": [URL]}, "llm_model"),
        ({**SERVED, "llm_temperature": 2.5}, "llm_temperature"),
        ({**SERVED, "speech_share": -1.0}, "speech_share"),
        ({**SERVED, "llm_max_tokens": 1}, "llm_max_tokens"),
        ({**SERVED, "llm_concurrency": 0}, "llm_concurrency"),
        ({**SERVED, "llm_timeout": 0.0}, "llm_timeout"),
        ({**SERVED, "judge_model": "wise"}, "judge_model"),
        ({**SERVED, "judge_url": [URL]}, "judge_url"),
    ],
)
def test_a_wrong_option_is_named(given, field):
    with pytest.raises(UserError) as wrong:
        options(**given).create_run_config() and options(**given).create_service()
    assert wrong.value.field == field


@pytest.mark.parametrize(
    "given", [{"llm_temperature": 0.0}, {"mode": "whole"}, {"judge": True}, {"llm_url": [URL]}]
)
def test_an_option_of_a_language_model_is_refused_without_one(given):
    with pytest.raises(UserError) as wrong:
        options(designer="scripted", **given).create_run_config()
    assert [wrong.value.field] == list(given)


@pytest.mark.parametrize(
    "mix",
    ["add", "add=", "add=-1", "story=1", "add=1,add=2", "add=nan", "dance=1", "", "add=1,,open=2", "add=0"],
)
def test_a_wrong_task_mix(mix):
    with pytest.raises(UserError) as wrong:
        options(designer="scripted", task_mix=mix).create_run_config()
    assert wrong.value.field == "task_mix"


def test_a_mistake_ends_generate_before_anything_is_made(copilot, tmp_path):
    call = ("generate", "--seeds", "starter", "--out", str(tmp_path / "run"), "--llm-model", "tiny")
    code, _, said = copilot(*call)
    assert code == 2
    assert said.startswith("copilot: --llm-model: ")
    assert not (tmp_path / "run").exists()


def test_prompts_are_listed(copilot):
    code, said, _ = copilot("prompts", "--json")
    assert code == 0
    assert {prompt["name"]: prompt["hash"] for prompt in json.loads(said)} == PromptLibrary.load().hashes()
    listed = copilot("prompts")[1]
    story = PromptLibrary.load().get("story")
    assert re.search(
        rf"^story +turnwise +{re.escape(story.purpose)} +{story.hash[:12]}", listed, re.MULTILINE
    )


@pytest.mark.parametrize("name", PromptLibrary.load().names())
def test_every_prompt_is_shown(copilot, name):
    code, said, _ = copilot("prompts", "show", name, "--seed-text", "The mill stood still.", "--json")
    assert code == 0
    shown = json.loads(said)
    assert shown["name"] == name
    assert shown["text"] + "\n" == copilot("prompts", "show", name, "--seed-text", "The mill stood still.")[1]


def test_an_edits_prompt_is_shown_for_its_task(copilot):
    said = copilot("prompts", "show", "edit", "--seed-text", "The mill stood still.", "--task", "volume")[1]
    assert '{"op":"change","slot":0,"loudness":' in said
    assert re.search(r"^- slot 0: \w+, .+; loudness -\d", said, re.MULTILINE)
    assert copilot("prompts", "show", "story", "--seed-text", "The mill.")[1].endswith("Seed: The mill.\n")


def test_an_unknown_prompt_and_an_unknown_task(copilot):
    code, _, said = copilot("prompts", "show", "sonnet")
    assert (code, "sonnet" in said, "correction" in said) == (2, True, True)
    code, _, said = copilot("prompts", "show", "edit", "--task", "story")
    assert (code, said.startswith("copilot: --task: ")) == (2, True)


def test_preview_prints_dialogues(copilot):
    code, said, _ = copilot("preview", "--seeds", "starter", "--num", "2", "--random-seed", "3")
    assert code == 0
    assert said.count("Turn 0  story") == 2
    assert said.endswith("2 seeds: 2 valid, 2 of them without findings\n")


def test_preview_prints_one_json_line_a_dialogue(copilot):
    code, said, _ = copilot("preview", "--seeds", "starter", "--num", "3", "--json", "--task-mix", "remove=1")
    dialogues = [json.loads(line) for line in said.splitlines()]
    assert (code, len(dialogues)) == (0, 3)
    tasks = [[turn["task"] for turn in dialogue["dialogue"]["turns"]] for dialogue in dialogues]
    assert tasks == [["story", "remove", "remove"]] * 3
    assert all(dialogue["reject"] is None and not dialogue["findings"] for dialogue in dialogues)
    assert all(dialogue["usage"]["requests"] == 0 for dialogue in dialogues)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_preview_accounts_for_every_line(copilot, tmp_path, form):
    path = tmp_path / "x.txt"
    path.write_bytes(b"The rain had stopped at last.\n" + b"caf\xe9\n" * 200)
    code, _, said = copilot("preview", "--seeds", f"text:{path}", "--num", "3", *form)
    draw = read_seeds(f"text:{path}", 3, 0)
    assert code == 0
    assert said.splitlines() == describe_draw(draw, 3)
    assert (draw.n_problems, len(describe_draw(draw, 3))) == (200, 1 + MAX_SHOWN_PROBLEMS + 1)


def test_preview_of_a_language_model(copilot):
    with serving() as server:
        code, said, _ = copilot(*PREVIEW, "--num", "2", "--llm-url", server.url, "--json")
    dialogues = [json.loads(line) for line in said.splitlines()]
    assert (code, len(dialogues)) == (0, 2)
    assert sum(dialogue["usage"]["requests"] for dialogue in dialogues) == server.requests
    assert all(len(d["raw_replies"]) == d["usage"]["requests"] for d in dialogues)


def test_preview_tells_why_a_seed_is_rejected(copilot):
    with serving(faults=lambda *_: saying("I would rather not.")) as server:
        again = ("--llm-corrections", "1", "--llm-fresh-starts", "0")
        code, said, _ = copilot(*PREVIEW, "--num", "1", "--llm-url", server.url, *again)
    assert code == 0
    assert re.search(r"^rejected by design, not-json: turn 0", said, re.MULTILINE), said
    assert "2 requests, 1 corrections, 0 fresh starts" in said
    assert said.splitlines()[-3] == "1 seeds: 0 valid, 0 of them without findings"


def test_a_server_that_can_do_all(copilot):
    with serving(max_model_len=20_000) as server:
        code, said, _ = copilot("check-llm", "--llm-url", server.url, "--json")
    found = json.loads(said)
    assert code == 0
    assert (found["model"], found["max_model_len"], found["version"]) == ("tiny", 20_000, "0.32.0")
    assert [form["works"] for form in found["forms"]] == [True, True, True]
    assert {one["keyword"]: one["outcome"] for one in found["keywords"]} == dict.fromkeys(
        [trial.keyword for trial in keyword_trials()], "kept"
    )
    assert (found["load"]["running"], found["slots"], found["not_tried"]) == (0, None, [])
    assert found["recommended"] == "json_schema"
    assert found["dialogues"][0]["usage"]["generated_tokens"] > 0


def test_a_keyword_that_is_not_enforced_is_reported(copilot):
    def obeys(number, body):
        name = body.get("response_format", {}).get("json_schema", {}).get("name")
        if name == "check-enum":
            return saying('{"answer":"maybe"}')
        return saying('{"second":"no","first":"yes"}') if name == "check-order-of-keys" else None

    with serving(faults=obeys) as server:
        code, said, _ = copilot("check-llm", "--llm-url", server.url, "--llm-model", "tiny")
    assert code == 0
    unkept = re.findall(r"^grammar  (.*): not enforced; (.*) \(ended by stop\); (.*)$", said, re.MULTILINE)
    consequences = {trial.keyword: trial.consequence for trial in keyword_trials()}
    assert unkept == [
        ("enum", """it said '{"answer":"maybe"}'""", consequences["enum"]),
        ("order of keys", """it said '{"second":"no","first":"yes"}'""", consequences["order of keys"]),
    ]
    assert said.count(": not seen to break\n") == len(consequences) - 2
    assert said.endswith("use      --llm-structured json_schema\n")


def test_a_server_without_grammars(copilot):
    with serving(refuses=("json_schema", "json_object")) as server:
        code, said, _ = copilot("check-llm", "--llm-url", server.url)
    assert code == 0
    assert "replies  json_schema: does not work; 400, response_format json_schema is not supported" in said
    assert "grammar" not in said
    assert said.endswith("use      --llm-structured none\n")


def test_each_finding_is_printed_before_the_next_request():
    buffer, seen = io.BytesIO(), []

    def look(number, body):
        # What was flushed, as a file or a pipe would have it.
        seen.append(buffer.getvalue().decode().splitlines())

    with serving(faults=look) as server, redirect_stdout(io.TextIOWrapper(buffer)):
        run_check_llm(server.url, None, 600.0, 900.0, as_json=False)
    assert seen[0][0] == f"{server.url}: version 0.32.0"
    replies = [[line for line in lines if line.startswith("replies")] for lines in seen[:4]]
    assert [len(lines) for lines in replies] == [0, 1, 2, 3]


def test_a_server_that_is_too_slow_for_the_time_limit(copilot):
    with serving(latency_s=5.0) as server:
        code, said, _ = copilot("check-llm", "--llm-url", server.url, "--time-limit", "1", "--json")
    assert (code, json.loads(said)["not_tried"][0]) == (1, "replies as json_schema")


def test_no_dialogue_can_be_made(copilot):
    with serving(faults=lambda *_: saying("No.")) as server:
        code, said, _ = copilot("check-llm", "--llm-url", server.url)
    assert code == 1
    assert "dialogue with none: not-json" in said
    assert said.endswith("this server and model cannot make a dialogue\n")


def test_a_server_that_fails_is_a_finding(copilot):
    with serving(faults=lambda *_: http_status(400, "no chat template")) as server:
        code, said, _ = copilot("check-llm", "--llm-url", server.url)
    assert code == 1
    assert said.count("does not work; 400, no chat template") == 3


def test_check_llm_names_the_served_models(copilot):
    with serving(model="gemma") as server:
        code, _, said = copilot("check-llm", "--llm-url", server.url, "--llm-model", "tiny")
        assert code == 2
        assert said.startswith(f"copilot: --llm-model: {server.url} ")
        assert said.endswith("available: gemma\n")
    with serving(key="secret") as server:
        code, _, said = copilot("check-llm", "--llm-url", server.url)
        assert code == 2
        assert "401, " in said
        assert "set COPILOT_LLM_API_KEY" in said


def test_a_server_that_does_not_answer(copilot):
    code, _, said = copilot("check-llm", "--llm-url", URL)
    assert code == 1
    assert said.startswith(f"copilot: {URL}: no connection")
    assert "is the server running" in said


@pytest.mark.parametrize("trial", keyword_trials(), ids=lambda trial: trial.keyword)
def test_a_trial_requests_what_its_grammar_forbids(trial):
    assert not trial.is_kept(trial.forbidden)


@pytest.mark.parametrize("text", ["", "[]", '"yes"', "null", '{"answer":"yes","answer":"yes"}'])
def test_a_reply_that_is_not_an_object_keeps_no_schema(text):
    assert not keyword_trials()[0].is_kept(text)
    assert keyword_trials()[0].is_kept('{"answer":"yes"}')
