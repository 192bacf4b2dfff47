"""The workers of the pools, as Ray Data constructs them: once a process, then called with batch after batch.

What ends the run is told to the watch, and the worker's batch is dropped; a worker never raises.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from copilot.errors import BackendBrokenError, CopilotError
from pipelines.cluster.parts import Part, part_of
from pipelines.cluster.plan import Pool
from pipelines.cluster.rows import packed, unpacked
from pipelines.cluster.tries import TRIES, Attempt, Tries
from pipelines.cluster.watch import RemoteWatch
from pipelines.llm.service import LlmService
from pipelines.order import WorkOrder
from pipelines.record import Record
from pipelines.stage import explained
from pipelines.work import Progress


class PoolWorker:
    """A worker of a pool. `begins` says whether its pool is the first."""

    def __init__(
        self,
        order: WorkOrder,
        pool: Pool,
        watch: RemoteWatch,
        service: LlmService | None,
        *,
        begins: bool,
    ) -> None:
        self._name = f"{pool.name}-{uuid.uuid4().hex[:6]}"
        self._order = replace(
            order.for_worker(0, self._name), equipment=replace(order.equipment, at_once=pool.at_once)
        )
        self._pool = pool
        self._service = service
        self._begins = begins
        self._watch = watch
        self._tries = Tries(self._watch, pool, self._name)
        self._building = threading.Lock()
        self._part: Part | None = None

    def __call__(self, table: pa.Table) -> pa.Table:
        """Work on a batch; nothing comes of it where the run is ending."""
        records = unpacked(table)
        if not records:
            return packed(())
        attempt = self._tries.begin(records)
        if attempt.begun.stop == "stop":
            return packed(())
        if attempt.begun.stop == "drain" and self._begins:
            self._tries.end(attempt)
            return packed(())
        done, progress = self._worked(attempt, records)
        self._tries.end(attempt, progress)
        return done

    def _worked(self, attempt: Attempt, records: Sequence[Record]) -> tuple[pa.Table, Sequence[Progress]]:
        try:
            part = self._part_at_work()
            try:
                self._tries.lead(attempt, records, part.take)
                return part.finish(records)
            finally:
                part.drop()
        except (BackendBrokenError, MemoryError) as error:
            if attempt.begun.n_before < 2 * TRIES:
                self._tries.give_up(attempt, f"{type(error).__name__}: {error}")
            self._fail(CopilotError(f"pool {self._pool.name}: {error or type(error).__name__}"))
        except CopilotError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - told to the driver, which ends the run
            self._fail(CopilotError(f"pool {self._pool.name}: {explained(error)}"))
        return packed(()), ()

    def _fail(self, error: CopilotError) -> None:
        # Where no dialogue can be written any more, those that were are still made and committed.
        self._watch.fail(error, "drain" if self._pool.name == "design" else "stop")

    def _part_at_work(self) -> Part:
        # Not in the constructor: there, Ray would tell the error in words of its own, and try for ever.
        with self._building:
            self._part = self._part or part_of(self._pool.name, self._order, self._service)
            return self._part
