"""One wave of seeds on its way through Ray Data."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from copilot.designers.llm.service import LlmService
from copilot.errors import CopilotError, format_traceback
from copilot.seed import Seed
from copilot.units import Seconds
from pipelines.execution.ray.monitor import Monitor
from pipelines.execution.ray.packing import pack_records
from pipelines.execution.ray.workers import PoolWorker
from pipelines.planning.layout import Layout, Pool
from pipelines.stages.record import new_record

if TYPE_CHECKING:
    from pipelines.execution.job import Job


class Stream:
    """A thread that runs Ray Data, so that this process can follow the run meanwhile."""

    def __init__(
        self, layout: Layout, job: Job, monitor: Monitor, rows_per_shard: int, seeds: Sequence[Seed]
    ) -> None:
        self._layout = layout
        self._job = job
        self._monitor = monitor
        self._rows_per_shard = rows_per_shard
        self._seeds = seeds
        self._drafts = job.read_drafts()
        self._error: BaseException | None = None
        self._abandoned = False
        self._thread = threading.Thread(target=self._run, name="copilot-stream", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: Seconds) -> bool:
        """Wait up to `timeout_s`; return whether the wave has ended. Raises CopilotError if Ray failed."""
        self._thread.join(timeout_s)
        if self._error is not None and not self._abandoned:
            raise CopilotError(
                f"Ray Data failed while it processed run {self._job.spec.run}: "
                f"{format_traceback(self._error).rstrip()}; run the same command again to resume"
            ) from self._error
        return not self._thread.is_alive()

    def abandon(self) -> None:
        """Ignore the rest of the wave: it ends with the connection to Ray."""
        self._abandoned = True

    def _run(self) -> None:
        try:
            import ray  # noqa: PLC0415 - an extra

            context = _hide_displays(ray.data.DataContext.get_current().copy())
            with ray.data.DataContext.current(context):
                for _ in self._create_dataset().iter_internal_ref_bundles():
                    if self._abandoned:
                        return
        except Exception as error:  # noqa: BLE001 - raised by `wait`
            self._error = error

    def _create_dataset(self) -> Any:  # noqa: ANN401 - Ray's data sets have no type
        import ray  # noqa: PLC0415 - an extra

        first = self._layout.pools[0]
        run_seed = self._job.spec.fingerprint.config.run_seed
        # Ray Data runs a task for each block. Small blocks lose little work if a worker dies.
        size = first.batch_size(len(self._seeds))
        records = [self._drafts.get(seed.id) or new_record(seed, run_seed) for seed in self._seeds]
        blocks = [pack_records(records[start : start + size]) for start in range(0, len(records), size)]
        # Not `from_arrow`: that runs a task for each, and keeps 50 KB of it.
        dataset = ray.data.from_blocks(blocks)
        for pool in self._layout.pools:
            dataset = self._add_pool(dataset, pool, first=pool is first)
        return dataset

    def _add_pool(self, dataset: Any, pool: Pool, *, first: bool) -> Any:  # noqa: ANN401 - as above
        import ray  # noqa: PLC0415 - an extra

        service = _divide_service(self._job.service, pool)
        size = self._rows_per_shard if pool.name == "mix" else pool.batch_size(len(self._seeds))
        n_batches = -(-len(self._seeds) // size)
        n_calls = -(-service.concurrency // size) + 1 if service else 1
        return dataset.map_batches(
            # Ray names the processes, metrics and log lines of a pool after the class, and takes no other
            # name: each pool has a class of its own.
            type(f"{pool.name.capitalize()}Worker", (PoolWorker,), {}),
            fn_constructor_args=(self._job.spec, pool, self._monitor, service),
            fn_constructor_kwargs={"first": first},
            batch_size=size,
            batch_format="pyarrow",
            zero_copy_batch=True,
            compute=ray.data.ActorPoolStrategy(
                min_size=min(pool.min_size, n_batches),
                max_size=min(pool.max_size, n_batches),
                # While a worker works on its batches, the next is fetched.
                max_tasks_in_flight_per_actor=n_calls + 1,
                max_concurrent_calls_per_actor=n_calls,
                enable_true_multi_threading=n_calls > 1,
            ),
            num_cpus=pool.per_worker.cpus,
            num_gpus=pool.per_worker.gpus,
            memory=pool.per_worker.memory or None,
        )


def _divide_service(service: LlmService | None, pool: Pool) -> LlmService | None:
    """Return one worker's share of the service, so that all workers together use its concurrency once."""
    if service is None or pool.name != "design":
        return None
    return service.model_copy(update={"concurrency": -(-service.concurrency // pool.max_size)})


def _hide_displays(context: Any) -> Any:  # noqa: ANN401 - Ray's own
    """Turn off the displays of Ray Data, as this process reports the progress, and return the context."""
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = False
    for handler in logging.getLogger("ray.data").handlers:
        if handler.name == "console":  # the file in Ray's session folder has it all
            handler.setLevel(logging.CRITICAL)
    return context
