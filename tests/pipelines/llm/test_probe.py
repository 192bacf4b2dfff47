"""The check of a server: findings as they come, within a time, and refusals without the model."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from helpers.fake_llm import FakeLlm, Fault, http_status, saying, serving
from helpers.virtual_time import run_in_virtual_time

from copilot.errors import UserError
from pipelines.llm.answers import read_models
from pipelines.llm.findings import (
    DialogueFinding,
    Finding,
    FormFinding,
    KeywordFinding,
    NotTried,
    ServerFinding,
)
from pipelines.llm.keywords import keyword_trials
from pipelines.llm.metrics import ServerLoad
from pipelines.llm.probe import probe


async def find_all(url: str, model: str | None = None, limit_s: float = 900.0) -> list[Finding]:
    return [finding async for finding in probe(url, model, timeout_s=20, limit_s=limit_s)]


async def check(server: FakeLlm, limit_s: float = 900.0) -> list[Finding]:
    async with server:
        return await find_all(server.url, None, limit_s)


def refusal(url: str, model: str | None) -> str:
    with pytest.raises(UserError) as caught:
        asyncio.run(find_all(url, model))
    return str(caught.value)


def test_findings_come_one_by_one_before_the_next_trial() -> None:
    server = FakeLlm()

    async def work() -> list[tuple[type, int]]:
        async with server:
            findings = probe(server.url, None, timeout_s=20, limit_s=900)
            return [(type(finding), server.requests) async for finding in findings]

    seen = asyncio.run(work())
    assert seen[:5] == [
        (ServerFinding, 0),
        (FormFinding, 1),
        (FormFinding, 2),
        (FormFinding, 3),
        (KeywordFinding, 5),
    ]
    assert seen[-1][0] is DialogueFinding


def test_the_time_is_limited_and_what_was_not_tried_is_named() -> None:
    # Three forms, then two tries for each keyword, at 10 s a reply.
    server = FakeLlm(slots=1, latency_s=10.0)
    found = run_in_virtual_time(check(server, limit_s=65.0))
    names = [trial.keyword for trial in keyword_trials()]
    assert [type(one) for one in found] == [ServerFinding, *[FormFinding] * 3, KeywordFinding, NotTried]
    left = [f"grammar: {name}" for name in names[1:]]
    assert found[-1] == NotTried((*left, "a dialogue with json_schema"))


def test_a_broken_keyword_has_its_consequence() -> None:
    def obey(_: int, body: dict[str, Any]) -> Fault | None:
        name = body.get("response_format", {}).get("json_schema", {}).get("name")
        if name == "check-enum":
            return saying('{"answer":"maybe"}')
        return http_status(400, "no const") if name == "check-const" else None

    found = asyncio.run(check(FakeLlm(faults=obey)))
    keywords = [one for one in found if isinstance(one, KeywordFinding)]
    assert [one.outcome for one in keywords] == ["broken", "no-reply", *["kept"] * 8]
    assert [one.consequence for one in keywords] == [trial.consequence for trial in keyword_trials()]


def test_llama_cpp_tells_its_context_slots_and_load() -> None:
    props = {"total_slots": 2, "build_info": "b8681", "default_generation_settings": {}}
    meta = {"n_ctx_train": 32_768, "n_ctx": 8_192, "n_params": 494_032_768}
    server = FakeLlm(
        listed={"object": "list", "data": [{"id": "tiny", "object": "model", "meta": meta}]},
        pages={
            "/props": json.dumps(props),
            "/metrics": "llamacpp:requests_processing 1\nllamacpp:requests_deferred 3\n",
            "/version": "",
        },
    )
    finding = asyncio.run(check(server))[0]
    assert isinstance(finding, ServerFinding)
    assert (finding.max_model_len, finding.slots, finding.version) == (8_192, 2, "b8681")
    assert finding.load == ServerLoad(running=1, waiting=3)


@pytest.mark.parametrize(
    ("model", "context"),
    [
        ({"max_model_len": 4096}, 4096),
        ({"loaded_context_length": 4096, "max_context_length": 131_072}, 4096),
        ({"context_length": 200_000}, 200_000),
        ({"context_window": 8192}, 8192),
        ({"max_context_length": 32_768}, 32_768),
        ({"meta": None}, None),
        ({}, None),
    ],
)
def test_the_context_is_read_under_every_name(model: dict[str, Any], context: int | None) -> None:
    (served,) = read_models("http://a/v1", json.dumps({"data": [{"id": "m", **model}]}).encode())
    assert served.max_model_len == context


@pytest.mark.parametrize("model", [None, "tiny"])
def test_a_server_that_serves_no_model_is_reported_as_such(monkeypatch, model):
    async def no_models(*_):
        return web.json_response({"object": "list", "data": []})

    monkeypatch.setattr(FakeLlm, "_models", no_models)
    with serving() as server:
        message = refusal(server.url, model)
    assert "no model" in message
    assert "`llm_model`" not in message


@pytest.mark.parametrize(
    ("variable", "value"), [("ALL_PROXY", "socks4://127.0.0.1:1080"), ("SSL_CERT_FILE", "/gone/ca.pem")]
)
def test_an_environment_without_connections_is_named(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    assert variable in refusal("http://127.0.0.1:1/v1", None)


def test_an_address_without_the_root_is_refused_with_the_right_one():
    with serving() as server:
        assert refusal(server.root, None).endswith(server.url)


def test_a_page_is_no_list_of_models():
    with serving(listed="<html>Sign in</html>") as server:
        assert refusal(server.url, None).startswith("`llm_url`: ")


def test_a_model_that_is_not_served_is_named_with_those_that_are():
    with serving() as server:
        message = refusal(server.url, "other")
    assert "'other'" in message
    assert message.startswith("`llm_model`: ")
    assert message.endswith("available: tiny")
