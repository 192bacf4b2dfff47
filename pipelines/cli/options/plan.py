"""The options of `copilot plan` that are its own: what there is to work on, and what dialogues take."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from copilot.errors import UserError

if TYPE_CHECKING:
    from pipelines.planning.ray_settings import RaySettings
    from pipelines.planning.resources import Resources

_Option = functools.partial(typer.Option, rich_help_panel="Plan")


@dataclass(frozen=True)
class PlanOptions:
    """The options as they were given; None for those that were not."""

    nodes: Annotated[
        int | None,
        _Option(min=1, help="Plan for so many nodes, instead of asking the cluster."),
    ] = None
    node_cpus: Annotated[float | None, _Option(min=0.1, help="Processors of such a node.")] = None
    node_gpus: Annotated[float | None, _Option(min=0, help="GPUs of such a node; none without it.")] = None
    node_memory: Annotated[
        float | None, _Option(min=0.1, metavar="GB", help="Memory of such a node, where pools ask for some.")
    ] = None
    figures: Annotated[
        Path | None, _Option(metavar="FILE", help="What dialogues take, as --save-figures wrote it.")
    ] = None
    calibrate: Annotated[
        int | None,
        _Option(min=1, help="Make so many dialogues here, in a folder that is deleted, and measure them."),
    ] = None
    save_figures: Annotated[
        Path | None, _Option(metavar="FILE", help="Where to write what was measured.")
    ] = None

    def check(self) -> None:
        """Raises UserError for options that need another, or exclude one another."""
        for name in ("node_cpus", "node_gpus", "node_memory"):
            if getattr(self, name) is not None and self.nodes is None:
                raise UserError(f"--{name.replace('_', '-')}: of how many nodes? give --nodes")
        if self.nodes is not None and self.node_cpus is None:
            raise UserError(f"--nodes {self.nodes}: of what size? give --node-cpus, and --node-gpus")
        if self.figures is not None and self.calibrate is not None:
            raise UserError("--figures: with --calibrate they are measured; leave one of both out")
        if self.save_figures is not None and self.calibrate is None:
            raise UserError("--save-figures: there are none to save; give --calibrate 50")

    def made_up_nodes(self, settings: RaySettings) -> tuple[Resources, ...] | None:
        """The nodes to plan for; None where the cluster is to be asked. Raises UserError."""
        from pipelines.planning.resources import Resources

        if self.nodes is None or self.node_cpus is None:
            return None
        if self.node_memory is None:
            asking = [name for name, pool in settings.pools.items() if pool.memory_gb]
            if asking:
                raise UserError(
                    f"--nodes {self.nodes}: ray.pools.{asking[0]}.memory_gb asks for memory; how much has a "
                    "node? give --node-memory"
                )
        memory = (self.node_memory or 0.0) * 2**30
        return (Resources(self.node_cpus, self.node_gpus or 0.0, memory),) * self.nodes
