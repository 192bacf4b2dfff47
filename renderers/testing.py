"""A check that a renderer keeps the contract, for its author; and two small renderers for tests.

Call it in a test of your own package: `check_renderer(MySounds, {"colour": "pink"})`. It needs no test
framework, and renders some forty short sounds.
"""

from __future__ import annotations

import re
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

import numpy as np

from copilot import plugins
from copilot.errors import ContractError, CopilotError
from copilot.scene import Gender
from copilot.units import Seconds
from copilot.vocabulary import Word
from renderers.contract import (
    Reference,
    RenderedSound,
    Renderer,
    RendererInfo,
    RenderFailure,
    RenderRequest,
    Tool,
    Voice,
    get_info,
)

Promise = Literal[
    "info", "construction", "members", "fingerprint", "prepare", "voices", "answers", "failures", "layout",
    "words", "duration", "repeatable", "batch", "order", "bad-request", "close",
]  # fmt: skip
"""Promises of a renderer; `docs/backends.md` has a line for each."""

CAPTIONS = ("rain on a tin roof", "a dog barks twice", "a door slams", "birds sing in the distance")
SENTENCES = (
    "Mind the gap.",
    "The last ferry leaves at nine, and it waits for nobody.",
    "Run!",
    "Did you hear that?",
)
ODD_TEXTS = (
    "",
    " \t\n ",
    "\N{VIOLIN} \N{ZERO WIDTH SPACE} \N{RIGHT-TO-LEFT MARK} 1.5e-3 {'a': [\"b\"]} <|end|> \0",
    "word after word " * 200,
)
DURATIONS_S = (0.2, 1.0, 2.5, 8.0)
"""Down to the shortest and up to the longest that a scene has by default."""

_LONGEST_ERROR_S: Seconds = 0.001
_MEMBERS = ("name", "tool", "fingerprint", "prepare", "voices", "render", "close")
_KEBAB_CASE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

Answer = RenderedSound | RenderFailure


def check_renderer(
    renderer: Any,  # noqa: ANN401 - a class or a function of anybody's
    settings: Mapping[str, Any] | None = None,
    *,
    texts: Sequence[str] | None = None,
    odd_texts: Sequence[str] = ODD_TEXTS,
    durations_s: Sequence[Seconds] = DURATIONS_S,
    reference: Reference | None = None,
    tolerance: float = 0.0,
) -> None:
    """Check that a renderer keeps the contract of `renderers.contract`.

    `renderer` is the class, which is constructed with the settings, or a function without arguments that
    returns a new renderer. `texts` have to be texts of which at least one has a sound; default: captions or
    sentences. A backend that clones voices gets `reference`; default: a made recording. Samples of the same
    request may differ by `tolerance` (full scale is 1); default: not at all.

    Raises ContractError with the name of the first promise that is broken, UserError for settings that the
    renderer does not take, and CopilotError as the renderer does if it cannot work here.
    """
    one, other = _construct(renderer, settings), _construct(renderer, settings)
    try:
        with _provide_reference(one, reference) as shown:
            trial = _Trial(one, shown, tolerance)
            trial.check_description(other)
            trial.check_loading()
            trial.check_sounds(
                other, trial.make_requests(texts or _choose_texts(one), durations_s), odd_texts
            )
    finally:
        one.close()
        other.close()
    _call("close", "it cannot be closed twice", one.close)


def _construct(make: Any, settings: Mapping[str, Any] | None) -> Renderer:  # noqa: ANN401
    declared = getattr(make, "info", RendererInfo())
    if not isinstance(declared, RendererInfo):
        raise ContractError("info", f"`info` is a {type(declared).__name__}; it must be a RendererInfo")
    arguments: tuple[Any, ...] = ()
    if isinstance(make, type) and declared.settings is not None:
        arguments = (plugins.check_settings(declared.settings, settings or {}, "settings"),)
    renderer: Renderer = _call("construction", "it cannot be constructed", make, *arguments)
    if missing := [member for member in _MEMBERS if not hasattr(renderer, member)]:
        raise ContractError("members", f"it has no {', '.join(missing)}")
    return renderer


def _call(promise: Promise, what: str, function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401
    """Call what may only raise CopilotError."""
    try:
        return function(*arguments)
    except CopilotError:
        raise
    except Exception as error:
        raise ContractError(promise, f"{what}: {plugins.describe_exception(error)}") from error


def _choose_texts(renderer: Renderer) -> Sequence[str]:
    return SENTENCES if renderer.tool == "tts" else CAPTIONS


@contextmanager
def _provide_reference(renderer: Renderer, given: Reference | None) -> Iterator[Reference | None]:
    """Yield the recording of a voice if the renderer clones: the given one, or five bursts of noise."""
    if given is not None or not get_info(renderer).clones:
        yield given
        return
    with TemporaryDirectory(prefix="audiocopilot-check-") as folder:
        path = Path(folder) / "voice.wav"
        level = np.abs(np.sin(np.linspace(0.0, 5 * np.pi, 72_000)))
        sound = 0.1 * level * np.random.default_rng(1).standard_normal(level.size)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(24_000)
            file.writeframes((sound * 32_767).astype("<i2").tobytes())
        content = sha256(path.read_bytes()).hexdigest()
        yield Reference(path, "One two three four five.", content, licence="CC0")


@dataclass(frozen=True)
class _Trial:
    """One renderer, what its voices are shown by, and the largest difference of equal sounds."""

    renderer: Renderer
    reference: Reference | None
    tolerance: float

    def check_description(self, other: Renderer) -> None:
        """Check name, tool, fingerprint and voices, before anything is loaded."""
        renderer = self.renderer
        if not isinstance(renderer.name, str) or not renderer.name:
            raise ContractError("members", f"its name is {renderer.name!r}; it must be a text")
        if renderer.tool not in get_args(Tool):
            raise ContractError("members", f"its tool is {renderer.tool!r}; it must be sfx or tts")
        if renderer.tool not in (get_info(renderer).tools or get_args(Tool)):
            raise ContractError("info", f"its tool is {renderer.tool!r}, which `info.tools` does not name")
        self._check_fingerprint(other)
        self._check_voices()

    def _check_fingerprint(self, other: Renderer) -> None:
        renderers = (self.renderer, self.renderer, other)
        first, again, others = (_call("fingerprint", "it raises", one.fingerprint) for one in renderers)
        if not isinstance(first, dict) or not all(
            isinstance(text, str) for pair in first.items() for text in pair
        ):
            raise ContractError("fingerprint", f"{first!r} is not a dict of texts")
        if not first.get("backend"):
            raise ContractError("fingerprint", "it names no `backend`")
        if not first == again == others:
            raise ContractError("fingerprint", "it differs from call to call, or from renderer to renderer")

    def _check_voices(self) -> None:
        voices = list(_call("voices", "it raises", self.renderer.voices))
        if not all(isinstance(voice, Voice) for voice in voices):
            raise ContractError("voices", f"{voices!r} are not all a Voice")
        if self.renderer.tool == "sfx" and voices:
            raise ContractError("voices", "a renderer for sfx has voices")
        if self.renderer.tool == "tts" and not voices and not get_info(self.renderer).clones:
            raise ContractError("voices", "it neither has voices nor says that it clones them")
        if len({voice.name for voice in voices}) < len(voices):
            raise ContractError("voices", "two voices have the same name")
        if wrong := [voice.name for voice in voices if voice.gender not in get_args(Gender)]:
            raise ContractError("voices", f"{wrong[0]} is neither female nor male")

    def check_loading(self) -> None:
        """Check that it can be prepared, also twice, and that its fingerprint stays the same."""
        before = self.renderer.fingerprint()
        for _ in range(2):
            _call("prepare", "it raises", self.renderer.prepare)
        if self.renderer.fingerprint() != before:
            raise ContractError("fingerprint", "it is another one after `prepare`")

    def make_requests(self, texts: Sequence[str], durations_s: Sequence[Seconds]) -> list[RenderRequest]:
        """Return requests with durations that are not in order, each with its own seed."""
        n_requests = max(len(texts), len(durations_s))
        shuffled = [*durations_s[1::2], *durations_s[::2]]
        return [
            self._make_request(texts[n % len(texts)], shuffled[n % len(shuffled)], 100 + n)
            for n in range(n_requests)
        ]

    def _make_request(self, text: str, duration_s: Seconds, random_seed: int) -> RenderRequest:
        request = RenderRequest(text, duration_s, random_seed)
        if self.renderer.tool == "sfx":
            return request
        voices = self.renderer.voices()
        voice = voices[random_seed % len(voices)] if voices else Voice("check", "female")
        return replace(
            request, voice=voice.name, gender=voice.gender, emotion="neutral", reference=self.reference
        )

    def check_sounds(self, other: Renderer, requests: Sequence[RenderRequest], odd: Sequence[str]) -> None:
        """Check batches of ordinary requests, and then requests that may have no sound."""
        together = self.render(requests)
        if not any(isinstance(answer, RenderedSound) for answer in together):
            raise ContractError("answers", f"no ordinary request has a sound: {together[0]}")
        self._require_same(requests, together, self.render(requests), "repeatable", "the same batch again")
        alone = [self.render([request])[0] for request in requests]
        self._require_same(requests, together, alone, "batch", "a batch of its own")
        turned = self.render(requests[::-1])[::-1]
        self._require_same(requests, together, turned, "order", "another order of the batch")
        if self.render([]):
            raise ContractError("answers", "an empty batch has answers")
        self._check_odd_requests(requests, together, odd)
        _call("prepare", "a second renderer raises", other.prepare)
        others = replace(self, renderer=other).render(requests)
        self._require_same(requests, together, others, "repeatable", "a second renderer")

    def _check_odd_requests(
        self, requests: Sequence[RenderRequest], together: Sequence[Answer], texts: Sequence[str]
    ) -> None:
        odd = [self._make_request(text, 1.0, 200 + n) for n, text in enumerate(texts)]
        if self.renderer.tool == "tts":
            odd.append(replace(odd[0], text=SENTENCES[0], voice="nobody", reference=None))
        for request in odd:
            mixed = self.render([requests[0], request, *requests[1:]], "bad-request")
            rest = [mixed[0], *mixed[2:]]
            self._require_same(requests, together, rest, "bad-request", f"a batch with {request.text[:20]!r}")

    def render(self, requests: Sequence[RenderRequest], promise: Promise = "answers") -> list[Answer]:
        """Return the answers to a batch, each of them checked."""
        try:
            answers = self.renderer.render(requests)
        except CopilotError as error:
            if promise == "answers":
                raise
            raise ContractError(promise, f"one bad request ends the run: {error}") from error
        except Exception as error:
            raise ContractError(promise, f"`render` raises {plugins.describe_exception(error)}") from error
        if not isinstance(answers, list) or len(answers) != len(requests):
            n_answers = len(answers) if isinstance(answers, list) else repr(answers)
            raise ContractError("answers", f"{len(requests)} requests have {n_answers} answers")
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, RenderFailure):
                _check_failure(request, answer)
            elif isinstance(answer, RenderedSound):
                _check_sound(request, answer, self.renderer.tool)
            else:
                raise ContractError(
                    "answers", f"{_name(request)} has a {type(answer).__name__} for an answer"
                )
        return answers

    def _require_same(
        self,
        requests: Sequence[RenderRequest],
        ones: Sequence[Answer],
        others: Sequence[Answer],
        promise: Promise,
        what: str,
    ) -> None:
        for request, one, other in zip(requests, ones, others, strict=True):
            if difference := _compare(one, other, self.tolerance):
                raise ContractError(promise, f"{what} gives another answer to {_name(request)}: {difference}")


def _name(request: RenderRequest) -> str:
    return f"{request.text[:40]!r} ({request.duration_s:g} s)"


def _check_failure(request: RenderRequest, failure: RenderFailure) -> None:
    if not _KEBAB_CASE.fullmatch(failure.reason):
        raise ContractError("failures", f"the reason {failure.reason!r} is not in kebab-case")
    if not isinstance(failure.detail, str) or not failure.detail:
        raise ContractError("failures", f"{_name(request)} fails without a detail")


def _check_sound(request: RenderRequest, sound: RenderedSound, tool: Tool) -> None:
    audio, name = sound.audio, _name(request)
    if not isinstance(audio, np.ndarray) or audio.dtype != np.float32:
        kind = audio.dtype if isinstance(audio, np.ndarray) else type(audio).__name__
        raise ContractError("layout", f"the sound of {name} is {kind}, not float32")
    if audio.ndim != 2 or audio.shape[0] not in {1, 2} or not audio.shape[1]:
        raise ContractError(
            "layout", f"the sound of {name} has the shape {audio.shape}; it must be (1 or 2, samples)"
        )
    if not isinstance(sound.rate_hz, int) or sound.rate_hz <= 0:
        raise ContractError("layout", f"the rate of {name} is {sound.rate_hz!r}; it must be an integer")
    if not np.isfinite(audio).all():
        raise ContractError("layout", f"the sound of {name} is not finite")
    if not all(isinstance(text, str) for pair in sound.detail.items() for text in pair):
        raise ContractError("layout", f"the detail of {name} is not made of texts: {dict(sound.detail)}")
    duration_s = audio.shape[1] / sound.rate_hz
    if tool == "sfx" and abs(duration_s - request.duration_s) > _LONGEST_ERROR_S:
        raise ContractError("duration", f"the sound of {name} is {duration_s:.4f} s long")
    _check_words(name, sound.words, duration_s)


def _check_words(name: str, words: Sequence[Word], duration_s: Seconds) -> None:
    if not all(0 <= word.start_s <= word.end_s <= duration_s + _LONGEST_ERROR_S for word in words):
        raise ContractError("words", f"a word of {name} ends before it starts, or lies outside the sound")
    if any(first.start_s > second.start_s for first, second in pairwise(words)):
        raise ContractError("words", f"the words of {name} are not in the order of their starts")


def _compare(one: Answer, other: Answer, tolerance: float) -> str:
    """Return the first difference of two answers, for messages; empty if they are the same."""
    if isinstance(one, RenderFailure) or isinstance(other, RenderFailure):
        return "" if one == other else f"{one} and {other}"
    if one.audio.shape != other.audio.shape or one.rate_hz != other.rate_hz:
        return f"{one.audio.shape} at {one.rate_hz} Hz and {other.audio.shape} at {other.rate_hz} Hz"
    largest = float(np.abs(one.audio - other.audio).max())
    if largest > tolerance:
        return f"samples differ by {largest:.2g}"
    described = [(sound.matched, sound.words, dict(sound.detail)) for sound in (one, other)]
    return "" if described[0] == described[1] else f"{described[0]} and {described[1]}"


class NoiseRenderer:
    """A renderer for tests: noise from the request's random seed."""

    name = "noise"
    tool: Tool = "sfx"
    fill = 1.0
    """The share of the requested duration that is filled."""

    def fingerprint(self) -> dict[str, str]:
        """Return name and version."""
        return {"backend": self.name, "version": "1"}

    def prepare(self) -> None:
        """Load nothing."""

    def voices(self) -> Sequence[Voice]:
        """Return no voices."""
        return ()

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Return one sound per request, mono, at 48 kHz."""
        return [self.make_noise(request) for request in requests]

    def make_noise(self, request: RenderRequest) -> RenderedSound:
        """Return the sound of one request."""
        rng = np.random.default_rng(request.random_seed)
        sound = rng.standard_normal((1, round(request.duration_s * self.fill * 48_000))) * 0.1
        return RenderedSound(sound.astype(np.float32), 48_000)

    def close(self) -> None:
        """Release nothing."""


class MurmurRenderer(NoiseRenderer):
    """A renderer of speech for tests: noise that leaves a tenth of the room free."""

    name = "murmur"
    tool: Tool = "tts"
    fill = 0.9

    def voices(self) -> Sequence[Voice]:
        """Return three voices."""
        return (Voice("anna", "female"), Voice("berta", "female"), Voice("carl", "male"))
