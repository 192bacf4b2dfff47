"""The Ray executor: the stages in pools of workers, through which Ray Data streams the records.

This process gives out seeds and follows the monitor; no sound passes through it. On Ctrl-C or SIGTERM,
commits in progress may finish. If work hangs past every deadline, the error names its pool, worker and seeds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from copilot.errors import MonitorLostError, StalledError, UserError
from copilot.seed import Seed
from copilot.units import Seconds
from pipelines.execution.design_ahead import DesignStatus
from pipelines.execution.job import Job
from pipelines.execution.ray.monitor import MonitorState, Phase, RemoteMonitor, RunMonitor, format_seed_ids
from pipelines.execution.ray.nodes import check_free, connect, list_nodes
from pipelines.execution.ray.stream import Stream
from pipelines.execution.signals import interruptible
from pipelines.execution.supply import compute_batch_size
from pipelines.planning.allocation import allocate, derive_workload
from pipelines.planning.layout import Layout
from pipelines.planning.ray_settings import RaySettings
from pipelines.planning.resources import ServerGroup

_POLL_EVERY_S: Seconds = 1.0
_IDLE_POLLS = 2
_COMMIT_TIMEOUT_S: Seconds = 25.0
"""Limit on waiting for commits in progress: batch systems send SIGKILL 30 s after SIGTERM."""

_PHASES: Mapping[Phase, str] = {"setup": ", setting up", "stages": "", "commit": ", committing"}


@dataclass(frozen=True, slots=True)
class RayExecutor:
    """Runs a job in pools of workers on Ray, beside the language model `servers` of the run."""

    settings: RaySettings = field(default_factory=RaySettings)
    servers: ServerGroup | None = None

    def describe(self) -> Mapping[str, Any]:
        """Return the executor's settings for `run.json`."""
        return {"executor": "ray", "ray": self.settings.model_dump(mode="json")}

    def execute(self, job: Job) -> None:
        """Make the samples of all seeds, or, if interrupted, of some; the ledger records which.

        Raises UserError if the cluster lacks what the layout needs, StalledError if the run makes no progress
        for too long, CopilotError for any other error that ends the run.
        """
        job.backends.close()
        # In this order, since Ray sets its own handler for SIGTERM.
        with connect(self.settings), interruptible(job.on_stop) as stopping:
            layout = self._lay_out(job)
            _ActiveRun(self.settings, layout, job, stopping).process_all()

    def _lay_out(self, job: Job) -> Layout:
        config, settings = job.spec.fingerprint.config, job.spec.settings
        workload = derive_workload(config, settings, job.service, designs=job.designer is not None)
        allocation = allocate(workload, self.settings, list_nodes(), settings.at_once, self.servers)
        if not self.settings.grows:
            if allocation.problem:
                raise UserError(allocation.problem)
            check_free(allocation)
        return allocation.layout


class _ActiveRun:
    """One call of the executor."""

    def __init__(self, settings: RaySettings, layout: Layout, job: Job, stopping: threading.Event) -> None:
        import ray  # noqa: PLC0415 - an extra
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415

        self._settings = settings
        self._layout = layout
        self._job = job
        self._stopping = stopping
        # Without a processor of its own, so that it always fits, and on this node, so that it ends with this
        # process. Without task events, since Ray would store one for each call.
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        options = {"num_cpus": 0, "scheduling_strategy": here, "enable_task_events": False}
        self._handle = ray.remote(RunMonitor).options(**options).remote()
        # There is no network between this process and the monitor.
        self._monitor = RemoteMonitor(self._handle, retry_for_s=0.0)
        self._stopped_s: Seconds | None = None
        self._n_idle = 0

    def process_all(self) -> None:
        """Send all seeds through the pools, wave by wave."""
        for seeds in self._cut_waves():
            stream = Stream(
                self._layout, self._job, RemoteMonitor(self._handle), self._rows_per_shard(), seeds
            )
            try:
                self._follow(stream)
            except BaseException:
                # A connection that was open before stays open, so its workers must be stopped.
                with suppress(MonitorLostError):
                    self._monitor.call(RunMonitor.set_mode, "stop")
                raise
            finally:
                stream.abandon()
            if (state := self._poll()).mode != "go":
                break
        if state.failure:
            raise state.failure

    def _cut_waves(self) -> Iterator[Sequence[Seed]]:
        seeds, size = self._job.seeds, self._settings.wave
        return (seeds[start : start + size] for start in range(0, len(seeds), size))

    def _rows_per_shard(self) -> int:
        n_mixers = self._layout.pool("mix").max_size
        at_once = self._layout.pools[0].at_once
        return compute_batch_size(len(self._job.seeds), n_mixers, at_once, most=self._layout.rows_per_shard)

    def _follow(self, stream: Stream) -> None:
        while not stream.wait(_POLL_EVERY_S):
            state = self._poll()
            if self._stopping.is_set() and state.mode != "stop":
                self._monitor.call(RunMonitor.set_mode, "stop")
            if state.mode == "stop" and not self._awaits_commits(state):
                return
            if state.idle_s > self._settings.stall_timeout_s:
                raise StalledError(_describe_stall(state, self._settings.stall_timeout_s))
        self._poll()

    def _awaits_commits(self, state: MonitorState) -> bool:
        """Return whether a commit, or the writing of drafts, is in progress and still worth waiting for.

        A mixer is idle for a moment between its stages and its commit, so one idle poll is not the end.
        Workers that design notice the stop soon, and write drafts; others do with the next batch they get.
        """
        self._stopped_s = self._stopped_s or time.monotonic()
        late = time.monotonic() > self._stopped_s + _COMMIT_TIMEOUT_S
        works = [one.work for one in state.in_progress]
        is_saving = any(work.pool in {"design", "mix"} or work.phase == "commit" for work in works)
        self._n_idle = 0 if is_saving else self._n_idle + 1
        return not late and self._n_idle < _IDLE_POLLS

    def _poll(self) -> MonitorState:
        """Ask the monitor for the state of the run, and report the progress."""
        state = self._monitor.call(RunMonitor.pop_state)
        for progress in state.progress:
            self._job.on_progress(progress)
        if self._job.designer is not None:
            designing = [one.work for one in state.in_progress if one.work.pool == "design"]
            n_writing = sum(len(work.seed_ids) for work in designing if work.phase == "stages")
            self._job.on_design(DesignStatus(n_writing, 0, ""))
        return state


def _describe_stall(state: MonitorState, timeout_s: Seconds) -> str:
    """Describe where the run hangs: the pool, the worker and the seeds in progress for longest."""
    resume = "committed samples are kept: run the same command again to resume"
    stalled = f"no progress for {timeout_s:g} s (`ray.stall_timeout_s`): "
    if not state.in_progress:
        last = "; ".join(f"pool {pool} finished {seed_id}" for pool, seed_id in state.last_done.items())
        return f"{stalled}no worker has any work (last: {last or 'none'}); see ray status; {resume}"
    oldest = max(state.in_progress, key=lambda one: one.for_s)
    work = oldest.work
    before = state.last_done.get(work.pool)
    last = f"; it finished {before} before" if before else ""
    return (
        f"{stalled}pool {work.pool}, worker {work.worker} has been at {format_seed_ids(work.seed_ids)} for "
        f"{oldest.for_s:.0f} s{_PHASES[work.phase]}{last}; {resume}"
    )
