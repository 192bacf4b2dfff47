"""The servers of language models, and the limits of their use. None of it changes a sample."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from copilot.frozen_model import FrozenModel
from copilot.server_url import hide_secrets
from copilot.units import Seconds


class LlmLimits(FrozenModel):
    """Limits for the use of servers, wherever they are.

    `concurrency` is the number of requests in flight over all of them, `timeout_s` the limit for one request,
    without the time that it waits in a server's queue, and `patience_s` the time to wait while no server
    answers at all.
    """

    concurrency: int = Field(default=64, ge=1)
    timeout_s: Seconds = Field(default=600.0, gt=0)
    patience_s: Seconds = Field(default=600.0, ge=0)

    @property
    def longest_wait_s(self) -> Seconds:
        """The longest wait of a dialogue: for a request without an answer, then for any server to answer."""
        return self.patience_s + self.timeout_s


class LlmService(LlmLimits):
    """One or more servers that speak OpenAI's chat completions protocol, all with the same model.

    `urls` end with the API's root, such as `http://HOST:8000/v1`. `judge_urls` serve the judge (default:
    the same servers). Keys come from the environment only: COPILOT_LLM_API_KEY (COPILOT_JUDGE_API_KEY
    for the judge), and OPENAI_API_KEY for OpenAI's own servers alone.
    """

    urls: tuple[str, ...] = Field(min_length=1)
    judge_urls: tuple[str, ...] = ()

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Show the URLs without users and passwords."""
        for name, value in super().__repr_args__():
            yield name, tuple(map(hide_secrets, value)) if name in {"urls", "judge_urls"} else value
