"""The API keys: from the environment only, and never one server's key for another."""

from __future__ import annotations

import os

_ANY = "OPENAI_API_KEY"


def model_key() -> str | None:
    """The key for the servers of the model that writes."""
    return os.environ.get("COPILOT_LLM_API_KEY") or os.environ.get(_ANY)


def judge_key(*, elsewhere: bool) -> str | None:
    """The key for the servers of the judge, which may be those of the model that writes."""
    return os.environ.get("COPILOT_JUDGE_API_KEY") or (os.environ.get(_ANY) if elsewhere else model_key())
