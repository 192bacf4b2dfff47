"""The options that decide where and how a run is executed."""

from __future__ import annotations

import functools
import importlib.util
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

from copilot.errors import MissingExtraError, UserError
from pipelines.options.option import Option

if TYPE_CHECKING:
    from pipelines.config import RunConfig
    from pipelines.execution.job import Executor
    from pipelines.execution.ray.servers import ServerSettings
    from pipelines.main_job import RejectLimit
    from pipelines.planning.costs import Prices
    from pipelines.planning.ray_settings import RaySettings
    from pipelines.planning.resources import ServerGroup

_Option = functools.partial(Option, group="Execution")

REJECTS_AFTER = 200
"""Default number of seeds that are done before the share of rejects can end a run."""

# The processors that this process may use, where the system knows.
N_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Parts:
    """The parts of a configuration that only a file can give; None for those that it lacks."""

    ray: RaySettings | None = None
    servers: ServerSettings | None = None
    prices: Prices | None = None


@dataclass(frozen=True, kw_only=True)
class ExecutionOptions:
    """The options of executors; None for those that were not given. `parts` are from a file."""

    executor: Annotated[
        Literal["local", "ray"],
        _Option("Processes of this machine (local), or Ray on this machine or a cluster (ray).", common=True),
    ] = "local"
    workers: Annotated[
        int | None,
        _Option(
            "Worker processes of the local executor.",
            default="one per core, or one per GPU if a model renders",
            low=1,
            common=True,
        ),
    ] = None
    ray_address: Annotated[
        str | None,
        _Option("Ray cluster: auto or HOST:PORT.", default="Ray is started here", metavar="ADDRESS"),
    ] = None
    stall_timeout: Annotated[
        float | None,
        _Option("With Ray: end the run after this many seconds without progress.", default="1800", low=1),
    ] = None
    max_reject_share: Annotated[
        float | None,
        _Option(
            "End the run as soon as a larger share of its seeds is rejected, such as 0.5.",
            default="never",
            low=0,
            high=1,
        ),
    ] = None
    max_reject_after: Annotated[
        int | None,
        _Option(
            "Seeds that are done before --max-reject-share can end the run.",
            default=str(REJECTS_AFTER),
            low=1,
        ),
    ] = None
    max_rejects: Annotated[
        int | None,
        _Option(
            "Exit with 1 at the end if more seeds of the run were rejected.", default="any number", low=0
        ),
    ] = None
    parts: Parts = field(default_factory=Parts)

    def create_executor(self, config: RunConfig) -> Executor:
        """Return the executor of a run.

        Raises UserError for an option that has no effect with it, MissingExtraError if Ray is not installed.
        """
        if self.executor == "local":
            return self._create_local(config)
        if self.workers is not None:
            raise UserError(
                f"{self.workers}: has no effect with `executor` ray; set `ray.pools.NAME.size` in the "
                "configuration file",
                field="workers",
            )
        # Not imported: what Ray reads of the environment is set first.
        if importlib.util.find_spec("ray") is None:
            raise MissingExtraError("`executor` ray", "ray")
        from pipelines.execution.ray.executor import RayExecutor

        return RayExecutor(self.create_ray_settings(), self.create_server_group())

    def _create_local(self, config: RunConfig) -> Executor:
        from pipelines.execution.local import LocalExecutor

        for name in ("ray_address", "stall_timeout"):
            if (given := getattr(self, name)) is not None:
                raise UserError(f"{given}: has no effect with `executor` local; leave it out", field=name)
        return LocalExecutor(self.count_local_workers(config))

    def count_local_workers(self, config: RunConfig) -> int:
        """Return the number of local worker processes: by default one per core.

        If a model renders it is one per GPU, as each worker loads the model. Raises UserError.
        """
        if self.workers is not None:
            return self.workers
        from pipelines.backends import uses_models

        if not uses_models(config):
            return N_CORES
        from renderers.device import visible_gpus

        return len(visible_gpus() or ()) or 1

    def create_server_group(self) -> ServerGroup | None:
        """Return the room that the file's servers of a language model need, if it has some."""
        return self.parts.servers.min_group() if self.parts.servers else None

    def create_ray_settings(self) -> RaySettings:
        """Return how the run is laid out on Ray: the settings of the file, overridden by options.

        Raises UserError for time limits that exclude one another.
        """
        from pipelines.planning.allocation import check_deadlines
        from pipelines.planning.ray_settings import RaySettings

        given = {"address": self.ray_address, "stall_timeout_s": self.stall_timeout}
        settings = (self.parts.ray or RaySettings()).model_copy(
            update={name: value for name, value in given.items() if value is not None}
        )
        check_deadlines(settings)
        return settings

    def create_reject_limit(self) -> RejectLimit | None:
        """Return which share of rejects ends the run; None if none does. Raises UserError."""
        from pipelines.main_job import RejectLimit

        if self.max_reject_share is None:
            if self.max_reject_after is not None:
                raise UserError("has no effect without `max_reject_share`", field="max_reject_after")
            return None
        return RejectLimit(self.max_reject_share, self.max_reject_after or REJECTS_AFTER)
