from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys

import numpy as np
import pytest

from copilot.errors import CopilotError
from copilot.vocabulary import Word
from renderers import registry
from renderers.child_process import ChildStartError
from renderers.contract import (
    BatchTooLargeError,
    Reference,
    RenderedSound,
    Renderer,
    RenderFailure,
    RenderRequest,
    RenderSettings,
    get_info,
)
from renderers.worker.renderer import HostedRenderer

# A backend of a package of its own, as it may be installed beside this one.
BACKEND = """
import os, signal, sys
from pathlib import Path
import numpy as np
from copilot.errors import CopilotError, UserError
from copilot.frozen_model import FrozenModel
from copilot.vocabulary import Word
from renderers.contract import RendererInfo, BatchTooLargeError, RenderedSound, RenderFailure, Voice

print("a library that greets")

class Settings(FrozenModel):
    level: float = 0.5
    fault: str = ""
    log: str = ""

class Apart:
    info = RendererInfo(settings=Settings, target="fault", isolated=True, deadline_s=77.0)
    name = "apart"
    tool = "sfx"

    def __init__(self, settings):
        self.settings = settings
        self.prepared = False
        self.pid = os.getpid()

    def fingerprint(self):
        return {"backend": "apart", "level": str(self.settings.level)}

    def voices(self):
        return [Voice("anna", "female")]

    def prepare(self):
        print("loading", flush=True)
        os.system("echo a child that prints; cat")
        self.prepared = True
        if self.settings.fault == "user":
            raise UserError("apart: no such model; name another")
        if self.settings.fault == "bug":
            raise KeyError("weights")

    def render(self, requests):
        print("rendering")
        assert self.prepared
        texts = [request.text for request in requests]
        if "memory" in texts:
            raise BatchTooLargeError("apart: 3 sounds are too many")
        if "device" in texts:
            raise CopilotError("apart: the device is gone")
        if "bug" in texts:
            raise ZeroDivisionError("a bug in a backend")
        if "torch" in texts:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        if "hang" in texts:
            Path(self.settings.log).write_text(str(os.getpid()))
            signal.pause()
        return [self.one(request) for request in requests][: len(requests) - ("few" in texts)]

    def one(self, request):
        if request.text == "refused":
            return RenderFailure("no-sound", "refused it is")
        if request.text == "nan":
            return RenderedSound(np.full((2, 16), np.nan, np.float32), 44_100)
        if request.text == "shown":
            return RenderedSound(np.ones((1, 4), np.float32), 8_000, detail={"asked": repr(request)})
        if request.text == "environment":
            told = {name: os.environ.get(name, "") for name in ("COPILOT_DEVICE", "CUDA_VISIBLE_DEVICES")}
            return RenderedSound(np.ones((1, 4), np.float32), 8_000, detail=told)
        rng = np.random.default_rng(request.random_seed)
        noise = (rng.standard_normal((2, 1000)) * self.settings.level).astype(np.float32)
        return RenderedSound(noise, 44_100, False, (Word("a", 0.25, 0.5),), {"pid": str(os.getpid())})

    def close(self):
        self.prepared = None
"""


@pytest.fixture(autouse=True)
def installed(tmp_path, monkeypatch):
    """The backend's package, on the path of this process alone."""
    (tmp_path / "apart_backend.py").write_text(BACKEND)
    (tmp_path / "apart.dist-info").mkdir()
    (tmp_path / "apart.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: apart\nVersion: 1\n")
    (tmp_path / "apart.dist-info" / "entry_points.txt").write_text(
        "[copilot.renderers]\napart = apart_backend:Apart\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("apart_backend", None)


@pytest.fixture
def hosted():
    renderers = []

    def start(
        spec: str = "apart", render_settings: RenderSettings | None = None, **settings: object
    ) -> HostedRenderer:
        renderers.append(
            registry.create_for_rendering(spec, "sfx", settings, render_settings or RenderSettings())
        )
        return renderers[-1]

    yield start
    for renderer in renderers:
        renderer.close()


def requests(*texts: str) -> list[RenderRequest]:
    return [RenderRequest(text, 0.1, seed) for seed, text in enumerate(texts)]


def test_a_member_of_a_chain_works_in_a_child_of_its_own(hosted):
    chain = hosted("apart,procedural", apart={"level": "0.25"})
    chain.prepare()
    assert isinstance(chain.members["apart"], HostedRenderer)
    shown, refused, bug = (chain.render(requests(text))[0] for text in ("shown", "refused", "bug"))
    assert (shown.backend, refused.backend, bug.backend) == ("apart", "procedural", "procedural")
    assert (refused.detail["passed_over"], bug.detail["passed_over"]) == (
        "apart: no-sound",
        "apart: renderer-error",
    )
    assert chain.fingerprint()["apart.level"] == "0.25"


def test_it_tells_what_the_renderer_tells_and_starts_nothing(hosted):
    renderer = hosted(level=0.25)
    assert isinstance(renderer, HostedRenderer)
    assert isinstance(renderer, Renderer)
    assert (renderer.name, renderer.tool) == ("apart", "sfx")
    assert renderer.fingerprint() == {"backend": "apart", "level": "0.25"}
    assert [voice.name for voice in renderer.voices()] == ["anna"]
    assert get_info(renderer).deadline_s == 77.0
    assert renderer._client._process.pid is None
    assert renderer._inner.prepared is False


def test_sounds_are_those_of_the_renderer_to_the_bit(hosted):
    renderer = hosted(level=0.25)
    renderer.prepare()
    noise, failure, nothing = renderer.render(requests("noise", "refused", "nan"))
    expected = renderer._inner.one(requests("noise")[0])
    assert noise.audio.dtype == np.float32
    assert np.array_equal(noise.audio, expected.audio)
    assert (noise.rate_hz, noise.matched, noise.words) == (44_100, False, (Word("a", 0.25, 0.5),))
    assert int(noise.detail["pid"]) != os.getpid()
    assert failure == RenderFailure("no-sound", "refused it is")
    assert np.isnan(nothing.audio).all()


def test_a_request_arrives_whole(hosted, tmp_path):
    reference = Reference(tmp_path / "a.flac", "Hello.", "ab12", "calm", "CC0")
    request = RenderRequest("shown", 0.5, 2**62, "anna", "female", "calm", reference)
    [sound] = hosted().render([request])
    assert sound.detail == {"asked": repr(request)}


def test_want_of_memory_is_the_batchs(hosted):
    renderer = hosted()
    with pytest.raises(BatchTooLargeError, match=r"^apart: apart: 3 sounds are too many$"):
        renderer.render(requests("a", "memory"))
    with pytest.raises(BatchTooLargeError, match=r"CUDA out of memory"):
        renderer.render(requests("a", "torch"))


def test_an_error_of_the_project_ends_the_run_in_its_words(hosted):
    with pytest.raises(CopilotError, match=r"^apart: the device is gone$"):
        hosted().render(requests("device"))
    with pytest.raises(CopilotError, match=r"^apart: no such model; name another$"):
        hosted("apart:user").prepare()


def test_a_bug_while_it_loads_ends_the_run_with_its_traceback(hosted):
    with pytest.raises(CopilotError, match=r"(?s)^apart: cannot work: Traceback .*KeyError: 'weights'"):
        hosted("apart:bug").prepare()


def test_a_bug_in_a_batch_is_one_requests_failure_with_its_traceback_and_the_child_is_replaced(hosted):
    first, bug, last = hosted().render(requests("a", "bug", "b"))
    assert isinstance(bug, RenderFailure)
    assert bug.reason == "renderer-error"
    assert bug.detail.startswith("apart: Traceback ")
    assert bug.detail.endswith("ZeroDivisionError: a bug in a backend\n")
    assert first.detail["pid"] != last.detail["pid"]


def test_too_few_answers_fail_the_request_that_has_none(hosted):
    first, second = hosted().render(requests("a", "few"))
    assert isinstance(first, RenderedSound)
    assert second == RenderFailure("worker-answer", "apart: it gave 0 answers to 1 requests")


def test_the_deadline_and_the_device_are_those_of_the_settings(hosted, monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    render_settings = RenderSettings(deadline_s=0.5, device="cuda:1")
    renderer = hosted(render_settings=render_settings, log=str(tmp_path / "log"))
    hanging, told = renderer.render(requests("hang", "environment"))
    assert hanging == RenderFailure(
        "worker-timeout", "apart: no answer within 0.5 s; ended by signal 9; last words: rendering"
    )
    assert told.detail == {"COPILOT_DEVICE": "cuda", "CUDA_VISIBLE_DEVICES": "3"}


def test_settings_that_the_renderer_refuses_stop_the_child_with_its_words(hosted):
    renderer = hosted()
    renderer._client._process._command[-1] = json.dumps({"volume": 1})
    with pytest.raises(ChildStartError, match=r"exit status 1; (?s:.*)unknown setting 'volume'"):
        renderer.prepare()


def test_a_renderer_that_is_not_isolated_stays_in_this_process():
    renderer = registry.create_for_rendering("procedural", "sfx", None, RenderSettings())
    assert type(renderer).__name__ == "ProceduralRenderer"
    renderer.close()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for other processes by pidfd")
def test_the_child_ends_with_its_parent_in_the_middle_of_a_batch(tmp_path):
    log = tmp_path / "pid"
    os.mkfifo(log)
    parent = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from renderers import registry
from renderers.contract import RenderRequest, RenderSettings
renderer = registry.create_for_rendering("apart", "sfx", {{"log": {str(log)!r}}}, RenderSettings())
renderer.render([RenderRequest("hang", 0.1, 1)])
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    command = [sys.executable, "-c", parent]
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as process,
        os.fdopen(reader) as pipe,
    ):
        parent_ends = os.pidfd_open(process.pid)
        ready = select.select([reader, parent_ends], [], [], 60.0)[0]
        os.close(parent_ends)
        if reader not in ready:
            process.kill()
            pytest.fail("the renderer's process ended, or did not render within a minute")
        pidfd = os.pidfd_open(int(pipe.read()))  # the child writes it once it renders
        assert len(list(tmp_path.glob("audiocopilot-batch-*"))) == 1
        process.send_signal(signal.SIGKILL)
    try:
        assert select.select([pidfd], [], [], 10.0)[0]
        assert list(tmp_path.glob("audiocopilot-batch-*")) == []
    finally:
        os.close(pidfd)
