"""The workers of the pools: Ray Data constructs one per process, and calls it with batch after batch.

A worker never raises: it reports errors that end the run to the monitor, and drops the rest of its batch.
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
from pipelines.execution.ray.monitor import Monitor, RunMonitor
from pipelines.execution.ray.packing import PackedRecords, pack_records
from pipelines.execution.ray.pool_work import PoolWork, create_pool_work
from pipelines.execution.ray.retries import Attempt, RetryGuard
from pipelines.planning.layout import Pool
from pipelines.stages.drafts import Drafts
from pipelines.stages.record import Record
from pipelines.stages.worker_spec import WorkerSpec


class PoolWorker:
    """A worker of a pool; `first` if dialogues pass this pool before all others."""

    def __init__(
        self, spec: WorkerSpec, pool: Pool, monitor: Monitor, service: LlmService | None, *, first: bool
    ) -> None:
        name = f"{pool.name}-{uuid.uuid4().hex[:6]}"
        settings = replace(spec.settings, at_once=pool.at_once)
        self._spec = replace(spec, settings=settings).for_worker(0, name)
        self._pool = pool
        self._service = service
        self._monitor = monitor
        self._guard = RetryGuard(monitor, pool, name, concurrent=pool.name == "design", first=first)
        self._setting_up = threading.Lock()
        self._work: PoolWork | None = None

    def __call__(self, table: pa.Table) -> pa.Table:
        """Work on a batch, and return the records for the next pool; fewer, or none, if the run is ending."""
        records = PackedRecords(table)
        attempt = Attempt(records.ids, records.seed_ids)
        output: list[pa.Table] = [pack_records(())]
        progress: list[Progress] = []
        if records:
            try:
                self._process(attempt, records, output, progress)
            except CopilotError as error:
                self._fail(error)
            except Exception as error:  # noqa: BLE001 - reported to the driver, which ends the run
                self._fail(CopilotError(f"pool {self._pool.name}: {format_traceback(error)}"))
            with suppress(MonitorLostError):
                self._guard.end(attempt, progress)
        return pa.concat_tables(output)

    def _fail(self, error: CopilotError) -> None:
        # If the designer fails, the finished dialogues are still rendered and committed. If the monitor is
        # lost, the driver notices by itself.
        with suppress(MonitorLostError):
            self._monitor.call(RunMonitor.fail, error, "drain" if self._pool.name == "design" else "stop")

    def _process(
        self, attempt: Attempt, records: PackedRecords, output: list[pa.Table], progress: list[Progress]
    ) -> None:
        """Add the records for the next pool to `output`, and what was committed to `progress`."""
        work = self._prepare_work(attempt)
        if work is None:
            self._keep_drafts(attempt, records)
            return

        def process_and_pack(some: Sequence[Record]) -> None:
            # Packed here, so that a death during packing is counted.
            output.append(pack_records(work.process(some)))

        if not self._guard.run(attempt, records, process_and_pack):
            self._keep_drafts(attempt, records)
        elif work.commits:
            self._guard.commit(attempt, lambda: progress.extend(work.commit()))

    def _keep_drafts(self, attempt: Attempt, records: Sequence[Record]) -> None:
        """Write the dialogues of a batch that the run drops as it ends."""
        if self._spec.designs_ahead and self._pool.name != "design":
            drafts = Drafts(self._spec.run, self._spec.fingerprint.digest)
            self._guard.commit(attempt, lambda: drafts.add(records))

    def _prepare_work(self, attempt: Attempt) -> PoolWork | None:
        """Set up the work before the first batch, and return it; None if the run is ending."""
        # Not in the constructor: Ray would report an error in its own words, and retry without end.
        with self._setting_up:
            if self._work is None:
                self._guard.set_up(attempt, self._create_work)
            return self._work

    def _create_work(self) -> None:
        self._work = create_pool_work(
            self._pool.name, self._spec, self._service, self._fail, self._is_stopping
        )

    def _is_stopping(self) -> bool:
        return self._monitor.call(RunMonitor.get_mode) == "stop"
