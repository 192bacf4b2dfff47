"""How busy the servers are, in one line for people."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from copilot.units import Seconds
from pipelines.llm.client import ModelClient
from pipelines.llm.metrics import ServerLoad, rates, read_loads, total


class LoadMeter:
    """Reads the servers' metrics again and again; rates are those since the look before."""

    def __init__(self, client: ModelClient, clock: Callable[[], Seconds] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._loads: Mapping[str, ServerLoad] = {}
        self._looked: Seconds = 0.0

    async def look(self) -> str | None:
        """Requests that run and wait, and since the last look tokens/s and the share of prefix hits.

        None where no server tells.
        """
        loads, now = await read_loads(self._client), self._clock()
        since = rates(self._loads, loads, now - self._looked)
        self._loads, self._looked = loads, now
        load = total(loads.values())
        if load is None:
            return None
        parts = [f"{load.running} running", f"{load.waiting} waiting"]
        if since is not None:
            parts.append(f"{since.generated_tokens_per_s:.0f} tokens/s")
            if since.hit_share is not None:
                parts.append(f"prefix hits {since.hit_share:.0%}")
        return ", ".join(parts)
