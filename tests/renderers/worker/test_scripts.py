from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from copilot.errors import CopilotError
from renderers import registry
from renderers.child_process import ChildStartError
from renderers.contract import (
    BatchTooLargeError,
    Reference,
    RenderedSound,
    RenderFailure,
    RenderRequest,
    RenderSettings,
    get_info,
)
from renderers.worker.renderer import SCRIPTS, WorkerRenderer, WorkerSettings

# With the signatures of f5-tts 1.1.22 and coqui-tts 0.28.0; each writes down how it was called.
NOTE = """
import json, os
def note(name, given):
    given = {key: value for key, value in given.items() if key not in ("self", "show_info", "progress")}
    with open(os.environ["STUB_LOG"], "a") as file:
        print(json.dumps([name, given]), file=file)
"""
F5_API = (
    NOTE
    + """
import sys
import numpy as np
print("loading libraries")
class F5TTS:
    def __init__(self, model="F5TTS_v1_Base", ckpt_file="", vocab_file="", ode_method="euler", use_ema=True,
                 vocoder_local_path=None, device=None, hf_cache_dir=None):
        note("load", locals())
    def infer(self, ref_file, ref_text, gen_text, show_info=print, progress=None, target_rms=0.1,
              cross_fade_duration=0.15, sway_sampling_coef=-1, cfg_strength=2, nfe_step=32, speed=1.0,
              fix_duration=None, remove_silence=False, file_wave=None, file_spec=None, seed=None):
        note("infer", locals())
        show_info("Converting audio...", sys.stdin.read())
        if gen_text == "broken":
            raise KeyError("a bug")
        if gen_text == "asserts":
            raise RuntimeError("CUDA error: device-side assert triggered")
        if gen_text == "faults":
            raise type("AcceleratorError", (RuntimeError,), {})("an illegal memory access")
        if gen_text == "large":
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        if not gen_text:
            return None, 24000, None
        return np.full(240, seed / 100, np.float32), 24000, None
"""
)
TORCH = (
    NOTE
    + """
class cuda:
    @staticmethod
    def is_available():
        return False
def manual_seed(seed):
    note("manual_seed", {"seed": seed})
"""
)
COQUI_API = (
    NOTE
    + """
import random
import numpy as np
print("loading libraries")
class Synthesizer:
    output_sample_rate = 24000
class TTS:
    def __init__(self, model_name="", *, model_path=None, config_path=None, vocoder_name=None,
                 vocoder_path=None, vocoder_config_path=None, encoder_path=None, encoder_config_path=None,
                 speakers_file_path=None, progress_bar=True, gpu=False):
        note("load", locals())
        self.synthesizer = Synthesizer()
    def to(self, device):
        note("to", {"device": device})
        return self
    def tts(self, text, speaker=None, language=None, speaker_wav=None, emotion=None, split_sentences=True,
            **kwargs):
        note("tts", locals())
        print("Processing time: 1.0")
        return [np.float32(random.random()), np.float32(np.random.random()), *[0] * 238]
"""
)


class Stubs:
    """Packages of the backends' names, on the path of the workers alone, and what was asked of them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self.log = folder / "log"
        monkeypatch.setenv("PYTHONPATH", str(folder))
        monkeypatch.setenv("STUB_LOG", str(self.log))
        monkeypatch.delenv("COPILOT_DEVICE", raising=False)
        for module, code in {"f5_tts/api": F5_API, "TTS/api": COQUI_API, "torch/__init__": TORCH}.items():
            path = folder / f"{module}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(code)
        for name, version in {"f5-tts": "1.1.22", "coqui-tts": "0.28.0"}.items():
            info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")

    def uninstall(self) -> None:
        for info in self._folder.glob("*.dist-info"):
            (info / "METADATA").unlink()
            info.rmdir()

    def calls(self) -> list[list]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [json.loads(line) for line in lines]


@pytest.fixture
def stubs(tmp_path, monkeypatch):
    return Stubs(tmp_path, monkeypatch)


@pytest.fixture
def started():
    renderers = []

    def start(command: str, render_settings: RenderSettings | None = None, **options: str) -> WorkerRenderer:
        given = {"options": options, "python": sys.executable}
        renderers.append(
            registry.create_for_rendering(
                f"worker:{command}", "tts", given, render_settings or RenderSettings()
            )
        )
        return renderers[-1]

    yield start
    for renderer in renderers:
        renderer.close()


def spoken(text: str, seed: int, transcript: str = "Hello there.") -> RenderRequest:
    reference = Reference(Path("/voices/anna.flac"), transcript, "ab12", "calm", "CC0")
    return RenderRequest(text, 2.0, seed, "anna", "female", "calm", reference)


def test_f5_tts_is_called_as_its_api_wants_it(stubs, started):
    renderer = started(
        "f5-tts", RenderSettings(device="cpu"), nfe_step="16", cfg_strength="1.5", hf_cache_dir="/hub"
    )
    assert (renderer.name, renderer.tool, get_info(renderer).clones) == ("f5-tts", "tts", True)
    assert renderer.fingerprint() == {
        "backend": "worker",
        "protocol": "1",
        "worker": "f5-tts",
        "version": "1.1.22",
        "model": "F5TTS_v1_Base",
        "nfe_step": "16",
        "cfg_strength": "1.5",
        "options": '{"cfg_strength":"1.5","nfe_step":"16"}',
    }
    assert stubs.calls() == []
    renderer.prepare()
    loading = {
        "model": "F5TTS_v1_Base",
        "ckpt_file": "",
        "vocab_file": "",
        "ode_method": "euler",
        "use_ema": True,
        "vocoder_local_path": None,
        "device": "cpu",
        "hf_cache_dir": "/hub",
    }
    assert stubs.calls() == [["load", loading]]
    first, second = renderer.render([spoken("Mind the gap.", 7), spoken("Good night.", 50, "Well.")])
    speaking = {
        "ref_file": "/voices/anna.flac",
        "ref_text": "Hello there.",
        "gen_text": "Mind the gap.",
        "target_rms": 0.1,
        "cross_fade_duration": 0.15,
        "sway_sampling_coef": -1,
        "cfg_strength": 1.5,
        "nfe_step": 16,
        "speed": 1.0,
        "fix_duration": None,
        "remove_silence": False,
        "file_wave": None,
        "file_spec": None,
        "seed": 7,
    }
    again = {**speaking, "ref_text": "Well.", "gen_text": "Good night.", "seed": 50}
    assert stubs.calls()[1:] == [["infer", speaking], ["infer", again]]
    assert (first.audio == np.full((1, 240), 0.07, np.float32)).all()
    assert (second.audio == 0.5).all()
    assert second.rate_hz == 24_000


def test_f5_tts_answers_each_request_by_itself(stubs, started):
    renderer = started("f5-tts")
    asked = [spoken("broken", 1), RenderRequest("Hi.", 1.0, 2), spoken("Hi.", 3, " "), spoken("", 4)]
    broken, unshown, unwritten, mute, sound = renderer.render([*asked, spoken("Hi.", 5)])
    assert broken.reason == "renderer-error"
    assert broken.detail.startswith("Traceback ")
    assert broken.detail.endswith("KeyError: 'a bug'\n")
    assert unshown == RenderFailure(
        "no-reference", "this worker clones a voice, and the request has no reference"
    )
    assert unwritten == RenderFailure("no-transcript", "/voices/anna.flac: F5-TTS needs its transcript")
    assert mute == RenderFailure("no-speech", "F5-TTS found nothing to speak in the text")
    assert isinstance(sound, RenderedSound)
    assert [name for name, _ in stubs.calls()] == ["load", "infer", "infer", "infer"]
    assert stubs.calls()[0][1]["device"] is None


def test_want_of_memory_is_the_batchs(stubs, started):
    with pytest.raises(BatchTooLargeError, match="CUDA out of memory"):
        started("f5-tts").render([spoken("Hi.", 1), spoken("large", 2)])


def test_xtts_is_called_as_its_api_wants_it(stubs, started):
    renderer = started("xtts", language="de", temperature="0.6", top_k="40")
    assert (renderer.name, renderer.tool, get_info(renderer).clones) == ("xtts", "tts", True)
    model = "tts_models/multilingual/multi-dataset/xtts_v2"
    known = renderer.fingerprint()
    assert known.pop("options") == '{"language":"de","temperature":"0.6","top_k":"40"}'
    assert known == {
        "backend": "worker",
        "protocol": "1",
        "worker": "xtts",
        "version": "0.28.0",
        "language": "de",
        "model_name": model,
        "temperature": "0.6",
        "top_k": "40",
    }
    [sound] = renderer.render([spoken("Gute Nacht.", 2**62 + 1)])
    loading = {
        "model_name": model,
        "model_path": None,
        "config_path": None,
        "vocoder_name": None,
        "vocoder_path": None,
        "vocoder_config_path": None,
        "encoder_path": None,
        "encoder_config_path": None,
        "speakers_file_path": None,
        "progress_bar": False,
        "gpu": False,
    }
    speaking = {
        "text": "Gute Nacht.",
        "speaker": None,
        "language": "de",
        "speaker_wav": "/voices/anna.flac",
        "emotion": None,
        "split_sentences": True,
        "kwargs": {"temperature": 0.6, "top_k": 40},
    }
    assert stubs.calls() == [
        ["load", loading],
        ["to", {"device": "cpu"}],
        ["manual_seed", {"seed": 2**62 + 1}],
        ["tts", speaking],
    ]
    assert (sound.audio.shape, sound.rate_hz) == ((1, 240), 24_000)
    drawn = [random.Random(2**62 + 1).random(), np.random.RandomState(1).random()]
    assert sound.audio[0, :2].tolist() == [np.float32(value) for value in drawn]


@pytest.mark.parametrize("text", ["asserts", "faults"])
def test_an_error_of_the_device_replaces_the_worker(stubs, started, text):
    first, failed, last = started("f5-tts").render([spoken("Hi.", 1), spoken(text, 2), spoken("Ho.", 3)])
    assert isinstance(first, RenderedSound)
    assert isinstance(failed, RenderFailure)
    assert (failed.reason, isinstance(last, RenderedSound)) == ("renderer-error", True)
    batch, alone, after = (["load", *["infer"] * n] for n in (2, 2, 1))
    assert [name for name, _ in stubs.calls()] == [*batch, *alone, *after]


def test_xtts_loads_a_local_model_on_the_given_device(stubs, started, tmp_path):
    config = tmp_path / "config.json"
    config.touch()
    given = {"model_path": str(tmp_path), "config_path": str(config)}
    started("xtts", RenderSettings(device="cpu"), **given).prepare()
    name, loading = stubs.calls()[0]
    assert (name, loading["model_name"], loading["model_path"], loading["config_path"]) == (
        "load",
        "",
        str(tmp_path),
        str(config),
    )
    assert stubs.calls()[1] == ["to", {"device": "cpu"}]


def test_weights_count_by_their_content_and_not_by_their_place(stubs, started, tmp_path):
    def known(command: str, **places: Path) -> dict[str, str]:
        return started(command, **{name: str(path) for name, path in places.items()}).fingerprint()

    large = bytearray(9 << 20)
    weights, moved, other = (tmp_path / name for name in ("a.safetensors", "b.safetensors", "c.safetensors"))
    weights.write_bytes(large)
    moved.write_bytes(large)
    large[-1] = 1
    other.write_bytes(large)
    first = known("f5-tts", ckpt_file=weights)
    assert "options" not in first
    assert len(first["ckpt_file"]) == 16
    assert known("f5-tts", ckpt_file=moved) == first
    assert known("f5-tts", ckpt_file=other)["ckpt_file"] != first["ckpt_file"]

    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        (folder / ".cache").mkdir(parents=True)
        (folder / ".cache" / "note").write_text(folder.name)
        (folder / "config.json").write_text("{}")
        (folder / "model.pth").write_text("weights")
    one, two = (known("xtts", model_path=at, config_path=at / "config.json") for at in folders)
    assert one == two
    assert "options" not in one
    (folders[0] / "model.pth").write_text("WEIGHTS")
    again = known("xtts", model_path=folders[0], config_path=folders[0] / "config.json")
    assert {name for name in one if one[name] != again[name]} == {"model_path"}


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        ("f5-tts", {"steps": "3"}, r"f5-tts: unknown option steps; available: model, ckpt_file, "),
        ("f5-tts", {"nfe_step": "x"}, r"f5-tts: option nfe_step=x: invalid literal"),
        (
            "f5-tts",
            {"ckpt_file": "/absent"},
            r"f5-tts: option ckpt_file=/absent: no such file or folder$",
        ),
        ("xtts", {"model_path": "/"}, r"xtts: the options model_path and config_path go together$"),
    ],
)
def test_unknown_options_are_reported_at_the_start(stubs, started, command, options, message):
    with pytest.raises(ChildStartError, match=f"last words: {message}"):
        started(command, **options)


@pytest.mark.parametrize(("command", "package"), [("f5-tts", "f5-tts"), ("xtts", "coqui-tts")])
def test_a_python_without_the_package_is_reported_at_the_start(stubs, started, command, package):
    stubs.uninstall()
    with pytest.raises(CopilotError, match=f"{command}: {sys.executable} has no {package}; install it there"):
        started(command)


def test_a_ready_script_runs_in_the_python_that_is_named():
    settings = WorkerSettings(command="xtts --quiet", python="~/env/bin/python", options={"language": "de"})
    python, script, *others = settings.make_command_line()
    assert python == str(Path.home() / "env/bin/python")
    assert (script, others) == (str(SCRIPTS["xtts"]), ["--quiet", '{"language": "de"}'])
    assert WorkerSettings(command="/bin/f5-tts 'a b'").make_command_line() == ["/bin/f5-tts", "a b", "{}"]
    assert all(path.is_file() for path in SCRIPTS.values())


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_the_scripts_need_nothing_of_the_project_and_only_standard_modules_to_greet(stubs, script):
    done = subprocess.run(
        [sys.executable, "-S", str(script)], input="", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["protocol"] == 1
