"""The Ray executor: the stages as pools of workers, through which Ray Data streams the records.

This process gives out seeds and listens to the watch; no sound passes through it. Ctrl-C and SIGTERM let
what is being committed end. What hangs is told by name, and left.
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
from pipelines.execution.ray.monitor import MonitorState, Phase, RemoteMonitor, RunMonitor, some_of
from pipelines.execution.ray.nodes import check_free, connected, nodes
from pipelines.execution.ray.stream import Stream
from pipelines.execution.signals import interruptible
from pipelines.execution.supply import batch_size
from pipelines.planning.layout import Layout
from pipelines.planning.ray_settings import RaySettings
from pipelines.planning.staffing import Servers, needs_of, staff

_LOOK_EVERY_S: Seconds = 1.0
_IDLE_LOOKS = 2
_COMMITS_TAKE_S: Seconds = 25.0
"""How long commits under way are waited for: batch systems kill 30 s after they have asked."""


_PHASES: Mapping[Phase, str] = {"ready": ", getting ready", "stages": "", "commit": ", committing"}


@dataclass(frozen=True, slots=True)
class RayExecutor:
    """Runs a job in pools of workers on Ray, beside the `servers` that lie there as well."""

    settings: RaySettings = field(default_factory=RaySettings)
    servers: Servers | None = None

    def describe(self) -> Mapping[str, Any]:
        """How it works, for `run.json`."""
        return {"executor": "ray", "ray": self.settings.model_dump(mode="json")}

    def execute(self, job: Job) -> None:
        """Make the samples of all seeds, or, interrupted, of some: the ledger tells which.

        Raises UserError where the cluster has not what the plan asks for, StalledError where nothing happens
        any more, CopilotError for what ends the run.
        """
        # In this order: Ray sets a handler of its own for SIGTERM.
        with connected(self.settings), interruptible() as stopping:
            plan = self._plan(job)
            _Run(self.settings, plan, job, stopping).through()

    def _plan(self, job: Job) -> Layout:
        config, settings = job.spec.fingerprint.config, job.spec.settings
        needs = needs_of(config, settings, job.service)
        staffing = staff(needs, self.settings, nodes(), settings.at_once, self.servers)
        if staffing.problem and not self.settings.grows:
            raise UserError(staffing.problem)
        if not self.settings.grows:
            check_free(staffing)
        return staffing.plan


class _Run:
    """One call of the executor."""

    def __init__(self, settings: RaySettings, plan: Layout, job: Job, stopping: threading.Event) -> None:
        import ray  # noqa: PLC0415 - an extra
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415

        self._settings = settings
        self._plan = plan
        self._job = job
        self._stopping = stopping
        # Without a processor of its own, so that it always has room, and here: it ends with this process.
        # Ray would keep a note of each call of it.
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        beside = {"num_cpus": 0, "scheduling_strategy": here, "enable_task_events": False}
        self._watch = RemoteMonitor(ray.remote(RunMonitor).options(**beside).remote())
        self._stopped_s: Seconds | None = None
        self._n_idle = 0

    def through(self) -> None:
        """Lead all seeds through, wave by wave."""
        for seeds in self._waves():
            stream = Stream(self._plan, self._job, self._watch, self._rows(), seeds)
            try:
                self._follow(stream)
            except BaseException:
                # A connection that is not ours goes on: nobody is to work on.
                with suppress(MonitorLostError):
                    self._watch.stop("stop")
                raise
            finally:
                stream.leave()
            if (state := self._look()).stop != "go":
                break
        if state.failure:
            raise state.failure

    def _waves(self) -> Iterator[Sequence[Seed]]:
        seeds, size = self._job.seeds, self._settings.wave
        return (seeds[start : start + size] for start in range(0, len(seeds), size))

    def _rows(self) -> int:
        n_mixers = self._plan.pool("mix").max_size
        at_once = self._plan.pools[0].at_once
        return batch_size(len(self._job.seeds), n_mixers, at_once, most=self._plan.rows_per_shard)

    def _follow(self, stream: Stream) -> None:
        while not stream.ended(_LOOK_EVERY_S):
            state = self._look()
            if self._stopping.is_set() and state.stop != "stop":
                self._watch.stop("stop")
            if state.stop == "stop" and not self._commits(state):
                return
            if state.quiet_s > self._settings.stall_timeout_s:
                raise StalledError(_stalled(state, self._settings.stall_timeout_s))
        self._look()

    def _commits(self, state: MonitorState) -> bool:
        """Whether a commit is under way that is still worth waiting for.

        A mixer has nothing to do for a moment between its stages and its commit: one look says little.
        """
        self._stopped_s = self._stopped_s or time.monotonic()
        late = time.monotonic() > self._stopped_s + _COMMITS_TAKE_S
        mixing = any(doing.work.pool == "mix" for doing in state.doing)
        self._n_idle = 0 if mixing else self._n_idle + 1
        return not late and self._n_idle < _IDLE_LOOKS

    def _look(self) -> MonitorState:
        """Ask the watch, and hand on what it tells."""
        state = self._watch.state()
        for progress in state.progress:
            self._job.on_progress(progress)
        if self._job.designer is not None:
            writing = [doing.work for doing in state.doing if doing.work.pool == "design"]
            n_writing = sum(len(work.seed_ids) for work in writing if work.phase == "stages")
            self._job.on_design(DesignStatus(n_writing, 0, ""))
        return state


def _stalled(state: MonitorState, timeout_s: Seconds) -> str:
    """Which stage stands still, and where."""
    end = "what was committed stands. Run the same command again to go on"
    quiet = f"nothing has happened for {timeout_s:g} s (--stall-timeout): "
    if not state.doing:
        last = "; ".join(f"{pool} was done with {seed_id}" for pool, seed_id in state.last.items())
        return f"{quiet}no worker has anything to do ({last or 'none has begun'}); see ray status; {end}"
    oldest = max(state.doing, key=lambda doing: doing.since_s)
    work = oldest.work
    before = state.last.get(work.pool)
    done = f", and was done with {before} before" if before else ""
    return (
        f"{quiet}pool {work.pool}, worker {work.worker} has been at {some_of(work.seed_ids)} for "
        f"{oldest.since_s:.0f} s{_PHASES[work.phase]}{done}; {end}"
    )
