"""Keys: which server gets which."""

from __future__ import annotations

import asyncio
import os

import pytest
from helpers.fake_llm import FakeLlm

from copilot.designers.llm.exchange import Ask, Grammar, Message
from pipelines.llm.client import ModelClient, RequestForm
from pipelines.llm.keys import get_judge_key, get_model_key

OPENAI, LOCAL = "https://api.openai.com/v1", "http://localhost:8000/v1"


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch):
    for name in [name for name in os.environ if name.endswith("_API_KEY") or name.startswith("OPENAI_")]:
        monkeypatch.delenv(name)


def test_openais_key_goes_to_openai_alone(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "theirs")
    for key in (get_model_key(), get_judge_key(elsewhere=True), get_judge_key(elsewhere=False)):
        assert (key.get_for(OPENAI), key.get_for(LOCAL)) == ("theirs", None)
        assert "OPENAI_API_KEY" in key.describe_remedy(LOCAL)


def test_ones_own_key_goes_to_every_server(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "theirs")
    monkeypatch.setenv("COPILOT_LLM_API_KEY", "own")
    key = get_model_key()
    assert (key.get_for(OPENAI), key.get_for(LOCAL)) == ("own", "own")
    assert "OPENAI_API_KEY" not in key.describe_remedy(LOCAL)
    assert "own" not in repr(key)


def test_the_models_key_is_the_judges_at_the_same_servers_only(monkeypatch):
    monkeypatch.setenv("COPILOT_LLM_API_KEY", "own")
    assert get_judge_key(elsewhere=False).get_for(LOCAL) == "own"
    assert get_judge_key(elsewhere=True).get_for(LOCAL) is None
    monkeypatch.setenv("COPILOT_JUDGE_API_KEY", "judge")
    assert get_judge_key(elsewhere=False).get_for(LOCAL) == "judge"
    assert get_judge_key(elsewhere=True).get_for(LOCAL) == "judge"


@pytest.mark.parametrize("named", [False, True])
def test_what_is_meant_for_openai_goes_to_no_other_server(monkeypatch, named):
    async def work() -> dict[str, str]:
        async with FakeLlm() as server:
            if named:
                monkeypatch.setenv("OPENAI_BASE_URL", server.url)
            async with ModelClient([server.url], "tiny", form=RequestForm(structured="none")) as client:
                await client.ask(Ask((Message("user", "hello"),), Grammar("g", {}), 10))
            return server.headers[0]

    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-2")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-3")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-4")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Gateway: gate-5\nAuthorization: Bearer sk-6")
    headers = asyncio.run(work())
    said = {
        value
        for value in headers.values()
        if any(part in value for part in ("sk-", "org-", "proj-", "gate-"))
    }
    assert said == ({"Bearer sk-1", "org-3", "proj-4", "gate-5"} if named else set())
