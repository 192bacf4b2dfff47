"""The load of the servers, read from the metrics of vLLM, llama.cpp, SGLang or TGI.

A server without them is left out: llama.cpp has them with `--metrics`, SGLang with `--enable-metrics`.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import Self

from copilot.units import Seconds
from pipelines.llm.client import ModelClient

_SAMPLE = re.compile(r"^(\w+(?::\w+)?)(?:\{.*\})? +(\S+)", re.MULTILINE)
_FIELDS = {
    "vllm:num_requests_running": "running",
    "vllm:num_requests_waiting": "waiting",
    "vllm:generation_tokens_total": "generated_tokens",
    "vllm:prompt_tokens_total": "prompt_tokens",
    "vllm:prefix_cache_queries_total": "prefix_queries",
    "vllm:prefix_cache_hits_total": "prefix_hits",
    "llamacpp:requests_processing": "running",
    "llamacpp:requests_deferred": "waiting",
    "llamacpp:tokens_predicted_total": "generated_tokens",
    "llamacpp:prompt_tokens_total": "prompt_tokens",
    "sglang:num_running_reqs": "running",
    "sglang:num_queue_reqs": "waiting",
    "sglang:generation_tokens_total": "generated_tokens",
    "sglang:prompt_tokens_total": "prompt_tokens",
    "tgi_batch_current_size": "running",
    "tgi_queue_size": "waiting",
    "tgi_request_generated_tokens_sum": "generated_tokens",
    "tgi_request_input_length_sum": "prompt_tokens",
}


@dataclass(frozen=True, slots=True)
class ServerLoad:
    """Requests that run and wait now; and tokens since the server started. Loads add up."""

    running: int = 0
    waiting: int = 0
    generated_tokens: int = 0
    prompt_tokens: int = 0
    prefix_queries: int = 0
    prefix_hits: int = 0

    def __add__(self, other: ServerLoad) -> ServerLoad:
        return ServerLoad(
            *(ours + theirs for ours, theirs in zip(astuple(self), astuple(other), strict=True))
        )

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the load in Prometheus' text format, summed over engines; None without a known name."""
        found: dict[str, float] = {}
        for name, value in _SAMPLE.findall(text):
            field = _FIELDS.get(name)
            if field is not None:
                found[field] = found.get(field, 0.0) + _finite(value)
        return cls(**{field: round(value) for field, value in found.items()}) if found else None


def _finite(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0


@dataclass(frozen=True, slots=True)
class LoadRates:
    """Rates between two readings. `hit_share` is None if the prefix cache had no queries."""

    generated_tokens_per_s: float
    prompt_tokens_per_s: float
    hit_share: float | None


async def read_loads(client: ModelClient) -> dict[str, ServerLoad]:
    """Return the load of each URL that reports it. Never fails: a server that is away is left out."""
    texts = await asyncio.gather(*(client.look(endpoint, "/metrics") for endpoint in client.endpoints))
    loads = {e.url: ServerLoad.parse(text or "") for e, text in zip(client.endpoints, texts, strict=True)}
    return {url: load for url, load in loads.items() if load is not None}


def add_up(loads: Iterable[ServerLoad]) -> ServerLoad | None:
    """Return the sum of the loads; None if there are none."""
    given = list(loads)
    return sum(given, ServerLoad()) if given else None


def compute_rates(
    before: Mapping[str, ServerLoad], after: Mapping[str, ServerLoad], seconds: Seconds
) -> LoadRates | None:
    """Return the rates over an interval, of the servers that both readings have.

    A server that counts less than before was restarted, and is left out. None if no server is left.
    """
    lasting = [
        (earlier, later)
        for earlier, later in ((before.get(url), load) for url, load in after.items())
        if earlier is not None
        and later.generated_tokens >= earlier.generated_tokens
        and later.prompt_tokens >= earlier.prompt_tokens
    ]
    if not lasting or seconds <= 0:
        return None
    n_queries = sum(b.prefix_queries - a.prefix_queries for a, b in lasting)
    n_hits = sum(b.prefix_hits - a.prefix_hits for a, b in lasting)
    return LoadRates(
        sum(b.generated_tokens - a.generated_tokens for a, b in lasting) / seconds,
        sum(b.prompt_tokens - a.prompt_tokens for a, b in lasting) / seconds,
        n_hits / n_queries if n_queries > 0 else None,
    )
