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
from pipelines.execution.ray.monitor import RemoteMonitor
from pipelines.execution.ray.packing import packed
from pipelines.execution.ray.workers import PoolWorker
from pipelines.planning.layout import Layout, Pool
from pipelines.stages.record import new_record

if TYPE_CHECKING:
    from pipelines.execution.job import Job


class Stream:
    """Ray Data at work in a thread, so that this process can look after it meanwhile."""

    def __init__(
        self, plan: Layout, job: Job, watch: RemoteMonitor, n_rows: int, seeds: Sequence[Seed]
    ) -> None:
        self._plan = plan
        self._job = job
        self._watch = watch
        self._n_rows = n_rows
        self._seeds = seeds
        self._error: BaseException | None = None
        self._left = False
        self._thread = threading.Thread(target=self._run, name="copilot-stream", daemon=True)
        self._thread.start()

    def ended(self, timeout_s: Seconds) -> bool:
        """Whether all has passed, after waiting so long. Raises CopilotError where Ray itself failed."""
        self._thread.join(timeout_s)
        if self._error is not None and not self._left:
            raise CopilotError(f"Ray: {format_traceback(self._error)}") from self._error
        return not self._thread.is_alive()

    def leave(self) -> None:
        """Care no more for what becomes of it: what is left ends with the connection."""
        self._left = True

    def _run(self) -> None:
        try:
            import ray  # noqa: PLC0415 - an extra

            with ray.data.DataContext.current(_settled(ray.data.DataContext.get_current().copy())):
                for _ in self._dataset().iter_internal_ref_bundles():
                    if self._left:
                        return
        except Exception as error:  # noqa: BLE001 - told by `ended`
            self._error = error

    def _dataset(self) -> Any:  # noqa: ANN401 - Ray's data sets have no type
        import ray  # noqa: PLC0415 - an extra

        first = self._plan.pools[0]
        run_seed = self._job.spec.fingerprint.config.run_seed
        # A task is a block: small ones, so that little is done again where a worker dies.
        size = first.batch(len(self._seeds))
        blocks = [
            packed([new_record(seed, run_seed) for seed in self._seeds[start : start + size]])
            for start in range(0, len(self._seeds), size)
        ]
        # Not `from_arrow`: that runs a task for each, and keeps 50 KB of it.
        dataset = ray.data.from_blocks(blocks)
        for pool in self._plan.pools:
            dataset = self._through(dataset, pool, begins=pool is first)
        return dataset

    def _through(self, dataset: Any, pool: Pool, *, begins: bool) -> Any:  # noqa: ANN401 - as above
        import ray  # noqa: PLC0415 - an extra

        service = _share(self._job.service, pool)
        size = self._n_rows if pool.name == "mix" else pool.batch(len(self._seeds))
        n_batches = -(-len(self._seeds) // size)
        calls = -(-service.concurrency // size) + 1 if service else 1
        return dataset.map_batches(
            # Ray names processes and metrics after the class: one for each pool.
            type(f"{pool.name.capitalize()}Worker", (PoolWorker,), {}),
            fn_constructor_args=(self._job.spec, pool, self._watch, service),
            fn_constructor_kwargs={"begins": begins},
            batch_size=size,
            batch_format="pyarrow",
            zero_copy_batch=True,
            compute=ray.data.ActorPoolStrategy(
                min_size=min(pool.min_size, n_batches),
                max_size=min(pool.max_size, n_batches),
                # While a worker works on its batches, the next is fetched.
                max_tasks_in_flight_per_actor=calls + 1,
                max_concurrent_calls_per_actor=calls,
                enable_true_multi_threading=calls > 1,
            ),
            num_cpus=pool.each.cpus,
            num_gpus=pool.each.gpus,
            memory=pool.each.memory or None,
        )


def _share(service: LlmService | None, pool: Pool) -> LlmService | None:
    """How a worker of a pool may use the language model: all of them together as one process would."""
    if service is None or pool.name != "design":
        return None
    return service.model_copy(update={"concurrency": -(-service.concurrency // pool.max_size)})


def _settled(context: Any) -> Any:  # noqa: ANN401 - Ray's own
    """Ray Data without its displays: this process tells what there is to tell."""
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = False
    for handler in logging.getLogger("ray.data").handlers:
        if handler.name == "console":  # the file in Ray's session folder has it all
            handler.setLevel(logging.CRITICAL)
    return context
