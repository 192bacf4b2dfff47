"""The client of a language model's servers: what is asked, what is asked again, and what ends a run."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import pickle
import random
import re
import socket
import sys
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from helpers import fake_llm
from helpers.fake_llm import FakeLlm, HttpFault, ReplyFault, http_status, saying, serving
from helpers.fake_schema import draw

from copilot.designers.llm.exchange import Ask, Grammar, Message, Reply
from copilot.designers.llm.service import LlmLimits
from copilot.errors import MissingExtraError, RowFault, UserError
from pipelines.llm.answers import ServedModel
from pipelines.llm.client import ModelClient, RequestForm
from pipelines.llm.endpoints import ServersGoneError, Timing
from pipelines.llm.keys import Key
from pipelines.llm.refusals import ModelRefusalError, ServerRole

SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string", "pattern": "^[a-z]([!-~]* [!-~]){0,19}[!-~]*$"}},
    "required": ["text"],
    "additionalProperties": False,
}


def an_ask(user: str = "Make it rain.", max_tokens: int = 100) -> Ask:
    messages = (Message("system", "You design sounds."), Message("user", user))
    return Ask(messages, Grammar("story", SCHEMA), max_tokens)


class Time:
    """A clock that moves when somebody sleeps, and what they slept."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.on_sleep()
        await asyncio.sleep(0)


FORM = {"structured", "temperature", "top_p"}
LIMITS = {*LlmLimits.model_fields}


def a_client(*urls: str, time: Time | None = None, model: str = "tiny", **settings: Any) -> ModelClient:
    time = time or Time()
    form = RequestForm(**{name: settings.pop(name) for name in FORM & settings.keys()})
    limits = LlmLimits(**{name: settings.pop(name) for name in LIMITS & settings.keys()})
    timing = Timing(clock=time, sleep=time.sleep, rng=random.Random(7))
    return ModelClient(urls, model, form=form, limits=limits, timing=timing, **settings)


def ask_all(server: FakeLlm, *asks: Ask, time: Time | None = None, **settings: Any) -> list[Reply]:
    """The replies to some asks, one after the other."""

    async def work() -> list[Reply]:
        async with server, a_client(server.url, time=time, **settings) as client:
            return [await client.ask(ask) for ask in asks or [an_ask()]]

    return asyncio.run(work())


def error(status: int, code: str) -> fake_llm.Fault:
    """An error whose code alone tells what it means."""
    return fake_llm.error_body(status, {"error": {"message": "no", "code": code}})


def text_of(number: int) -> str:
    """What the server replies to a request with this number."""
    return json.dumps(draw(SCHEMA, Random(f"0/{number}")))


def an_unused_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


# What is asked, and what is read of the reply.


def test_a_request_holds_the_chat_and_the_grammar_and_nothing_else() -> None:
    server = FakeLlm()
    ask_all(server)
    assert list(server.bodies) == [
        {
            "model": "tiny",
            "messages": [
                {"role": "system", "content": "You design sounds."},
                {"role": "user", "content": "Make it rain."},
            ],
            "max_tokens": 100,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "story", "schema": SCHEMA, "strict": True},
            },
        }
    ]


@pytest.mark.parametrize(("structured", "form"), [("json_object", {"type": "json_object"}), ("none", None)])
def test_the_form_of_the_reply_is_requested_as_set(structured: str, form: dict[str, str] | None) -> None:
    server = FakeLlm()
    ask_all(server, structured=structured, temperature=0.0, top_p=0.9)
    assert server.bodies[0].get("response_format") == form
    assert (server.bodies[0]["temperature"], server.bodies[0]["top_p"]) == (0.0, 0.9)


def test_a_reply_has_its_text_its_end_and_its_tokens() -> None:
    first, second = ask_all(FakeLlm(), an_ask(), an_ask())
    n_generated = len(text_of(0)) // 4
    assert first == Reply(text_of(0), "stop", prompt_tokens=7, cached_tokens=0, generated_tokens=n_generated)
    assert (second.text, second.cached_tokens) == (text_of(1), 4)


def parts(*texts: str) -> ReplyFault:
    """A reply whose content is a list of parts, thoughts first."""
    thoughts = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    return ReplyFault(lambda _: [thoughts, *({"type": "text", "text": text} for text in texts)])


@pytest.mark.parametrize(
    ("fault", "text", "finish_reason"),
    [
        (fake_llm.NULL_CONTENT, "", "stop"),
        (fake_llm.EMPTY, "", "stop"),
        (fake_llm.truncated(9), text_of(0)[:9], "length"),
        (fake_llm.ending("content_filter"), text_of(0), "content_filter"),
        (fake_llm.ending(None), text_of(0), "unknown"),
        (fake_llm.ending("tool_calls"), text_of(0), "tool_calls"),
        (fake_llm.ending("eos_token"), text_of(0), "stop"),
        (fake_llm.ending("eos"), text_of(0), "stop"),
        (fake_llm.ending("end_turn"), text_of(0), "stop"),
        (fake_llm.ending("STOP"), text_of(0), "stop"),
        (fake_llm.ending("MAX_TOKENS"), text_of(0), "length"),
        (fake_llm.ending("SAFETY"), text_of(0), "content_filter"),
        (parts("half ", "and half"), "half and half", "stop"),
        (ReplyFault(lambda _: [], more={}), "", "stop"),
        (ReplyFault(lambda _: None, more={"refusal": "I will not."}), "I will not.", "refusal"),
        (ReplyFault(lambda _: "", more={"reasoning_content": "Rain ..."}), "Rain ...", "thoughts"),
        (ReplyFault(lambda _: None, more={"reasoning": "Rain ..."}), "Rain ...", "thoughts"),
        (ReplyFault(lambda _: None, more={"reasoning_content": '{"a": 1}'}), '{"a": 1}', "stop"),
        (ReplyFault(lambda _: None, "length", {"reasoning_content": "Rain"}), "", "length"),
        (ReplyFault(lambda _: "{}", more={"reasoning_content": "Rain"}), "{}", "stop"),
        (saying("half a pair: \ud83d"), "half a pair: ?", "stop"),
    ],
)
def test_a_reply_is_taken_as_it_is(fault: fake_llm.Fault, text: str, finish_reason: str) -> None:
    server = FakeLlm(faults=[fault])
    (reply,) = ask_all(server)
    assert (reply.text, reply.finish_reason, server.requests) == (text, finish_reason, 1)


def test_a_chat_that_is_too_long_is_its_own_fault() -> None:
    server = FakeLlm(max_model_len=150)
    long, short = ask_all(server, an_ask("word " * 100), an_ask())
    assert long.finish_reason == "context-length"
    assert long.text.startswith("This model's maximum context length is 150 tokens.")
    assert short == Reply(text_of(1), "stop", 7, short.cached_tokens, short.generated_tokens)


# What is asked again.


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (http_status(500), "500, told to fail"),
        (http_status(503, "  loading\n the model "), "503, loading the model"),
        (http_status(408), "408, told to fail"),
        (http_status(409), "409, told to fail"),
        (http_status(425), "425, told to fail"),
        (http_status(424), "424, told to fail"),
        (fake_llm.error_body(200, {"error": {"code": 502, "message": "upstream"}}), "502, upstream"),
        (fake_llm.ending("abort"), "it ended the reply with 'abort'"),
        (fake_llm.ending("error"), "it ended the reply with 'error'"),
        (fake_llm.DROP_BEFORE_HEADERS, "no connection (RemoteProtocolError: "),
        (fake_llm.DROP_AFTER_HEADERS, "no connection (RemoteProtocolError: "),
    ],
)
def test_a_server_that_fails_is_set_aside_and_retried(fault: fake_llm.Fault, error: str) -> None:
    server, time, errors = FakeLlm(faults=[fault]), Time(), []

    async def work() -> Reply:
        async with server, a_client(server.url, time=time) as client:
            time.on_sleep = lambda: errors.append(client.endpoints[0].last_error)
            return await client.ask(an_ask())

    assert asyncio.run(work()).text == text_of(1)
    assert server.requests == 2
    assert len(time.slept) == 1
    assert 0.5 <= time.slept[0] <= 1.0
    assert errors[0].startswith(error)


def test_a_request_that_hangs_is_given_up_after_its_time() -> None:
    server, time, errors = FakeLlm(faults=[fake_llm.HANG]), Time(), []

    async def work() -> Reply:
        async with server, a_client(server.url, time=time, timeout_s=0.3) as client:
            time.on_sleep = lambda: errors.append(client.endpoints[0].last_error)
            return await client.ask(an_ask())

    assert json.loads(asyncio.run(work()).text)
    assert errors[0] == "no reply within 0.3 s"


@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [("7", 7.0, 8.4), ("1.5", 1.5, 1.8), ("9999", 60.0, 72.0), (None, 0.25, 0.5), ("soon", 0.25, 0.5)],
)
def test_a_server_that_is_too_busy_is_left_alone(retry_after: str | None, least: float, most: float) -> None:
    server, time = FakeLlm(faults=[http_status(429, retry_after=retry_after)]), Time()
    (reply,) = ask_all(server, time=time)
    assert (reply.text, server.requests) == (text_of(1), 2)
    assert len(time.slept) == 1
    assert least <= time.slept[0] <= most


def test_waits_double_and_end_with_an_answer() -> None:
    time = Time()
    ask_all(FakeLlm(faults=[http_status(500)] * 3 + [None, http_status(500)]), an_ask(), an_ask(), time=time)
    # One server, set aside three times; the answer then makes it as good as new.
    total_s = time.now - 1000
    assert 0.5 + 1 + 2 + 0.5 <= total_s <= 1 + 2 + 4 + 1


def test_a_server_that_is_killed_and_comes_back_loses_nothing() -> None:
    with serving() as server:
        time = Time()

        async def work() -> Reply:
            async with a_client(server.url, time=time) as client:
                await client.ask(an_ask())
                server.stop()
                time.on_sleep = lambda: server.start() if len(time.slept) == 3 else None
                return await client.ask(an_ask())

        assert asyncio.run(work()).text == text_of(1)
        assert len(time.slept) >= 3


# What ends a run.


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        (http_status(401), None),
        (http_status(403, "bad api key"), None),
        (http_status(402), "llm_url"),
        (error(429, "insufficient_quota"), "llm_url"),
        (error(400, "model_not_found"), "llm_model"),
        (http_status(404, "no such model: the model does not exist"), "llm_model"),
        (http_status(404, "Not Found"), "llm_url"),
        (http_status(405, "Method Not Allowed"), "llm_url"),
    ],
)
def test_what_a_server_says_of_all_requests_ends_the_run_at_once(
    fault: fake_llm.Fault, field: str | None
) -> None:
    server, time = FakeLlm(faults=[None, fault]), Time()
    with pytest.raises(ModelRefusalError) as refusal:
        ask_all(server, an_ask(), an_ask(), time=time)
    assert refusal.value.field == field
    assert (server.requests, time.slept, refusal.value.exit_code) == (2, [], 2)


@pytest.mark.parametrize("status", [400, 403, 418, 422])
def test_a_server_that_refuses_everything_ends_the_run_at_once(status: int) -> None:
    server, time = FakeLlm(faults=lambda *_: http_status(status, "not like this")), Time()
    with pytest.raises(ModelRefusalError, match=f"{status}, not like this"):
        ask_all(server, time=time)
    assert (server.requests, time.slept) == (2, [])


@pytest.mark.parametrize("form", ["json_schema", "json_object"])
def test_a_form_that_a_server_never_takes_ends_the_run_at_once(form: str) -> None:
    with pytest.raises(ModelRefusalError):
        ask_all(FakeLlm(refuses=[form]), structured=form)


def test_a_server_that_refuses_everything_from_now_on_ends_the_run() -> None:
    server = FakeLlm(faults=lambda number, _: http_status(400, "odd") if number > 5 else None)
    with pytest.raises(ModelRefusalError):
        ask_all(server, *(an_ask(str(n)) for n in range(10)))
    assert server.requests == 6 + 2


def test_an_unknown_model_is_refused_with_those_that_are_served() -> None:
    server = FakeLlm(model="gemma")
    with pytest.raises(ModelRefusalError) as refusal:
        ask_all(server)
    assert refusal.value.field == "llm_model"
    assert str(refusal.value).endswith("available: gemma")


# What is said of one request.


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("fault", "ending"),
    [
        (error(400, "content_filter"), "content-refused"),
        (http_status(403, "Your input was flagged"), "content-refused"),
        (fake_llm.error_body(200, {"error": {"code": 403, "message": "flagged"}}), "content-refused"),
        (error(400, "context_length_exceeded"), "context-length"),
        (http_status(413), "context-length"),
        (http_status(500, "Context size has been exceeded."), "context-length"),
        (http_status(422, "not this one"), "refused"),
        (http_status(400, "not this one"), "refused"),
        (http_status(403, "<html>Forbidden</html>"), "refused"),
    ],
)
def test_a_refusal_of_one_request_is_its_reply(fault: fake_llm.Fault, ending: str, first: bool) -> None:
    def refuses(_: int, body: dict[str, Any]) -> fake_llm.Fault | None:
        return fault if "knife" in body["messages"][-1]["content"] else None

    asks = [an_ask("knife"), an_ask()] if first else [an_ask(), an_ask("knife"), an_ask()]
    replies = ask_all(FakeLlm(faults=refuses), *asks)
    refused = replies[0 if first else 1]
    assert refused.finish_reason == ending
    assert refused.text
    assert replies[-1].finish_reason == "stop"


def test_a_filter_that_refuses_many_ends_no_run() -> None:
    server = FakeLlm(faults=lambda *_: error(400, "content_filter"))
    replies = ask_all(server, *(an_ask(str(n)) for n in range(30)))
    assert {reply.finish_reason for reply in replies} == {"content-refused"}
    assert server.requests == 30


def test_an_unknown_refusal_needs_no_trial_while_others_are_answered() -> None:
    server = FakeLlm(faults=[fake_llm.HANG, None])

    async def work() -> Reply:
        async with server, a_client(server.url) as client:
            odd = asyncio.create_task(client.ask(an_ask("odd")))
            await until(lambda: server.load.in_flight == 1)
            await client.ask(an_ask())
            server.refuses = ["json_schema"]
            server.release()
            return await odd

    assert asyncio.run(work()).finish_reason == "refused"
    assert server.requests == 2


@pytest.mark.parametrize(
    ("said", "ending"),
    [("{oh", "stop"), ("", "stop")],
)
def test_json_that_the_server_found_invalid_is_the_models_reply(said: str, ending: str) -> None:
    failed = {
        "code": "json_validate_failed",
        "message": "Failed to generate JSON.",
        "failed_generation": said,
    }
    server = FakeLlm(faults=[fake_llm.error_body(400, {"error": failed})])
    first, second = ask_all(server, an_ask(), an_ask())
    assert (first.text, first.finish_reason) == (said, ending)
    assert second.text == text_of(1)


# What a server wants otherwise.


@pytest.mark.parametrize("refused", ["max_tokens", "temperature", "top_p"])
def test_a_parameter_that_a_server_does_not_take_is_sent_otherwise_from_then_on(refused: str) -> None:
    server = FakeLlm(refuses=[refused])
    replies = ask_all(server, an_ask(), an_ask(), temperature=0.2, top_p=0.9)
    assert [reply.finish_reason for reply in replies] == ["stop", "stop"]
    assert server.requests == 3
    assert [refused in body for body in server.bodies] == [True, False, False]
    limit = "max_completion_tokens" if refused == "max_tokens" else "max_tokens"
    assert [body[limit] for body in list(server.bodies)[1:]] == [100, 100]


@pytest.mark.parametrize("usual", [None, 0.2])
def test_a_request_may_have_a_temperature_of_its_own(usual: float | None) -> None:
    server = FakeLlm()
    ask_all(server, an_ask(), replace(an_ask(), temperature=1.2), temperature=usual)
    assert [body.get("temperature") for body in server.bodies] == [usual, 1.2]


def test_a_server_that_takes_no_temperature_answers_a_correction_too() -> None:
    server = FakeLlm(refuses=["temperature"])
    replies = ask_all(server, an_ask(), replace(an_ask(), temperature=1.0))
    assert [reply.finish_reason for reply in replies] == ["stop", "stop"]
    assert ["temperature" in body for body in server.bodies] == [False, True, False]


def test_all_of_them_at_once() -> None:
    server = FakeLlm(refuses=["max_tokens", "temperature", "top_p", "system"])
    asks = [an_ask(str(n)) for n in range(8)]

    async def work() -> list[Reply]:
        async with server, a_client(server.url, temperature=0.2, top_p=0.9) as client:
            return await asyncio.gather(*map(client.ask, asks))

    assert {reply.finish_reason for reply in asyncio.run(work())} == {"stop"}
    assert server.bodies[-1].keys() == {"model", "messages", "max_completion_tokens", "response_format"}


def test_without_a_system_role_its_message_stands_in_the_users() -> None:
    server = FakeLlm(refuses=["system"])
    ask_all(server, an_ask(), an_ask())
    chat = [{"role": "user", "content": "You design sounds.\n\nMake it rain."}]
    assert [body["messages"] for body in server.bodies][1:] == [chat, chat]


def test_one_servers_dialect_is_not_anothers() -> None:
    new, old = FakeLlm(refuses=["max_tokens"]), FakeLlm()

    async def work() -> None:
        async with a_client(new.url, old.url) as client:
            for n in range(20):
                await client.ask(an_ask(str(n)))

    with_all((new, old), work)
    assert {"max_completion_tokens" in body for body in list(new.bodies)[1:]} == {True}
    assert {"max_completion_tokens" in body for body in old.bodies} == {False}


# Answers of another form.


def test_a_page_in_place_of_the_first_answer_ends_the_run_at_once() -> None:
    server, time = FakeLlm(faults=lambda *_: fake_llm.HTML), Time()
    with pytest.raises(ModelRefusalError) as refusal:
        ask_all(server, time=time)
    assert (refusal.value.field, server.requests, time.slept) == ("llm_url", 1, [])


def test_a_page_after_an_answer_may_pass() -> None:
    replies = ask_all(FakeLlm(faults=[None, fake_llm.HTML]), an_ask(), an_ask())
    assert replies[1].text == text_of(2)


def test_pages_behind_a_list_of_models_end_the_run_soon() -> None:
    server, time = FakeLlm(faults=lambda *_: fake_llm.HTML), Time()

    async def work() -> None:
        async with server, a_client(server.url, time=time) as client:
            await client.find_served_models()
            await client.ask(an_ask())

    with pytest.raises(ModelRefusalError):
        asyncio.run(work())
    assert server.requests == 4


def test_no_server_at_all_is_waited_for_as_long_as_told() -> None:
    time, urls = Time(), (an_unused_url(), an_unused_url())

    async def work() -> None:
        async with a_client(*urls, time=time, patience_s=100) as client:
            await client.ask(an_ask())

    with pytest.raises(ServersGoneError) as gone:
        asyncio.run(work())
    assert time.now == pytest.approx(1100)
    error = r"no connection \(ConnectError: [^;]+\)"
    errors = rf"{urls[0]}: {error}; {urls[1]}: {error}"
    assert re.search(rf" has answered for 100 s \({errors}\); ", str(gone.value))
    assert gone.value.exit_code == 1
    again = pickle.loads(pickle.dumps(gone.value))
    assert (type(again), str(again)) == (ServersGoneError, str(gone.value))


def test_without_patience_the_first_silence_is_the_end() -> None:
    time = Time()
    with pytest.raises(ServersGoneError, match=r"has answered for 0 s .*: 500, told to fail\)"):
        ask_all(FakeLlm(faults=[http_status(500)]), time=time, patience_s=0)
    assert time.slept == []


def test_a_rate_limit_is_waited_for_as_long_as_told() -> None:
    server, time = FakeLlm(faults=lambda *_: http_status(429, "too many")), Time()
    with pytest.raises(ServersGoneError, match=r"429, too many"):
        ask_all(server, time=time, patience_s=50)
    assert time.now == pytest.approx(1050)


def test_time_without_requests_is_not_silence() -> None:
    time = Time()

    async def work() -> Reply:
        server = FakeLlm(faults=[None, http_status(500)])
        async with server, a_client(server.url, time=time, patience_s=10) as client:
            await client.ask(an_ask())
            time.now += 10_000
            return await client.ask(an_ask())

    assert asyncio.run(work()).text == text_of(2)


def test_a_server_that_works_on_a_long_reply_is_not_gone() -> None:
    time = Time()

    async def work() -> set[str]:
        busy = FakeLlm(faults=lambda *_: fake_llm.HANG)
        async with busy, a_client(an_unused_url(), busy.url, time=time, patience_s=10) as client:
            asks = []
            for _ in range(20):
                asks.append(asyncio.create_task(client.ask(an_ask())))
                await until(lambda: busy.load.in_flight == len(asks))
                time.now += 60
            busy.release()
            return {reply.finish_reason for reply in await asyncio.gather(*asks)}

    assert asyncio.run(work()) == {"stop"}


# Whose fault it is.


def poisoned(_: int, body: dict[str, Any]) -> HttpFault | None:
    return HttpFault("status", 500, "oops") if "poison" in body["messages"][-1]["content"] else None


def test_a_request_that_fails_where_others_are_answered_rejects_its_row() -> None:
    server = FakeLlm(faults=poisoned)

    async def work() -> RowFault:
        async with server, a_client(server.url, patience_s=1e9) as client:
            poison = asyncio.create_task(client.ask(an_ask("poison")))
            while not poison.done():
                await client.ask(an_ask())
            with pytest.raises(RowFault) as fault:
                await poison
            return fault.value

    fault = asyncio.run(work())
    assert fault.reason == "server-error"
    assert fault.detail.startswith(server.url)
    assert fault.detail.endswith(": 500, oops")


def test_a_request_that_fails_alone_is_told_from_a_dead_server_by_asking_something_else() -> None:
    server = FakeLlm(faults=poisoned)
    with pytest.raises(RowFault, match="server-error"):
        ask_all(server, an_ask("poison"), patience_s=1e9)
    last = [body["messages"][-1]["content"] for body in server.bodies]
    assert last == ["poison"] * 4 + ["Say yes, as JSON.", "poison"] * 4


def test_a_server_that_fails_for_everything_rejects_nothing() -> None:
    server, time = FakeLlm(faults=lambda *_: http_status(500, "engine is dead")), Time()

    async def work() -> list[Any]:
        async with server, a_client(server.url, time=time, patience_s=600) as client:
            asks = [client.ask(an_ask(str(n))) for n in range(8)]
            return await asyncio.gather(*asks, return_exceptions=True)

    assert [type(end) for end in asyncio.run(work())] == [ServersGoneError] * 8


# Several servers.


def test_requests_go_where_the_load_is_least() -> None:
    async def work() -> tuple[list[int], list[int], int]:
        servers = [FakeLlm(faults=lambda *_: fake_llm.HANG) for _ in range(3)]
        async with servers[0], servers[1], servers[2], a_client(*(s.url for s in servers)) as client:
            asks = [asyncio.create_task(client.ask(an_ask())) for _ in range(12)]
            await until(lambda: sum(server.load.in_flight for server in servers) == 12)
            seen = [server.load.in_flight for server in servers]
            counted = [endpoint.in_flight for endpoint in client.endpoints]
            for server in servers:
                server.release()
            await asyncio.gather(*asks)
            return seen, counted, client.in_flight

    assert asyncio.run(work()) == ([4, 4, 4], [4, 4, 4], 0)


def test_a_failed_server_is_passed_over_until_it_is_due() -> None:
    time = Time()

    async def work() -> list[tuple[int, int]]:
        bad, good = FakeLlm(faults=[http_status(500)]), FakeLlm()
        counts = []
        async with bad, good, a_client(bad.url, good.url, time=time) as client:
            while not bad.requests:
                await client.ask(an_ask())
            good.requests = 0
            for _ in range(20):
                await client.ask(an_ask())
            counts.append((bad.requests, good.requests))
            time.now += 1.0
            while bad.requests == 1:
                await client.ask(an_ask())
            counts.append((bad.requests, client.endpoints[0].n_failures))
        return counts

    assert asyncio.run(work()) == [(1, 20), (2, 0)]
    assert time.slept == []


def test_failures_at_once_set_a_server_aside_once() -> None:
    async def work() -> tuple[int, float]:
        time = Time()
        server = FakeLlm(faults=[fake_llm.HANG] * 8)
        other = FakeLlm(faults=[fake_llm.HANG] * 16)
        async with server, other, a_client(server.url, other.url, time=time) as client:
            asks = [asyncio.create_task(client.ask(an_ask())) for _ in range(16)]
            await until(lambda: server.load.in_flight == other.load.in_flight == 8)
            await server.close()
            await until(lambda: other.load.in_flight == 16)
            endpoint = client.endpoints[0]
            other.release()
            await asyncio.gather(*asks)
            return endpoint.times_aside, endpoint.due - time.now

    times_aside, due_s = asyncio.run(work())
    assert times_aside == 1
    assert 0.5 <= due_s <= 1.0


# Connections.


def test_64_in_flight_lose_no_reply() -> None:
    server = FakeLlm(latency_s=0.02)

    async def work() -> list[Reply]:
        async with server, a_client(server.url, concurrency=64) as client:
            return await asyncio.gather(*(client.ask(an_ask(str(n))) for n in range(256)))

    replies = asyncio.run(work())
    assert sorted(reply.text for reply in replies) == sorted(text_of(n) for n in range(256))
    assert (server.requests, server.load.peak) == (256, 64)


def test_a_cancelled_request_gives_its_place_to_the_next() -> None:
    async def work() -> tuple[str, int]:
        server = FakeLlm(faults=[fake_llm.HANG])
        async with server, a_client(server.url, concurrency=1) as client:
            hanging = asyncio.create_task(client.ask(an_ask()))
            await until(lambda: server.load.in_flight == 1)
            hanging.cancel()
            with pytest.raises(asyncio.CancelledError):
                await hanging
            assert client.in_flight == 0
            reply = await client.ask(an_ask())
            await until(lambda: server.load.in_flight == 0)
            return reply.text, client.in_flight

    assert asyncio.run(work()) == (text_of(1), 0)


def test_nothing_stays_open() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        ask_all(FakeLlm(faults=[fake_llm.DROP_AFTER_HEADERS]))
        gc.collect()
    assert [str(warning.message) for warning in seen] == []


def test_without_openai_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)

    async def work() -> None:
        async with a_client("http://localhost:1/v1"):
            pass

    with pytest.raises(MissingExtraError) as caught:
        asyncio.run(work())
    assert caught.value.extra == "llm"


# Secrets.

KEY = "sk-very-secret-0123456789"


def role_with(key: str) -> ServerRole:
    return ServerRole(Key("COPILOT_LLM_API_KEY", key))


def test_a_key_is_sent_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    server = FakeLlm(
        key=KEY, faults=[None, http_status(500, f"key {KEY} broke"), http_status(401, f"no {KEY}")]
    )
    with caplog.at_level(logging.DEBUG), pytest.raises(ModelRefusalError) as refusal:
        ask_all(server, an_ask(), an_ask(), role=role_with(f" {KEY}\n"))
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert "401, no ***;" in str(refusal.value)
    assert "HTTP" in caplog.text
    assert KEY not in caplog.text
    assert "very-secret" not in repr(refusal.getrepr(showlocals=False))


def test_a_password_in_a_url_is_sent_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> dict[str, str]:
        async with FakeLlm(faults=[None, http_status(404)]) as server:
            url = server.url.replace("://", "://anna:s%40cret@")
            async with a_client(url) as client:
                assert client.endpoints[0].url == server.url
                assert "cret" not in repr(client.endpoints)
                assert "YW5u" not in repr(client.endpoints)
                await client.ask(an_ask())
                with pytest.raises(ModelRefusalError) as refusal:
                    await client.ask(an_ask())
                assert "cret" not in str(refusal.value)
            return server.headers[0]

    with caplog.at_level(logging.DEBUG):
        headers = asyncio.run(work())
    assert headers["Authorization"] == "Basic YW5uYTpzQGNyZXQ="
    assert "s%40cret" not in caplog.text
    assert "YW5u" not in caplog.text


@pytest.mark.parametrize("key", ["caf\u00e9-key", "two\nlines"])
def test_a_key_that_cannot_be_one_is_refused_unseen(key: str) -> None:
    with pytest.raises(UserError) as refusal:
        a_client("http://localhost:1/v1", role=role_with(key))
    assert "set COPILOT_LLM_API_KEY" in str(refusal.value)
    assert key not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("localhost:8000/v1", "localhost:8000/v1 is not a server's URL"),
        ("ftp://anna:secret@h/v1", "ftp://h/v1 is not a server's URL"),
        ("http://h:port/v1?k=secret", "http://h:port/v1 is not a server's URL"),
        ("https://h/v1?key=secret", "https://h/v1 has a query"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url: str, message: str) -> None:
    with pytest.raises(UserError) as refusal:
        a_client(url)
    assert refusal.value.field == "llm_url"
    assert message in str(refusal.value)
    assert "secret" not in str(refusal.value)


# What is served.


def find_models(*servers: FakeLlm, time: Time | None = None, **settings: Any) -> tuple[ServedModel, ...]:
    async def work() -> tuple[ServedModel, ...]:
        async with a_client(*(server.url for server in servers), time=time, **settings) as client:
            return await client.find_served_models()

    return with_all(servers, work)


def with_all(servers: tuple[FakeLlm, ...], work: Callable[[], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        for server in servers:
            await server.open()
        try:
            return await work()
        finally:
            for server in servers:
                await server.close()

    return asyncio.run(run())


def test_each_server_reports_its_model() -> None:
    servers = FakeLlm(max_model_len=8192), FakeLlm(max_model_len=4096)
    assert find_models(*servers) == (
        ServedModel(servers[0].url, "tiny", "/models/tiny", 8192),
        ServedModel(servers[1].url, "tiny", "/models/tiny", 4096),
    )


def test_a_server_with_another_model_is_refused() -> None:
    servers = FakeLlm(), FakeLlm(model="gemma")
    with pytest.raises(ModelRefusalError) as refusal:
        find_models(*servers)
    assert refusal.value.field == "llm_model"
    assert servers[1].url in str(refusal.value)
    assert str(refusal.value).endswith("available: gemma")


def test_a_server_that_wants_a_key_says_so_before_the_run() -> None:
    with pytest.raises(ModelRefusalError, match=r": 401, Unauthorized; set COPILOT_LLM_API_KEY"):
        find_models(FakeLlm(key=KEY))


def test_one_server_that_is_up_is_enough() -> None:
    server, time = FakeLlm(), Time()

    async def work() -> tuple[ServedModel, ...]:
        async with a_client(an_unused_url(), server.url, time=time) as client:
            return await client.find_served_models()

    assert [model.url for model in with_all((server,), work)] == [server.url]
    assert time.slept == []


def test_no_server_that_is_up_is_waited_for() -> None:
    time = Time()

    async def work() -> None:
        async with a_client(an_unused_url(), time=time, patience_s=20) as client:
            await client.find_served_models()

    with pytest.raises(ServersGoneError, match="has answered for 20 s"):
        asyncio.run(work())
    assert time.now == pytest.approx(1020)


@pytest.mark.parametrize(
    ("path", "listed"),
    [("", ...), ("/", ...), ("/v2", ...), ("/v1/chat/completions", ...), ("/v1/models", ...)],
)
def test_another_address_is_refused_at_once_with_the_right_one(path: str, listed: Any) -> None:
    async def work() -> None:
        async with FakeLlm() as server, a_client(f"{server.root}{path}") as client:
            with pytest.raises(ModelRefusalError) as refusal:
                await client.find_served_models()
            assert refusal.value.field == "llm_url"
            assert str(refusal.value).endswith(server.url)

    asyncio.run(work())


@pytest.mark.parametrize(
    ("listed", "model"),
    [
        ([{"id": "tiny", "type": "chat"}], "tiny"),  # Together
        ({"models": [{"name": "tiny"}]}, "tiny"),
        ({"data": ["tiny"]}, "tiny"),
        ({"data": [{"id": "models/tiny"}]}, "models/tiny"),  # Gemini
        ({"data": [{"id": "tiny:latest"}]}, "tiny:latest"),  # Ollama
        (None, "tiny"),  # a server need not list its models
        (http_status(403, "Missing scopes: api.model.read"), "tiny"),  # nor a key permit it
    ],
)
def test_models_are_found_however_they_are_listed(listed: Any, model: str) -> None:
    (found,) = find_models(FakeLlm(listed=listed))
    assert found.id == model


def test_a_name_with_a_providers_suffix_is_tried() -> None:
    (found,) = find_models(FakeLlm(model="tiny:fast", listed={"data": [{"id": "tiny"}]}), model="tiny:fast")
    assert found.id == "tiny:fast"
    with pytest.raises(ModelRefusalError) as refusal:
        find_models(FakeLlm(listed={"data": [{"id": "tiny"}]}), model="tiny:slow")
    assert refusal.value.field == "llm_model"


@pytest.mark.parametrize("listed", ["<html>Sign in</html>", {"status": "ok"}, {"data": [{}]}, 7])
def test_a_list_of_another_form_is_refused_at_once(listed: Any) -> None:
    time = Time()
    with pytest.raises(ModelRefusalError) as refusal:
        find_models(FakeLlm(listed=listed, model="gemma"), time=time)
    assert refusal.value.exit_code == 2
    assert time.slept == []


def test_a_role_names_its_own_settings() -> None:
    role = ServerRole(Key("COPILOT_JUDGE_API_KEY", None), "judge_urls", "judge_model")
    with pytest.raises(ModelRefusalError) as refusal:
        find_models(FakeLlm(model="gemma"), role=role)
    assert refusal.value.field == "judge_model"
    with pytest.raises(ModelRefusalError, match="COPILOT_JUDGE_API_KEY"):
        find_models(FakeLlm(key=KEY), role=role)
    with pytest.raises(UserError) as refused:
        a_client("localhost", role=role)
    assert refused.value.field == "judge_urls"
