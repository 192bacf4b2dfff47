"""Backends are constructed once: the designer once a run, the renderers once a worker."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from helpers.stand_ins import StandInAhead, StandInDesigner

from copilot.designers import registry as designers
from copilot.designers.contract import DesignerContext, DesignerInfo
from copilot.designers.llm.service import LlmService
from copilot.designers.llm.settings import LlmSettings
from copilot.errors import UserError
from pipelines.backends import Backends, compute_fingerprint
from pipelines.config import RunConfig
from pipelines.execution.local import LocalExecutor
from pipelines.execution.worker import Worker
from pipelines.main_job import GenerateRequest, generate
from pipelines.stages.worker_spec import ExecutionSettings, WorkerSpec
from renderers import registry
from renderers.contract import RenderSettings
from renderers.testing import MurmurRenderer, NoiseRenderer

CLASSES = (StandInDesigner, StandInAhead, NoiseRenderer, MurmurRenderer)
ONCE = {"StandInDesigner": 1, "NoiseRenderer": 1, "MurmurRenderer": 1}


@pytest.fixture
def constructed(monkeypatch) -> Counter[str]:
    """How often each stand-in was constructed in this process."""
    counts: Counter[str] = Counter()

    def counting(cls):
        init = cls.__init__

        def construct(self, *args, **kwargs):
            if type(self) is cls:
                counts[cls.__name__] += 1
            init(self, *args, **kwargs)

        monkeypatch.setattr(cls, "__init__", construct)

    for cls in CLASSES:
        counting(cls)
    return counts


@pytest.fixture
def closed(monkeypatch) -> Counter[str]:
    """How often each renderer was closed in this process."""
    counts: Counter[str] = Counter()
    monkeypatch.setattr(NoiseRenderer, "close", lambda self: counts.update([self.name]))
    return counts


def config(folder: Path, **more) -> RunConfig:
    (folder / "seeds.txt").write_text("one line\nanother line\na third\n")
    stand_ins = {"designer": "stand-in", "sfx": "noise", "tts": "murmur"}
    return RunConfig(seeds=f"text:{folder / 'seeds.txt'}", **(stand_ins | more))


def test_a_run_in_this_process_constructs_each_once(tmp_path, constructed, closed):
    outcome = generate(GenerateRequest(config=config(tmp_path), out=tmp_path / "run"))
    assert outcome.totals.accepted == 3
    assert constructed == ONCE
    assert closed == {"noise": 1, "murmur": 1}


def test_the_driver_of_processes_constructs_each_once(tmp_path, constructed, closed):
    request = GenerateRequest(
        config=config(tmp_path),
        out=tmp_path / "run",
        executor=LocalExecutor(2),
        settings=ExecutionSettings(at_once=1),
    )
    assert generate(request).totals.accepted == 3
    assert constructed == ONCE
    assert closed == {"noise": 1, "murmur": 1}


def test_a_designer_that_writes_ahead_is_constructed_once(tmp_path, constructed):
    request = GenerateRequest(config=config(tmp_path, designer="stand-in-ahead"), out=tmp_path / "run")
    assert generate(request).totals.accepted == 3
    assert constructed["StandInAhead"] == 1


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (None, ONCE),
        ("speech", {"StandInDesigner": 1, "MurmurRenderer": 1}),
        ("sounds", {"NoiseRenderer": 1}),
        ("mix", {}),
    ],
)
def test_a_worker_constructs_what_its_pool_needs(tmp_path, constructed, closed, pool, expected):
    spec = WorkerSpec(str(tmp_path), compute_fingerprint(config(tmp_path)), ExecutionSettings())
    constructed.clear()
    closed.clear()
    Worker(spec, pool).close()
    assert constructed == expected
    assert sum(closed.values()) == constructed["NoiseRenderer"] + constructed["MurmurRenderer"]


def test_a_worker_gives_its_designer_the_service(tmp_path, monkeypatch):
    contexts: list[DesignerContext] = []

    class Asking(StandInDesigner):
        info = DesignerInfo(asks_model=True)

        def __init__(self, context: DesignerContext) -> None:
            contexts.append(context)
            super().__init__(context)

    monkeypatch.setattr(designers, "find_class", lambda name: Asking)
    asking = config(tmp_path, designer="asking", llm=LlmSettings(model="m"))
    service = LlmService(urls=("http://localhost:1/v1",))
    spec = WorkerSpec(str(tmp_path), compute_fingerprint(asking), ExecutionSettings(), service=service)
    Worker(spec).close()
    assert [context.service for context in contexts] == [None, service]


def test_renderers_are_closed_if_the_other_cannot_be_constructed(tmp_path, closed):
    with pytest.raises(UserError) as caught, Backends(config(tmp_path, sfx="nope")) as backends:
        backends.compute_fingerprint()
    assert caught.value.field == "sfx"
    assert closed == {"murmur": 1}


def test_stages_are_closed_if_a_later_one_cannot_be_built(tmp_path, closed, monkeypatch):
    def prepare(self):
        if self.tool == "sfx":
            raise UserError("no weights", field="sfx")

    spec = WorkerSpec(str(tmp_path), compute_fingerprint(config(tmp_path)), ExecutionSettings())
    closed.clear()
    monkeypatch.setattr(NoiseRenderer, "prepare", prepare)
    with pytest.raises(UserError):
        Worker(spec)
    assert closed == {"noise": 1, "murmur": 1}


def test_who_takes_a_renderer_over_closes_it(tmp_path, closed):
    with Backends(config(tmp_path)) as backends:
        renderer = backends.take_over_renderer("sfx", RenderSettings())
    assert closed == {}
    renderer.close()
    assert closed == {"noise": 1}


def test_a_renderer_that_refuses_its_render_settings_is_closed(tmp_path, closed, monkeypatch):
    def refuse(*_):
        raise UserError("no process can be started", field="sfx")

    monkeypatch.setattr(registry, "apply_render_settings", refuse)
    with Backends(config(tmp_path)) as backends, pytest.raises(UserError):
        backends.take_over_renderer("sfx", RenderSettings())
    assert closed == {"noise": 1}


def test_a_designer_that_draws_no_speech_takes_no_share_of_it():
    config = RunConfig(seeds="starter", designer="stand-in", speech_share=0.25)
    with pytest.raises(UserError) as caught:
        compute_fingerprint(config)
    assert caught.value.field == "speech_share"
