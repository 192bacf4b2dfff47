"""The options that decide where and how a run is executed, and the file of `--config`."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from copilot.errors import MissingExtraError, UserError
from pipelines.cli.options.config_file import ConfigFile, read_config, take_config
from pipelines.cli.options.model import ModelOptions

if TYPE_CHECKING:
    from pipelines.execution.job import Executor
    from pipelines.generate import RejectLimit
    from pipelines.planning.ray_settings import RaySettings
    from pipelines.planning.resources import ServerGroup

_Option = functools.partial(typer.Option, rich_help_panel="Execution")

_REJECTS_AFTER = 200

_NOT_YET = "http://servers/v1"
"""In place of the URLs of servers that have not been started."""


class ExecutorOption(StrEnum):
    """What runs the stages."""

    local = "local"
    ray = "ray"


@dataclass(frozen=True)
class ExecutionOptions:
    """The options as they were given, or as the file sets them; None for those that were not."""

    config: Annotated[
        ConfigFile | None,
        _Option(
            metavar="FILE",
            parser=read_config,
            callback=take_config,
            is_eager=True,
            help="YAML with options by name, which the command line overrides; or laptop, one-node-8-gpus, "
            "cluster, which are shipped.",
        ),
    ] = None
    executor: Annotated[
        ExecutorOption,
        _Option(help="Processes of this machine (local), or Ray on this machine or a cluster (ray)."),
    ] = ExecutorOption.local
    ray_address: Annotated[
        str | None,
        _Option(
            metavar="ADDRESS",
            help="A Ray cluster: auto or HOST:PORT; started on this machine without it.",
        ),
    ] = None
    stall_timeout: Annotated[
        float | None,
        _Option(min=1, help="With ray: end the run after so many seconds without progress; 1800 without it."),
    ] = None
    max_reject_share: Annotated[
        float | None, _Option(min=0, max=1, help="End the run where a larger share of its seeds is rejected.")
    ] = None
    max_reject_after: Annotated[
        int | None, _Option(min=1, help="How many seeds are done before that is asked; 200 without it.")
    ] = None

    def made(self, n_workers: int | None, usual: int) -> Executor:
        """The executor, with `n_workers` where those were given, or the `usual` number.

        Raises UserError for an option of no use with it, MissingExtraError where Ray is not installed.
        """
        if self.executor is ExecutorOption.local:
            return self._local(n_workers or usual)
        if n_workers is not None:
            raise UserError(
                f"--workers {n_workers}: is for --executor local; with ray the file of --config has "
                "ray.pools.NAME.size"
            )
        _require_ray()
        from pipelines.execution.ray.executor import RayExecutor

        return RayExecutor(self.ray_settings(), self.servers())

    def _local(self, n_workers: int) -> Executor:
        from pipelines.execution.local import LocalExecutor

        for option, given in (("--ray-address", self.ray_address), ("--stall-timeout", self.stall_timeout)):
            if given is not None:
                raise UserError(f"{option} {given}: is for --executor ray; leave it out")
        return LocalExecutor(n_workers)

    def servers(self) -> ServerGroup | None:
        """What the file's servers of a language model take, where it has some."""
        servers = self.config.servers if self.config else None
        return servers.min_group() if servers else None

    def ray_settings(self) -> RaySettings:
        """How the run is laid out on Ray: what the file says, and the options above it.

        Raises UserError where its times exclude one another.
        """
        from pipelines.planning.allocation import check_deadlines
        from pipelines.planning.ray_settings import RaySettings

        settings = (self.config and self.config.ray) or RaySettings()
        given = {"address": self.ray_address, "stall_timeout_s": self.stall_timeout}
        settings = settings.model_copy(
            update={name: value for name, value in given.items() if value is not None}
        )
        check_deadlines(settings)
        return settings

    def reject_limit(self) -> RejectLimit | None:
        """How large a share of rejects ends the run; None where none does. Raises UserError."""
        from pipelines.generate import RejectLimit

        if self.max_reject_share is None:
            if self.max_reject_after is not None:
                raise UserError(
                    f"--max-reject-after {self.max_reject_after}: is of no use without --max-reject-share"
                )
            return None
        return RejectLimit(self.max_reject_share, self.max_reject_after or _REJECTS_AFTER)

    def with_model(self, model: ModelOptions, urls: Sequence[str] = (_NOT_YET,)) -> ModelOptions:
        """The model options for the servers that the run starts, where the file has some.

        Raises UserError where they say something else than the file's `servers`.
        """
        servers = self.config.servers if self.config else None
        if servers is None:
            return model
        at = f"{self.config.name}: servers" if self.config else "servers"
        if self.executor is not ExecutorOption.ray:
            raise UserError(f"{at}: they are started on Ray's cluster; use --executor ray, or --llm-url")
        if model.llm_url:
            raise UserError(f"{at}: the run starts them, and --llm-url names others; leave one of both out")
        if model.llm_model not in {None, servers.name}:
            raise UserError(f"--llm-model {model.llm_model}: the servers of the file serve {servers.name}")
        return replace(model, llm_url=list(urls), llm_model=servers.name)

    @contextmanager
    def served(self, model: ModelOptions, run: str) -> Iterator[ModelOptions]:
        """The model options, with the file's servers running meanwhile, where it has some.

        Raises as `with_model` and `serve_model`.
        """
        servers = self.config.servers if self.config else None
        if servers is None:
            yield model
            return
        from pipelines.execution.ray.nodes import connect
        from pipelines.execution.ray.servers import serve_model

        with connect(self.ray_settings()), serve_model(servers, run) as urls:
            yield self.with_model(model, urls)


def _require_ray() -> None:
    """Raises MissingExtraError where Ray is not installed."""
    # Not imported: what Ray reads of the environment is set first.
    if importlib.util.find_spec("ray") is None:
        raise MissingExtraError("`executor` ray", "ray")
