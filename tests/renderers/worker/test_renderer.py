from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.paths import ROOT
from helpers.processes import needs_pidfd, wait_for_exit

from copilot.errors import CopilotError, UserError
from copilot.seed import Seed
from copilot.stem import SoundSpec
from copilot.vocabulary import Word
from pipelines.stages.batch_renderer import BatchRenderer, SoundJob
from pipelines.stages.record import Record
from renderers import device, registry
from renderers.child_process import ChildProcess, ChildStartError
from renderers.contract import (
    BatchTooLargeError,
    Reference,
    RenderedSound,
    Renderer,
    RenderFailure,
    RenderRequest,
    RenderSettings,
    Voice,
    get_info,
)
from renderers.device import require_device
from renderers.worker import client as worker_client
from renderers.worker.renderer import WorkerRenderer, WorkerSettings

PYTHON = Path(sys.executable).name

# Does what the texts say, and writes down what it was asked. It is run by -c, so it is argv[-1] that it gets.
CHILD = """
import json, os, signal, sys
import numpy as np, soundfile as sf
options = json.loads(sys.argv[-1])
def note(what):
    with open(options["log"], "a") as file:
        print(what, file=file)
def send(said):
    sys.stdout.write(json.dumps(said) + "\\n")
    sys.stdout.flush()
def first_time(name):
    try:
        os.close(os.open(options["log"] + "." + name, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
def sound(folder, name, samples):
    sf.write(os.path.join(folder, name), samples, 16_000, subtype="FLOAT")
    return {"file": name}
def answer(request, folder, name):
    match request["text"]:
        case "die":
            sys.exit("the word that kills")
        case "die once" if first_time("died"):
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            signal.pause()
        case "hang once" if first_time("hung"):
            signal.pause()
        case "refused":
            return {"reason": "no-sound", "detail": "refused it is"}
        case "escape":
            return {**sound(folder, "out.wav", np.zeros(16)), "file": "../out.wav"}
        case "missing":
            return {"file": "absent.wav"}
        case "not audio":
            open(os.path.join(folder, name), "w").write("words")
            return {"file": name}
        case "odd":
            return {**sound(folder, name, np.zeros(16)), "mached": True}
        case "nan":
            return sound(folder, name, np.full(16, np.nan))
        case "stereo":
            words = [{"text": "one", "start_s": 0.0, "end_s": 0.5}]
            stereo = np.stack([np.full(16, 0.25), np.full(16, -0.5)], 1)
            return {**sound(folder, name, stereo), "matched": False, "words": words, "detail": {"k": "v"}}
    return sound(folder, name, np.sin(np.arange(round(request["duration_s"] * 16_000))) / 4)
note("start")
sticky = False
send(options.get("greeting") and json.loads(options["greeting"]) or {
    "protocol": 1, "name": "child", "tool": "tts", "clones": True,
    "fingerprint": {"model": "m", "backend": "x"},
    "voices": [{"name": "anna", "gender": "female", "emotions": ["calm"]}]})
for line in sys.stdin:
    request = json.loads(line)
    if request["op"] == "prepare":
        note("prepare")
        if "prepare" in options:
            exec(options["prepare"])
        send({"error": options["refuses"], "kind": "cannot-work"} if "refuses" in options else {})
        continue
    requests = request["requests"]
    texts = [one["text"] for one in requests]
    note("render " + ", ".join(texts))
    if "note" in texts:
        note(json.dumps(requests))
    if "memory" in texts and len(texts) > 1:
        send({"error": "no room", "kind": "out-of-memory"})
    elif "memory leak" in texts and first_time("leaked"):
        send({"error": "no room left", "kind": "out-of-memory"})
    elif "vast" in texts:
        send({"error": "no room for it", "kind": "out-of-memory"})
    elif "bug" in texts or sticky:
        send({"error": "a bug", "kind": "broke"})
    elif "sticky" in texts and first_time("stuck"):
        sticky = True
        send({"error": "a bug", "kind": "broke"})
    elif "babble" in texts:
        print("Loading the model ...", flush=True)
    else:
        answers = [answer(one, request["folder"], f"{n}.wav") for n, one in enumerate(requests)]
        send({"answers": answers[1:] if "few" in texts else answers})
"""


def settings(log: Path, **options: str) -> WorkerSettings:
    command = shlex.join([sys.executable, "-c", CHILD])
    return WorkerSettings(command=command, options={"log": str(log), **options})


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def started(log):
    renderers = []

    def start(work: RenderSettings | None = None, **options: str) -> WorkerRenderer:
        renderer = WorkerRenderer(settings(log, **options))
        renderers.append(renderer)
        if work is not None:
            renderer.restart_with(work)
            log.unlink()
        return renderer

    yield start
    for renderer in renderers:
        renderer.close()


def requests(*texts: str) -> list[RenderRequest]:
    return [RenderRequest(text, 0.1, seed) for seed, text in enumerate(texts)]


def reasons(answers: list) -> list[str | None]:
    return [answer.reason if isinstance(answer, RenderFailure) else None for answer in answers]


def read_log(log: Path) -> list[str]:
    return log.read_text().splitlines()


def test_the_greeting_says_what_it_is(started, log):
    renderer = started()
    assert isinstance(renderer, Renderer)
    assert (renderer.name, renderer.tool, get_info(renderer).clones) == ("child", "tts", True)
    assert (get_info(WorkerRenderer).clones, get_info(renderer).target) == (False, "command")
    assert get_info(WorkerRenderer).isolated
    assert renderer.voices() == [Voice("anna", "female", ("calm",))]
    assert renderer.fingerprint() == {
        "backend": "worker",
        "protocol": "1",
        "worker": "child",
        "model": "m",
        "options": f'{{"log":"{log}"}}',
    }
    assert read_log(log) == ["start"]


def test_a_request_arrives_whole_and_its_sound_returns_to_the_bit(started, log, tmp_path):
    reference = Reference(tmp_path / "a.flac", "Hello.", "ab12", "calm", "CC0")
    spoken = RenderRequest("note", 0.5, 2**62, "anna", "female", "calm", reference)
    mono, stereo = started().render([spoken, *requests("stereo")])
    assert (mono.audio.shape, mono.audio.dtype, mono.rate_hz) == ((1, 8_000), np.float32, 16_000)
    assert (mono.audio == (np.sin(np.arange(8_000)) / 4).astype(np.float32)).all()
    assert (mono.matched, mono.words, mono.detail) == (True, (), {})
    assert stereo.audio[:, 0].tolist() == [0.25, -0.5]
    assert (stereo.matched, stereo.words, stereo.detail) == (False, (Word("one", 0.0, 0.5),), {"k": "v"})
    told = read_log(log)[-1]
    assert told == (
        '[{"text": "note", "duration_s": 0.5, "seed": 4611686018427387904, "voice": "anna", '
        '"gender": "female", "emotion": "calm", "reference": '
        f'{{"path": "{tmp_path}/a.flac", "transcript": "Hello.", "sha256": "ab12", "emotion": "calm", '
        '"licence": "CC0"}}, {"text": "stereo", "duration_s": 0.1, "seed": 0, "voice": null, '
        '"gender": null, "emotion": null, "reference": null}]'
    )


def test_loads_once_for_all_batches(started, log):
    renderer = started()
    renderer.prepare()
    renderer.prepare()
    renderer.render(requests("a"))
    renderer.render(requests("b"))
    assert read_log(log) == ["start", "prepare", "render a", "render b"]


def test_a_worker_that_dies_once_in_a_batch_loses_nothing(started, log):
    answers = started().render(requests("a", "die once", "b"))
    assert reasons(answers) == [None, None, None]
    batch = "render a, die once, b"
    assert read_log(log) == ["start", "prepare", batch, "start", "prepare", batch]


def test_only_the_text_that_kills_fails_with_the_last_words(started, log):
    renderer = started()
    answers = renderer.render(requests("a", "die", "b"))
    assert answers[1] == RenderFailure(
        "worker-died",
        f"worker {PYTHON}: the child closed its stdout; exit status 1; last words: the word that kills",
    )
    assert reasons(answers) == [None, "worker-died", None]
    batch, start = "render a, die, b", ["start", "prepare"]
    assert read_log(log) == [
        *start,
        batch,
        *start,
        batch,
        *start,
        "render a",
        "render die",
        *start,
        "render b",
    ]


def test_a_text_that_kills_when_it_is_alone_is_sent_twice(started, log):
    assert reasons(started().render(requests("die"))) == ["worker-died"]
    assert read_log(log) == ["start", "prepare", "render die"] * 2


def test_a_worker_that_hangs_is_replaced_and_only_what_hangs_it_fails(started):
    renderer = started(RenderSettings(deadline_s=0.5))
    answers = renderer.render(requests("a", "hang", "b"))
    assert reasons(answers) == [None, "worker-timeout", None]
    assert answers[1].detail == "worker child: no answer within 0.5 s; ended by signal 9"


def test_a_worker_that_hangs_once_loses_nothing(started, log):
    assert reasons(started(RenderSettings(deadline_s=0.5)).render(requests("hang once"))) == [None]
    assert read_log(log) == ["start", "prepare", "render hang once"] * 2


def test_loading_has_a_longer_deadline_than_a_batch(started, monkeypatch):
    renderer = started(RenderSettings(deadline_s=20.0))
    real, deadlines = ChildProcess.ask, []

    def spy(self, request, *, deadline_s, **how):
        deadlines.append((request["op"], deadline_s))
        return real(self, request, deadline_s=deadline_s, **how)

    monkeypatch.setattr(ChildProcess, "ask", spy)
    renderer.render(requests("a"))
    assert deadlines == [("prepare", 3_600.0), ("render", 20.0)]


def test_a_worker_lost_again_and_again_ends_the_run_with_its_last_words(started, log, monkeypatch):
    monkeypatch.setattr(worker_client, "_MOST_LOST", 4)
    with pytest.raises(ChildStartError, match=r"lost 4 times in a row without one sound; .* that kills$"):
        started().render(requests("die", "die", "die"))
    assert read_log(log).count("start") == 4


def test_a_worker_that_only_breaks_or_refuses_ends_the_run(started, monkeypatch):
    monkeypatch.setattr(worker_client, "_MOST_LOST", 4)
    renderer = started()
    assert reasons(renderer.render(requests("bug"))) == ["renderer-error"]
    assert reasons(renderer.render(requests("refused"))) == ["no-sound"]
    with pytest.raises(ChildStartError, match=r"lost 4 times in a row without one sound; a bug$"):
        renderer.render(requests("bug"))


def test_the_texts_of_one_dialogue_do_not_end_a_run(started):
    texts = ["die"] * 8
    assert reasons(started().render(requests(*texts, "a"))) == ["worker-died"] * 8 + [None]


def test_a_sound_between_losses_is_a_sign_of_life(started, monkeypatch):
    monkeypatch.setattr(worker_client, "_MOST_LOST", 4)
    answers = started().render(requests("a", "die", "b", "die", "c", "die"))
    assert reasons(answers) == [None, "worker-died"] * 3


def test_what_was_printed_instead_of_an_answer_is_shown(started):
    answers = started().render(requests("a", "babble"))
    assert reasons(answers) == [None, "worker-died"]
    assert "not a JSON object; it wrote 'Loading the model ...'; " in answers[1].detail


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("escape", "file='../out.wav': String should match pattern '^[A-Za-z0-9][A-Za-z0-9._-]*$'"),
        ("odd", "mached=True: Extra inputs are not permitted"),
        ("missing", "absent.wav cannot be read ("),
        ("not audio", "1.wav cannot be decoded ("),
    ],
)
def test_one_bad_answer_is_that_requests_failure(started, log, text, detail):
    answers = started().render(requests("a", text, "b"))
    assert reasons(answers) == [None, "worker-answer", None]
    assert answers[1].detail.startswith(detail)
    assert read_log(log)[2:] == [f"render a, {text}, b"]


def test_a_program_that_never_answers_by_the_protocol_ends_the_run(started, monkeypatch):
    monkeypatch.setattr(worker_client, "_MOST_LOST", 4)
    program = started()
    assert reasons(program.render(requests("odd", "escape", "odd"))) == ["worker-answer"] * 3
    with pytest.raises(CopilotError, match=r"docs/worker\.md"):
        program.render(requests("odd"))


def test_a_sound_between_bad_answers_is_a_sign_of_life(started, monkeypatch):
    monkeypatch.setattr(worker_client, "_MOST_LOST", 4)
    program = started()
    for _ in range(3):
        assert reasons(program.render(requests("odd", "odd", "odd", "a")))[-1] is None


def test_a_request_that_the_worker_refuses_has_its_reason(started):
    assert started().render(requests("refused")) == [RenderFailure("no-sound", "refused it is")]


def test_if_answers_are_missing_each_request_is_sent_alone(started):
    answers = started().render(requests("a", "few", "b"))
    assert reasons(answers) == [None, "worker-answer", None]
    assert answers[1].detail == f"worker {PYTHON}: it gave 0 answers to 1 requests"


def test_samples_that_are_no_numbers_are_left_to_the_stage(started):
    [sound] = started().render(requests("nan"))
    assert np.isnan(sound.audio).all()


def test_want_of_memory_is_the_batchs_and_the_pipeline_halves_it(started, log):
    renderer = started()
    with pytest.raises(BatchTooLargeError, match=r"^worker .*: no room$"):
        renderer.render(requests("a", "memory"))
    made = BatchRenderer(renderer, lambda stem: None).render(
        [job_of(renderer, "a"), job_of(renderer, "memory")]
    )
    assert [stem.info.duration_s for stem in made] == [0.5, 0.5]
    assert read_log(log)[-2:] == ["render a", "render memory"]


def job_of(renderer, text: str) -> SoundJob:
    record = Record(Seed("test/1", "line"), "0" * 16)
    return SoundJob(SoundSpec("tts", text, 0.5, 1, renderer.fingerprint()), record, 1)


def test_a_worker_that_breaks_is_replaced_and_only_what_breaks_it_fails(started, log):
    answers = started().render(requests("a", "bug", "b"))
    assert answers[1] == RenderFailure("renderer-error", f"worker {PYTHON}: a bug")
    assert reasons(answers) == [None, "renderer-error", None]
    start = ["start", "prepare"]
    assert read_log(log) == [
        *(*start, "render a, bug, b"),
        *(*start, "render a", "render bug"),
        *(*start, "render b"),
    ]


def test_a_worker_that_stays_broken_costs_no_request(started, log):
    renderer = started()
    assert reasons(renderer.render(requests("a", "sticky"))) == [None, None]
    assert reasons(renderer.render(requests("b"))) == [None]
    start = ["start", "prepare"]
    assert read_log(log) == [*start, "render a, sticky", *start, "render a", "render sticky", "render b"]


def test_one_request_without_memory_is_sent_again_to_a_new_worker(started, log):
    renderer = started()
    assert reasons(renderer.render(requests("memory leak"))) == [None]
    assert read_log(log) == ["start", "prepare", "render memory leak"] * 2
    [vast] = renderer.render(requests("vast"))
    assert vast == RenderFailure("out-of-memory", f"worker {PYTHON}: no room for it")


def test_a_worker_that_is_another_when_it_is_started_again_ends_the_run(log):
    code = CHILD.replace(
        'json.loads(options["greeting"])',
        'json.loads(options["greeting"] % (2 if os.path.exists(options["log"] + ".died") else 1))',
    )
    command = shlex.join([sys.executable, "-c", code])
    greeting = '{"protocol": 1, "name": "n", "tool": "tts", "fingerprint": {"model": "%s"}}'
    given = {"log": str(log), "greeting": greeting}
    renderer = WorkerRenderer(WorkerSettings(command=command, options=given))
    try:
        with pytest.raises(ChildStartError, match=r": after a restart, its model is '2' and was '1';"):
            renderer.render(requests("die once"))
    finally:
        renderer.close()


def test_after_a_restart_it_has_to_greet_as_before(started, log):
    renderer = started()
    renderer._settings = settings(
        log, greeting='{"protocol": 1, "name": "n", "tool": "sfx", "fingerprint": {}}'
    )
    renderer.restart_with(RenderSettings())
    with pytest.raises(ChildStartError, match=r"its name is 'n' and was 'child'; "):
        renderer.prepare()


def test_options_that_are_places_are_not_in_the_key(log):
    greeting = '{"protocol": 1, "name": "n", "tool": "tts", "fingerprint": {}, "places": ["log", "absent"]}'
    renderer = WorkerRenderer(settings(log, greeting=greeting))
    renderer.close()
    assert "log" not in json.loads(renderer.fingerprint()["options"])
    assert "greeting" in json.loads(renderer.fingerprint()["options"])


def test_a_worker_that_says_it_cannot_work_ends_the_run_in_its_words(started):
    with pytest.raises(CopilotError, match=r"^no GPU here; name another$"):
        started(refuses="no GPU here; name another").prepare()


def test_a_worker_that_dies_while_it_loads_ends_the_run(started, log):
    with pytest.raises(
        ChildStartError,
        match=r"^worker [^:]*: cannot load: the child closed .*; last words: no such weights$",
    ):
        started(prepare="sys.exit('no such weights')").render(requests("a"))
    assert read_log(log) == ["start", "prepare"] * 2


@pytest.mark.parametrize(
    ("greeting", "fault"),
    [
        ('{"protocol": 2, "name": "n", "tool": "tts", "fingerprint": {}}', "protocol=2: Input should be 1"),
        ('{"protocol": 1, "name": "n", "tool": "tts"}', "no fingerprint"),
        (
            '{"protocol": 1, "name": "n", "tool": "asr", "fingerprint": {}}',
            "tool='asr': Input should be 'sfx'",
        ),
    ],
)
def test_another_greeting_is_refused(log, greeting, fault):
    with pytest.raises(ChildStartError, match=re.escape(f"its greeting: {fault}")):
        WorkerRenderer(settings(log, greeting=greeting))


def test_a_worker_that_cannot_start_tells_why():
    command = shlex.join([sys.executable, "-c", "raise SystemExit('no model here')"])
    with pytest.raises(ChildStartError, match=r"last words: no model here$"):
        registry.create(f"worker:{command}", "tts")


def test_a_worker_that_does_not_greet_cannot_start(monkeypatch):
    monkeypatch.setattr(worker_client, "_GREETING_S", 0.3)
    command = shlex.join([sys.executable, "-c", "import signal; signal.pause()"])
    with pytest.raises(
        ChildStartError, match=r"^worker [^:]*: cannot start: no answer within 0\.3 s; ended by"
    ):
        registry.create(f"worker:{command}", "tts")


@pytest.mark.parametrize("target", ["", ":", ": ", ":'"])
def test_a_command_that_is_none_is_the_users_mistake(target):
    with pytest.raises(UserError):
        registry.create(f"worker{target}", "tts")


def test_what_was_rendered_leaves_no_folder(started, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "shared"))
    (tmp_path / "shared").mkdir()
    renderer = started()
    renderer.render(requests("a", "die once"))
    assert list((tmp_path / "shared").iterdir()) == []


@pytest.mark.parametrize(
    ("work", "visible", "told"),
    [
        (RenderSettings(), None, (None, None)),
        (RenderSettings(worker=1), "4,5,6", (None, "5")),
        (RenderSettings(worker=4), "4,5,6", (None, "5")),
        (RenderSettings(worker=4), "", (None, "")),
        (RenderSettings(device="cpu"), "4,5", ("cpu", "4,5")),
        (RenderSettings(device="cuda"), "4,5", ("cuda", "4,5")),
        (RenderSettings(device="cuda:1"), "4,GPU-ab", ("cuda", "GPU-ab")),
        (RenderSettings(device="cuda:1"), None, ("cuda", "1")),
    ],
)
def test_the_environment_names_the_device(monkeypatch, work, visible, told):
    monkeypatch.delenv("COPILOT_DEVICE", raising=False)
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        monkeypatch.setattr(Path, "glob", lambda self, pattern: iter(()))
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    environment = device.make_environment(work)
    assert (environment.get("COPILOT_DEVICE"), environment.get("CUDA_VISIBLE_DEVICES")) == told


def test_a_gpu_that_does_not_exist_is_the_users_mistake(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    with pytest.raises(UserError, match="available: cuda:0, cuda:1, cpu") as caught:
        device.make_environment(RenderSettings(device="cuda:2"))
    assert caught.value.field == "device"


def test_gpus_are_counted_by_their_nodes(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    nodes = [tmp_path / name for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm")]
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter(nodes))
    assert device.visible_gpus() == ["0", "1"]


@pytest.mark.parametrize("device", ["foo", "cuda:", "cuda:x", "gpu", "cpu:1", "CPU", ""])
def test_an_unknown_device_is_the_users_mistake(device):
    with pytest.raises(UserError, match=re.escape(repr(device))) as caught:
        require_device(device)
    assert caught.value.field == "device"


def test_a_gpu_is_refused_if_none_is_visible_and_accepted_if_that_is_unknown(monkeypatch):
    monkeypatch.setattr(device, "visible_gpus", list)
    with pytest.raises(UserError, match=r"available: cpu$"):
        require_device("cuda")
    require_device("cpu")
    require_device("mps")
    monkeypatch.setattr(device, "visible_gpus", lambda: None)
    require_device("cuda:7")


@pytest.mark.parametrize(
    ("command", "called"),
    [
        ("python3 -u /far/away/tones.py --loud", "tones.py"),
        ("uv run tones.py", "tones.py"),
        ("/opt/tones/bin/tones -x", "tones"),
        ("f5-tts", "f5-tts"),
    ],
)
def test_until_it_has_greeted_it_is_called_by_its_script_or_program(command, called):
    assert WorkerSettings(command=command).provisional_name == called


def test_one_that_has_greeted_is_called_by_its_name(started):
    with pytest.raises(ChildStartError, match=r"^worker child: cannot load: the child closed"):
        started(RenderSettings(deadline_s=5.0), prepare="sys.exit(1)").prepare()


def test_a_python_that_does_not_exist_is_the_users_mistake():
    with pytest.raises(UserError, match=r"/none/python not found; give python=PATH$"):
        registry.create("worker:f5-tts", "tts", {"python": "/none/python"})


def test_the_example_of_the_documentation_works(tmp_path):
    code = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "worker.md").read_text(), re.DOTALL)
    script = tmp_path / "tones.py"
    script.write_text(code[1].replace("options =", 'print("Loading ...")\noptions ='))
    spec = f"worker:{shlex.join([sys.executable, '-I', '-S', str(script)])}"
    renderer = registry.create_for_rendering(spec, "sfx", {"options": {"level": "0.5"}}, RenderSettings())
    try:
        renderer.prepare()
        tone, none = renderer.render([RenderRequest("a tone", 0.5, 100), RenderRequest(" ", 0.5, 1)])
    finally:
        renderer.close()
    assert renderer.name == "tones"
    expected = 0.5 * np.sin(2 * np.pi * 300 * np.arange(24_000) / 48_000)
    assert np.allclose(tone.audio, expected, atol=1e-4)
    assert isinstance(tone, RenderedSound)
    assert (tone.rate_hz, tone.matched, tone.detail) == (48_000, False, {"hz": "300"})
    assert none == RenderFailure("no-sound", "the caption is empty")


@needs_pidfd
def test_the_worker_ends_when_its_parent_is_killed(log):
    parent = f"""
import os, signal
from renderers.worker.renderer import WorkerRenderer, WorkerSettings
renderer = WorkerRenderer(WorkerSettings.model_validate_json({settings(log).model_dump_json()!r}))
print(renderer._client._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert wait_for_exit(int(done.stdout))
