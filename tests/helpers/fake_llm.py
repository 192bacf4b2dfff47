"""A small server that speaks OpenAI's protocol as vLLM does, and fails on demand.

It answers a chat request with an instance of the request's JSON Schema, drawn by its seed and the number of
the request (from 0), or, if it is `steady`, by its seed and the chat, so that equal requests get equal
answers. Without `response_format` the schema is that of the last fenced ```json block.

    async with FakeLlm() as server: ...       in a test's own event loop
    with serving() as server: ...             in a thread; `stop()` and `start()` kill and restart it
    python -m helpers.fake_llm                a process, in tests/: GET /stats, POST /stats/reset
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, Self

from aiohttp import web

from copilot.hashing import content_hash
from helpers.fake_schema import UnknownSchemaError, draw, fenced_schema


@dataclass(frozen=True)
class HttpFault:
    """The request does not end in a chat completion."""

    kind: Literal["status", "html", "drop-before-headers", "drop-after-headers", "hang"]
    status: int = 500
    message: str = "the server is told to fail"
    retry_after: str | None = None
    body: Any = None
    """The whole body, in place of one with the message."""


@dataclass(frozen=True)
class ReplyFault:
    """The reply is not what it should be: `say` makes its content of the right JSON value.

    `more` are further fields of the message.
    """

    say: Callable[[Any], Any] = json.dumps
    finish_reason: str | None = "stop"
    more: Mapping[str, Any] = field(default_factory=dict)


Fault = HttpFault | ReplyFault
Plan = Callable[[int, dict[str, Any]], Fault | None] | Mapping[int, Fault | None] | Sequence[Fault | None]
"""Which request fails, and how: by its number, or by a function of its number and body."""

HTML = HttpFault("html")
DROP_BEFORE_HEADERS = HttpFault("drop-before-headers")
DROP_AFTER_HEADERS = HttpFault("drop-after-headers")
HANG = HttpFault("hang")


def http_status(status: int, message: str = "told to fail", retry_after: str | None = None) -> Fault:
    return HttpFault("status", status, message, retry_after)


def error_body(status: int, body: Any) -> Fault:
    """An answer with this body, such as an error as another server writes it."""
    return HttpFault("status", status, body=body)


def ending(finish_reason: str | None) -> Fault:
    """The right reply, with another finish reason."""
    return ReplyFault(finish_reason=finish_reason)


def truncated(n_chars: int = 20) -> Fault:
    return ReplyFault(lambda value: json.dumps(value)[:n_chars], "length")


def saying(text: str | None, finish_reason: str = "stop") -> Fault:
    return ReplyFault(lambda _: text, finish_reason)


def _on_first_text(value: Any, change: Callable[[str], Any]) -> Any:
    """Return the same value with its first text changed; the value itself if it has none."""
    changed = False

    def visit(part: Any) -> Any:
        nonlocal changed
        if isinstance(part, dict):
            return {key: visit(inner) for key, inner in part.items()}
        if isinstance(part, list):
            return [visit(inner) for inner in part]
        if isinstance(part, str) and not changed:
            changed = True
            return change(part)
        return part

    return visit(value)


WHITESPACE = saying("{" + " \n" * 500, "length")
CONTROL_CHARACTERS = ReplyFault(
    lambda value: json.dumps(_on_first_text(value, lambda text: text + "@@")).replace("@@", "\n\t")
)
FENCED = ReplyFault(lambda value: f"Here is the JSON:\n```json\n{json.dumps(value, indent=2)}\n```\nEnjoy!")
SINGLE_QUOTES = ReplyFault(repr)
TRAILING_COMMAS = ReplyFault(lambda value: json.dumps(value).replace("}", ",}").replace("]", ",]"))
WRONG_TYPE = ReplyFault(lambda value: json.dumps(_on_first_text(value, lambda _: ["not", "a", "text"])))
EXTRA_KEY = ReplyFault(lambda value: json.dumps({**value, "unasked": 1}))
EMPTY = saying("")
NULL_CONTENT = saying(None)
NOT_JSON = saying("I am sorry, I cannot do that.")


class Load:
    """Counts requests, and those in flight at once, since the first one or the last reset."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._since: float | None = None
        self.reset()
        self._since = None

    def reset(self) -> None:
        self.requests, self.peak, self._area = 0, self.in_flight, 0.0
        self._since = self._at = time.monotonic()

    def change(self, by: int) -> None:
        now = time.monotonic()
        if self._since is None:
            self._since = self._at = now
        self._area += self.in_flight * (now - self._at)
        self._at = now
        self.in_flight += by
        self.peak = max(self.peak, self.in_flight)
        self.requests += by > 0

    def read(self) -> dict[str, float]:
        """`mean_in_flight` is weighted by time."""
        now = time.monotonic()
        seconds = now - self._since if self._since is not None else 0.0
        area = self._area + self.in_flight * (now - self._at)
        return {
            "requests": self.requests,
            "in_flight": self.in_flight,
            "peak_in_flight": self.peak,
            "mean_in_flight": area / seconds if seconds else 0.0,
            "seconds": seconds,
        }


class FakeLlm:
    """The server, in the event loop that opens it. Everything public can be set while it runs.

    It works on as many requests at once as it has `slots` (default: on all), each for `latency_s`; the others
    wait in the order in which they came. `refuses` names the kinds of `response_format` that are answered
    with 400, and what else of a request is: `max_tokens`, `temperature`, `top_p`, `system`. `metrics=False`
    takes `/metrics` and `/version` away. `listed` is the body of `/models` if it is another, or a fault; None
    for 404.
    `pages` are texts at other paths, or in place of the server's own; an empty one is 404. `bodies` and
    `headers` hold the last chat requests.
    """

    def __init__(
        self,
        *,
        model: str = "tiny",
        max_model_len: int = 32_768,
        seed: int = 0,
        steady: bool = False,
        latency_s: float = 0.0,
        slots: int = 1_000_000,
        faults: Plan = (),
        key: str | None = None,
        refuses: Sequence[str] = (),
        metrics: bool = True,
        listed: Any = ...,
        pages: Mapping[str, str] | None = None,
        port: int = 0,
        n_kept: int = 1000,
    ) -> None:
        self.model, self.max_model_len, self.latency_s = model, max_model_len, latency_s
        self.seed, self.steady, self.slots = seed, steady, slots
        self.faults, self.key, self.refuses, self.metrics, self.port = faults, key, refuses, metrics, port
        self.listed, self.pages = listed, pages or {}
        self.bodies: deque[dict[str, Any]] = deque(maxlen=n_kept)
        self.headers: deque[dict[str, str]] = deque(maxlen=n_kept)
        self.load = Load()
        self.requests = 0
        self.tokens = dict.fromkeys(("prompt", "generation", "prefix_cache_queries", "prefix_cache_hits"), 0)
        self._systems_seen: set[str] = set()
        self._runner: web.AppRunner | None = None

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Listen; on the same port as before, after a close."""
        self._loop = asyncio.get_running_loop()
        self._released = asyncio.Event()
        self._free_slots = asyncio.Semaphore(self.slots)
        app = web.Application(client_max_size=64 * 2**20)
        gets = {
            "/v1/models": self._models,
            "/health": self._health,
            "/version": self._version,
            "/metrics": self._metrics,
            "/stats": self._stats,
            **dict.fromkeys(self.pages, self._page),
        }
        app.add_routes(
            [
                web.post("/v1/chat/completions", self._chat),
                web.post("/stats/reset", self._reset),
                *(web.get(path, handler) for path, handler in gets.items()),
            ]
        )
        # A client that hangs up cancels its handler, as in vLLM.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.01)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await self._site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening and drop every connection, like a server that is killed."""
        if self._runner is None:
            return
        await self._site.stop()
        for protocol in self._runner.server.connections if self._runner.server else ():
            if protocol.transport is not None:
                protocol.transport.abort()
        await self._runner.cleanup()
        self._runner = None

    def release(self) -> None:
        """Let hanging requests continue. Safe from any thread."""
        self._loop.call_soon_threadsafe(self._released.set)

    def stats(self) -> dict[str, float]:
        return self.load.read()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        number, self.requests = self.requests, self.requests + 1
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        self.load.change(+1)
        try:
            async with self._free_slots:
                if self.latency_s:
                    await asyncio.sleep(self.latency_s)
                return await self._answer(request, number, body)
        finally:
            self.load.change(-1)

    async def _answer(self, request: web.Request, number: int, body: dict[str, Any]) -> web.StreamResponse:
        fault = self._fault(number, body)
        if isinstance(fault, HttpFault):
            response = await self._fail(request, fault)
            if response is not None:
                return response
        return self._refusal(request, body) or self._reply(number, body, fault)

    def _fault(self, number: int, body: dict[str, Any]) -> Fault | None:
        if callable(self.faults):
            return self.faults(number, body)
        if isinstance(self.faults, Mapping):
            return self.faults.get(number)
        return self.faults[number] if number < len(self.faults) else None

    async def _fail(self, request: web.Request, fault: HttpFault) -> web.StreamResponse | None:
        """Return the failed response; None if the request continues after all."""
        match fault.kind:
            case "status":
                headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
                if fault.body is not None:
                    return web.json_response(fault.body, status=fault.status, headers=headers)
                return _error(fault.status, fault.message, "TestError", headers)
            case "html":
                return web.Response(text="<html><body>proxy</body></html>", content_type="text/html")
            case "hang":
                await self._released.wait()
                return None
            case "drop-before-headers" | "drop-after-headers":
                response = web.StreamResponse(headers={"Content-Length": "1000"})
                if fault.kind == "drop-after-headers":
                    await response.prepare(request)
                    await response.write(b'{"choices": [')
                    await asyncio.sleep(0)
                if request.transport is not None:
                    request.transport.close()
                return response

    def _refusal(self, request: web.Request, body: dict[str, Any]) -> web.Response | None:
        if not self._has_key(request):
            return web.json_response({"error": "Unauthorized"}, status=401)
        if body["model"] != self.model:
            return _error(404, f"The model `{body['model']}` does not exist.", "NotFoundError")
        form = body.get("response_format", {}).get("type", "none")
        if form in self.refuses:
            return _error(400, f"response_format {form} is not supported", "BadRequestError")
        for name in _REFUSED_PARAMETERS.keys() & body.keys() & {*self.refuses}:
            return _parameter_error(name)
        if "system" in self.refuses and any(message["role"] == "system" for message in body["messages"]):
            return _error(400, "System role not supported", "BadRequestError")
        n_asked = body.get("max_completion_tokens", body.get("max_tokens", 16))
        n_prompt = _n_prompt_tokens(body)
        if n_prompt + n_asked > self.max_model_len:
            return _error(
                400,
                f"This model's maximum context length is {self.max_model_len} tokens. However, you requested "
                f"{n_asked} output tokens and your prompt contains {n_prompt} input tokens.",
                "BadRequestError",
            )
        return None

    def _has_key(self, request: web.Request) -> bool:
        return self.key is None or request.headers.get("Authorization") == f"Bearer {self.key}"

    def _reply(self, number: int, body: dict[str, Any], fault: Fault | None) -> web.Response:
        try:
            value = self._draw(number, body)
        except (UnknownSchemaError, KeyError) as error:
            return _error(400, f"the grammar cannot be compiled: {error}", "BadRequestError")
        reply = fault if isinstance(fault, ReplyFault) else ReplyFault()
        content = reply.say(value)
        return web.json_response(
            {
                "id": f"chatcmpl-{number}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": self.model,
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": content, "tool_calls": [], **reply.more},
                        "logprobs": None,
                        "finish_reason": reply.finish_reason,
                    }
                ],
                "usage": self._usage(body, content if isinstance(content, str) else ""),
            }
        )

    def _draw(self, number: int, body: dict[str, Any]) -> Any:
        form = body.get("response_format", {})
        if form.get("type") == "json_schema":
            schema = form["json_schema"]["schema"]
        else:
            schema = fenced_schema(message["content"] for message in body["messages"])
        drawn_by = content_hash(body) if self.steady else number
        return {} if schema is None else draw(schema, Random(f"{self.seed}/{drawn_by}"))

    def _usage(self, body: dict[str, Any], content: str) -> dict[str, Any]:
        n_prompt, n_generated = _n_prompt_tokens(body), max(1, len(content) // 4)
        # What is cached is the system prompt, from its second use on.
        first = body["messages"][0]["content"]
        n_cached = len(first) // 4 if first in self._systems_seen else 0
        self._systems_seen.add(first)
        for name, n_tokens in zip(self.tokens, (n_prompt, n_generated, n_prompt, n_cached), strict=True):
            self.tokens[name] += n_tokens
        return {
            "prompt_tokens": n_prompt,
            "completion_tokens": n_generated,
            "total_tokens": n_prompt + n_generated,
            "prompt_tokens_details": {"cached_tokens": n_cached},
        }

    async def _models(self, request: web.Request) -> web.Response:
        if not self._has_key(request):
            return web.json_response({"error": "Unauthorized"}, status=401)
        if isinstance(self.listed, HttpFault):
            return _error(self.listed.status, self.listed.message, "TestError")
        if self.listed is None:
            return web.json_response({"detail": "Not Found"}, status=404)
        if self.listed is not ...:
            if isinstance(self.listed, str):
                return web.Response(text=self.listed, content_type="text/html")
            return web.json_response(self.listed)
        model = {"id": self.model, "object": "model", "owned_by": "vllm", "root": f"/models/{self.model}"}
        return web.json_response({"object": "list", "data": [{**model, "max_model_len": self.max_model_len}]})

    async def _page(self, request: web.Request) -> web.Response:
        text = self.pages[request.path]
        return web.Response(text=text) if text else web.Response(status=404)

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response()

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"version": "0.32.0"}) if self.metrics else web.Response(status=404)

    async def _metrics(self, _: web.Request) -> web.Response:
        if not self.metrics:
            return web.Response(status=404)
        labels = f'{{engine="0",model_name="{self.model}"}}'
        gauges = {"num_requests_running": self.load.in_flight, "num_requests_waiting": 0}
        lines = []
        for name, value in (gauges | {"kv_cache_usage_perc": 0.0}).items():
            lines += [f"# TYPE vllm:{name} gauge", f"vllm:{name}{labels} {float(value)}"]
        for name, count in self.tokens.items():
            full = name if name.startswith("prefix") else f"{name}_tokens"
            lines += [f"# TYPE vllm:{full} counter", f"vllm:{full}_total{labels} {float(count)}"]
            lines += [f"# TYPE vllm:{full}_created gauge", f"vllm:{full}_created{labels} 1.7e+09"]
        return web.Response(text="\n".join(lines) + "\n")

    async def _stats(self, _: web.Request) -> web.Response:
        return web.json_response(self.stats())

    async def _reset(self, _: web.Request) -> web.Response:
        self.load.reset()
        return web.json_response(self.stats())


def _n_prompt_tokens(body: dict[str, Any]) -> int:
    return max(1, sum(len(message["content"]) for message in body["messages"]) // 4)


_REFUSED_PARAMETERS = {
    "max_tokens": "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
    "'max_completion_tokens' instead.",
    "temperature": "Unsupported value: 'temperature' does not support 0.2 with this model.",
    "top_p": "Unsupported parameter: 'top_p' is not supported with this model.",
}


def _parameter_error(name: str) -> web.Response:
    error = {"message": _REFUSED_PARAMETERS[name], "type": "invalid_request_error", "param": name}
    return web.json_response({"error": {**error, "code": "unsupported_parameter"}}, status=400)


def _error(status: int, message: str, kind: str, headers: Mapping[str, str] | None = None) -> web.Response:
    body = {"error": {"message": message, "type": kind, "param": None, "code": status}}
    return web.json_response(body, status=status, headers=headers)


class ThreadedLlm(FakeLlm):
    """The server in a thread with its own event loop. `stop` drops all connections, as a kill does."""

    _thread: threading.Thread | None = None

    def start(self) -> None:
        loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(loop,), daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.open(), loop).result()

    def stop(self) -> None:
        if self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(self.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._thread = None

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop) -> None:
        loop.run_forever()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@contextmanager
def serving(**settings: Any) -> Iterator[ThreadedLlm]:
    """A server in a thread, with the settings of FakeLlm."""
    server = ThreadedLlm(**settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()


async def _serve(server: FakeLlm) -> None:
    ended = asyncio.Event()
    for kind in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(kind, ended.set)
    async with server:
        print(server.url, flush=True)  # noqa: T201 - who started it reads the URL
        await ended.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-s", type=float, default=0.0)
    parser.add_argument("--slots", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="tiny")
    given = parser.parse_args()
    server = FakeLlm(
        port=given.port,
        latency_s=given.latency_s,
        slots=given.slots,
        seed=given.seed,
        model=given.model,
        n_kept=0,
    )
    asyncio.run(_serve(server))


if __name__ == "__main__":
    main()
