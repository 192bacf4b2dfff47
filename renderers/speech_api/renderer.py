"""Speech from any server that has OpenAI's POST /v1/audio/speech.

Requests run beside each other; each answers on its own. What may pass (no connection, too busy, a fault of
the server) is tried again; what the server refuses is that request's failure; a key that it does not take,
and a server that is gone, end the run. The protocol knows no random seed: equal requests are not equal
sounds. No message, fingerprint or provenance holds the key.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from copilot.emotions import Emotion
from copilot.errors import CopilotError, MissingExtraError, RowFault, UserError
from copilot.frozen_model import FrozenModel
from copilot.hashing import draw
from copilot.scene import Gender
from copilot.units import Seconds
from renderers.contract import RenderedSound, RendererInfo, RenderFailure, RenderRequest, Tool, Voice
from renderers.speech_api.audio import decoded

if TYPE_CHECKING:
    import openai

T = TypeVar("T")

_KEY = "COPILOT_TTS_API_KEY"
_TRIES = 4
_FIRST_WAIT_S: Seconds = 0.5
_LONGEST_WAIT_S: Seconds = 60.0
_CONNECT_S: Seconds = 10.0
_SHOWN_CHARS = 300

# OpenAI tells no gender: these are as most listeners hear them. `alloy` and `fable`, on whom they differ, and
# voices that tts-1 does not have are left out.
_VOICES: Mapping[str, Gender] = {
    "ash": "male",
    "coral": "female",
    "echo": "male",
    "nova": "female",
    "onyx": "male",
    "sage": "female",
    "shimmer": "female",
}


class SpeechApiSettings(FrozenModel):
    """Which server, model and voices, and how they are asked."""

    url: str = Field(description="The API's root, such as http://HOST:8000/v1.")
    model: str = Field(default="tts-1", min_length=1, description="The model's name at the server.")
    voices: Mapping[str, Gender] = Field(
        default=_VOICES, min_length=1, description="The voices to cast: alloy:female,onyx:male."
    )
    instructions: bool = Field(default=False, description="Send the emotion as `instructions`.")
    response_format: Literal["wav", "flac", "pcm"] = Field(
        default="wav", description="pcm is raw: 16 bit, mono, 24 kHz."
    )
    speed: float = Field(default=1.0, ge=0.25, le=4.0, description="1 is the voice's own.")
    server: str | None = Field(
        default=None, description="Names the server in the stems' keys; its host, port and path without it."
    )
    concurrency: int = Field(default=8, ge=1, le=1024, description="Requests at once, a worker.")
    timeout_s: Seconds = Field(default=60.0, gt=0, description="What one request may take.")

    @field_validator("url")
    @classmethod
    def _is_a_servers(cls, given: str) -> str:
        # UserError passes through pydantic, whose own message would show the URL with a password in it.
        place = given.rpartition("@")[2].partition("?")[0].partition("#")[0]
        try:
            parts = urlsplit(given)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if host is None or parts.scheme not in {"http", "https"}:
            raise UserError(f"speech-api: {place}: not a URL of a server, such as http://HOST:8000/v1")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise UserError(
                f"speech-api: {place}: give the API's root alone, without user or query, and a key as {_KEY}"
            )
        return given.rstrip("/")

    @field_validator("voices", mode="before")
    @classmethod
    def _from_a_line(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        pairs = [entry.strip().rpartition(":") for entry in given.split(",") if entry.strip()]
        if not all(name for name, _, _ in pairs):
            raise ValueError("each voice needs its gender, such as alloy:female,onyx:male")
        return {name.strip(): gender.strip() for name, _, gender in pairs}


class SpeechApiRenderer:
    """Speaks `tts` requests by a server. `sleep` waits between tries.

    A request without a voice gets one of its gender, by its seed.
    """

    info = RendererInfo(
        summary="Speech from a server with OpenAI's /v1/audio/speech",
        extra="speech-api",
        modules=("openai", "httpx2"),
        licence="Apache-2.0",
        model="whatever the server serves",
        model_licence="that of the server's model, or its terms of use",
        settings=SpeechApiSettings,
        target="url",
        # At most 128 requests a batch: enough for many at once, and done before the deadline.
        batch_s=1024.0,
        least_s=8.0,
        deadline_s=1800.0,
    )
    name = "speech-api"
    tool: Tool = "tts"

    def __init__(
        self, settings: SpeechApiSettings, *, sleep: Callable[[Seconds], object] = time.sleep
    ) -> None:
        self._settings = settings
        self._sleep = sleep
        self._rng = random.Random()  # noqa: S311 - waits, not secrets
        self._key = _key_for(settings.url)
        self._client: openai.OpenAI | None = None

    def fingerprint(self) -> dict[str, str]:
        """Server, model, voices and how they are asked. Neither key, nor concurrency, nor time-out."""
        ours = self._settings
        return {
            "backend": self.name,
            "version": "1",
            # Two servers may serve different models under one name, above all under `tts-1`. Where one and
            # the same moves, or has replicas, the setting `server` names it.
            "server": ours.server or ours.url.partition("://")[2],
            "model": ours.model,
            "voices": ",".join(f"{name}:{gender}" for name, gender in sorted(ours.voices.items())),
            "instructions": str(ours.instructions).lower(),
            "response_format": ours.response_format,
            "speed": f"{ours.speed:g}",
        }

    def prepare(self) -> None:
        """Connect. Raises UserError for a missing extra, a wrong key or model, CopilotError for no server."""
        try:
            listed = self._tried(self._listed)
        except _UnreachableError as error:
            raise self._gone(error) from None
        except (_FaultError, _RefusedError):
            return  # a server need not list its models; it is there
        if listed and self._settings.model not in listed:
            raise UserError(
                f"{self._where}: it has no model {self._settings.model!r}, but {', '.join(listed)}; "
                "choose one with --tts-set model=NAME"
            )

    def voices(self) -> Sequence[Voice]:
        """Those of the settings; they have emotions only where `instructions` are sent."""
        emotions = get_args(Emotion) if self._settings.instructions else ()
        return [Voice(name, gender, emotions) for name, gender in self._settings.voices.items()]

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Speech for each request, in order. Raises UserError for a key, CopilotError for a server gone."""
        self._opened()
        answers: list[RenderedSound | RenderFailure] = []
        lost: list[_UnreachableError] = []
        pool = ThreadPoolExecutor(self._settings.concurrency, "speech-api")
        try:
            for future in [pool.submit(self._render, request) for request in requests]:
                try:
                    answers.append(future.result())
                except _UnreachableError as error:
                    lost.append(error)
                    answers.append(RenderFailure("server-error", str(error)))
        finally:
            pool.shutdown(cancel_futures=True)
        if lost and len(lost) == len(requests):
            raise self._gone(lost[-1])  # all would fail as these did, and be rejected for nothing
        return answers

    def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    @property
    def _where(self) -> str:
        return f"speech-api {self._settings.url}"

    def _gone(self, error: _UnreachableError) -> CopilotError:
        return CopilotError(f"{self._where}: {error}; start the server, and run the same command again")

    def _opened(self) -> openai.OpenAI:
        if self._client is None:
            try:
                import httpx2  # noqa: PLC0415 - an extra, which takes a second to import
                import openai  # noqa: PLC0415 - so does this
            except ImportError:
                raise MissingExtraError("the renderer speech-api", "speech-api") from None
            n_most, timeout_s = self._settings.concurrency, self._settings.timeout_s
            timeout = httpx2.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s), pool=None)
            limits = httpx2.Limits(max_connections=n_most, max_keepalive_connections=n_most)
            self._client = openai.OpenAI(
                # The library sends no request without a key; servers that need none take any.
                api_key=self._key or "EMPTY",
                base_url=self._settings.url,
                http_client=openai.DefaultHttpxClient(limits=limits, timeout=timeout),
                timeout=timeout,
                max_retries=0,
            )
        return self._client

    def _render(self, request: RenderRequest) -> RenderedSound | RenderFailure:
        """Raises UserError for a key, _UnreachableError where no try found a server."""
        try:
            body = self._body(request)
            content_type, data = self._tried(lambda: self._asked(body))
            audio, rate_hz = decoded(data, content_type, self._settings.response_format)
        except RowFault as fault:
            return RenderFailure(fault.reason, self._clean(fault.detail))
        except _RefusedError as error:
            return RenderFailure("refused", str(error))
        except _UnreachableError:
            raise
        except _FaultError as error:
            return RenderFailure("server-error", str(error))
        told = ("model", "voice", "instructions")
        return RenderedSound(audio, rate_hz, detail={name: body[name] for name in told if name in body})

    def _body(self, request: RenderRequest) -> dict[str, Any]:
        ours = self._settings
        body: dict[str, Any] = {
            "model": ours.model,
            "input": request.text,
            "voice": _voice_for(request, ours.voices),
            "response_format": ours.response_format,
        }
        if ours.speed != 1.0:
            body["speed"] = ours.speed
        if ours.instructions and request.emotion:
            body["instructions"] = _instructions(request.emotion)
        return body

    def _listed(self) -> list[str]:
        """The models that the server lists; none where it answers something else."""
        import httpx2  # noqa: PLC0415 - was installed with openai

        response = self._opened().get("/models", cast_to=httpx2.Response)
        try:
            return [str(model["id"]) for model in response.json()["data"]]
        except (ValueError, TypeError, KeyError):
            return []

    def _asked(self, body: Mapping[str, Any]) -> tuple[str, bytes]:
        """The answer's content type and content."""
        ends_at = time.monotonic() + self._settings.timeout_s
        data = bytearray()
        with self._opened().audio.speech.with_streaming_response.create(**body) as response:
            for chunk in response.iter_bytes():
                data += chunk
                # The library's own time-out begins anew with every byte.
                if time.monotonic() > ends_at:
                    raise _FaultError(self._too_slow)
            return response.headers.get("content-type", ""), bytes(data)

    def _tried(self, ask: Callable[[], T]) -> T:
        """What `ask` gives, tried a few times. Raises UserError, _FaultError, _RefusedError."""
        n_tried = 0
        while True:
            try:
                return self._answer(ask)
            except _FaultError as error:
                n_tried += 1
                if n_tried == _TRIES:
                    raise
                asked_s = min(error.retry_after_s or 0.0, _LONGEST_WAIT_S)
                # No two wait for the same time: they would come back together.
                own_s = _FIRST_WAIT_S * 2 ** (n_tried - 1) * self._rng.uniform(0.5, 1.0)
                self._sleep(asked_s + own_s)

    def _answer(self, ask: Callable[[], T]) -> T:
        import httpx2  # noqa: PLC0415 - was imported when the client was opened
        import openai  # noqa: PLC0415

        try:
            return ask()
        except (openai.APITimeoutError, httpx2.TimeoutException) as error:
            if isinstance(error.__cause__, httpx2.ConnectTimeout):
                raise _UnreachableError("no connection in time") from None
            raise _FaultError(self._too_slow) from None
        except (openai.APIConnectionError, httpx2.HTTPError) as error:
            cause = error.__cause__ or error
            kind = _UnreachableError if isinstance(cause, httpx2.ConnectError) else _FaultError
            raise kind(self._clean(f"no connection ({type(cause).__name__}: {cause})")) from None
        except openai.APIStatusError as error:
            self._raise_status(error)

    def _raise_status(self, error: openai.APIStatusError) -> NoReturn:
        status, body = error.status_code, error.body
        said = body.get("message") if isinstance(body, dict) else body
        text = self._clean(f"{status}, {said if isinstance(said, str) and said else error.response.text}")
        if status in {401, 403}:
            given = "it does not take the key" if self._key else "it wants a key"
            raise UserError(f"{self._where}: {given} ({text}); set {_KEY}") from None
        if status == 429 and error.code == "insufficient_quota":
            raise UserError(f"{self._where}: {text}; no request will be answered before it is paid") from None
        if status in {408, 409, 429} or status >= 500:
            raise _FaultError(text, _seconds(error.response.headers.get("retry-after"))) from None
        raise _RefusedError(text) from None

    @property
    def _too_slow(self) -> str:
        return f"no answer within {self._settings.timeout_s:g} s"

    def _clean(self, said: str) -> str:
        """What a server said, in one short line, without the key if it says that too."""
        line = " ".join((said.replace(self._key, "***") if self._key else said).split())
        return line if len(line) <= _SHOWN_CHARS else f"{line[:_SHOWN_CHARS]}..."


class _FaultError(Exception):
    """A server gave no answer; it may give one later."""

    def __init__(self, message: str, retry_after_s: Seconds | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class _UnreachableError(_FaultError):
    """There is no server to connect to."""


class _RefusedError(Exception):
    """A server's answer is that it does not accept what it is asked."""


def _key_for(url: str) -> str | None:
    """The key for a server: never OpenAI's for another's, nor over a line that anybody reads."""
    parts = urlsplit(url)
    openais = parts.scheme == "https" and parts.hostname == "api.openai.com"
    given = os.environ.get(_KEY) or (os.environ.get("OPENAI_API_KEY") if openais else None)
    key = (given or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UserError(f"the API key: holds characters that no key can hold; set {_KEY} anew")
    return key or None


def _voice_for(request: RenderRequest, voices: Mapping[str, Gender]) -> str:
    if request.voice is None:
        fitting = sorted(name for name, gender in voices.items() if gender == request.gender)
        return draw(fitting or sorted(voices), "speech-api voice", request.random_seed)
    if request.voice not in voices:
        raise RowFault("unknown-voice", f"there is no voice {request.voice!r}, but {', '.join(voices)}")
    return request.voice


def _instructions(emotion: str) -> str:
    if emotion == "whispered":
        return "Whisper."
    return f"Speak in {'an' if emotion[0] in 'aeiou' else 'a'} {emotion} voice."


def _seconds(retry_after: str | None) -> Seconds | None:
    # It may be a date as well: then the usual wait has to do.
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
