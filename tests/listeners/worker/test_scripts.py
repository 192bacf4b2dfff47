"""The ready listeners, with stand-ins that have the packages' signatures and traps."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.paths import ROOT

from copilot.errors import UserError
from listeners import registry
from listeners.contract import Clip, Detection, HearingFailure, Ratings, Scores
from listeners.testing import check_listener
from listeners.worker.listener import SCRIPTS, WorkerListener, WorkerSettings
from renderers.child_process import ChildStartError
from renderers.contract import BatchTooLargeError

TORCH = """
import contextlib
import numpy as np
class Tensor(np.ndarray):
    def to(self, device): return self
    def cpu(self): return self
    def numpy(self): return np.asarray(self)
def from_numpy(array): return array.view(Tensor)
def tensor(values): return np.array(values).view(Tensor)
def manual_seed(seed): pass
inference_mode = contextlib.nullcontext
class cuda:
    @staticmethod
    def is_available(): return False
"""
NOTE = """
import json, os
def note(name, given):
    with open(os.environ["STUB_LOG"], "a") as file:
        print(json.dumps([name, given]), file=file)
"""
# openflam 1.0.2
OPENFLAM = (
    NOTE
    + """
import numpy as np, os, torch
print("importing changes the path")
class OpenFLAM:
    def __init__(self, model_name="v1-base", audio_cfg=None, text_cfg=None,
                 default_ckpt_path="/tmp/openflam", **kwargs):
        note("load", {"model_name": model_name, "default_ckpt_path": default_ckpt_path,
                      "offline": os.environ.get("HF_HUB_OFFLINE")})
    def to(self, device):
        note("to", {"device": device})
        return self
    def get_local_similarity(self, audio, text, method="unbiased", cross_product=False):
        note("similarity", {"shape": audio.shape, "text": text, "method": method})
        assert audio.ndim == 2 and audio.shape[1] <= 491_520 and cross_product
        bias = np.zeros((len(text), 1)).squeeze()
        assert bias.shape[0] == len(text)
        if "broken" in text:
            raise KeyError("a bug")
        if "large" in text:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        level = np.abs(np.asarray(audio)).reshape(len(audio), 32, 15_000).mean(axis=2)
        scale = np.array([0.5 if words == "quiet" else 1.0 for words in text])
        return torch.from_numpy(level[:, None, :] * scale[None, :, None])
"""
)
# utmosv2 1.2, and the fork hyperion-utmosv2 1.3.1
UTMOSV2 = (
    NOTE
    + """
import random
import numpy as np
def create_model(pretrained=True, config="fusion_stage3", fold=0, checkpoint_path=None, seed=42,
                 device="auto"):
    note("load", {"pretrained": pretrained, "config": config, "fold": fold,
                  "checkpoint_path": checkpoint_path})
    return Model()
class Model:
    def predict(self, *, data=None, sr=16000, input_path=None, input_dir=None, val_list=None,
                val_list_path=None, predict_dataset="sarulab", device="cuda:0", num_workers=0,
                batch_size=16, num_repetitions=1, remove_silent_section=True, verbose=True):
        note("predict", {"shape": data.shape, "sr": sr, "device": device, "num_repetitions": num_repetitions,
                         "remove_silent_section": remove_silent_section})
        drawn = random.random() + np.random.rand()
        return np.array([1 + np.abs(data).max() + drawn], np.float32)
"""
)
# glap-model 0.0.13
GLAP = (
    NOTE
    + """
import numpy as np, torch
class GLAPInference:
    @classmethod
    def from_pretrained(cls, pretrained_url):
        note("load", {"pretrained_url": pretrained_url})
        return cls()
    def to(self, device):
        return self
    def eval(self):
        return self
    def encode_audio(self, audio, audio_length=None):
        assert audio.ndim == 2 and audio_length.tolist() == [audio.shape[1]]
        return torch.tensor([[1.0, 0.0]])
    def encode_text(self, text, device="cpu", *, source_lang="eng_Latn"):
        note("text", {"text": text, "source_lang": source_lang})
        return torch.tensor([[0.25, 0.5] if "rain" in text[0] else [2.0, 0.0]])
    def score(self, audio_emb, text_emb):
        return 100 * (audio_emb @ text_emb.T)
"""
)
VERSIONS = {"openflam": "1.0.2", "hyperion-utmosv2": "1.3.1", "glap-model": "0.0.13"}


class Stubs:
    """Packages of the listeners' names, on the path of the workers alone, and weights for them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.log = folder / "log"
        monkeypatch.setenv("PYTHONPATH", str(folder))
        monkeypatch.setenv("STUB_LOG", str(self.log))
        monkeypatch.delenv("COPILOT_DEVICE", raising=False)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        modules = {
            "torch/__init__": TORCH,
            "openflam/__init__": OPENFLAM,
            "utmosv2/__init__": UTMOSV2,
            "glap_model/__init__": "",
            "glap_model/models": GLAP,
        }
        for module, code in modules.items():
            path = folder / f"{module}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(code)
        for name, version in VERSIONS.items():
            info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        self.weights = folder / "weights.pt"
        self.weights.write_bytes(b"weights")
        self.cache = folder / "hub"
        for name in ("models--kechenadobe--OpenFLAM", "models--roberta-base"):
            snapshot = self.cache / name / "snapshots" / "1"
            snapshot.mkdir(parents=True)
            (snapshot / "weights.pth").write_bytes(name.encode())

    def options(self, name: str) -> dict[str, str]:
        return {"cache_dir": str(self.cache)} if name == "openflam" else {"checkpoint": str(self.weights)}

    def calls(self, name: str) -> list[dict]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [given for known, given in map(json.loads, lines) if known == name]


KINDS = {"openflam": "detector", "utmosv2": "rater", "glap": "scorer"}


@pytest.fixture
def stubs(tmp_path, monkeypatch):
    return Stubs(tmp_path, monkeypatch)


@pytest.fixture
def started(stubs):
    listeners = []

    def start(name: str, **options: str) -> WorkerListener:
        settings = WorkerSettings(command=name, options={**stubs.options(name), **options})
        listeners.append(WorkerListener(settings, kind=KINDS[name]))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.close()


def bursts(seconds: float, rate_hz: int, *spans_s: tuple[float, float]) -> np.ndarray:
    audio = np.zeros(round(seconds * rate_hz), np.float32)
    for start_s, end_s in spans_s:
        audio[round(start_s * rate_hz) : round(end_s * rate_hz)] = 0.75
    return audio


def test_openflam_gets_whole_windows_and_at_least_two_captions(stubs, started):
    listener = started("openflam")
    assert (listener.kind, listener.rate_hz) == ("detector", 48_000)
    short, long = bursts(8.0, 48_000, (7.5, 8.0)), bursts(23.0, 48_000, (22.5, 23.0))
    one, two = listener.hear([Clip(short, ("loud",)), Clip(long, ("loud", "quiet"))])
    assert [call["shape"] for call in stubs.calls("similarity")] == [[1, 480_000], [4, 480_000]]
    assert [call["text"] for call in stubs.calls("similarity")] == [["loud", "loud"], ["loud", "quiet"]]
    assert isinstance(one, Detection)
    assert (one.probabilities.shape, one.frame_s) == ((1, 26), 0.3125)
    assert two.probabilities.shape == (2, 74)
    heard = np.flatnonzero(one.probabilities[0] > 0.1)
    assert heard.tolist() == [24, 25]
    assert two.probabilities[0, :72].max() == 0
    assert two.presence.tolist() == pytest.approx([0.75, 0.375])
    assert stubs.calls("load") == [
        {"model_name": "v1-base", "default_ckpt_path": str(stubs.cache), "offline": "1"}
    ]


def test_a_repeated_sound_is_not_heard_after_its_end(started):
    """The window of a short clip is filled by repeating it; those frames are left out."""
    [heard] = started("openflam").hear([Clip(bursts(0.9375, 48_000, (0.0, 0.3)), ("loud",))])
    assert heard.probabilities.shape == (1, 3)
    assert np.flatnonzero(heard.probabilities[0] > 0.1).tolist() == [0]
    [nothing] = started("openflam").hear([Clip(bursts(1.0, 48_000))])
    assert nothing.probabilities.shape == (0, 4)


def test_a_bug_of_the_package_is_one_clips_failure_and_want_of_memory_the_batchs(started):
    listener, sound = started("openflam"), bursts(1.0, 48_000)
    broken, heard = listener.hear([Clip(sound, ("broken", "a")), Clip(sound, ("a",))])
    assert isinstance(broken, HearingFailure)
    assert broken.reason == "listener-error"
    assert broken.detail.endswith("KeyError: 'a bug'\n")
    assert isinstance(heard, Detection)
    with pytest.raises(BatchTooLargeError):
        listener.hear([Clip(sound, ("large", "a")), Clip(sound, ("a",))])


def test_utmosv2_draws_the_same_parts_of_equal_clips(stubs, started):
    listener = started("utmosv2", repetitions="7", seed="3")
    sound = bursts(1.0, 16_000, (0.0, 0.5))
    first, other, again = listener.hear([Clip(sound), Clip(sound / 3), Clip(sound)])
    drawn = random.Random(3).random() + np.random.RandomState(3).rand()
    assert first == again == Ratings({"mos": pytest.approx(1.75 + drawn)})
    assert other.values["mos"] == pytest.approx(1.25 + drawn)
    assert stubs.calls("predict")[0] == {
        "shape": [16_000],
        "sr": 16_000,
        "device": "cpu",
        "num_repetitions": 7,
        "remove_silent_section": True,
    }
    assert stubs.calls("load") == [
        {"pretrained": True, "config": "fusion_stage3", "fold": 0, "checkpoint_path": str(stubs.weights)}
    ]


def test_glap_scores_are_cosines_of_prompts(stubs, started):
    listener = started("glap", prompt="The sound of {caption} can be heard.")
    heard = listener.hear([Clip(bursts(0.5, 16_000), captions) for captions in (("rain",), ("dog", "rain"))])
    assert heard == [Scores((0.25,)), Scores((1.0, 0.25))]
    assert stubs.calls("text") == [
        {"text": [f"The sound of {name} can be heard."], "source_lang": "eng_Latn"}
        for name in ("rain", "dog")
    ]


def test_glap_keeps_the_vectors_of_its_latest_captions_alone(stubs, started):
    captions = tuple(f"sound {number}" for number in range(4_097))
    audio = bursts(0.5, 16_000)
    started("glap").hear([Clip(audio, captions), Clip(audio, captions[-1:]), Clip(audio, captions[:1])])
    assert len(stubs.calls("text")) == 4_097 + 1


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_keeps_the_contract(stubs, name):
    settings = {"command": name, "options": stubs.options(name)}
    check_listener(WorkerListener, settings, kind=KINDS[name])


@pytest.mark.parametrize("name", SCRIPTS)
def test_weights_count_by_their_content_and_not_by_their_place(stubs, started, tmp_path, name):
    first = started(name).fingerprint()
    assert "options" not in first
    if name == "openflam":
        moved = stubs.cache.rename(tmp_path / "moved")
        changed, options = moved / "models--roberta-base/snapshots/1/weights.pth", {"cache_dir": str(moved)}
    else:
        changed = stubs.weights.rename(tmp_path / "moved")
        options = {"checkpoint": str(changed)}
    stubs.weights.touch()
    stubs.cache.mkdir(exist_ok=True)
    assert started(name, **options).fingerprint() == first
    changed.write_bytes(b"others")
    again = started(name, **options).fingerprint()
    assert {key for key in first if first[key] != again[key]} == {
        "weights" if name == "openflam" else "checkpoint"
    }


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("openflam", {"cache_dir": "/absent"}),
        ("openflam", {"cache_dir": "/"}),
        ("openflam", {"method": "guess"}),
        ("utmosv2", {"repetitions": "1"}),
        ("utmosv2", {"remove_silent_section": "maybe"}),
        ("glap", {"checkpoint": "/absent"}),
        ("glap", {"prompt": "a sound"}),
        ("glap", {"temperature": "1"}),
    ],
)
def test_options_that_cannot_work_are_reported_at_the_start(started, name, options):
    with pytest.raises(ChildStartError, match=f"last words: {name}: "):
        started(name, **options)


@pytest.mark.parametrize("name", SCRIPTS)
def test_missing_weights_and_packages_are_reported_at_the_start(stubs, name):
    with pytest.raises(ChildStartError, match="is missing"):
        WorkerListener(WorkerSettings(command=name), kind=KINDS[name])
    for info in stubs.folder.glob("*.dist-info"):
        (info / "METADATA").unlink()
        info.rmdir()
    with pytest.raises(ChildStartError, match="install it there"):
        WorkerListener(WorkerSettings(command=name, options=stubs.options(name)), kind=KINDS[name])


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_need_only_standard_modules_to_greet(stubs, name):
    command = [sys.executable, "-S", str(SCRIPTS[name]), json.dumps(stubs.options(name))]
    done = subprocess.run(command, input="", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    greeting = json.loads(done.stdout)
    assert (greeting["protocol"], greeting["name"], greeting["kind"]) == (1, name, KINDS[name])


# A program of somebody's, as docs/worker.md describes one.
PROGRAM = """
import json, sys
import numpy as np, soundfile as sf
options = json.loads(sys.argv[-1])
def send(message):
    print(json.dumps(message), flush=True)
send({"protocol": 1, "name": "levels", "kind": options.get("kind", "rater"), "rate_hz": 8000,
      "fingerprint": {"version": "1"}, "places": ["where"]})
for line in sys.stdin:
    message = json.loads(line)
    if message["op"] == "prepare":
        send({})
        continue
    answers = []
    for clip in message["requests"]:
        audio, rate_hz = sf.read(message["folder"] + "/" + clip["file"])
        assert rate_hz == 8000 and isinstance(clip["captions"], list)
        answers.append({"ratings": {"peak": float(audio.max())}})
    send({"answers": answers})
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "levels.py"
    path.write_text(PROGRAM)
    return f"{sys.executable} {path}"


def test_any_program_can_listen(program):
    options = {"where": "/here", "gain": "2"}
    listener = registry.create_for_hearing(f"worker:{program}", "rater", {"options": options})
    try:
        assert isinstance(listener, WorkerListener)
        assert (listener.name, listener.rate_hz) == ("levels", 8_000)
        assert listener.fingerprint() == {
            "backend": "worker",
            "worker": "levels",
            "protocol": "1",
            "version": "1",
            "options": '{"gain":"2"}',
        }
        ill = np.full(9, np.nan, np.float32)
        heard, failure = listener.hear([Clip(np.full(9, 0.5, np.float32)), Clip(ill)])
    finally:
        listener.close()
    assert heard == Ratings({"peak": 0.5})
    assert failure.reason == "audio-not-finite"


def test_a_program_of_another_kind_is_a_users_mistake(program):
    with pytest.raises(UserError) as raised:
        registry.create(f"worker:{program}", "scorer", {"options": {"kind": "detector"}})
    assert raised.value.field == "scorer"
    with pytest.raises(ChildStartError, match="its greeting: kind"):
        registry.create(f"worker:{program}", "scorer", {"options": {"kind": "nose"}})
    with pytest.raises(UserError, match="not found"):
        registry.create("worker:no-such-program", "scorer")


def test_the_example_of_the_documentation_keeps_the_contract(tmp_path):
    _, code = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "worker.md").read_text(), re.DOTALL)
    script = tmp_path / "levels.py"
    script.write_text(code.replace("def send", 'print("Loading ...")\n\n\ndef send'))
    settings = {"command": f"{sys.executable} {script}"}
    check_listener(WorkerListener, settings, kind="rater")
