"""Speech from any server that has OpenAI's POST /v1/audio/speech.

Requests run beside each other; each has its own answer. Faults that may pass (no connection, too busy, an
error of the server) are retried; a refusal is the failure of that request; a key that the server does not
accept, and a server that is gone, end the run. The protocol has no random seed: equal requests do not give
equal sounds. No message, fingerprint or provenance holds the key.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from copilot.emotions import Emotion
from copilot.errors import CopilotError, MissingExtraError, RowFault, UserError
from copilot.frozen_model import FrozenModel
from copilot.hashing import draw
from copilot.language import ENGLISH, normalise_tag
from copilot.scene import Gender
from copilot.server_url import hide_secrets
from copilot.units import Seconds
from renderers.contract import RenderedSound, RendererInfo, RenderFailure, RenderRequest, Tool, Voice
from renderers.http_environment import check_environment, describe_connection_error
from renderers.openai_client import make_headers
from renderers.openai_errors import read_error
from renderers.openai_protocol import (
    ANY_KEY,
    CONNECT_S,
    NO_KEY,
    FaultError,
    RefusedError,
    UnreachableError,
    check_key,
    clean,
    is_openais,
    is_server_url,
    list_nearest,
)
from renderers.speech_api.audio import decode

if TYPE_CHECKING:
    import openai

T = TypeVar("T")

_KEY = "COPILOT_TTS_API_KEY"
_TRIES = 4
_FIRST_WAIT_S: Seconds = 0.5
_LONGEST_WAIT_S: Seconds = 60.0

# OpenAI names no genders: these are as most listeners hear them. Left out are `alloy` and `fable`, on whom
# listeners differ, and voices that tts-1 does not have.
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
    """The server, the model, the voices, and the form of requests."""

    url: str = Field(description="The API's root, such as http://HOST:8000/v1.")
    model: str = Field(default="tts-1", min_length=1, description="The model's name at the server.")
    voices: Mapping[str, Gender] = Field(
        default=_VOICES, min_length=1, description="The voices to cast: alloy:female,onyx:male."
    )
    languages: tuple[str, ...] = Field(
        default=(ENGLISH,), description="The languages that the voices speak: en,de. It changes no sound."
    )
    instructions: bool = Field(default=False, description="Send the emotion as `instructions`.")
    response_format: Literal["wav", "flac", "pcm"] = Field(
        default="wav", description="pcm is raw: 16 bit, mono, 24 kHz."
    )
    speed: float = Field(default=1.0, ge=0.25, le=4.0, description="1 is the voice's own.")
    server: str | None = Field(
        default=None, description="Name of the server in the stems' keys (default: its host, port and path)."
    )
    concurrency: int = Field(default=8, ge=1, le=1024, description="Requests in flight for each worker.")
    timeout_s: Seconds = Field(default=60.0, gt=0, description="Limit for one request.")

    @field_validator("url")
    @classmethod
    def _check_url(cls, given: str) -> str:
        # UserError passes through pydantic, whose own message would show the URL with a password in it.
        place = hide_secrets(given)
        if not is_server_url(given):
            raise UserError(
                f"speech-api: {place} is not a server's URL; give one such as http://HOST:8000/v1",
                field="tts",
            )
        parts = urlsplit(given)
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise UserError(
                f"speech-api: {place} has a user or a query; give the API's root alone, and a key as {_KEY}",
                field="tts",
            )
        return given.rstrip("/")

    @field_validator("languages", mode="before")
    @classmethod
    def _read_languages(cls, given: object) -> object:
        tags = given.split(",") if isinstance(given, str) else given
        return [normalise_tag(str(tag)) for tag in tags] if isinstance(tags, list | tuple) else given

    @field_validator("voices", mode="before")
    @classmethod
    def _split_line(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        pairs = [entry.strip().rpartition(":") for entry in given.split(",") if entry.strip()]
        if not all(name for name, _, _ in pairs):
            raise ValueError("each voice needs its gender, such as alloy:female,onyx:male")
        return {name.strip(): gender.strip() for name, _, gender in pairs}


class SpeechApiRenderer:
    """Speaks `tts` requests by a server. `sleep` waits between tries.

    A request without a voice gets one of its gender, drawn by its random seed.
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
        # At most 128 requests in a batch: enough for many at once, and done before the deadline.
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
        check_environment()
        self._key = _find_key(settings.url)
        self._client: openai.OpenAI | None = None
        self._n_answers = 0

    def fingerprint(self) -> dict[str, str]:
        """Return server, model, voices and the form of requests; neither key nor concurrency nor time-out."""
        ours = self._settings
        return {
            "backend": self.name,
            "version": "1",
            # Two servers may serve different models under one name, above all under `tts-1`. If a server
            # moves, or has replicas, the setting `server` names it.
            "server": ours.server or ours.url.partition("://")[2],
            "model": ours.model,
            "voices": ",".join(f"{name}:{gender}" for name, gender in sorted(ours.voices.items())),
            "instructions": str(ours.instructions).lower(),
            "response_format": ours.response_format,
            "speed": f"{ours.speed:g}",
        }

    def prepare(self) -> None:
        """Connect. Raises UserError for a missing extra, key or model, CopilotError for a missing server."""
        try:
            listed = self._retry(self._list_models)
        except UnreachableError as error:
            raise self._gone_error(error) from None
        except RefusedError as refused:
            if refused.meaning in {"key", "quota"}:
                raise self._explain(refused) from None
            return  # a server need not list its models; it has answered
        except FaultError:
            return
        if listed and self._settings.model not in listed:
            raise UserError(
                f"{self._where} does not serve {self._settings.model!r}; choose `model`; available: "
                f"{list_nearest(listed, self._settings.model)}",
                field="tts_settings",
            )

    def voices(self) -> Sequence[Voice]:
        """Return the voices of the settings; they have emotions only if `instructions` are sent."""
        emotions = get_args(Emotion) if self._settings.instructions else ()
        languages = self._settings.languages
        return [
            Voice(name, gender, emotions, languages=languages)
            for name, gender in self._settings.voices.items()
        ]

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Return an answer to each request, in order.

        Raises UserError for a wrong key, CopilotError if the server is gone.
        """
        self._open()
        answers: list[RenderedSound | RenderFailure] = []
        lost: list[UnreachableError] = []
        pool = ThreadPoolExecutor(self._settings.concurrency, "speech-api")
        try:
            for future in [pool.submit(self._render, request) for request in requests]:
                try:
                    answers.append(future.result())
                except UnreachableError as error:
                    lost.append(error)
                    answers.append(RenderFailure("server-error", str(error)))
        finally:
            pool.shutdown(cancel_futures=True)
        if lost and len(lost) == len(requests):
            raise self._gone_error(lost[-1])  # all others would fail as these did
        return answers

    def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    @property
    def _where(self) -> str:
        return f"speech-api {self._settings.url}"

    def _gone_error(self, error: UnreachableError) -> CopilotError:
        return CopilotError(f"{self._where}: {error}; start the server, and run the same command again")

    def _open(self) -> openai.OpenAI:
        if self._client is None:
            try:
                import httpx2  # noqa: PLC0415 - an extra, which takes a second to import
                import openai  # noqa: PLC0415 - so does this
            except ImportError:
                raise MissingExtraError("the renderer speech-api", "speech-api") from None
            check_environment()
            n_most, timeout_s = self._settings.concurrency, self._settings.timeout_s
            timeout = httpx2.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s), pool=None)
            limits = httpx2.Limits(max_connections=n_most, max_keepalive_connections=n_most)
            self._client = openai.OpenAI(
                api_key=self._key or NO_KEY,
                base_url=self._settings.url,
                http_client=openai.DefaultHttpxClient(limits=limits, timeout=timeout),
                timeout=timeout,
                max_retries=0,
                default_headers=make_headers(self._settings.url, self._key),
            )
        return self._client

    def _render(self, request: RenderRequest) -> RenderedSound | RenderFailure:
        """Raises UserError for a refusal of all requests, UnreachableError if no try found a server."""
        n_before = self._n_answers
        try:
            body = self._body(request)
            try:
                content_type, data = self._retry(lambda: self._request_speech(body))
            except RefusedError as refused:
                if self._is_of_all(refused, body, n_before):
                    raise self._explain(refused) from None
                return RenderFailure("refused", str(refused))
            self._n_answers += 1
            audio, rate_hz = decode(data, content_type, self._settings.response_format)
        except RowFault as fault:
            return RenderFailure(fault.reason, clean(fault.detail, self._key))
        except UnreachableError:
            raise
        except FaultError as error:
            return RenderFailure("server-error", str(error))
        recorded = ("model", "voice", "instructions")
        return RenderedSound(audio, rate_hz, detail={name: body[name] for name in recorded if name in body})

    def _is_of_all(self, refused: RefusedError, body: Mapping[str, Any], n_before: int) -> bool:
        """Return whether a refusal is of all requests: by its words, or if a trivial request is refused too.

        Raises FaultError if the server does not answer.
        """
        if refused.meaning in {"key", "quota", "model"}:
            return True
        if refused.meaning in {"content", "context"} or self._n_answers > n_before:
            return False
        try:
            self._retry(lambda: self._request_speech({**body, "input": "Yes."}))
        except RefusedError:
            return True
        self._n_answers += 1
        return False

    def _body(self, request: RenderRequest) -> dict[str, Any]:
        ours = self._settings
        body: dict[str, Any] = {
            "model": ours.model,
            "input": request.text,
            "voice": _choose_voice(request, ours.voices),
            "response_format": ours.response_format,
        }
        if ours.speed != 1.0:
            body["speed"] = ours.speed
        if ours.instructions and request.emotion:
            body["instructions"] = _write_instructions(request.emotion)
        return body

    def _list_models(self) -> list[str]:
        """Return the models that the server lists; none if it answers something else."""
        import httpx2  # noqa: PLC0415 - was installed with openai

        response = self._open().get("/models", cast_to=httpx2.Response)
        try:
            said = response.json()
            return [str(model["id"]) for model in (said["data"] if isinstance(said, dict) else said)]
        except (ValueError, TypeError, KeyError):
            return []

    def _request_speech(self, body: Mapping[str, Any]) -> tuple[str, bytes]:
        """Return the answer's content type and content."""
        ends_at = time.monotonic() + self._settings.timeout_s
        data = bytearray()
        with self._open().audio.speech.with_streaming_response.create(**body) as response:
            for chunk in response.iter_bytes():
                data += chunk
                # The library's own time-out starts again with every byte.
                if time.monotonic() > ends_at:
                    raise FaultError(self._too_slow)
            return response.headers.get("content-type", ""), bytes(data)

    def _retry(self, ask: Callable[[], T]) -> T:
        """Return the result of `ask`, after a few tries. Raises UserError, FaultError, RefusedError."""
        n_tried = 0
        while True:
            try:
                return self._try_once(ask)
            except FaultError as error:
                n_tried += 1
                if n_tried == _TRIES:
                    raise
                given_s = min(error.retry_after_s or 0.0, _LONGEST_WAIT_S)
                # No two requests wait equally long: they would come back together.
                own_s = _FIRST_WAIT_S * 2 ** (n_tried - 1) * self._rng.uniform(0.5, 1.0)
                self._sleep(given_s + own_s)

    def _try_once(self, ask: Callable[[], T]) -> T:
        import httpx2  # noqa: PLC0415 - was imported when the client was opened
        import openai  # noqa: PLC0415

        try:
            return ask()
        except (openai.APITimeoutError, httpx2.TimeoutException) as error:
            if isinstance(error.__cause__, httpx2.ConnectTimeout):
                raise UnreachableError("no connection in time") from None
            raise FaultError(self._too_slow) from None
        except (openai.APIConnectionError, httpx2.HTTPError) as error:
            cause = error.__cause__ or error
            gone = isinstance(cause, httpx2.ConnectError | httpx2.ProxyError)
            kind = UnreachableError if gone else FaultError
            raise kind(describe_connection_error(error, self._key, self._settings.url)) from None
        except openai.APIStatusError as error:
            response = error.response
            raise read_error(response.status_code, response.text, response.headers, self._key) from None

    def _explain(self, refused: RefusedError) -> UserError:
        """Return the error that ends the run for a refusal of all requests."""
        match refused.meaning:
            case "key":
                given = "it does not accept the key" if self._key else "it wants a key"
                return UserError(f"{self._where}: {given} ({refused}); set {_KEY}")
            case "quota":
                return UserError(f"{self._where}: {refused}; add credit or raise its limit")
            case "model":
                return UserError(f"{self._where}: {refused}; choose `model`", field="tts_settings")
            case "address":
                return UserError(
                    f"{self._where}: {refused}; it does not speak there; give the API's root of a speech "
                    "server, such as http://HOST:8000/v1",
                    field="tts",
                )
        return UserError(
            f"{self._where}: {refused}; it refuses every request in this form", field="tts_settings"
        )

    @property
    def _too_slow(self) -> str:
        return f"no answer within {self._settings.timeout_s:g} s"


def _find_key(url: str) -> str | None:
    """Return the key for a server: OpenAI's own only for OpenAI, and only over an encrypted connection."""
    given = os.environ.get(_KEY) or (os.environ.get(ANY_KEY) if is_openais(url) else None)
    return check_key(given, _KEY)


def _choose_voice(request: RenderRequest, voices: Mapping[str, Gender]) -> str:
    if request.voice is None:
        fitting = sorted(name for name, gender in voices.items() if gender == request.gender)
        return draw(fitting or sorted(voices), "speech-api voice", request.random_seed)
    if request.voice not in voices:
        raise RowFault("unknown-voice", f"{request.voice!r}; available: {', '.join(voices)}")
    return request.voice


def _write_instructions(emotion: str) -> str:
    if emotion == "whispered":
        return "Whisper."
    return f"Speak in {'an' if emotion[0] in 'aeiou' else 'a'} {emotion} voice."
