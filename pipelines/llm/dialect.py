"""Wishes of one server that differ from those of others, learned from its refusals.

Newer models of OpenAI want `max_completion_tokens` and no temperature, and the chat templates of some models
have no system role. A server says so once; each later request to it is sent in its way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from renderers.openai_protocol import RefusedError

_OPTIONAL = ("temperature", "top_p")


@dataclass(slots=True)
class Dialect:
    """The form of requests that one server takes. `left_out` are the parameters that it does not."""

    counts_completion: bool = False
    folds_system: bool = False
    left_out: set[str] = field(default_factory=set)

    def adapt(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the body of a request as this server takes it."""
        adapted = {name: value for name, value in body.items() if name not in self.left_out}
        if self.counts_completion and "max_tokens" in adapted:
            adapted["max_completion_tokens"] = adapted.pop("max_tokens")
        if self.folds_system:
            adapted["messages"] = _fold_system(adapted["messages"])
        return adapted

    def learn(self, refused: RefusedError, body: dict[str, Any]) -> None:
        """Learn from the refusal of a request's body, if it tells what to send otherwise."""
        if refused.meaning == "system":
            self.folds_system = True
        if refused.meaning != "parameter":
            return
        if "max_completion_tokens" in refused.text:
            self.counts_completion = True
            return
        named = [name for name in _OPTIONAL if name in body and _names(refused, name)]
        # Of two that exclude each other the temperature stays.
        self.left_out.update(named[-1:])


def _names(refused: RefusedError, name: str) -> bool:
    return refused.param == name or re.search(rf"\b{name}\b", refused.text) is not None


def _fold_system(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return a chat whose leading system message stands at the start of the user's."""
    if len(messages) < 2 or messages[0]["role"] != "system" or messages[1]["role"] != "user":
        return messages
    text = f"{messages[0]['content']}\n\n{messages[1]['content']}"
    return [{"role": "user", "content": text}, *messages[2:]]
