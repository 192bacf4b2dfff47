"""The API keys: from the environment only, and never one server's key for another."""

from __future__ import annotations

import os
from dataclasses import dataclass

from renderers.openai_protocol import ANY_KEY, check_key, is_openais

MODEL_KEY = "COPILOT_LLM_API_KEY"
JUDGE_KEY = "COPILOT_JUDGE_API_KEY"


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a model's servers, and the variable that holds or would hold it. No repr shows it."""

    variable: str
    value: str | None

    def __repr__(self) -> str:
        return f"Key({self.variable})"

    def get_for(self, url: str) -> str | None:
        """Return the key for a server; OPENAI_API_KEY only for a server that it is meant for.

        Raises UserError for a key that cannot be one.
        """
        given = self.value or (os.environ.get(ANY_KEY) if is_openais(url) else None)
        return check_key(given, self.variable)

    def describe_remedy(self, url: str) -> str:
        """Return what to do if a server does not accept the key."""
        remedy = f"set {self.variable} to a key that it accepts"
        if not self.value and os.environ.get(ANY_KEY) and not is_openais(url):
            remedy += f" ({ANY_KEY} is sent to api.openai.com only)"
        return remedy


def get_model_key() -> Key:
    """Return the key for the servers of the model that writes."""
    return Key(MODEL_KEY, os.environ.get(MODEL_KEY))


def get_judge_key(*, elsewhere: bool) -> Key:
    """Return the key for the servers of the judge, which may be those of the model that writes."""
    own = os.environ.get(JUDGE_KEY)
    return Key(JUDGE_KEY, own) if own or elsewhere else get_model_key()
