from __future__ import annotations

import io
import json
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import numpy as np
import pytest
import soundfile as sf
from pydantic import ValidationError

from copilot.errors import CopilotError, RowFault, UserError
from renderers.contract import RenderedSound, Renderer, RenderFailure, RenderRequest, get_info
from renderers.registry import create
from renderers.speech_api.audio import decode
from renderers.speech_api.renderer import SpeechApiRenderer
from renderers.speech_api.settings import SpeechApiSettings
from renderers.testing import check_renderer

pytest.importorskip("openai")

RATE_HZ = 22_050
KEY = "sk-secret-1234"
SERVER_TEXT = "the server is told to fail"


def tone(text: str, n_channels: int = 1) -> np.ndarray:
    """16-bit samples that depend on the text alone: (samples, channels)."""
    n_samples = 100 * len(text)
    one = np.arange(n_samples, dtype=np.int32) * 37 % 20_000 - 10_000
    return np.repeat(one.astype(np.int16)[:, np.newaxis], n_channels, axis=1)


def audio_file(text: str, kind: str = "wav", n_channels: int = 1) -> bytes:
    if kind == "pcm":
        return tone(text).astype("<i2").tobytes()
    buffer = io.BytesIO()
    sf.write(buffer, tone(text, n_channels), RATE_HZ, format=kind.upper(), subtype="PCM_16")
    return buffer.getvalue()


def heard(text: str) -> np.ndarray:
    return tone(text).T.astype(np.float32) / 32_768


@dataclass(frozen=True)
class Says:
    """An answer that is not the right one. Without a status the connection is reset."""

    status: int | None = 200
    body: bytes = b""
    content_type: str = "audio/wav"
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False


def status(code: int, message: str = SERVER_TEXT, error_code: str | None = None, **headers: str) -> Says:
    body = json.dumps({"error": {"message": message, "code": error_code}}).encode()
    return Says(code, body, "application/json", headers)


RESET = Says(None)
HANG = Says(hangs=True)


class SpeechServer:
    """Answers each text with its tone; before that, with what is planned for the text."""

    def __init__(self) -> None:
        self.planned: dict[str, list[Says]] = defaultdict(list)
        self.models: Says = Says(404, b"{}", "application/json")
        self.asked: list[dict] = []
        self.authorizations: set[str | None] = set()
        self.released = threading.Event()
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.authorizations.add(self.headers.get("Authorization"))
                self.answer(server.models)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path != "/v1/audio/speech":
                    return self.answer(status(404, "no such path"))
                with server._lock:
                    server.asked.append(body)
                    planned = server.planned[body["input"]]
                    says = planned.pop(0) if planned else None
                server.authorizations.add(self.headers.get("Authorization"))
                return self.answer(says or Says(body=audio_file(body["input"], body["response_format"])))

            def answer(self, says: Says) -> None:
                if says.hangs:
                    server.released.wait()
                if says.status is None or says.hangs:
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.close_connection = True
                    return
                self.send_response(says.status)
                self.send_header("Content-Type", says.content_type)
                self.send_header("Content-Length", str(len(says.body)))
                for name, value in says.headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(says.body)

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self.released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[SpeechServer]:
    server = SpeechServer()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch):
    for name in ("COPILOT_TTS_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def waits() -> list[float]:
    return []


@contextmanager
def speaking(url: str, waits: list[float], **settings) -> Iterator[SpeechApiRenderer]:
    renderer = SpeechApiRenderer(SpeechApiSettings(url=url, **settings), sleep=waits.append)
    try:
        yield renderer
    finally:
        renderer.close()


@pytest.fixture
def renderer(server, waits) -> Iterator[SpeechApiRenderer]:
    with speaking(server.url, waits, timeout_s=20) as renderer:
        yield renderer


def saying(text: str, **more) -> RenderRequest:
    return RenderRequest(text, 4.0, random_seed=1, **{"voice": "nova", "gender": "female", **more})


def test_it_is_a_renderer_that_the_registry_makes_from_a_url(server):
    made = create(f"speech-api:{server.url}", "tts", {"voices": "af_sky:female, am_adam:male"})
    assert isinstance(made, Renderer)
    assert [(voice.name, voice.gender, voice.emotions) for voice in made.voices()] == [
        ("af_sky", "female", ()),
        ("am_adam", "male", ()),
    ]


def test_each_request_of_a_batch_is_answered_in_order(server, renderer):
    texts = [f"{'word ' * n}end" for n in range(30, 0, -1)]
    answers = renderer.render([saying(text) for text in texts])
    assert [answer.rate_hz for answer in answers] == [RATE_HZ] * 30
    for text, answer in zip(texts, answers, strict=True):
        assert answer.audio.dtype == np.float32
        np.testing.assert_array_equal(answer.audio, heard(text))
    assert len(server.asked) == 30


def test_a_request_holds_what_every_server_knows(server, renderer):
    (answer,) = renderer.render([saying("hello", emotion="calm")])
    assert server.asked == [{"model": "tts-1", "input": "hello", "voice": "nova", "response_format": "wav"}]
    assert answer.detail == {"model": "tts-1", "voice": "nova"}
    assert server.authorizations == {"Bearer EMPTY"}


def test_the_emotion_is_sent_as_instructions_where_that_is_set(server, waits):
    emotions = ("calm", "angry", "whispered", None)
    with speaking(server.url, waits, instructions=True, concurrency=1, speed=1.25) as renderer:
        answers = renderer.render([saying("hello", emotion=emotion) for emotion in emotions])
        assert "whispered" in renderer.voices()[0].emotions
    sent = ["Speak in a calm voice.", "Speak in an angry voice.", "Whisper.", None]
    assert [body.get("instructions") for body in server.asked] == sent
    assert [answer.detail.get("instructions") for answer in answers] == sent
    assert {body["speed"] for body in server.asked} == {1.25}


@pytest.mark.parametrize("kind", ["wav", "flac", "pcm"])
def test_every_format_gives_the_same_samples(server, waits, kind):
    with speaking(server.url, waits, response_format=kind) as renderer:
        (answer,) = renderer.render([saying("hello")])
    np.testing.assert_array_equal(answer.audio, heard("hello"))
    assert answer.rate_hz == (24_000 if kind == "pcm" else RATE_HZ)


def test_a_server_that_gives_wav_instead_of_pcm_is_understood(server, waits):
    server.planned["hello"] = [Says(body=audio_file("hello"))]
    with speaking(server.url, waits, response_format="pcm") as renderer:
        (answer,) = renderer.render([saying("hello")])
    assert answer.rate_hz == RATE_HZ
    np.testing.assert_array_equal(answer.audio, heard("hello"))


@pytest.mark.parametrize("kind", ["flac", "ogg", "mp3", "aiff"])
def test_a_server_that_gives_another_file_is_understood(server, waits, kind):
    text = "hello " * 20
    buffer = io.BytesIO()
    sf.write(buffer, tone(text), 24_000, format=kind.upper())
    for response_format in ("pcm", "wav"):
        server.planned[text] = [Says(body=buffer.getvalue(), content_type="audio/mpeg")]
        with speaking(server.url, waits, response_format=response_format) as renderer:
            (answer,) = renderer.render([saying(text)])
        assert (answer.rate_hz, answer.audio.shape) == (24_000, heard(text).shape)


def test_a_request_without_a_voice_gets_one_of_its_gender_by_its_seed(server, renderer):
    requests = [RenderRequest("hello", 4.0, seed, gender="male") for seed in range(40)]
    renderer.render(requests)
    drawn = [body["voice"] for body in server.asked]
    assert set(drawn) == {"ash", "echo", "onyx"}
    server.asked.clear()
    renderer.render(requests)
    assert sorted(body["voice"] for body in server.asked) == sorted(drawn)


def test_a_voice_that_there_is_not_is_a_failure_of_its_request(server, renderer):
    bad, good = renderer.render([saying("a", voice="zoe"), saying("b")])
    assert bad.reason == "unknown-voice"
    assert "'zoe'" in bad.detail
    assert isinstance(good, RenderedSound)
    assert [body["input"] for body in server.asked] == ["b"]


@pytest.mark.parametrize(
    "fault",
    [status(500), status(503), status(429), status(408), status(409), RESET],
    ids=lambda f: f"{f.status}",
)
def test_what_may_pass_is_tried_again(server, renderer, waits, fault):
    server.planned["hello"] = [fault, fault]
    (answer,) = renderer.render([saying("hello")])
    np.testing.assert_array_equal(answer.audio, heard("hello"))
    assert len(server.asked) == 3
    assert 0.25 <= waits[0] <= 0.5 <= waits[1] <= 1.0


def test_a_server_is_given_the_time_that_it_asks_for_up_to_a_minute(server, renderer, waits):
    asked = ("7", "3600", "Sat, 21 Nov 2026 12:00:00 GMT")
    server.planned["hello"] = [status(429, Retry_After=value) for value in asked]
    (answer,) = renderer.render([saying("hello")])
    assert isinstance(answer, RenderedSound)
    assert 7.25 <= waits[0] <= 7.5
    assert 60.5 <= waits[1] <= 61
    assert 1 <= waits[2] <= 2


def test_a_rate_limit_is_waited_for_and_costs_no_sound(server, renderer, waits):
    server.planned["hello"] = [status(429)] * 20
    (sound,) = renderer.render([saying("hello")])
    assert isinstance(sound, RenderedSound)
    assert max(waits) <= 30


def test_a_server_that_stays_too_busy_ends_the_run_and_rejects_nothing(server, renderer, waits):
    for text in ("a", "b"):
        server.planned[text] = [status(429)] * 100
    with pytest.raises(CopilotError, match="429") as caught:
        renderer.render([saying("a"), saying("b")])
    assert not isinstance(caught.value, UserError)
    assert 2 * 600 < sum(waits) < 2 * 800


def test_what_does_not_pass_fails_that_request_and_no_other(server, renderer, waits):
    server.planned["bad"] = [status(500)] * 4
    server.planned["torn"] = [RESET] * 4
    bad, good, torn = renderer.render([saying("bad"), saying("good"), saying("torn")])
    assert bad == RenderFailure("server-error", f"500, {SERVER_TEXT}")
    assert isinstance(good, RenderedSound)
    assert torn.reason == "server-error"
    assert torn.detail.startswith("no connection (")
    assert len(server.asked) == 4 + 1 + 4
    assert len(waits) == 6


def test_an_answer_that_takes_too_long_is_none(server, waits):
    server.planned["hello"] = [HANG] * 4
    with speaking(server.url, waits, timeout_s=0.2) as renderer:
        answers = renderer.render([saying("hello"), saying("good")])
    assert answers[0] == RenderFailure("server-error", "no answer within 0.2 s")
    assert isinstance(answers[1], RenderedSound)


@pytest.mark.parametrize("code", [400, 403, 404, 422])
def test_a_refusal_of_one_text_fails_that_one(server, renderer, waits, code):
    server.planned["bad"] = [status(code, "no such voice")]
    assert renderer.render([saying("bad")]) == [RenderFailure("refused", f"{code}, no such voice")]
    assert [body["input"] for body in server.asked] == ["bad", "Yes."]
    assert waits == []


@pytest.mark.parametrize(
    ("code", "message", "error_code"),
    [(400, "flagged", "content_policy_violation"), (413, "too large", None)],
)
def test_a_refusal_whose_words_tell_that_it_is_of_one_text_needs_no_trial(
    server, renderer, code, message, error_code
):
    server.planned["bad"] = [status(code, message, error_code)]
    (failure,) = renderer.render([saying("bad")])
    assert failure == RenderFailure("refused", f"{code}, {message}")
    assert len(server.asked) == 1


def test_an_error_with_status_200_is_a_refusal_too(server, renderer):
    body = json.dumps({"error": {"code": "content_filter", "message": "not this"}}).encode()
    server.planned["bad"] = [Says(body=body, content_type="application/json")]
    (failure,) = renderer.render([saying("bad")])
    assert failure == RenderFailure("refused", "200, not this")


@pytest.mark.parametrize(
    ("says", "field"),
    [
        (status(400, "unknown field response_format"), "tts_settings"),
        (status(404, "The model tts-1 does not exist", "model_not_found"), "tts_settings"),
        (status(404, "Not Found"), "tts"),
    ],
)
def test_a_refusal_of_every_text_ends_the_run(server, renderer, says, field):
    server.planned["bad"], server.planned["Yes."] = [says], [says]
    with pytest.raises(UserError) as caught:
        renderer.render([saying("bad")])
    assert caught.value.field == field


def test_a_socks_proxy_without_its_package_is_refused_before_anything_starts(monkeypatch):
    monkeypatch.setattr("renderers.http_environment.find_spec", lambda _: None)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(UserError, match="ALL_PROXY"):
        SpeechApiRenderer(SpeechApiSettings(url="http://localhost:8000/v1"))


@pytest.mark.parametrize("code", [401, 403])
def test_a_key_that_is_not_taken_ends_the_run_without_telling_it(server, waits, monkeypatch, code):
    monkeypatch.setenv("COPILOT_TTS_API_KEY", KEY)
    server.planned["hello"] = [status(code, f"wrong key {KEY}")]
    with speaking(server.url, waits) as renderer, pytest.raises(UserError) as caught:
        renderer.render([saying("hello")])
    assert f"({code}, wrong key ***); set COPILOT_TTS_API_KEY" in str(caught.value)
    assert KEY not in str(caught.value)
    assert server.authorizations == {f"Bearer {KEY}"}


def test_a_server_that_wants_a_key_says_so_before_the_first_request(server, renderer):
    server.models = status(401, "who are you")
    with pytest.raises(UserError, match=r"it wants a key .401, who are you.; set COPILOT_TTS_API_KEY"):
        renderer.prepare()


def test_a_quota_that_is_used_up_ends_the_run(server, renderer, waits):
    server.planned["hello"] = [status(429, "no money", "insufficient_quota")]
    with pytest.raises(UserError, match="429, no money"):
        renderer.render([saying("hello")])
    assert waits == []


@pytest.mark.parametrize(
    ("says", "detail"),
    [
        (Says(), "the answer is empty"),
        (Says(body=b"no sound"), "8 bytes of type audio/wav, cannot be decoded"),
        (Says(body=b'{"detail": "x"}', content_type="application/json"), 'application/json: {"detail": "x"}'),
        (Says(body=b"<html>", content_type="text/html"), "the answer is text/html: <html>"),
        (Says(body=audio_file("")), "is empty"),
        (Says(body=audio_file("hello")[:-100]), "cut off: 900 of 1000 bytes of sound"),
        (Says(body=audio_file("hello")[:30]), "cannot be decoded"),
    ],
)
def test_an_answer_that_is_no_sound_is_a_failure_of_its_request(server, renderer, says, detail):
    server.planned["hello"] = [says]
    failure, sound = renderer.render([saying("hello"), saying("good")])
    assert failure.reason == "bad-audio"
    assert detail in failure.detail
    assert isinstance(sound, RenderedSound)


def test_two_channels_stay_two(server, renderer):
    server.planned["hello"] = [Says(body=audio_file("hello", n_channels=2))]
    (answer,) = renderer.render([saying("hello")])
    np.testing.assert_array_equal(answer.audio, np.repeat(heard("hello"), 2, axis=0))


def test_half_a_sample_at_the_end_of_a_raw_stream_is_left_out():
    raw = audio_file("hello", "pcm") + b"\x01"
    np.testing.assert_array_equal(decode(raw, "audio/pcm", "pcm")[0], heard("hello"))
    with pytest.raises(RowFault, match="bad-audio: the answer is audio without a sample"):
        decode(b"\x01", "audio/pcm", "pcm")


def test_an_answer_of_several_pieces_is_heard_to_its_end(server, renderer):
    text = "hello " * 10
    wav = audio_file(text)
    first = wav[:40] + struct.pack("<I", 1_000) + wav[44:]
    server.planned["pieces"] = [Says(body=first)]
    server.planned["files"] = [Says(body=audio_file("one") + audio_file("three"))]
    pieces, files = renderer.render([saying("pieces"), saying("files")])
    np.testing.assert_array_equal(pieces.audio, heard(text))
    np.testing.assert_array_equal(files.audio, np.hstack([heard("one"), heard("three")]))


def test_the_model_is_looked_for_where_the_server_lists_models(server, waits):
    listed = json.dumps({"object": "list", "data": [{"id": "kokoro"}, {"id": "xtts"}]}).encode()
    server.models = Says(200, listed, "application/json")
    with speaking(server.url, waits, model="kokoro") as renderer:
        renderer.prepare()
    with speaking(server.url, waits) as renderer, pytest.raises(UserError) as caught:
        renderer.prepare()
    assert caught.value.field == "tts_settings"
    assert "'tts-1'" in str(caught.value)
    assert "available: kokoro, xtts" in str(caught.value)


@pytest.mark.parametrize(
    "models",
    [
        status(404),
        status(500),
        Says(200, b"<html>", "text/html"),
        Says(200, b"[]", "application/json"),
        Says(200, b'{"data": ["a"]}', "application/json"),
        Says(200, b'{"data": null}', "application/json"),
    ],
)
def test_a_server_need_not_list_its_models(server, renderer, models):
    server.models = models
    renderer.prepare()
    (sound,) = renderer.render([saying("hello")])
    assert np.array_equal(sound.audio, heard("hello"))


def test_it_keeps_the_contract_of_a_renderer(server):
    check_renderer(SpeechApiRenderer, {"url": server.url})


def a_url_where_nothing_listens() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


def test_no_server_is_found_out_when_preparing(waits):
    url = a_url_where_nothing_listens()
    with speaking(url, waits) as renderer, pytest.raises(CopilotError) as caught:
        renderer.prepare()
    assert str(caught.value).startswith(f"speech-api {url}: no connection (ConnectError: ")
    assert str(caught.value).endswith("; start the server, and run the same command again")
    assert len(waits) == 3


def test_a_server_that_is_gone_ends_the_run_and_rejects_nothing(waits):
    with speaking(a_url_where_nothing_listens(), waits) as renderer:
        with pytest.raises(CopilotError, match="start the server"):
            renderer.render([saying("a"), saying("b")])
        assert renderer.render([]) == []


def test_openais_key_goes_to_openai_alone(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    urls = {
        "https://api.openai.com/v1": KEY,
        "http://api.openai.com/v1": None,
        "https://api.openai.com.example.org/v1": None,
        "http://localhost:8000/v1": None,
    }
    made = {url: SpeechApiRenderer(SpeechApiSettings(url=url)) for url in urls}
    assert {url: renderer._connection.key for url, renderer in made.items()} == urls
    monkeypatch.setenv("COPILOT_TTS_API_KEY", "own")
    assert {SpeechApiRenderer(SpeechApiSettings(url=url))._connection.key for url in urls} == {"own"}


def test_a_key_that_can_be_none_is_refused_without_telling_it(monkeypatch):
    monkeypatch.setenv("COPILOT_TTS_API_KEY", "schlüssel")
    with pytest.raises(UserError, match="set COPILOT_TTS_API_KEY") as caught:
        SpeechApiRenderer(SpeechApiSettings(url="http://localhost:8000/v1"))
    assert "schlüssel" not in str(caught.value)


def test_the_fingerprint_holds_what_changes_the_sound_and_nothing_else(monkeypatch):
    def fingerprint(**settings) -> dict[str, str]:
        return SpeechApiRenderer(SpeechApiSettings(**{"url": "http://h:8000/v1", **settings})).fingerprint()

    plain = fingerprint()
    assert plain == {
        "backend": "speech-api",
        "version": "1",
        "server": "h:8000/v1",
        "model": "tts-1",
        "voices": "ash:male,coral:female,echo:male,nova:female,onyx:male,sage:female,shimmer:female",
        "instructions": "false",
        "response_format": "wav",
        "speed": "1",
    }
    monkeypatch.setenv("COPILOT_TTS_API_KEY", KEY)
    assert fingerprint(concurrency=64, timeout_s=5, url="http://h:8000/v1/") == plain
    assert fingerprint(server="h:8000/v1", url="http://elsewhere/v1") == plain
    differing = [
        plain,
        fingerprint(url="http://elsewhere/v1"),
        fingerprint(server="ours"),
        fingerprint(model="kokoro"),
        fingerprint(voices="onyx:male"),
        fingerprint(instructions=True),
        fingerprint(response_format="flac"),
        fingerprint(speed=1.5),
    ]
    assert all(one != other for one, other in pairwise(differing))
    assert len({json.dumps(one) for one in differing}) == len(differing)


@pytest.mark.parametrize(
    "url",
    [
        f"http://user:{KEY}@localhost:8000/v1",
        f"http://localhost:8000/v1?key={KEY}",
        f"http://localhost:8000/v1#{KEY}",
        f"ftp://user:{KEY}@localhost/v1",
        f"http://user:{KEY}@localhost:port/v1",
    ],
)
def test_a_url_with_a_secret_is_refused_without_telling_it(url):
    with pytest.raises(UserError) as caught:
        create(f"speech-api:{url}", "tts")
    assert caught.value.field == "tts"
    assert "speech-api" in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"voices": "alloy"}, "each voice needs its gender, such as alloy:female,onyx:male"),
        ({"voices": ""}, "at least 1"),
        ({"response_format": "mp3"}, "'wav', 'flac' or 'pcm'"),
        ({"concurrency": "0"}, "greater than or equal to 1"),
        ({"nothing": 1}, "unknown setting 'nothing'; available: url, model, voices"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        create("speech-api:http://h/v1", "tts", settings)


def test_a_voice_has_one_of_the_two_genders():
    with pytest.raises(ValidationError, match="Input should be 'female' or 'male'"):
        SpeechApiSettings(url="http://h/v1", voices="alloy:none")


def test_the_url_has_to_be_given():
    with pytest.raises(UserError, match="speech-api:URL") as caught:
        create("speech-api", "tts")
    assert caught.value.field == "tts"


def test_what_is_known_of_it_stands_on_the_class():
    known = get_info(SpeechApiRenderer)
    assert (known.extra, known.modules, known.target) == ("speech-api", ("openai", "httpx2"), "url")
    # The largest batch whose requests all take their whole time is done before the deadline.
    rounds = known.batch_s / known.least_s / SpeechApiSettings(url="http://h/v1").concurrency
    assert rounds * SpeechApiSettings(url="http://h/v1").timeout_s <= known.deadline_s
