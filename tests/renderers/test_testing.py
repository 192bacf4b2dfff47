"""`check_renderer`: our own renderers pass, and one that breaks a promise fails with its name."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from functools import partial
from itertools import count

import numpy as np
import pytest
from helpers.imports import loaded_by
from helpers.recordings import write_sounds

from copilot.errors import ContractError, CopilotError, UserError
from copilot.frozen_model import FrozenModel
from copilot.vocabulary import Word
from renderers import registry
from renderers.contract import RendererInfo, RenderFailure, Voice
from renderers.espeak.renderer import EspeakRenderer
from renderers.library.renderer import LibraryRenderer
from renderers.procedural.renderer import ProceduralRenderer
from renderers.testing import CAPTIONS, MurmurRenderer, NoiseRenderer, check_renderer

WORKER = """
import json, os, sys, numpy, soundfile
answers = os.fdopen(os.dup(1), "w"); os.dup2(2, 1)
def send(answer): print(json.dumps(answer), file=answers, flush=True)
send({"protocol": 1, "name": "tones", "tool": "sfx", "fingerprint": {"version": "1"}})
for line in sys.stdin:
    message = json.loads(line)
    if message["op"] == "prepare":
        send({})
        continue
    sounds = []
    for number, request in enumerate(message["requests"]):
        noise = numpy.random.default_rng(request["seed"]).standard_normal(round(request["duration_s"] * 8000))
        soundfile.write(os.path.join(message["folder"], f"{number}.wav"), noise * 0.1, 8000, "FLOAT")
        sounds.append({"file": f"{number}.wav"})
    send({"answers": sounds})
"""


def test_nothing_of_a_test_framework_is_loaded():
    assert "pytest" not in loaded_by("import renderers.testing")


@pytest.mark.parametrize("renderer", [NoiseRenderer, MurmurRenderer, ProceduralRenderer])
def test_renderers_without_settings_keep_the_contract(renderer):
    check_renderer(renderer)


def test_espeak_keeps_the_contract():
    pytest.importorskip("espeakng_loader")
    check_renderer(EspeakRenderer)


def test_the_library_keeps_the_contract(tmp_path):
    folder = write_sounds(tmp_path / "sounds")
    texts = ("rain", "a dog barks", "a rooster crows", "a purple elephant")
    check_renderer(LibraryRenderer, {"folder": str(folder)}, texts=texts)


def test_a_program_that_speaks_the_protocol_keeps_the_contract():
    spec = f"worker:{shlex.join([sys.executable, '-c', WORKER])}"
    check_renderer(partial(registry.create_for_rendering, spec, "sfx"))


def test_settings_that_the_renderer_does_not_take_are_the_authors_mistake():
    with pytest.raises(UserError, match="unknown setting 'nope'") as caught:
        check_renderer(LibraryRenderer, {"nope": 1, "folder": "/"})
    assert caught.value.field == "settings"


class WrongInfo(NoiseRenderer):
    info = {"summary": "a dict"}  # noqa: RUF012


class OtherTool(NoiseRenderer):
    info = RendererInfo(tools=("tts",))


class Unmade(NoiseRenderer):
    def __init__(self) -> None:
        raise RuntimeError("no driver")


class Nameless(NoiseRenderer):
    name = ""


class Incomplete:
    name, tool = "incomplete", "sfx"


class Numbers(NoiseRenderer):
    def fingerprint(self):
        return {"backend": "noise", "version": 1}


class Anonymous(NoiseRenderer):
    def fingerprint(self):
        return {"version": "1"}


class Changing(NoiseRenderer):
    numbers = count()

    def fingerprint(self):
        return {"backend": "noise", "version": str(next(self.numbers))}


class ChangedByLoading(NoiseRenderer):
    loaded = "no"

    def prepare(self):
        self.loaded = "yes"

    def fingerprint(self):
        return {"backend": "noise", "loaded": self.loaded}


class PreparedOnce(NoiseRenderer):
    prepared = False

    def prepare(self):
        if self.prepared:
            raise RuntimeError("already prepared")
        self.prepared = True


class Speaking(NoiseRenderer):
    def voices(self):
        return [Voice("anna", "female")]


class Voiceless(MurmurRenderer):
    def voices(self):
        return []


class Twins(MurmurRenderer):
    def voices(self):
        return [Voice("anna", "female"), Voice("anna", "female")]


class Ungendered(MurmurRenderer):
    def voices(self):
        return [Voice("anna", "robot")]


class Silent(NoiseRenderer):
    def make_noise(self, request):
        return RenderFailure("no-sound", "there is none")


class Shouting(NoiseRenderer):
    def make_noise(self, request):
        return RenderFailure("No Sound!", "there is none")


class Taciturn(NoiseRenderer):
    def make_noise(self, request):
        return RenderFailure("no-sound", "")


class Forgetful(NoiseRenderer):
    def render(self, requests):
        return super().render(requests)[1:]


class Bare(NoiseRenderer):
    def make_noise(self, request):
        return super().make_noise(request).audio


class Altered(NoiseRenderer):
    """Noise of which one thing is changed."""

    changes: dict

    def make_noise(self, request):
        sound = super().make_noise(request)
        return replace(sound, **{name: change(sound) for name, change in self.changes.items()})


class Double(Altered):
    changes = {"audio": lambda sound: sound.audio.astype(np.float64)}  # noqa: RUF012


class Flat(Altered):
    changes = {"audio": lambda sound: sound.audio[0]}  # noqa: RUF012


class Turned(Altered):
    changes = {"audio": lambda sound: sound.audio.T}  # noqa: RUF012


class Infinite(Altered):
    changes = {"audio": lambda sound: sound.audio / np.float32(0)}  # noqa: RUF012

    def render(self, requests):
        with np.errstate(divide="ignore"):
            return super().render(requests)


class Rateless(Altered):
    changes = {"rate_hz": lambda sound: 48_000.0}  # noqa: RUF012


class Detailed(Altered):
    changes = {"detail": lambda sound: {"steps": 3}}  # noqa: RUF012


class TooShort(Altered):
    changes = {"audio": lambda sound: sound.audio[:, 100:]}  # noqa: RUF012


class LateWords(Altered):
    changes = {"words": lambda sound: (Word("a", 0.0, 60.0),)}  # noqa: RUF012


class UnorderedWords(Altered):
    changes = {"words": lambda sound: (Word("a", 0.1, 0.15), Word("b", 0.0, 0.05))}  # noqa: RUF012


class Random(NoiseRenderer):
    """Draws from a generator of its own, whatever the request's seed is."""

    rng = np.random.default_rng()

    def make_noise(self, request):
        return super().make_noise(replace(request, random_seed=int(self.rng.integers(1 << 32))))


class PerInstance(NoiseRenderer):
    numbers = count()

    def __init__(self) -> None:
        self.number = next(self.numbers)

    def make_noise(self, request):
        return super().make_noise(replace(request, random_seed=self.number))


class Crowded(NoiseRenderer):
    """A renderer whose sounds depend on the size of the batch."""

    def render(self, requests):
        sounds = super().render(requests)
        return [replace(sound, audio=sound.audio / np.float32(len(sounds))) for sound in sounds]


class Sorting(NoiseRenderer):
    """Answers from the shortest request to the longest."""

    def render(self, requests):
        return super().render(sorted(requests, key=lambda request: request.duration_s))


class First(NoiseRenderer):
    """Gives the first request of several another sound."""

    def render(self, requests):
        sounds = super().render(requests)
        if len(requests) > 1 and requests[0].random_seed != 100:
            sounds[0] = super().make_noise(replace(requests[0], random_seed=1))
        return sounds


class Greeting(NoiseRenderer):
    def render(self, requests):
        return super().render(requests) or ["nothing to do"]


class Choosy(NoiseRenderer):
    error: type[Exception] = ValueError

    def make_noise(self, request):
        if not request.text.strip():
            raise self.error("an empty text")
        return super().make_noise(request)


class Fussy(Choosy):
    error = CopilotError


class ClosedOnce(NoiseRenderer):
    closed = False

    def close(self):
        if self.closed:
            raise RuntimeError("already closed")
        self.closed = True


@pytest.mark.parametrize(
    ("renderer", "promise"),
    [
        (WrongInfo, "info"),
        (OtherTool, "info"),
        (Unmade, "construction"),
        (Nameless, "members"),
        (Incomplete, "members"),
        (Numbers, "fingerprint"),
        (Anonymous, "fingerprint"),
        (Changing, "fingerprint"),
        (ChangedByLoading, "fingerprint"),
        (PreparedOnce, "prepare"),
        (Speaking, "voices"),
        (Voiceless, "voices"),
        (Twins, "voices"),
        (Ungendered, "voices"),
        (Silent, "answers"),
        (Shouting, "failures"),
        (Taciturn, "failures"),
        (Forgetful, "answers"),
        (Bare, "answers"),
        (Double, "layout"),
        (Flat, "layout"),
        (Turned, "layout"),
        (Infinite, "layout"),
        (Rateless, "layout"),
        (Detailed, "layout"),
        (TooShort, "duration"),
        (LateWords, "words"),
        (UnorderedWords, "words"),
        (Random, "repeatable"),
        (PerInstance, "repeatable"),
        (Crowded, "batch"),
        (Sorting, "duration"),
        (First, "order"),
        (Greeting, "answers"),
        (Choosy, "bad-request"),
        (Fussy, "bad-request"),
        (ClosedOnce, "close"),
    ],
)
def test_a_broken_promise_is_named(renderer, promise):
    with pytest.raises(ContractError) as caught:
        check_renderer(renderer, durations_s=(0.2, 0.5))
    assert caught.value.promise == promise


def test_equal_durations_show_a_wrong_order_too():
    with pytest.raises(ContractError) as caught:
        check_renderer(Reversing, durations_s=(0.5,))
    assert caught.value.promise == "batch"


class Reversing(NoiseRenderer):
    def render(self, requests):
        return super().render(requests)[::-1]


def test_an_author_may_allow_a_difference():
    class Trembling(Altered):
        numbers = count()
        changes = {"audio": lambda sound: sound.audio + np.float32(1e-6 * (next(Trembling.numbers) % 3))}  # noqa: RUF012

    with pytest.raises(ContractError, match="samples differ by"):
        check_renderer(Trembling, durations_s=(0.2,))
    check_renderer(Trembling, durations_s=(0.2,), tolerance=1e-5)


def test_an_error_that_ends_a_run_is_not_a_broken_promise():
    class Away(NoiseRenderer):
        def prepare(self):
            raise CopilotError("the server is away")

    with pytest.raises(CopilotError, match=r"^the server is away$"):
        check_renderer(Away)


def test_a_renderer_that_clones_gets_a_recording():
    class Cloning(MurmurRenderer):
        info = RendererInfo(clones=True)
        heard: set[str] = set()  # noqa: RUF012

        def voices(self):
            return []

        def make_noise(self, request):
            if request.reference is None:
                return RenderFailure("no-reference", "nothing shows the voice")
            self.heard.add(request.reference.transcript)
            assert request.reference.path.read_bytes().startswith(b"RIFF")
            return super().make_noise(request)

    check_renderer(Cloning, durations_s=(0.2,))
    assert Cloning.heard == {"One two three four five."}


def test_settings_are_turned_into_what_they_are():
    class Settings(FrozenModel):
        level: float = 1.0

    class Levelled(NoiseRenderer):
        info = RendererInfo(settings=Settings)
        levels: list[float] = []  # noqa: RUF012

        def __init__(self, settings: Settings) -> None:
            self.levels.append(settings.level)

    check_renderer(Levelled, {"level": "0.5"}, texts=CAPTIONS[:1], durations_s=(0.2,))
    assert Levelled.levels == [0.5, 0.5]
