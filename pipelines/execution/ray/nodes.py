"""The nodes of Ray, on this machine or of a cluster: connect, and list their total and free resources."""

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
from pipelines.planning.layout import check_fits
from pipelines.planning.resources import Resources, total

if TYPE_CHECKING:
    from pipelines.planning.allocation import Allocation
    from pipelines.planning.ray_settings import RaySettings

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to Ray's makers
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # GPUs that a worker did not request stay visible to it
    "RAY_ENABLE_AUTO_CONNECT": "0",  # threads that outlive a run do not start Ray again
}

_AUTHENTICATION = (
    ". If the cluster needs a token: set RAY_AUTH_MODE=token; the token is in RAY_AUTH_TOKEN or "
    "~/.ray/auth_token"
)
"""Ray looks for a token by itself only if its address is `auto`."""

_SHORTER_FOLDER = (
    ". Ray's sockets are in the folder for temporary files, whose path is too long for them: set RAY_TMPDIR "
    "to a short one, such as /tmp"
)

_WAIT_FOR_FREE_S: Seconds = 30.0
"""A run that was killed a moment ago may still hold its resources."""
_POLL_S: Seconds = 0.5


@contextmanager
def connect(settings: RaySettings) -> Iterator[None]:
    """Start Ray on this machine, or join the cluster of the settings; an existing connection is used.

    Raises MissingExtraError without Ray, UserError if no cluster answers, or for an address of Ray Client.
    """
    # Ray sets the variable for jobs that were submitted to a cluster.
    address = settings.address or os.environ.get("RAY_ADDRESS") or None
    if address and address.startswith("ray://"):
        raise UserError(
            f"{address} is an address of Ray Client, which runs cannot use. On a node of the cluster give "
            "auto or HOST:PORT; from elsewhere submit the command: ray job submit --address http://HEAD:8265 "
            "-- copilot generate ...",
            field="ray.address",
        )
    # Ray reads some of it when it is imported.
    os.environ.update({name: value for name, value in _ENVIRONMENT.items() if name not in os.environ})
    try:
        import ray  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("`executor` ray", "ray") from error

    if ray.is_initialized():
        yield
        return
    local = {} if address else {"num_cpus": settings.cpus, "include_dashboard": False}
    try:
        ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **local)
    except Exception as error:  # Ray raises bare ones, if this machine is too slow for its time-outs
        if address is None:
            hint = _SHORTER_FOLDER if "AF_UNIX" in str(error) else ""
            raise UserError(f"Ray does not start on this machine: {error}{hint}", field="executor") from error
        hint = "" if "RAY_AUTH_MODE" in os.environ else _AUTHENTICATION
        raise UserError(f"no Ray cluster answers at {address}: {error}{hint}", field="ray.address") from error
    try:
        # Ray reports workers that died, and other news, on standard output, which may hold the results.
        with redirect_stdout(sys.stderr):
            yield
    finally:
        ray.shutdown()


def list_nodes() -> list[Resources]:
    """Return the resources of each live node of the connected cluster."""
    import ray  # noqa: PLC0415 - an extra

    return [_read_resources(node["Resources"]) for node in ray.nodes() if node["Alive"]]


def list_free() -> list[Resources]:
    """Return the free resources of each live node, as they were a moment ago."""
    # Ray's public functions return only the sum over all nodes.
    from ray._private.state import available_resources_per_node  # noqa: PLC0415 - an extra

    return [_read_resources(free) for free in available_resources_per_node().values()]


def check_free(allocation: Allocation) -> None:
    """Check that the free resources of the nodes suffice for the layout; wait up to 30 s until they do.

    The servers of the run already use their resources: those do not count as free. Raises UserError.
    """
    end_s = time.monotonic() + _WAIT_FOR_FREE_S
    while True:
        free = list_free()
        try:
            check_fits(allocation.layout, free)
        except UserError as error:
            if time.monotonic() >= end_s:
                raise UserError(_describe_shortage(allocation, total(free)), field="executor") from error
        else:
            return
        time.sleep(_POLL_S)


def _describe_shortage(allocation: Allocation, free: Resources) -> str:
    cluster = total(allocation.nodes)
    ours = allocation.servers.resources if allocation.servers else Resources()
    return (
        f"the pools need {allocation.layout.min_resources}, and others use {cluster - free - ours} of the "
        f"cluster's {cluster} (see ray status). Wait until they are done, lower `ray.pools.NAME.size` in the "
        "configuration file, or, if the cluster adds nodes on demand, set `ray.grows` to true"
    )


def _read_resources(resources: Mapping[str, float]) -> Resources:
    """Return a node's resources as Ray reports them; it leaves out kinds that the node does not have."""
    return Resources(resources.get("CPU", 0.0), resources.get("GPU", 0.0), resources.get("memory", 0.0))


def query_nodes(settings: RaySettings) -> list[Resources]:
    """Connect, and return the resources of each node. Raises the errors of `connect`."""
    with connect(settings):
        return list_nodes()
