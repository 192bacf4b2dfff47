"""Where a run will settle: its pools with their workers, what is held for them, and whether there is room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from copilot.designers.contract import AsyncDesigner
from copilot.designers.llm.service import LlmService
from copilot.errors import UserError
from copilot.units import Seconds
from pipelines.backends import create_designer, loads_model
from pipelines.config import RunConfig
from pipelines.planning.layout import Layout, Needs, lay_out
from pipelines.planning.ray_settings import RaySettings
from pipelines.planning.resources import Resources, check_fits, total
from pipelines.stages.table import PoolName
from pipelines.stages.worker_spec import ExecutionSettings


@dataclass(frozen=True, slots=True)
class Servers:
    """Servers of a language model that a run starts: how many, and what each takes of one node."""

    n: int
    each: Resources


def needs_of(config: RunConfig, settings: ExecutionSettings, service: LlmService | None = None) -> Needs:
    """What of a run decides its pools; the `service` is of the language model that designs.

    Raises UserError for a designer or renderer that is not there.
    """
    on_gpu = settings.render.device is None or settings.render.device.startswith("cuda")
    return Needs(
        isinstance(create_designer(config), AsyncDesigner),
        on_gpu and loads_model(config, "tts"),
        on_gpu and loads_model(config, "sfx"),
        # A request that gets no answer, and then no server that could give one.
        service.patience_s + service.timeout_s if service else 0.0,
    )


def check_deadlines(settings: RaySettings, design_waits_s: Seconds = 0.0) -> None:
    """Hold deadlines against how long the run waits for a sign of life, and `design` for its language model.

    Raises UserError, which names both settings.
    """
    stall_s = settings.stall_timeout_s
    stall = f"ray.stall_timeout_s (--stall-timeout) is {stall_s:g} s"
    waits = f"--llm-patience and --llm-timeout are {design_waits_s:g} s together"
    if design_waits_s >= stall_s:
        raise UserError(f"{stall}, and {waits}: raise the one above that, or lower the others")
    for name, pool in settings.pools.items():
        if pool.deadline_s is None:
            continue
        deadline = f"ray.pools.{name}.deadline_s is {pool.deadline_s:g} s"
        if pool.deadline_s >= stall_s:
            raise UserError(
                f"{deadline}, and {stall}: a batch that hangs would end the run each time, instead of being "
                "tried elsewhere; lower the first below the second, or raise the second"
            )
        if name == "design" and pool.deadline_s <= design_waits_s:
            raise UserError(
                f"{deadline}, and {waits}: waiting for a server would count as a hung batch; raise the first "
                "above that, or lower the others"
            )


@dataclass(frozen=True, slots=True)
class Staffing:
    """A plan on nodes, with the workers of each pool at which a run settles.

    `at_most` where every pool is at its largest, else all are at their smallest. `held` is what is there, or
    taken, for as long as the run goes on, the servers included. `problem` says why the fewest workers have
    no room on the nodes, where they have none; nodes that are added later may help.
    """

    plan: Layout
    nodes: tuple[Resources, ...]
    servers: Servers | None
    sizes: Mapping[PoolName, int]
    at_most: bool
    held: Resources
    problem: str | None


def staff(
    needs: Needs,
    settings: RaySettings,
    nodes: Sequence[Resources],
    at_once: int | None = None,
    servers: Servers | None = None,
) -> Staffing:
    """Lay a run out, and say where it settles: at the most workers, where there is room or nodes are added.

    Held are the nodes, which are there whether or not they are worked on, or, where they are too few, what
    workers and servers take. Raises UserError as `check_deadlines` and `lay_out`.
    """
    check_deadlines(settings, needs.design_waits_s)
    left, problem = tuple(nodes), None
    if servers:
        try:
            left = _take_away(left, servers)
        except UserError as error:
            problem = str(error)
    plan = lay_out(needs, settings, left, at_once)
    problem = problem or _no_room(plan, left)
    largest = replace(plan, pools=tuple(replace(pool, min_size=pool.max_size) for pool in plan.pools))
    at_most = settings.grows or _no_room(largest, left) is None
    settled = largest if at_most else plan
    taken = total(pool.least for pool in settled.pools)
    if servers:
        taken += servers.each * servers.n
    there = total(nodes)
    return Staffing(
        plan=plan,
        nodes=tuple(nodes),
        servers=servers,
        sizes={pool.name: pool.min_size for pool in settled.pools},
        at_most=at_most,
        held=there if there.holds(taken) else taken,
        problem=problem,
    )


def _take_away(nodes: tuple[Resources, ...], servers: Servers) -> tuple[Resources, ...]:
    """What is left of the nodes beside the servers. Raises UserError where one of them finds no room."""
    left = list(nodes)
    for k in range(servers.n):
        place = next((i for i, node in enumerate(left) if node.holds(servers.each)), None)
        if place is None:
            raise UserError(
                f"servers: no node has room for server {k + 1} of {servers.n}, which asks for "
                f"{servers.each}; the nodes have {'; '.join(map(str, nodes))}. Lower servers.replicas or "
                "servers.gpus in the file of --config, or add nodes"
            )
        left[place] -= servers.each
    return tuple(left)


def _no_room(plan: Layout, nodes: Sequence[Resources]) -> str | None:
    try:
        check_fits(plan, nodes)
    except UserError as error:
        return str(error)
    return None
