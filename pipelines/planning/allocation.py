"""A run's layout on the nodes of a cluster: the workers of each pool, and the resources reserved for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from copilot.designers.contract import AsyncDesigner
from copilot.designers.llm.service import LlmLimits
from copilot.errors import UserError
from copilot.units import Seconds
from pipelines.backends import create_designer, loads_model
from pipelines.config import RunConfig
from pipelines.planning.layout import Layout, check_fits, find_node
from pipelines.planning.ray_settings import RaySettings
from pipelines.planning.resources import Resources, ServerGroup, total
from pipelines.planning.sizing import Workload, create_layout
from pipelines.stages.table import PoolName
from pipelines.stages.worker_spec import ExecutionSettings


def derive_workload(
    config: RunConfig,
    settings: ExecutionSettings,
    service: LlmLimits | None = None,
    *,
    designs: bool | None = None,
) -> Workload:
    """Return the traits of a run that decide its pools; `service` is the language model's, if one designs.

    Unless `designs` is given, the designer is constructed to find out. Raises UserError for an unknown
    designer or renderer.
    """
    if designs is None:
        designs = isinstance(create_designer(config), AsyncDesigner)
    device = settings.render.device
    on_gpu = device is None or device.startswith("cuda")
    return Workload(
        designs=designs,
        speech_on_gpu=on_gpu and loads_model(config, "tts"),
        sounds_on_gpu=on_gpu and loads_model(config, "sfx"),
        design_wait_s=service.longest_wait_s if service else 0.0,
    )


def check_deadlines(settings: RaySettings, design_wait_s: Seconds = 0.0) -> None:
    """Raise UserError if a deadline contradicts the stall time-out, or the wait for a language model.

    The message names both settings.
    """
    stall_s = settings.stall_timeout_s
    stall = f"`ray.stall_timeout_s` is {stall_s:g} s"
    waits = f"`service.patience_s` and `service.timeout_s` are {design_wait_s:g} s together"
    if design_wait_s >= stall_s:
        raise UserError(f"{stall}, and {waits}: raise the first above that, or lower the others")
    for name, pool in settings.pools.items():
        if pool.deadline_s is None:
            continue
        deadline = f"`ray.pools.{name}.deadline_s` is {pool.deadline_s:g} s"
        if pool.deadline_s >= stall_s:
            raise UserError(
                f"{deadline}, and {stall}: a batch that hangs would end the run instead of being retried; "
                "lower the first below the second, or raise the second"
            )
        if name == "design" and pool.deadline_s <= design_wait_s:
            raise UserError(
                f"{deadline}, and {waits}: waiting for a server would count as a hung batch; raise the first "
                "above that, or lower the others"
            )


@dataclass(frozen=True, slots=True)
class Allocation:
    """A layout on nodes, with the number of workers in each pool that the run settles at.

    `at_max` is true if these are the most workers of all pools; otherwise they are the fewest. `reserved` is
    what the run keeps from others as long as it lasts, the servers included. `problem` says why the nodes
    have no room for the fewest workers, if they have none; nodes that are added later may change that.
    """

    layout: Layout
    nodes: tuple[Resources, ...]
    servers: ServerGroup | None
    sizes: Mapping[PoolName, int]
    at_max: bool
    reserved: Resources
    problem: str | None

    @property
    def min_resources(self) -> Resources:
        """The resources of the fewest workers and of the servers together."""
        needed = self.layout.min_resources
        return needed + self.servers.resources if self.servers else needed


def allocate(
    workload: Workload,
    settings: RaySettings,
    nodes: Sequence[Resources],
    at_once: int | None = None,
    servers: ServerGroup | None = None,
) -> Allocation:
    """Lay a run out on nodes; it settles at the most workers if there is room, or if nodes are added.

    All of the nodes are reserved, or, if they are too few, what workers and servers take. Raises UserError as
    `check_deadlines` and `create_layout` do.
    """
    check_deadlines(settings, workload.design_wait_s)
    free, problem = tuple(nodes), None
    if servers:
        try:
            free = _subtract_servers(free, servers)
        except UserError as error:
            problem = str(error)
    layout = create_layout(workload, settings, free, at_once)
    problem = problem or _find_problem(layout, free)
    largest = replace(layout, pools=tuple(replace(pool, min_size=pool.max_size) for pool in layout.pools))
    at_max = settings.grows or _find_problem(largest, free) is None
    settled = largest if at_max else layout
    taken = settled.min_resources + (servers.resources if servers else Resources())
    cluster = total(nodes)
    return Allocation(
        layout=layout,
        nodes=tuple(nodes),
        servers=servers,
        sizes={pool.name: pool.min_size for pool in settled.pools},
        at_max=at_max,
        reserved=cluster if cluster.covers(taken) else taken,
        problem=problem,
    )


def _subtract_servers(nodes: tuple[Resources, ...], servers: ServerGroup) -> tuple[Resources, ...]:
    """Return what the servers leave of the nodes. Raises UserError if one of them finds no room."""
    free = list(nodes)
    for n_placed in range(servers.n):
        node = find_node(free, servers.per_server)
        if node is None:
            raise UserError(
                f"no node has room for server {n_placed + 1} of {servers.n}, which needs "
                f"{servers.per_server}; the nodes have {'; '.join(map(str, nodes))}. Lower "
                "`servers.replicas` or `servers.gpus` in the configuration file, or add nodes",
                field="servers",
            )
        free[node] -= servers.per_server
    return tuple(free)


def _find_problem(layout: Layout, nodes: Sequence[Resources]) -> str | None:
    try:
        check_fits(layout, nodes)
    except UserError as error:
        return str(error)
    return None
