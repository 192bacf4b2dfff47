"""The work of each pool on records: the stages of the local executor, divided among the pools."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import AsyncExitStack, ExitStack
from typing import Any, Protocol

from copilot.designers.contract import AsyncDesigner
from copilot.designers.llm.service import LlmService
from copilot.errors import CopilotError
from copilot.units import Seconds
from pipelines.accounting.progress import Progress
from pipelines.backends import create_working_designer
from pipelines.execution.ray.prometheus import PrometheusCounters
from pipelines.execution.worker import Worker, commit
from pipelines.run.run import Run
from pipelines.run.shards import ShardWriter
from pipelines.stages.design import AsyncDesignStage
from pipelines.stages.drafts import Drafts
from pipelines.stages.record import Record
from pipelines.stages.table import PoolName
from pipelines.stages.worker_spec import WorkerSpec

_POLL_EVERY_S: Seconds = 3.0

OnFailure = Callable[[CopilotError], None]
"""Called with an error that ends the run, by work that still passes its finished records on."""


class PoolWork(Protocol):
    """The work of one pool, set up once per worker."""

    commits: bool
    """True if records end in this pool: they are committed, not passed on."""

    def process(self, records: Sequence[Record]) -> Sequence[Record]:
        """Work on records, and return those for the next pool."""
        ...

    def commit(self) -> Sequence[Progress]:
        """Commit the records that were processed since the last commit; return the progress."""
        ...


def create_pool_work(
    pool: PoolName,
    spec: WorkerSpec,
    service: LlmService | None,
    on_failure: OnFailure,
    is_stopping: Callable[[], bool] = lambda: False,
) -> PoolWork:
    """Set up the work of a pool. Raises the errors of the stages and their backends."""
    if pool == "design":
        return DesignWork(spec, service, on_failure, is_stopping)
    if pool == "mix":
        return MixWork(spec)
    return RenderWork(Worker(spec, pool))


class RenderWork:
    """Runs the stages up to the rendered stems."""

    commits = False

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def process(self, records: Sequence[Record]) -> Sequence[Record]:
        """Run the stages, on a few records at a time. Stems are passed on as files only."""
        records = list(records)
        for chunk in self._worker.cut_chunks(records):
            self._worker.run_stages(chunk)
            for stem in (stem for record in chunk for stem in record.stems.values()):
                stem.forget_samples()
        return records

    def commit(self) -> Sequence[Progress]:
        """Return nothing: no record ends here."""
        return ()


class MixWork:
    """Makes samples of records, and commits them as one entry of the ledger."""

    commits = True

    def __init__(self, spec: WorkerSpec) -> None:
        self._worker = Worker(spec, "mix")
        self._counters = PrometheusCounters()
        self._until_the_process_ends = ExitStack()
        self._until_the_process_ends.enter_context(Run(spec.run).hold_worker_lock())
        self._writing = ExitStack()
        self._writer: ShardWriter | None = None
        self._progress: list[Progress] = []

    def process(self, records: Sequence[Record]) -> Sequence[Record]:
        """Run the stages, and write to the files of the commit, a few records at a time."""
        writer = self._writer = self._writer or self._writing.enter_context(self._worker.open_writer())
        try:
            for chunk in self._worker.cut_chunks(records):
                self._progress.append(self._worker.process_and_write(chunk, writer))
        except BaseException:
            self._writing.close()
            raise
        return ()

    def commit(self) -> Sequence[Progress]:
        """Commit samples and rejects. Return nothing if another worker committed them first."""
        with self._writing.pop_all():
            writer, progress = self._writer, self._progress
            self._writer, self._progress = None, []
            if writer is None:
                return ()
            progress.append(commit(writer))
            if not writer.was_first:
                return ()
        for one in progress:
            self._counters.count(one)
        return progress


class DesignWork:
    """Lets a designer write many dialogues at once, in an event loop in a thread of its own."""

    commits = False

    def __init__(
        self,
        spec: WorkerSpec,
        service: LlmService | None,
        on_failure: OnFailure,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._on_failure, self._is_stopping = on_failure, is_stopping
        self._drafts = Drafts(spec.run, spec.fingerprint.digest)
        config = spec.fingerprint.config
        designer = create_working_designer(config, service, spec.library)
        if not isinstance(designer, AsyncDesigner):
            raise TypeError(
                f"the designer {config.designer!r} is not asynchronous (AsyncDesigner); it cannot run "
                "in the pool `design`"
            )
        self._stage = AsyncDesignStage(designer, config.run_seed)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="copilot-design", daemon=True).start()
        self._room = asyncio.Semaphore(designer.concurrency)
        self._open = AsyncExitStack()
        self._submit(self._open.enter_async_context(designer)).result()

    def _submit(self, coroutine: Any) -> Future[Any]:  # noqa: ANN401 - any coroutine
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def process(self, records: Sequence[Record]) -> Sequence[Record]:
        """Have the dialogues written, and wait for them. Return the finished ones, even if the run ends.

        If the run stops, write the finished ones as drafts, and return none.
        """
        records = list(records)
        writing = self._submit(self._write_all(records))
        while not wait([writing], timeout=_POLL_EVERY_S).done:
            if self._is_stopping():
                writing.cancel()
                self._drafts.add(records)
                return ()
        errors: Sequence[BaseException | None] = writing.result()
        for error in filter(None, errors):
            if not isinstance(error, CopilotError):
                raise error
            self._on_failure(error)
        return [record for record, error in zip(records, errors, strict=True) if error is None]

    async def _write_all(self, records: Sequence[Record]) -> Sequence[BaseException | None]:
        writing = (self._write(record) for record in records)
        return await asyncio.gather(*writing, return_exceptions=True)

    async def _write(self, record: Record) -> None:
        async with self._room:
            await self._stage.write(record)

    def commit(self) -> Sequence[Progress]:
        """Return nothing: no record ends here."""
        return ()
