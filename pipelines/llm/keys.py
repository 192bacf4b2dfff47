"""The API keys: from the environment only, and never one server's key for another."""

from __future__ import annotations

import os

MODEL_KEY = "COPILOT_LLM_API_KEY"
_JUDGE_KEY = "COPILOT_JUDGE_API_KEY"
_ANY_KEY = "OPENAI_API_KEY"


def get_model_key() -> str | None:
    """Return the key for the servers of the model that writes."""
    return os.environ.get(MODEL_KEY) or os.environ.get(_ANY_KEY)


def get_judge_key(*, elsewhere: bool) -> str | None:
    """Return the key for the servers of the judge, which may be those of the model that writes."""
    return os.environ.get(_JUDGE_KEY) or (os.environ.get(_ANY_KEY) if elsewhere else get_model_key())
