"""The load of the servers in one line for people."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from copilot.units import Seconds
from pipelines.llm.client import ModelClient
from pipelines.llm.metrics import ServerLoad, add_up, compute_rates, read_loads


class LoadMeter:
    """Reads the servers' metrics; rates are those since the reading before."""

    def __init__(self, client: ModelClient, clock: Callable[[], Seconds] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._loads: Mapping[str, ServerLoad] = {}
        self._read_at: Seconds = 0.0

    async def measure(self) -> str | None:
        """Return the requests that run and wait, and tokens/s and prefix hits since the last reading.

        None if no server reports its load.
        """
        loads, now = await read_loads(self._client), self._clock()
        since = compute_rates(self._loads, loads, now - self._read_at)
        self._loads, self._read_at = loads, now
        load = add_up(loads.values())
        if load is None:
            return None
        parts = [f"{load.running} running", f"{load.waiting} waiting"]
        if since is not None:
            parts.append(f"{since.generated_tokens_per_s:.0f} tokens/s")
            if since.hit_share is not None:
                parts.append(f"prefix hits {since.hit_share:.0%}")
        return ", ".join(parts)
