"""Speech from any server that has OpenAI's POST /v1/audio/speech.

Requests run beside each other; each has its own answer. A refusal of one text is the failure of that request;
a refusal of all, such as of the key, and a server that is gone, end the run. The protocol has no random seed:
equal requests do not give equal sounds. No message, fingerprint or provenance holds the key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_args

from copilot.emotions import Emotion
from copilot.errors import CopilotError, RowFault, UserError
from copilot.hashing import draw
from copilot.scene import Gender
from copilot.units import Seconds
from renderers.contract import RenderedSound, RendererInfo, RenderFailure, RenderRequest, Tool, Voice
from renderers.openai_protocol import (
    BusyError,
    FaultError,
    RefusedError,
    UnreachableError,
    clean,
    list_nearest,
)
from renderers.speech_api.audio import decode
from renderers.speech_api.connection import SpeechConnection
from renderers.speech_api.settings import KEY, SpeechApiSettings


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
        self._connection = SpeechConnection(settings, sleep)
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
            listed = self._connection.list_models()
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
        self._connection.open()
        answers: list[RenderedSound | RenderFailure] = []
        lost: list[FaultError] = []
        pool = ThreadPoolExecutor(self._settings.concurrency, "speech-api")
        try:
            for future in [pool.submit(self._render, request) for request in requests]:
                try:
                    answers.append(future.result())
                except (UnreachableError, BusyError) as error:
                    lost.append(error)
                    answers.append(RenderFailure("server-error", str(error)))
        finally:
            pool.shutdown(cancel_futures=True)
        if lost and len(lost) == len(requests):
            raise self._gone_error(lost[-1])  # all others would fail as these did
        return answers

    def close(self) -> None:
        """Close all connections."""
        self._connection.close()

    @property
    def _where(self) -> str:
        return f"speech-api {self._settings.url}"

    def _gone_error(self, error: FaultError) -> CopilotError:
        if isinstance(error, BusyError):
            return CopilotError(
                f"{self._where}: {error}; it is too busy: lower `concurrency`, and run the same command again"
            )
        return CopilotError(f"{self._where}: {error}; start the server, and run the same command again")

    def _render(self, request: RenderRequest) -> RenderedSound | RenderFailure:
        """Raises UserError for a refusal of all requests, UnreachableError, BusyError if no try succeeds."""
        n_before = self._n_answers
        try:
            body = self._body(request)
            try:
                content_type, data = self._connection.request_speech(body)
            except RefusedError as refused:
                if self._is_of_all(refused, body, n_before):
                    raise self._explain(refused) from None
                return RenderFailure("refused", str(refused))
            self._n_answers += 1
            audio, rate_hz = decode(data, content_type, self._settings.response_format)
        except RowFault as fault:
            return RenderFailure(fault.reason, clean(fault.detail, self._connection.key))
        except (UnreachableError, BusyError):
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
            self._connection.request_speech({**body, "input": "Yes."})
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

    def _explain(self, refused: RefusedError) -> UserError:
        """Return the error that ends the run for a refusal of all requests."""
        match refused.meaning:
            case "key":
                given = "it does not accept the key" if self._connection.key else "it wants a key"
                return UserError(f"{self._where}: {given} ({refused}); set {KEY}")
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
