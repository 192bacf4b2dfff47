from __future__ import annotations

import http.server
import re
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace

import pytest
from helpers.paths import ROOT
from pydantic import ValidationError

from copilot.errors import CopilotError, MissingExtraError, UserError
from pipelines.config_file import load_config
from pipelines.execution.ray import servers
from pipelines.execution.ray.servers import ServerSettings, build_app_args, serve_model
from pipelines.planning.resources import Resources, ServerGroup

GEMMA = "google/gemma-3-27b-it"


@pytest.mark.parametrize("replicas", [0, -1, (0, 2), (3, 2)])
def test_replicas_are_a_positive_number_or_a_range(replicas):
    with pytest.raises(ValidationError, match="positive number of servers"):
        ServerSettings(model=GEMMA, replicas=replicas)


@pytest.mark.parametrize("name", ["model", "served_model_name", "tensor_parallel_size", "max_num_seqs"])
def test_an_engine_argument_that_follows_from_a_setting_is_refused(name):
    with pytest.raises(ValidationError, match=f"{name} follows from"):
        ServerSettings(model=GEMMA, engine={name: 1})


def test_what_the_fewest_servers_take():
    settings = ServerSettings.model_validate({"model": GEMMA, "replicas": [2, 6], "gpus": 4, "cpus": 3})
    assert settings.min_group() == ServerGroup(2, Resources(cpus=3, gpus=4))
    assert ServerSettings(model=GEMMA, replicas=5).min_group() == ServerGroup(5, Resources(cpus=2, gpus=1))


def test_the_name_is_the_model_by_default():
    assert ServerSettings(model=GEMMA).name == GEMMA
    assert ServerSettings(model="/models/gemma", served_as="gemma").name == "gemma"


def test_the_example_of_the_page_is_read_as_meant(tmp_path):
    page = ROOT / "docs/cluster.md"
    example = tmp_path / "run.yaml"
    example.write_text(re.search(r"```yaml\n(servers:.*?)```", page.read_text(), re.DOTALL)[1])
    assert load_config(example).parts.servers == ServerSettings(
        model=GEMMA, replicas=(2, 6), accelerator="H100", engine={"quantization": "fp8"}
    )


def test_the_arguments_for_ray():
    settings = ServerSettings(
        model="/models/gemma",
        served_as="gemma",
        replicas=3,
        gpus=2,
        accelerator="H100",
        requests_at_once=64,
        engine={"max_model_len": 8192, "quantization": "fp8"},
        environment={"NCCL_DEBUG": "WARN"},
    )
    assert build_app_args(settings) == {
        "llm_configs": [
            {
                "model_loading_config": {"model_id": "gemma", "model_source": "/models/gemma"},
                "engine_kwargs": {
                    "max_num_seqs": 64,
                    "max_model_len": 8192,
                    "enable_prefix_caching": True,
                    "enable_prompt_tokens_details": True,
                    "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
                    "quantization": "fp8",
                    "tensor_parallel_size": 2,
                },
                "accelerator_type": "H100",
                "placement_group_config": {"bundle_per_worker": {"GPU": 1}, "strategy": "STRICT_PACK"},
                "deployment_config": {"num_replicas": 3, "ray_actor_options": {"num_cpus": 2.0}},
                "runtime_env": {"env_vars": {"VLLM_XGRAMMAR_CACHE_MB": "4096", "NCCL_DEBUG": "WARN"}},
            }
        ],
        "ingress_deployment_config": {"num_replicas": 2, "ray_actor_options": {"num_cpus": 0}},
    }


def test_more_servers_start_when_one_has_as_many_requests_as_it_works_on():
    (config,) = build_app_args(ServerSettings(model=GEMMA, replicas=(1, 4), requests_at_once=96))[
        "llm_configs"
    ]
    assert config["engine_kwargs"]["max_num_seqs"] == 96
    assert config["deployment_config"] == {
        "autoscaling_config": {"min_replicas": 1, "max_replicas": 4, "target_ongoing_requests": 96},
        "ray_actor_options": {"num_cpus": 2.0},
    }


def test_without_gpus_a_server_is_one_process_on_processors():
    (config,) = build_app_args(ServerSettings(model=GEMMA, gpus=0))["llm_configs"]
    assert config["placement_group_config"] == {"bundles": []}
    assert "tensor_parallel_size" not in config["engine_kwargs"]


@dataclass
class StandInServe:
    """Ray Serve as far as it is used. `states` are those of its application, one per poll."""

    states: list[str] = field(default_factory=lambda: ["DEPLOYING", "RUNNING"])
    message: str = ""
    proxies: dict = field(default_factory=dict)
    applications: dict = field(default_factory=dict)
    done: list = field(default_factory=list)

    def module(self) -> ModuleType:
        module = ModuleType("ray.serve")
        for name in ("start", "run_many", "status", "delete", "shutdown"):
            setattr(module, name, getattr(self, name))
        module.RunTarget = lambda app, name, route_prefix, logging_config: SimpleNamespace(
            app=app, name=name, route=route_prefix
        )
        return module

    def status(self):
        for app in self.applications.values():
            app.status = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return SimpleNamespace(proxies=dict(self.proxies), applications=dict(self.applications))

    def start(self, *, proxy_location, http_options, logging_config):
        assert logging_config == {"log_level": "WARNING", "enable_access_log": False}
        self.done.append(("start", proxy_location, http_options))
        self.proxies = {"node-1": "HEALTHY", "node-2": "STARTING", "node-gone": "HEALTHY"}

    def run_many(self, targets, *, wait_for_applications_running):
        assert not wait_for_applications_running
        (target,) = targets
        assert target.route == f"/{target.name}"
        self.done.append(("run", target.name, target.app))
        self.add(target.name)

    def add(self, name):
        part = SimpleNamespace(message=self.message)
        self.applications[name] = SimpleNamespace(status="", message="", deployments={"LLMServer:x": part})

    def delete(self, name):
        self.done.append(("delete", name))
        del self.applications[name]

    def shutdown(self):
        self.done.append(("shutdown",))

    def names(self):
        return [event[0] for event in self.done]


@pytest.fixture
def serve(monkeypatch):
    """Ray Serve, and a cluster of one node, this machine; polled without waiting."""
    stand_in = StandInServe()
    ray, llm = ModuleType("ray"), ModuleType("ray.serve.llm")
    ray.__path__ = []
    ray.serve = stand_in.module()
    ray.nodes = lambda: [
        {"NodeID": "node-1", "NodeManagerAddress": "127.0.0.1", "Alive": True},
        {"NodeID": "node-2", "NodeManagerAddress": "127.0.0.2", "Alive": True},
        {"NodeID": "node-gone", "NodeManagerAddress": "127.0.0.3", "Alive": False},
    ]
    llm.build_openai_app = lambda args: args
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.serve", ray.serve)
    monkeypatch.setitem(sys.modules, "ray.serve.llm", llm)
    monkeypatch.setattr(servers, "_POLL_S", 0)
    return stand_in


@contextmanager
def listening():
    """A server that answers on every path that ends with /v1/models, but not at first; its port."""
    requested = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            requested.append(self.path)
            self.send_response(200 if self.path.endswith("/v1/models") and len(requested) > 1 else 503)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1], requested
        finally:
            server.shutdown()
            thread.join()


def test_servers_run_as_long_as_the_block(serve):
    with listening() as (port, requested):
        settings = ServerSettings(model=GEMMA, port=port)
        with serve_model(settings, "s3://bucket/run") as urls:
            (name,) = serve.applications
            assert urls == (f"http://127.0.0.1:{port}/{name}/v1",)
            assert requested == [f"/{name}/v1/models"] * 2
            assert serve.done == [
                ("start", "EveryNode", {"host": "0.0.0.0", "port": port}),
                ("run", name, build_app_args(settings)),
            ]
    assert serve.done[2:] == [("delete", name), ("shutdown",)]


def test_servers_end_when_the_block_fails(serve):
    with listening() as (port, _):
        settings = ServerSettings(model=GEMMA, port=port)
        with pytest.raises(KeyError), serve_model(settings, "run"):
            raise KeyError
    assert serve.names() == ["start", "run", "delete", "shutdown"]


def test_what_others_serve_on_the_cluster_stays(serve):
    serve.proxies = {"node-1": "HEALTHY"}
    serve.add("theirs")
    with listening() as (port, _), serve_model(ServerSettings(model=GEMMA, port=port), "run"):
        pass
    assert serve.names() == ["start", "run", "delete"]
    assert list(serve.applications) == ["theirs"]


def test_servers_that_a_killed_process_left_are_used_and_ended(serve):
    serve.states = ["RUNNING"]
    with listening() as (port, _):
        settings = ServerSettings(model=GEMMA, port=port)
        with serve_model(settings, "run") as urls:
            (name,) = serve.applications
        serve.done.clear()
        serve.add(name)
        with serve_model(settings, "run") as again:
            assert again == urls
            assert serve.done == []
    assert serve.done == [("delete", name), ("shutdown",)]


def test_servers_left_with_other_settings_are_replaced_and_those_of_another_run_are_not(serve):
    serve.states = ["RUNNING"]
    names = []
    with listening() as (port, _):
        one, other = (ServerSettings(model=GEMMA, port=port, replicas=n) for n in (1, 2))
        for settings, run in ((one, "run"), (one, "another run")):
            with serve_model(settings, run):
                names += serve.applications
        serve.done.clear()
        serve.add(names[0])
        serve.add(names[1])
        with serve_model(other, "run"):
            (_, name) = serve.applications
    assert serve.done[0] == ("delete", names[0])
    assert serve.done[-1] == ("delete", name)
    assert list(serve.applications) == [names[1]]


def test_a_model_that_cannot_be_served_is_an_error_with_the_message_of_serve(serve):
    serve.states, serve.message = ["DEPLOYING", "DEPLOY_FAILED"], "x" * 3000 + "\nCUDA out of memory\n"
    with (
        pytest.raises(
            CopilotError, match=r"gemma-3-27b-it cannot be served: x+\nCUDA out of memory$"
        ) as caught,
        serve_model(ServerSettings(model=GEMMA), "run"),
    ):
        pytest.fail("nothing is served")
    assert len(str(caught.value)) < 2100
    assert serve.names() == ["start", "run", "delete", "shutdown"]


def test_a_model_that_is_not_served_in_time_is_an_error_with_what_is_awaited(serve):
    serve.states, serve.message = ["DEPLOYING"], "1 replica waits for {GPU: 4}."
    with pytest.raises(CopilotError) as caught, serve_model(ServerSettings(model=GEMMA, start_s=1e-9), "run"):
        pytest.fail("nothing is served")
    message = str(caught.value)
    assert "not served after 0 s: LLMServer:x: 1 replica waits for {GPU: 4}. " in message
    assert all(f"`servers.{setting}`" in message for setting in ("replicas", "gpus", "start_s"))
    assert serve.names()[-2:] == ["delete", "shutdown"]


def test_servers_that_end_from_outside_are_not_awaited(serve, monkeypatch):
    def end_all(_):
        serve.applications.clear()

    serve.states = ["DEPLOYING"]
    monkeypatch.setattr(servers.time, "sleep", end_all)
    with (
        pytest.raises(CopilotError, match=r"copilot-\w+-\w+, which served google/gemma.*, was ended"),
        serve_model(ServerSettings(model=GEMMA), "run"),
    ):
        pytest.fail("nothing is served")
    assert serve.names() == ["start", "run", "shutdown"]


def test_servers_that_do_not_answer_are_an_error_with_their_urls(serve):
    serve.states = ["RUNNING"]
    with listening() as (port, _):
        pass
    with (
        pytest.raises(CopilotError, match=rf"nothing answers at http://127.0.0.1:{port}/copilot-\w+-\w+/v1;"),
        serve_model(ServerSettings(model=GEMMA, port=port, start_s=1e-9), "run"),
    ):
        pytest.fail("nothing is served")


def test_settings_that_ray_refuses_are_a_user_error(serve, monkeypatch):
    def refuse(args):
        raise ValueError("Unknown engine argument: max_model_length")

    monkeypatch.setattr(sys.modules["ray.serve.llm"], "build_openai_app", refuse)
    with (
        pytest.raises(UserError, match="Unknown engine argument: max_model_length") as caught,
        serve_model(ServerSettings(model=GEMMA, engine={"max_model_length": 1}), "run"),
    ):
        pytest.fail("nothing is served")
    assert caught.value.field == "servers"
    assert ("run",) not in {event[:1] for event in serve.done}


@pytest.mark.parametrize("lacking", ["ray.serve", "ray.serve.llm"])
def test_without_the_extra_the_error_names_it(serve, monkeypatch, lacking):
    monkeypatch.setitem(sys.modules, lacking, None)
    if lacking == "ray.serve":
        monkeypatch.delattr(sys.modules["ray"], "serve")
    with (
        pytest.raises(MissingExtraError) as caught,
        serve_model(ServerSettings(model=GEMMA), "run"),
    ):
        pytest.fail("nothing is served")
    assert caught.value.extra == "serve"
