"""Language model servers on the cluster that runs the stages: vLLM behind OpenAI's API, by Ray Serve LLM.

They run as long as a `with` block. A process that is killed leaves them running, and the next start of its
run uses them.
"""

from __future__ import annotations

import logging
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from pydantic import Field, ValidationError, field_validator

from copilot.errors import CopilotError, MissingExtraError, UserError
from copilot.frozen_model import FrozenModel
from copilot.hashing import content_hash
from copilot.units import Seconds
from copilot.validation import first_fault
from pipelines.planning.resources import Resources, ServerGroup

_ENGINE: Mapping[str, Any] = {
    "max_model_len": 16_384,
    "enable_prefix_caching": True,
    "enable_prompt_tokens_details": True,
    "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
}
_ENVIRONMENT: Mapping[str, str] = {"VLLM_XGRAMMAR_CACHE_MB": "4096"}

_DERIVED = frozenset({"model", "served_model_name", "tensor_parallel_size", "max_num_seqs"})
"""Engine arguments that are derived from other settings."""

_N_INGRESSES = 2
"""Processes that pass requests to the servers: one more than needed, as a node may die."""

_LOGS: Mapping[str, Any] = {"log_level": "WARNING", "enable_access_log": False}
"""Without a line for each request: a run sends millions."""

_POLL_S: Seconds = 1.0
_ANSWER_TIMEOUT_S: Seconds = 5.0
_MAX_MESSAGE = 2_000


class ServerSettings(FrozenModel):
    """Language model servers, all with one model.

    `model` is a name on the Hugging Face hub, a folder that every node with GPUs has, or an s3:// or gs://
    URI; `served_as` the name that the run requests (default: `model`). `replicas` is the number of servers,
    or the fewest and the most. A server takes `gpus` of one node (tensor parallel), and `cpus`; without GPUs
    the model runs on processors, for a trial. A server works on `requests_at_once`; if there are more,
    further servers start. `engine` are more arguments of vLLM's engine, `accelerator` is a type such as H100,
    if the cluster has several. The servers have `start_s` to answer.
    """

    model: str = Field(min_length=1)
    served_as: str | None = None
    replicas: int | tuple[int, int] = 1
    gpus: int = Field(default=1, ge=0)
    cpus: float = Field(default=2.0, gt=0)
    accelerator: str | None = None
    requests_at_once: int = Field(default=128, ge=1)
    engine: Mapping[str, Any] = Field(default_factory=dict)
    environment: Mapping[str, str] = Field(default_factory=dict)
    port: int = Field(default=8000, ge=1, le=65_535)
    start_s: Seconds = Field(default=3600.0, gt=0)

    @field_validator("replicas")
    @classmethod
    def _check_replicas(cls, replicas: int | tuple[int, int]) -> int | tuple[int, int]:
        fewest, most = replicas if isinstance(replicas, tuple) else (replicas, replicas)
        if not 1 <= fewest <= most:
            raise ValueError("must be a positive number of servers, or [FEWEST, MOST]")
        return replicas

    @field_validator("engine")
    @classmethod
    def _refuse_derived(cls, engine: Mapping[str, Any]) -> Mapping[str, Any]:
        if derived := sorted(_DERIVED & engine.keys()):
            raise ValueError(f"{derived[0]} follows from model, served_as, gpus and requests_at_once")
        return engine

    @property
    def name(self) -> str:
        """The name under which the servers list the model, and the run requests it."""
        return self.served_as or self.model

    def min_group(self) -> ServerGroup:
        """Return the fewest servers, and what each takes of one node."""
        fewest = self.replicas[0] if isinstance(self.replicas, tuple) else self.replicas
        return ServerGroup(fewest, Resources(cpus=self.cpus, gpus=self.gpus))


@contextmanager
def serve_model(settings: ServerSettings, run: str) -> Iterator[tuple[str, ...]]:
    """Serve the model to this run on the connected Ray cluster; yields the roots of the API, one per node.

    Raises MissingExtraError, UserError for settings that Ray or vLLM refuses, and CopilotError with Ray's
    message if the model cannot be served or does not answer in time.
    """
    try:
        from ray import serve  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError(f"`servers` ({error})", "serve") from error
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    prefix = f"copilot-{content_hash(run)[:12]}-"
    name = prefix + content_hash([settings.model_dump(mode="json"), _ENGINE])[:12]
    status = serve.status()
    for other in (app for app in status.applications if app.startswith(prefix) and app != name):
        serve.delete(other)
    serve_is_ours = not status.proxies
    try:
        if name not in status.applications:
            _deploy(serve, settings, name)
        yield _await_urls(serve, settings, name)
    finally:
        _end_app(serve, name, with_serve=serve_is_ours or name in status.applications)


def build_app_args(settings: ServerSettings) -> dict[str, Any]:
    """Return the arguments of Ray Serve LLM's `build_openai_app`."""
    replicas = settings.replicas
    scale: dict[str, Any] = {"num_replicas": replicas}
    if isinstance(replicas, tuple):
        fewest, most = replicas
        scaling = {"min_replicas": fewest, "max_replicas": most}
        scale = {"autoscaling_config": {**scaling, "target_ongoing_requests": settings.requests_at_once}}
    engine = {"max_num_seqs": settings.requests_at_once, **_ENGINE, **settings.engine}
    # A bundle for each GPU, all on one node; the server's process adds its processors to the first. Without
    # GPUs the only bundle is that of the process.
    bundles: dict[str, Any] = {"bundles": []}
    if settings.gpus:
        engine["tensor_parallel_size"] = settings.gpus
        bundles = {"bundle_per_worker": {"GPU": 1}, "strategy": "STRICT_PACK"}
    config = {
        "model_loading_config": {"model_id": settings.name, "model_source": settings.model},
        "engine_kwargs": engine,
        "accelerator_type": settings.accelerator,
        "placement_group_config": bundles,
        "deployment_config": {**scale, "ray_actor_options": {"num_cpus": settings.cpus}},
        "runtime_env": {"env_vars": {**_ENVIRONMENT, **settings.environment}},
    }
    # An ingress passes on some dozens of requests a second, and needs no processor of its own.
    ingress = {"num_replicas": _N_INGRESSES, "ray_actor_options": {"num_cpus": 0}}
    return {"llm_configs": [config], "ingress_deployment_config": ingress}


def _deploy(serve: ModuleType, settings: ServerSettings, name: str) -> None:
    try:
        from ray.serve.llm import build_openai_app  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError(f"`servers` ({error})", "serve") from error
    try:
        app = build_openai_app(build_app_args(settings))
    except ValueError as error:
        reason = first_fault(error).message if isinstance(error, ValidationError) else str(error)
        raise UserError(f"Ray Serve LLM refuses the settings: {reason}", field="servers") from error
    # Workers on other nodes send requests as well. If Serve runs already, this changes nothing.
    http = {"host": "0.0.0.0", "port": settings.port}  # noqa: S104
    serve.start(proxy_location="EveryNode", http_options=http, logging_config=_LOGS)
    target = serve.RunTarget(app, name=name, route_prefix=f"/{name}", logging_config=_LOGS)
    serve.run_many([target], wait_for_applications_running=False)


def _end_app(serve: ModuleType, name: str, *, with_serve: bool) -> None:
    if name in (left := serve.status().applications):
        serve.delete(name)
    # Serve was started for this run, and no other application uses it.
    if with_serve and not set(left) - {name}:
        serve.shutdown()


def _await_urls(serve: ModuleType, settings: ServerSettings, name: str) -> tuple[str, ...]:
    end_s = time.monotonic() + settings.start_s
    urls: Sequence[str] = ()
    while True:
        status = serve.status()
        app = status.applications.get(name)
        if app is None:
            raise CopilotError(
                f"`servers`: {name}, which served {settings.name}, was ended from outside the run; run the "
                "same command again to resume"
            )
        if app.status == "DEPLOY_FAILED":
            raise CopilotError(f"`servers`: {settings.name} cannot be served: {_describe(app)}")
        if app.status == "RUNNING":
            urls = _list_urls(status.proxies, settings.port, name)
            if any(_answers(url) for url in urls):
                return tuple(urls)
        if time.monotonic() > end_s:
            raise CopilotError(_describe_timeout(settings, app, urls))
        time.sleep(_POLL_S)


def _list_urls(proxies: Mapping[str, str], port: int, name: str) -> list[str]:
    """Return the root of the API on each node that takes requests; `proxies` has their states by node."""
    import ray  # noqa: PLC0415 - an extra

    address = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
    ready = [node for node, state in proxies.items() if state == "HEALTHY" and node in address]
    return [f"http://{address[node]}:{port}/{name}/v1" for node in ready]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=_ANSWER_TIMEOUT_S) as answer:  # noqa: S310 - http alone
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _describe_timeout(settings: ServerSettings, app: Any, urls: Sequence[str]) -> str:  # noqa: ANN401
    start = f"`servers`: {settings.name} is not served after {settings.start_s:.0f} s"
    if urls:
        return (
            f"{start}: the servers run, but nothing answers at {', '.join(urls)}; if Ray Serve ran on this "
            "cluster before, set `servers.port` to its port"
        )
    return (
        f"{start}: {_describe(app)}. Lower `servers.replicas` or `servers.gpus`, or raise `servers.start_s`"
    )


def _describe(app: Any) -> str:  # noqa: ANN401 - a status of Serve, which has no types without the extra
    """Return Serve's messages of an application and its parts; of a long text the end, with the cause."""
    parts = [
        app.message,
        *(f"{name}: {part.message}" for name, part in app.deployments.items() if part.message),
    ]
    text = "; ".join(part.strip() for part in dict.fromkeys(parts) if part.strip()) or str(app.status)
    return text[-_MAX_MESSAGE:].removesuffix(".")
