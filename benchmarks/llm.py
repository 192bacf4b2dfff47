"""Measure the designer `llm`: how full it keeps a server, at what cost, and what a model's replies are worth.

    python benchmarks/llm.py
    python benchmarks/llm.py --url http://HOST:8000/v1 --model NAME [--seeds SPEC] [--num N] [--max-tokens N]

Without a URL, the tests' server answers after 100 ms or 1 s, in a process of its own; `DesignAhead` writes
dialogues that are dropped. Each setting has a new process; ramp-up and tail are left out. Prints how full the
allowed concurrency is kept over time, as the client and as the server count it, the client's processor time
for each request, and memory. The client's count is the higher one: a reply that has arrived but was not yet
read counts as in flight. The load average shows how quiet the machine was.

With a URL, both modes write dialogues for the same seeds, and `turnwise` is compared with `whole`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import psutil

from copilot.designers.account import Usage
from copilot.designers.contract import AsyncDesigner
from copilot.designers.llm.exchange import Reply
from copilot.designers.llm.service import LlmService
from copilot.designers.llm.settings import LlmSettings
from copilot.dialogue import Mode
from copilot.errors import CopilotError
from copilot.seed import Seed
from pipelines.backends import create_working_designer
from pipelines.config import RunConfig
from pipelines.dialogue_preview import preview
from pipelines.execution.design_ahead import DesignAhead
from pipelines.llm.endpoints import Endpoint
from pipelines.llm.flights import TimeLimit
from pipelines.llm.wire import Wire
from pipelines.seeds import read_seeds
from pipelines.stages.record import Record

TESTS = Path(__file__).parents[1] / "tests"
LATENCIES_S = (0.1, 1.0)
IN_FLIGHT = (16, 64, 256)
RAMP_UP_S = 5.0
RAMP_UP_REPLIES = 3
"""For each request that may be in flight."""
STEADY_S = 15.0
N_SEEDS = 20_000
"""More than can be started in that time, so that there is no tail."""
SAMPLING_S = 0.05

Events = list[tuple[float, int]]
"""When a request was sent (+1) or answered (-1)."""


@dataclass(frozen=True)
class Steady:
    """One setting after its ramp-up. The counts in flight are means over time."""

    in_flight: int
    latency_s: float
    seconds: float
    requests: int
    client_in_flight: float
    server_in_flight: float
    cpu_s: float
    server_cpu_s: float
    peak_bytes: int
    dialogues: int
    accepted: int

    @property
    def cpu_per_request_s(self) -> float:
        """The client's processor time."""
        return self.cpu_s / self.requests

    @property
    def needed_per_s(self) -> float:
        """Requests per second that fill the concurrency."""
        return self.in_flight / self.latency_s


@contextmanager
def fake_server(latency_s: float) -> Iterator[tuple[str, int]]:
    """Start the tests' server; yields its URL and its process id."""
    command = [sys.executable, "-m", "helpers.fake_llm", "--latency-s", str(latency_s)]
    search_path = os.pathsep.join([str(TESTS), *sys.path])
    environment = os.environ | {"PYTHONPATH": search_path}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield (process.stdout.readline().strip() if process.stdout else ""), process.pid
        finally:
            process.terminate()


@contextmanager
def log_requests() -> Iterator[Events]:
    """Record when requests are sent and answered."""
    events: Events = []
    complete = Wire.complete

    async def logged(
        wire: Wire, endpoint: Endpoint, body: dict[str, Any], limit: TimeLimit | None = None
    ) -> Reply:
        events.append((time.monotonic(), +1))
        try:
            return await complete(wire, endpoint, body, limit)
        finally:
            events.append((time.monotonic(), -1))

    Wire.complete = logged  # type: ignore[method-assign,assignment]
    try:
        yield events
    finally:
        Wire.complete = complete  # type: ignore[method-assign]


def mean_in_flight(events: Events, began: float, ended: float) -> float:
    area, since, n = 0.0, began, 0
    for at, change in events:
        if at > ended:
            break
        if at > began:
            area += n * (at - since)
            since = at
        n += change
    return (area + n * (ended - since)) / (ended - began)


class Consumer:
    """A consumer that drops batches, counts dialogues, and samples this process's memory."""

    def __init__(self, ahead: DesignAhead) -> None:
        self._ahead = ahead
        self._process = psutil.Process()
        self.peak_bytes = self.dialogues = self.accepted = 0

    def run(self, seconds: float) -> None:
        """Drop batches for `seconds`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            batch = self._ahead.next_batch()
            self.dialogues += len(batch)
            self.accepted += sum(record.reject is None for record in batch)
            self.peak_bytes = max(self.peak_bytes, self._process.memory_info().rss)
            if self._ahead.exhausted:
                self._ahead.check()
                raise SystemExit(f"llm: {N_SEEDS} seeds were too few; raise N_SEEDS")
            time.sleep(SAMPLING_S)


def measure_steady(url: str, server_pid: int, latency_s: float, in_flight: int) -> Steady:
    """Measure one setting; called in a process of its own."""
    config = RunConfig(seeds="starter", designer="llm", llm=LlmSettings(model="tiny"))
    designer = create_working_designer(config, LlmService(urls=(url,), concurrency=in_flight))
    if not isinstance(designer, AsyncDesigner):
        raise SystemExit("llm: the designer llm does not write many dialogues at once")
    texts = cycle(seed.text for seed in read_seeds("starter", None, 0).seeds)
    seeds = [Seed(f"bench/{number}", text) for number, text in enumerate(islice(texts, N_SEEDS))]
    server = psutil.Process(server_pid)
    with log_requests() as events, DesignAhead(designer, seeds, run_seed=0, n_workers=1) as ahead:
        consumer = Consumer(ahead)
        consumer.run(RAMP_UP_S)
        while sum(change < 0 for _, change in events) < RAMP_UP_REPLIES * in_flight:
            consumer.run(SAMPLING_S)
        stats(url, "/reset", method="POST")
        began, cpu_s, server_cpu_s = time.monotonic(), time.process_time(), processor_s(server)
        consumer.run(STEADY_S)
        ended, cpu_s = time.monotonic(), time.process_time() - cpu_s
        server_cpu_s = processor_s(server) - server_cpu_s
        server_in_flight = stats(url)["mean_in_flight"]
    return Steady(
        in_flight=in_flight,
        latency_s=latency_s,
        seconds=ended - began,
        requests=sum(change < 0 and began < at <= ended for at, change in events),
        client_in_flight=mean_in_flight(events, began, ended),
        server_in_flight=server_in_flight,
        cpu_s=cpu_s,
        server_cpu_s=server_cpu_s,
        peak_bytes=consumer.peak_bytes,
        dialogues=consumer.dialogues,
        accepted=consumer.accepted,
    )


def processor_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def stats(url: str, path: str = "", method: str = "GET") -> dict[str, float]:
    request = urllib.request.Request(f"{url.removesuffix('/v1')}/stats{path}", method=method)
    with urllib.request.urlopen(request) as response:
        found: dict[str, float] = json.load(response)
    return found


def measure_fake() -> None:
    """Print all settings against the tests' server."""
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.2f} before; {STEADY_S:g} s a setting")
    print(
        "latency  in flight  full: client  server  requests/s  of needed  ms each  server busy     peak  load"
    )
    context = multiprocessing.get_context("spawn")
    for latency_s in LATENCIES_S:
        found = []
        with fake_server(latency_s) as (url, pid):
            for in_flight in IN_FLIGHT:
                with ProcessPoolExecutor(1, mp_context=context) as pool:
                    found.append(pool.submit(measure_steady, url, pid, latency_s, in_flight).result())
                print_steady(found[-1])
        few, many = found[0], found[-1]
        growth = many.peak_bytes / few.peak_bytes
        print(f"  peak memory, {many.in_flight} in flight over {few.in_flight}: {growth:.2f}")
    print("this project's target: at least 95 % full, at most 4 ms of processor time a request")


def print_steady(made: Steady) -> None:
    print(
        f"{made.latency_s:5.1f} s  {made.in_flight:9}  {made.client_in_flight / made.in_flight:12.1%}  "
        f"{made.server_in_flight / made.in_flight:6.1%}  {made.requests / made.seconds:10.0f}  "
        f"{made.needed_per_s:9.0f}  {1000 * made.cpu_per_request_s:7.2f}  "
        f"{made.server_cpu_s / made.seconds:11.0%}  {made.peak_bytes / 2**20:3.0f} MiB  "
        f"{os.getloadavg()[0]:.2f}"
    )
    if made.needed_per_s * made.cpu_per_request_s > 1:
        print(
            f"  needs {made.needed_per_s:,.0f} requests/s: more than one process can make, "
            f"whose limit is {1 / made.cpu_per_request_s:,.0f}"
        )
    print(f"  {made.accepted} of {made.dialogues} dialogues accepted, ramp-up included", flush=True)


@dataclass(frozen=True)
class Harvest:
    """The records that a mode made of the seeds."""

    records: Sequence[Record]
    seconds: float

    @property
    def accepted(self) -> list[Record]:
        """The records with a valid dialogue."""
        return [record for record in self.records if record.reject is None]

    @property
    def usage(self) -> Usage:
        """The usage of all records, rejects included."""
        return sum((record.account.usage for record in self.records), Usage())

    @property
    def share(self) -> float:
        """The accepted share of all records."""
        return len(self.accepted) / len(self.records)

    @property
    def per_1000_tokens(self) -> float:
        """Accepted dialogues per 1,000 generated tokens."""
        n_tokens = self.usage.generated_tokens
        return 1000 * len(self.accepted) / n_tokens if n_tokens else 0.0


def harvest(url: str, mode: Mode, given: argparse.Namespace) -> Harvest:
    settings = LlmSettings(model=given.model, mode=mode, max_tokens=given.max_tokens)
    config = RunConfig(seeds=given.seeds, designer="llm", llm=settings)
    began = time.monotonic()
    records = list(preview(config, given.num, LlmService(urls=(url,))))
    return Harvest(records, time.monotonic() - began)


def measure_real(given: argparse.Namespace) -> None:
    """Print the results of both modes on a real server."""
    turnwise = harvest(given.url, "turnwise", given)
    print_harvest("turnwise", turnwise)
    whole = harvest(given.url, "whole", given)
    print_harvest("whole", whole)
    if not whole.accepted:
        print("turnwise over whole: whole accepted none, the ratio is unbounded")
        return
    tokens = turnwise.per_1000_tokens / whole.per_1000_tokens if whole.per_1000_tokens else float("nan")
    print(f"turnwise over whole: share accepted {turnwise.share / whole.share:.2f}")
    print(f"turnwise over whole: accepted dialogues per 1,000 generated tokens {tokens:.2f}")


def print_harvest(mode: Mode, made: Harvest) -> None:
    usage, n_hq = made.usage, sum(all(check.passed for check in r.rule_checks) for r in made.accepted)
    print(
        f"{mode}: {len(made.accepted)} of {len(made.records)} seeds accepted ({made.share:.1%}), {n_hq} hq "
        f"({n_hq / len(made.records):.1%}), in {made.seconds:.1f} s"
    )
    print(
        f"  {made.per_1000_tokens:.3f} accepted dialogues per 1,000 generated tokens "
        f"({usage.generated_tokens:,} generated, {usage.prompt_tokens:,} in prompts)"
    )
    print(
        f"  {usage.requests:,} requests, {usage.corrections:,} corrections, "
        f"{usage.fresh_starts:,} fresh starts, {usage.repairs:,} replies repaired"
    )
    reasons = Counter(f"{r.reject.stage}/{r.reject.reason}" for r in made.records if r.reject is not None)
    for reason, n in reasons.most_common():
        print(f"  rejected: {n} {reason}")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--url")
    parser.add_argument("--model")
    parser.add_argument("--seeds", default="starter")
    parser.add_argument("--num", type=int, default=50)
    parser.add_argument(
        "--max-tokens", type=int, default=2048, help="most tokens of a reply, for each turn in it"
    )
    given = parser.parse_args()
    if (given.url is None) != (given.model is None):
        parser.error("--url and --model must be given together")
    try:
        measure_fake() if given.url is None else measure_real(given)
    except CopilotError as error:
        raise SystemExit(f"llm: {error}") from error


if __name__ == "__main__":
    main()
