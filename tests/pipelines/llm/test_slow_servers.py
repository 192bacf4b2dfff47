"""Slow servers: the time in a queue, requests in flight that shrink and grow, and what is called dead."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest
from helpers import fake_llm
from helpers.fake_llm import FakeLlm, http_status
from helpers.virtual_time import run_in_virtual_time

from copilot.designers.llm.exchange import Ask, Grammar, Message, Reply
from copilot.designers.llm.service import LlmLimits
from copilot.errors import RowFault
from pipelines.llm.client import ModelClient, RequestForm
from pipelines.llm.endpoints import ServersGoneError, ServersSlowError, Timing
from pipelines.llm.flights import Flight, Flights


def a_client(server: FakeLlm, **limits: Any) -> ModelClient:
    return create_client(server.url, **limits)


def create_client(url: str, **limits: Any) -> ModelClient:
    loop = asyncio.get_running_loop()
    form = RequestForm(structured="none")
    return ModelClient(
        [url], "tiny", form=form, limits=LlmLimits(**limits), timing=Timing(clock=loop.time, rng=Random(7))
    )


def an_ask(user: str) -> Ask:
    return Ask((Message("user", user),), Grammar("any", {}), 16)


async def ask_at_once(server: FakeLlm, *users: str, **limits: Any) -> list[Reply | BaseException]:
    async with server, a_client(server, **limits) as client:
        return await asyncio.gather(*(client.ask(an_ask(user)) for user in users), return_exceptions=True)


def only_slow(text: str) -> fake_llm.Plan:
    """Make requests with a text in the last message hang, and answer the others."""
    return lambda _, body: fake_llm.HANG if text in body["messages"][-1]["content"] else None


class TestRequests:
    def test_the_time_in_the_queue_is_not_the_replys(self) -> None:
        server = FakeLlm(slots=1, latency_s=10.0)
        replies = run_in_virtual_time(ask_at_once(server, *map(str, range(64)), timeout_s=15.0))
        assert [type(reply) for reply in replies] == [Reply] * 64
        assert server.requests == 64

    def test_a_hung_request_is_given_up_though_others_are_answered(self) -> None:
        server = FakeLlm(faults=only_slow("hang"), latency_s=10.0)

        async def work() -> tuple[BaseException | None, float]:
            async with server, a_client(server) as client:
                hung = asyncio.create_task(client.ask(an_ask("hang")))
                while not hung.done():
                    await client.ask(an_ask("another"))
                return hung.exception(), asyncio.get_running_loop().time()

        fault, seconds = run_in_virtual_time(work())
        assert isinstance(fault, RowFault)
        assert fault.reason == "server-error"
        assert seconds < 2_500

    def test_a_request_that_waits_behind_a_hung_one_is_not_to_blame(self) -> None:
        # The slot is taken again and again by the one that hangs; the others time out behind it.
        server = FakeLlm(slots=1, latency_s=10.0, faults=only_slow("hang"))

        async def work() -> list[Reply]:
            async with server, a_client(server, patience_s=1e9) as client:
                hung = asyncio.create_task(client.ask(an_ask("hang")))
                replies = await asyncio.gather(*(client.ask(an_ask(str(n))) for n in range(20)))
                hung.cancel()
                return replies

        assert len(run_in_virtual_time(work())) == 20

    def test_a_silent_time_leaves_one_request_in_flight_and_answers_allow_more(self) -> None:
        server = FakeLlm(faults=lambda number, _: fake_llm.HANG if number < 8 else None, latency_s=10.0)
        in_flight: list[int] = []

        async def work() -> list[Reply]:
            async with server, a_client(server, timeout_s=100.0, concurrency=8) as client:
                asks = [asyncio.create_task(client.ask(an_ask(str(n)))) for n in range(8)]
                while not all(ask.done() for ask in asks):
                    in_flight.append(client.in_flight)
                    await asyncio.sleep(5.0)
                return [ask.result() for ask in asks]

        assert len(run_in_virtual_time(work())) == 8
        assert server.requests == 16
        after = [n for n in in_flight if 0 < n < 8]
        assert (in_flight[1], after[0], max(after)) == (8, 1, 3)


def limited_to(n: int, retry_after: str | None = None) -> fake_llm.Plan:
    """Answer so many requests in a minute, and 429 to the others."""
    taken: list[float] = []

    def plan(_: int, __: dict[str, Any]) -> fake_llm.Fault | None:
        now = asyncio.get_running_loop().time()
        if sum(at > now - 60 for at in taken) >= n:
            return http_status(429, retry_after=retry_after)
        taken.append(now)
        return None

    return plan


class TestRateLimits:
    @pytest.mark.parametrize("retry_after", [None, "20", "0.5"])
    def test_no_request_is_lost_to_a_rate_limit(self, retry_after: str | None) -> None:
        server = FakeLlm(faults=limited_to(3, retry_after), latency_s=2.0)
        replies = run_in_virtual_time(ask_at_once(server, *map(str, range(90)), concurrency=64))
        assert [type(reply) for reply in replies] == [Reply] * 90

    def test_a_server_that_names_a_time_gets_no_request_before_it(self) -> None:
        server = FakeLlm(faults=[http_status(429, retry_after="30")])
        times: list[float] = []

        async def work() -> None:
            async with server, a_client(server) as client:
                first = asyncio.create_task(client.ask(an_ask("first")))
                await asyncio.sleep(5.0)
                await client.ask(an_ask("second"))
                times.append(asyncio.get_running_loop().time())
                await first

        run_in_virtual_time(work())
        assert 30 <= times[0] < 31


class TestEnds:
    def test_a_server_that_is_there_is_too_slow_and_not_gone(self) -> None:
        server = FakeLlm(slots=1, latency_s=30.0)
        limits = {"timeout_s": 20.0, "patience_s": 60.0, "concurrency": 32}
        ends = run_in_virtual_time(ask_at_once(server, *map(str, range(32)), **limits))
        assert {type(end) for end in ends} == {ServersSlowError}
        assert "`service.timeout_s`" in str(ends[0])
        # After the first 32 there was one request at a time.
        assert (server.load.peak, server.requests <= 32 + 4) == (32, True)

    def test_a_request_that_is_at_work_outlasts_the_patience(self) -> None:
        # All time out at 20 s, and the patience ends at 21 s; the next reply is there after 35 s.
        server = FakeLlm(latency_s=14.0, faults=lambda number, _: fake_llm.HANG if number < 4 else None)
        limits = {"timeout_s": 20.0, "patience_s": 1.0, "concurrency": 4}
        replies = run_in_virtual_time(ask_at_once(server, *map(str, range(4)), **limits))
        assert [type(reply) for reply in replies] == [Reply] * 4

    def test_one_that_takes_connections_and_answers_nothing_is_gone(self) -> None:
        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        async def work() -> BaseException:
            silent = await asyncio.start_server(take, "127.0.0.1", 0)
            url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/v1"
            async with silent, create_client(url) as client:
                with pytest.raises(ServersGoneError) as gone:
                    await client.ask(an_ask("x"))
            return gone.value

        assert type(run_in_virtual_time(work())) is ServersGoneError

    def test_one_that_fails_is_gone_and_not_slow(self) -> None:
        server = FakeLlm(faults=lambda *_: http_status(503, "loading"))
        (end,) = run_in_virtual_time(ask_at_once(server, "x"))
        assert type(end) is ServersGoneError


class TestFlights:
    def test_a_time_out_halves_what_is_in_flight_once_and_a_silent_one_leaves_one(self) -> None:
        flights = Flights()
        eight = [flights.start(0.0) for _ in range(8)]
        flights.land(eight[0], is_answered=True)
        assert flights.shrink(eight[1])
        flights.note_failure(eight[1])
        assert room(flights) == 0
        flights.land(eight[1], is_answered=False)
        assert flights.shrink(eight[2])
        flights.note_failure(eight[2])
        for flight in eight[2:]:
            flights.land(flight, is_answered=False)
        assert room(flights) == 3
        lone = flights.start(0.0)
        assert not flights.shrink(lone)
        flights.note_failure(lone)
        flights.land(lone, is_answered=False)
        assert room(flights) == 1

    def test_each_answer_allows_a_little_more(self) -> None:
        flights = Flights()
        silent = flights.start(0.0)
        flights.shrink(silent)
        flights.land(silent, is_answered=False)
        rooms = []
        for _ in range(4):
            flights.land(flights.start(0.0), is_answered=True)
            rooms.append(room(flights))
        assert rooms == [2, 2, 2, 3]

    def test_the_first_in_flight_was_at_work_and_those_behind_it_waited(self) -> None:
        flights = Flights()
        first, second, third = (flights.start(now) for now in (0.0, 10.0, 20.0))
        assert [flight.was_at_work for flight in (first, second, third)] == [True, False, False]
        flights.land(first, is_answered=True)
        assert [flight.was_at_work for flight in (second, third)] == [True, False]

    def test_one_that_a_later_one_overtakes_was_at_work(self) -> None:
        flights = Flights()
        _, second, third = (flights.start(now) for now in (0.0, 10.0, 20.0))
        flights.land(third, is_answered=True)
        assert (second.is_first, second.is_overtaken) == (False, True)

    def test_requests_that_are_sent_together_may_wait_for_each_other(self) -> None:
        flights = Flights()
        first, second = flights.start(0.0), flights.start(1.0)
        assert not first.is_first
        flights.land(second, is_answered=True)
        assert (first.is_first, first.is_overtaken) == (True, False)


def room(flights: Flights) -> int:
    """Return how many requests can be started."""
    started: list[Flight] = []
    while flights.has_room:
        started.append(flights.start(0.0))
    for flight in started:
        flights.land(flight, is_answered=False)
    return len(started)
