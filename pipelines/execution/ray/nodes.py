"""Ray on this machine, or the cluster that is there: joined, asked what it has and what is free, and left."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

from copilot.errors import MissingExtraError, UserError
from copilot.units import Seconds
from pipelines.planning.resources import Resources, check_fits, total

if TYPE_CHECKING:
    from pipelines.planning.ray_settings import RaySettings
    from pipelines.planning.staffing import Staffing

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to Ray's makers
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # devices that a worker did not ask for stay as they are
    "RAY_ENABLE_AUTO_CONNECT": "0",  # what is still under way when a run is left does not start Ray anew
}

_AUTHENTICATION = (
    ". Where it asks for a token: set RAY_AUTH_MODE=token; RAY_AUTH_TOKEN or ~/.ray/auth_token is it"
)
"""Ray looks for a token by itself only where its address is `auto`."""

_GIVEN_BACK_S: Seconds = 30.0
"""A run that was killed a moment ago still holds what its workers took."""
_POLL_S: Seconds = 0.5


@contextmanager
def connected(settings: RaySettings) -> Iterator[None]:
    """Start Ray on this machine, or join the cluster of the settings; a caller's own connection is used.

    Raises MissingExtraError without Ray, UserError where no cluster answers, or one behind Ray Client.
    """
    # A job that was submitted to a cluster is told of it by the environment.
    address = settings.address or os.environ.get("RAY_ADDRESS")
    if address and address.startswith("ray://"):
        raise UserError(
            f"--ray-address {address}: runs do not go through Ray Client. On a node of the cluster give auto "
            "or HOST:PORT; from elsewhere hand the command to it: ray job submit --address http://HEAD:8265 "
            "-- copilot generate ..."
        )
    # Ray reads some of it when it is imported.
    os.environ.update({name: value for name, value in _ENVIRONMENT.items() if name not in os.environ})
    try:
        import ray  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("--executor ray", "ray") from error

    if ray.is_initialized():
        yield
        return
    ours = {} if address else {"num_cpus": settings.cpus, "include_dashboard": False}
    try:
        ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **ours)
    except Exception as error:  # Ray raises bare ones, where this machine is too slow for its patience
        where = f"--ray-address {address}" if address else "--executor ray"
        told = "" if not address or "RAY_AUTH_MODE" in os.environ else _AUTHENTICATION
        raise UserError(f"{where}: Ray does not start, or is not there: {error}{told}") from error
    try:
        # Ray tells of workers that died, and of other news, on standard output, where results may go.
        with redirect_stdout(sys.stderr):
            yield
    finally:
        ray.shutdown()


def nodes() -> list[Resources]:
    """What each live node of the cluster has."""
    import ray  # noqa: PLC0415 - an extra

    return [_resources(node["Resources"]) for node in ray.nodes() if node["Alive"]]


def free() -> list[Resources]:
    """What of each live node nobody holds, as it was a moment ago."""
    # Ray's public functions tell it of all nodes together.
    from ray._private.state import available_resources_per_node  # noqa: PLC0415 - an extra

    return [_resources(has) for has in available_resources_per_node().values()]


def check_free(staffing: Staffing) -> None:
    """Hold a plan that fits the nodes against what nobody holds of them, for as long as that may still grow.

    The servers of the run hold theirs already: they are not among what is free. Raises UserError.
    """
    end_s = time.monotonic() + _GIVEN_BACK_S
    while True:
        left = free()
        try:
            check_fits(staffing.plan, left)
        except UserError as error:
            if time.monotonic() >= end_s:
                raise UserError(_taken(staffing, total(left))) from error
        else:
            return
        time.sleep(_POLL_S)


def _taken(staffing: Staffing, left: Resources) -> str:
    there, asked = total(staffing.nodes), total(pool.least for pool in staffing.plan.pools)
    ours = staffing.servers.each * staffing.servers.n if staffing.servers else Resources()
    others = there - left - ours
    return (
        f"--executor ray: the plan asks for {asked}, and others hold {others} of the cluster's {there} "
        "(see ray status). Wait until they are done, lower ray.pools.NAME.size in the file of --config, or, "
        "where the cluster gets nodes as they are asked for, set ray.grows: true"
    )


def _resources(has: Mapping[str, float]) -> Resources:
    """Of a node, as Ray tells it: what is not there is not named."""
    return Resources(has.get("CPU", 0.0), has.get("GPU", 0.0), has.get("memory", 0.0))


def nodes_of(settings: RaySettings) -> list[Resources]:
    """What the nodes of the settings' cluster have. Raises as `connected`."""
    with connected(settings):
        return nodes()
