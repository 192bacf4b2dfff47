"""The workers of the pools, as Ray Data constructs them: once a process, then called with batch after batch.

What ends the run is told to the watch, and what was not yet made of the batch is dropped; a worker never
raises.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pyarrow as pa

from copilot.designers.llm.service import LlmService
from copilot.errors import CopilotError, MonitorLostError, format_traceback
from pipelines.accounting.progress import Progress
from pipelines.execution.ray.monitor import RemoteMonitor
from pipelines.execution.ray.packing import Rows, packed
from pipelines.execution.ray.parts import Part, part_of
from pipelines.execution.ray.retries import Attempt, RetryGuard
from pipelines.planning.layout import Pool
from pipelines.stages.record import Record
from pipelines.stages.worker_spec import WorkerSpec


class PoolWorker:
    """A worker of a pool. `begins` says whether its pool is the first."""

    def __init__(
        self,
        order: WorkerSpec,
        pool: Pool,
        watch: RemoteMonitor,
        service: LlmService | None,
        *,
        begins: bool,
    ) -> None:
        name = f"{pool.name}-{uuid.uuid4().hex[:6]}"
        self._order = replace(
            order.for_worker(0, name), settings=replace(order.settings, at_once=pool.at_once)
        )
        self._pool = pool
        self._service = service
        self._watch = watch
        self._tries = RetryGuard(watch, pool, name, alone=pool.name != "design", begins=begins)
        self._getting_ready = threading.Lock()
        self._part: Part | None = None

    def __call__(self, table: pa.Table) -> pa.Table:
        """Work on a batch, and give what goes on; where the run is ending, that may be nothing."""
        rows = Rows(table)
        attempt = Attempt(rows.ids, rows.seed_ids)
        made: list[pa.Table] = [packed(())]
        progress: list[Progress] = []
        if rows:
            try:
                self._work(attempt, rows, made, progress)
            except CopilotError as error:
                self._fail(error)
            except Exception as error:  # noqa: BLE001 - told to the driver, which ends the run
                self._fail(CopilotError(f"pool {self._pool.name}: {format_traceback(error)}"))
            with suppress(MonitorLostError):
                self._tries.end(attempt, progress)
        return pa.concat_tables(made)

    def _fail(self, error: CopilotError) -> None:
        # Where no dialogue can be written any more, those that were are still made and committed. And where
        # the watch has gone, the driver knows.
        with suppress(MonitorLostError):
            self._watch.fail(error, "drain" if self._pool.name == "design" else "stop")

    def _work(self, attempt: Attempt, rows: Rows, made: list[pa.Table], progress: list[Progress]) -> None:
        """Fill in what is made of a batch and goes on, and what is committed of it."""
        part = self._part_at_work(attempt)
        if part is None:
            return

        def take(some: Sequence[Record]) -> None:
            # Packed here, where a worker that dies of it is told of.
            made.append(packed(part.take(some)))

        if self._tries.lead(attempt, rows, take) and part.commits:
            self._tries.commit(attempt, lambda: progress.extend(part.commit()))

    def _part_at_work(self, attempt: Attempt) -> Part | None:
        """What this worker does; None where the run is ending."""
        # Not in the constructor: there, Ray would tell the error in words of its own, and try for ever.
        with self._getting_ready:
            if self._part is None:
                self._tries.get_ready(attempt, self._get_ready)
            return self._part

    def _get_ready(self) -> None:
        self._part = part_of(self._pool.name, self._order, self._service, self._fail)
