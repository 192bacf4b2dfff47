"""What the pools do with records: the stages of the local executor, shared out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack, ExitStack
from typing import Any, Protocol

from copilot.designers.contract import AsyncDesigner
from copilot.designers.llm.service import LlmService
from copilot.errors import CopilotError
from pipelines.accounting.progress import Progress
from pipelines.backends import create_working_designer
from pipelines.execution.ray.prometheus import PrometheusCounters
from pipelines.execution.worker import Worker, commit
from pipelines.run.run import Run
from pipelines.run.shards import ShardWriter
from pipelines.stages.design import AsyncDesignStage
from pipelines.stages.record import Record
from pipelines.stages.table import PoolName
from pipelines.stages.worker_spec import WorkerSpec

Fail = Callable[[CopilotError], None]
"""Told of what ends the run, by a part that has something to pass on all the same."""


class Part(Protocol):
    """What a pool does with records."""

    commits: bool
    """Whether records end here, and go on to no other pool."""

    def take(self, records: Sequence[Record]) -> Sequence[Record]:
        """Work on records; those that go on."""
        ...

    def commit(self) -> Sequence[Progress]:
        """Commit what was taken since the last time; what that came to."""
        ...


def part_of(pool: PoolName, order: WorkerSpec, service: LlmService | None, fail: Fail) -> Part:
    """What a worker of a pool has, ready to work. Raises what the stages and their backends raise."""
    if pool == "design":
        return DesignPart(order, service, fail)
    if pool == "mix":
        return CommitPart(order)
    return RenderPart(Worker(order, pool))


class RenderPart:
    """Leads records through stages."""

    commits = False

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def take(self, records: Sequence[Record]) -> Sequence[Record]:
        """Lead them through the stages, some at a time. What goes on is the stems' files alone."""
        records = list(records)
        for some in self._worker.chunks(records):
            self._worker.run_stages(some)
            for stem in (stem for record in some for stem in record.stems.values()):
                stem.forget_samples()
        return records

    def commit(self) -> Sequence[Progress]:
        """Nothing ends here."""
        return ()


class CommitPart:
    """Makes samples of records, and commits them as one entry of the ledger."""

    commits = True

    def __init__(self, order: WorkerSpec) -> None:
        self._worker = Worker(order, "mix")
        self._meters = PrometheusCounters()
        self._until_the_process_ends = ExitStack()
        self._until_the_process_ends.enter_context(Run(order.run).worker_alive())
        self._writing = ExitStack()
        self._writer: ShardWriter | None = None
        self._progress: list[Progress] = []

    def take(self, records: Sequence[Record]) -> Sequence[Record]:
        """Lead them through the stages and into the files of the commit, a few at a time."""
        writer = self._writer = self._writer or self._writing.enter_context(self._worker.open_writer())
        try:
            for some in self._worker.chunks(records):
                self._progress.append(self._worker.process_and_write(some, writer))
        except BaseException:
            self._writing.close()
            raise
        return ()

    def commit(self) -> Sequence[Progress]:
        """Commit them, rejects as well. What another has committed before counts once."""
        with self._writing.pop_all():
            writer, progress = self._writer, self._progress
            self._writer, self._progress = None, []
            if writer is None:
                return ()
            progress.append(commit(writer))
            if not writer.was_first:
                return ()
        for one in progress:
            self._meters.count(one)
        return progress


class DesignPart:
    """Lets a designer write many dialogues at once, in an event loop in a thread of its own."""

    commits = False

    def __init__(self, order: WorkerSpec, service: LlmService | None, fail: Fail) -> None:
        self._fail = fail
        config = order.fingerprint.config
        designer = create_working_designer(config, service)
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

    def take(self, records: Sequence[Record]) -> Sequence[Record]:
        """Have their dialogues written, and wait for them. Those that were go on, even where the run ends."""
        records = list(records)
        faults: Sequence[BaseException | None] = self._in_loop(self._write(records)).result()
        for fault in filter(None, faults):
            if not isinstance(fault, CopilotError):
                raise fault
            self._fail(fault)
        return [record for record, fault in zip(records, faults, strict=True) if fault is None]

    async def _write(self, records: Sequence[Record]) -> Sequence[BaseException | None]:
        writing = (self._write_one(record) for record in records)
        return await asyncio.gather(*writing, return_exceptions=True)

    async def _write_one(self, record: Record) -> None:
        async with self._room:
            await self._stage.write(record)

    def commit(self) -> Sequence[Progress]:
        """Nothing ends here."""
        return ()
