"""Ray on this machine, or the cluster that is there: joined, asked what it has, and left."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from copilot.errors import MissingExtraError, UserError
from pipelines.cluster.resources import Resources

if TYPE_CHECKING:
    from pipelines.cluster.plan import RaySettings

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to Ray's makers
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # devices that a worker did not ask for stay as they are
    "RAY_ENABLE_AUTO_CONNECT": "0",  # what is still under way when a run is left does not start Ray anew
}


@contextmanager
def connected(settings: RaySettings) -> Iterator[None]:
    """Start Ray on this machine, or join the cluster of the settings; a caller's own connection is used.

    Raises MissingExtraError without Ray, UserError where no cluster answers.
    """
    # Ray reads some of it when it is imported.
    os.environ.update({name: value for name, value in _ENVIRONMENT.items() if name not in os.environ})
    try:
        import ray  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("--executor ray", "ray") from error

    if ray.is_initialized():
        yield
        return
    # A job that was submitted to a cluster is told of it by the environment.
    address = settings.address or os.environ.get("RAY_ADDRESS")
    ours = {} if address else {"num_cpus": settings.cpus, "include_dashboard": False}
    try:
        ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **ours)
    except Exception as error:  # Ray raises bare ones, where this machine is too slow for its patience
        where = f"--ray-address {address}" if address else "--executor ray"
        raise UserError(f"{where}: Ray does not start, or is not there: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()


def nodes() -> list[Resources]:
    """What each live node of the cluster has."""
    import ray  # noqa: PLC0415 - an extra

    alive = (node["Resources"] for node in ray.nodes() if node["Alive"])
    return [Resources(has.get("CPU", 0.0), has.get("GPU", 0.0), has.get("memory", 0.0)) for has in alive]


def nodes_of(settings: RaySettings) -> list[Resources]:
    """What the nodes of the settings' cluster have. Raises as `connected`."""
    with connected(settings):
        return nodes()
