"""Refusals of a probe: a server without the model."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from helpers.fake_llm import FakeLlm, serving

from copilot.errors import UserError
from pipelines.llm.probe import probe


def refusal(url: str, model: str | None) -> str:
    with pytest.raises(UserError) as caught:
        asyncio.run(probe(url, model, timeout_s=20, report=lambda _: None))
    return str(caught.value)


@pytest.mark.parametrize("model", [None, "tiny"])
def test_a_server_that_serves_no_model_is_reported_as_such(monkeypatch, model):
    async def no_models(*_):
        return web.json_response({"object": "list", "data": []})

    monkeypatch.setattr(FakeLlm, "_models", no_models)
    with serving() as server:
        message = refusal(server.url, model)
    assert "no model" in message
    assert "`llm_model`" not in message


def test_a_model_that_is_not_served_is_named_with_those_that_are():
    with serving() as server:
        message = refusal(server.url, "other")
    assert "'other'" in message
    assert message.startswith("`llm_model`: ")
    assert message.endswith("available: tiny")
