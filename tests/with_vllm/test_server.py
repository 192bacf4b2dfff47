"""What the designer takes for granted is so on a real vLLM server.

Each keyword of its grammars is enforced at a high temperature, usage and metrics carry the figures that are
read, endings and refusals look as expected. The model is noise: without a grammar, no reply would be JSON.
"""

from __future__ import annotations

import json
import re
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest
from helpers.vllm_server import VllmServer

N_REPLIES = 8
FIRST = r"[^\x00-\x2f:-@\[-`{-\x7f]"
LETTER = r'[^\x00-\x20"\\\x7f]'


@pytest.fixture
def ask(client, vllm_server):
    def ask(schema=None, *, prompt="Tell me.", max_tokens=4096, **options):
        if schema is not None:
            form = {"name": "reply", "schema": schema, "strict": True}
            options["response_format"] = {"type": "json_schema", "json_schema": form}
        return client.chat.completions.create(
            model=options.pop("model", vllm_server.model),
            messages=[{"role": "user", "content": prompt}],
            max_tokens=max_tokens,
            temperature=1.5,
            **options,
        )

    return ask


@pytest.fixture
def values(ask):
    """What several replies hold for one property. Each has to end by itself, as strict JSON."""

    def values(schema):
        whole = obj(value=schema)
        with ThreadPoolExecutor(N_REPLIES) as pool:
            replies = list(pool.map(lambda index: ask(whole, prompt=f"Tell me {index}."), range(N_REPLIES)))
        assert {reply.choices[0].finish_reason for reply in replies} == {"stop"}
        objects = [json.loads(reply.choices[0].message.content) for reply in replies]
        assert {tuple(found) for found in objects} == {("value",)}
        return [found["value"] for found in objects]

    return values


@pytest.fixture
def get(vllm_server):
    def get(path):
        with urllib.request.urlopen(vllm_server.root + path, timeout=30) as answer:
            return answer.read().decode()

    return get


def obj(**properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def test_enum(values):
    assert set(values({"enum": ["effect", "music"]})) <= {"effect", "music"}
    assert set(values({"enum": [0, 3, 7]})) <= {0, 3, 7}


def test_const(values):
    assert set(values({"const": "speech"})) == {"speech"}


@pytest.mark.parametrize(("low", "high"), [(-30, -10), (-0.1, 0.1), (0.2, 8), (-1, 1), (0.0, 7.8)])
def test_a_number_keeps_its_bounds(values, low, high):
    found = values({"type": "number", "minimum": low, "maximum": high})
    assert [number for number in found if not low <= number <= high] == []
    assert len(set(found)) > 1


def test_an_integer_keeps_its_bounds(values):
    found = values({"type": "integer", "minimum": 0, "maximum": 99})
    assert {type(number) for number in found} == {int}
    assert [number for number in found if not 0 <= number <= 99] == []


@pytest.mark.parametrize(("fewest", "most"), [(3, 9), (1, 2), (0, 1), (2, 2)])
def test_an_array_keeps_its_length(values, fewest, most):
    found = values({"type": "array", "items": {"enum": ["a", "b"]}, "minItems": fewest, "maxItems": most})
    assert [items for items in found if not fewest <= len(items) <= most] == []


def test_any_of_objects_takes_one_whole(values):
    change = obj(
        op={"const": "change"},
        slot={"enum": [0, 1]},
        loudness={"type": "number", "minimum": -30, "maximum": -10},
    )
    remove = obj(op={"const": "remove"}, slot={"enum": [1]})
    for found in values(
        {"type": "array", "items": {"anyOf": [change, remove]}, "minItems": 4, "maxItems": 6}
    ):
        for operation in found:
            assert tuple(operation) in {("op", "slot", "loudness"), ("op", "slot")}
            assert operation["op"] == ("change" if "loudness" in operation else "remove")
            assert operation["slot"] in ({0, 1} if operation["op"] == "change" else {1})


def test_properties_come_in_order_all_of_them_and_no_other(values):
    names = ("user", "ambience", "others", "aside", "a")
    found = values(obj(**{name: {"enum": [1, 2]} for name in names}))
    assert {tuple(keys) for keys in found} == {names}


@pytest.mark.parametrize("most", [1, 3, 20, 90])
def test_the_pattern_of_words(values, most):
    pattern = f"{FIRST}({LETTER}* {LETTER}){{0,{most - 1}}}{LETTER}{{0,30}}"
    found = values({"type": "string", "pattern": f"^{pattern}$"})
    assert [text for text in found if not re.fullmatch(pattern, text)] == []
    assert most == 1 or any(" " in text for text in found)


def test_words_are_refused_beyond_129(ask):
    """The grammar's engine fails on a group that is repeated more often: no text may be given more words."""
    pattern = f"^{FIRST}({LETTER}* {LETTER}){{0,%d}}{LETTER}{{0,30}}$"
    assert ask({"type": "string", "pattern": pattern % 128}).choices[0].finish_reason == "stop"
    with pytest.raises(openai.InternalServerError):
        ask({"type": "string", "pattern": pattern % 129})


def test_cached_tokens_are_part_of_the_usage(ask):
    prompt = "The same words come first in every prompt. " * 40
    first, second = (ask({"enum": ["a", "b"]}, prompt=prompt).usage for _ in range(2))
    assert first.prompt_tokens == second.prompt_tokens > 256
    assert first.prompt_tokens_details.cached_tokens == 0
    assert first.prompt_tokens - 128 < second.prompt_tokens_details.cached_tokens < first.prompt_tokens


def test_a_reply_that_is_cut_says_length(ask):
    reply = ask({"const": "bell " * 40}, max_tokens=5)
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage.completion_tokens == 5
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.choices[0].message.content)


def test_a_prompt_longer_than_the_context_is_refused(ask, vllm_server):
    with pytest.raises(openai.BadRequestError) as refusal:
        ask(prompt="word " * vllm_server.context)
    assert refusal.value.body["type"] == "BadRequestError"
    assert f"maximum context length is {vllm_server.context} tokens" in refusal.value.body["message"]


def test_a_reply_has_no_more_than_is_left_of_the_context(ask, vllm_server):
    prompt = "the " * (vllm_server.context - 100)  # one token each
    reply = ask({"const": "bell " * 400}, prompt=prompt)
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage.total_tokens == vllm_server.context


def test_an_unknown_model_is_refused(ask):
    with pytest.raises(openai.NotFoundError, match="The model `other` does not exist"):
        ask(model="other")


def test_a_keyword_that_the_grammar_cannot_keep_is_refused(ask):
    with pytest.raises(openai.BadRequestError, match="not supported by xgrammar"):
        ask(obj(value={"type": "number", "multipleOf": 0.5}))


def test_the_server_says_what_it_serves(get, vllm_server):
    (card,) = json.loads(get("/v1/models"))["data"]
    assert (card["id"], card["max_model_len"]) == (vllm_server.model, vllm_server.context)
    assert json.loads(get("/version")) == {"version": "0.32.0"}


def test_the_metrics_that_are_shown_are_there(get, ask):
    ask({"enum": [1]})
    lines = [line for line in get("/metrics").splitlines() if line.startswith("vllm:")]
    found = {re.split(r"[{ ]", line)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}
    shown = {
        "vllm:num_requests_running",
        "vllm:num_requests_waiting",
        "vllm:kv_cache_usage_perc",
        "vllm:prompt_tokens_total",
        "vllm:generation_tokens_total",
        "vllm:prefix_cache_queries_total",
        "vllm:prefix_cache_hits_total",
        "vllm:num_preemptions_total",
    }
    assert shown <= set(found)
    assert found["vllm:generation_tokens_total"] > 0


def test_a_server_that_does_not_start_is_quoted(tmp_path):
    server = VllmServer(Path(sys.executable), tmp_path, tmp_path / "server.log")
    with pytest.raises(
        RuntimeError, match=r"(?s)^vLLM: ended with 1 before it was ready:\n.*No module named"
    ):
        server.start()
    server.kill()
