"""What the pools do with records: the stages of the local executor, shared out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack, ExitStack
from typing import Any, Protocol

import pyarrow as pa

from copilot.design import AsyncDesigner
from pipelines.assembly import designer_at_work
from pipelines.cluster.meters import Meters
from pipelines.cluster.plan import PoolName
from pipelines.cluster.rows import packed
from pipelines.effort import Stopwatch
from pipelines.llm.service import LlmService
from pipelines.order import WorkOrder
from pipelines.record import Record
from pipelines.run import Run
from pipelines.shards import ShardWriter
from pipelines.stages.design import AsyncDesignStage
from pipelines.work import Progress, Worker, commit


class Part(Protocol):
    """What a pool does with records."""

    def take(self, records: Sequence[Record]) -> None:
        """Work on records, in place."""
        ...

    def finish(self, records: Sequence[Record]) -> tuple[pa.Table, Sequence[Progress]]:
        """What goes on to the next pool, and what was committed."""
        ...

    def drop(self) -> None:
        """Let go of what `take` has left, where `finish` is not called."""
        ...


def part_of(pool: PoolName, order: WorkOrder, service: LlmService | None) -> Part:
    """What a worker of a pool has, ready to work. Raises what the stages and their backends raise."""
    if pool == "design":
        return DesignPart(order, service)
    if pool == "mix":
        return CommitPart(order)
    return RenderPart(Worker(order, pool))


class RenderPart:
    """Leads records through stages, and on to the next pool."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def take(self, records: Sequence[Record]) -> None:
        """Lead them through the stages."""
        self._worker.take(records)

    def finish(self, records: Sequence[Record]) -> tuple[pa.Table, Sequence[Progress]]:
        """All of them go on."""
        return packed(records), ()

    def drop(self) -> None:
        """Nothing is left."""


class CommitPart:
    """Makes samples of records, and commits them as one entry of the ledger."""

    def __init__(self, order: WorkOrder) -> None:
        self._worker = Worker(order, "mix")
        self._meters = Meters()
        self._until_the_process_ends = ExitStack()
        self._until_the_process_ends.enter_context(Run(order.run).worked_on())
        self._commit = ExitStack()
        self._writer: ShardWriter | None = None
        self._progress: list[Progress] = []

    def take(self, records: Sequence[Record]) -> None:
        """Lead them through the stages and into the files of the commit, a few at a time."""
        writer = self._writer = self._writer or self._commit.enter_context(self._worker.writing())
        for some in self._worker.pieces(records):
            self._progress.append(self._worker.make(some, writer))

    def finish(self, records: Sequence[Record]) -> tuple[pa.Table, Sequence[Progress]]:
        """Nothing goes on: they are committed, rejects as well."""
        del records
        progress = list(self._progress)
        if self._writer is not None:
            progress.append(commit(self._writer))
        for one in progress:
            self._meters.count(one)
        return packed(()), progress

    def drop(self) -> None:
        """Drop what was not committed."""
        self._commit.close()
        self._writer, self._progress = None, []


class DesignPart:
    """Lets a designer write many dialogues at once, in an event loop in a thread of its own."""

    def __init__(self, order: WorkOrder, service: LlmService | None) -> None:
        config = order.fingerprint.config
        designer = designer_at_work(config, service)
        if not isinstance(designer, AsyncDesigner):
            raise TypeError(f"the designer {config.designer} works in a stage")
        self._stage = AsyncDesignStage(designer, config.run_seed)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="copilot-design", daemon=True).start()
        self._room = asyncio.Semaphore(designer.concurrency)
        self._open = AsyncExitStack()
        self._in_loop(self._open.enter_async_context(designer)).result()

    def _in_loop(self, work: Any) -> Future[Any]:  # noqa: ANN401 - any coroutine
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def take(self, records: Sequence[Record]) -> None:
        """Have their dialogues written, and wait for them."""
        self._in_loop(self._write(records)).result()

    async def _write(self, records: Sequence[Record]) -> None:
        watch = Stopwatch()
        with watch.timing(self._stage.name):
            await asyncio.gather(*(self._write_one(record) for record in records))
        records[0].effort += watch.taken()

    async def _write_one(self, record: Record) -> None:
        async with self._room:
            await self._stage.write(record)

    def finish(self, records: Sequence[Record]) -> tuple[pa.Table, Sequence[Progress]]:
        """All of them go on."""
        return packed(records), ()

    def drop(self) -> None:
        """Nothing is left."""
