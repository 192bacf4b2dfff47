"""The options that only `copilot plan` has: nodes to plan for, and costs to forecast from."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from copilot.errors import UserError
from pipelines.options.option import Option

if TYPE_CHECKING:
    from pipelines.planning.ray_settings import RaySettings
    from pipelines.planning.resources import Resources

_Option = functools.partial(Option, group="Plan")


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """The options of a plan; None for those that were not given."""

    nodes: Annotated[
        int | None,
        _Option("Number of nodes to plan for.", default="the nodes of the cluster", low=1, common=True),
    ] = None
    node_cpus: Annotated[float | None, _Option("Processors of each node.", low=0.1, common=True)] = None
    node_gpus: Annotated[float | None, _Option("GPUs of each node.", default="0", low=0, common=True)] = None
    node_memory: Annotated[
        float | None,
        _Option("Memory of each node, needed if pools set memory-gb.", low=0.1, metavar="GB", common=True),
    ] = None
    calibrate: Annotated[
        int | None,
        _Option(
            "Measure the costs: make this many dialogues here, in a temporary folder.", low=1, common=True
        ),
    ] = None
    figures: Annotated[
        Path | None,
        _Option("Read the costs that --save-figures wrote.", metavar="FILE", common=True),
    ] = None
    save_figures: Annotated[
        Path | None, _Option("Write the measured costs into a file.", metavar="FILE", common=True)
    ] = None

    def require_valid(self) -> None:
        """Raise UserError for options that need another one, or exclude one another."""
        for name in ("node_cpus", "node_gpus", "node_memory"):
            if getattr(self, name) is not None and self.nodes is None:
                raise UserError("has no effect without `nodes`", field=name)
        if self.nodes is not None and self.node_cpus is None:
            raise UserError("needs `node_cpus`, the processors of each node", field="nodes")
        if self.figures is not None and self.calibrate is not None:
            raise UserError("set either `figures` or `calibrate`", field="figures")
        if self.save_figures is not None and self.calibrate is None:
            raise UserError("needs `calibrate`, the number of dialogues to measure", field="save_figures")

    def create_nodes(self, settings: RaySettings) -> tuple[Resources, ...] | None:
        """Return the nodes to plan for; None to plan for those of the cluster. Raises UserError."""
        from pipelines.planning.resources import Resources

        if self.nodes is None or self.node_cpus is None:
            return None
        if self.node_memory is None:
            for name, pool in settings.pools.items():
                if pool.memory_gb:
                    raise UserError(f"missing, and `ray.pools.{name}.memory_gb` is set", field="node_memory")
        memory = (self.node_memory or 0.0) * 2**30
        return (Resources(self.node_cpus, self.node_gpus or 0.0, memory),) * self.nodes
