"""The load of servers, as their metrics tell it."""

from __future__ import annotations

import asyncio

import pytest
from helpers.fake_llm import FakeLlm

from copilot.designers.llm.exchange import Ask, Grammar, Message
from pipelines.llm.client import ModelClient, RequestForm
from pipelines.llm.metrics import LoadRates, ServerLoad, add_up, compute_rates, read_loads

TWO_ENGINES = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="a{b} c"} 3.0
vllm:num_requests_running{engine="1",model_name="a{b} c"} 4.0
vllm:num_requests_waiting{engine="0",model_name="a"} 2.0
vllm:kv_cache_usage_perc{engine="0",model_name="a"} 0.5
vllm:prompt_tokens_total{engine="0",model_name="a"} 1.5e+06
vllm:prompt_tokens_created{engine="0",model_name="a"} 1.7e+09
vllm:generation_tokens_total{engine="0",model_name="a"} 1200.0
vllm:generation_tokens_total{engine="1",model_name="a"} NaN
vllm:prefix_cache_queries_total 100.0
vllm:prefix_cache_hits_total 91.0 1700000000000
python_gc_objects_collected_total{generation="0"} 77.0
"""


def test_the_engines_of_a_server_are_summed() -> None:
    assert ServerLoad.parse(TWO_ENGINES) == ServerLoad(7, 2, 1200, 1_500_000, 100, 91)


@pytest.mark.parametrize(
    "text", ["", "<html>", "python_info 1.0\n", '# TYPE vllm:num_requests_running gauge\n{"a": 1}']
)
def test_what_has_no_known_name_is_no_load(text: str) -> None:
    assert ServerLoad.parse(text) is None


LLAMA_CPP = """\
# HELP llamacpp:prompt_tokens_total Number of prompt tokens processed.
# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total 5210
# TYPE llamacpp:prompt_tokens_seconds gauge
llamacpp:prompt_tokens_seconds 61.5
llamacpp:tokens_predicted_total 812
llamacpp:predicted_tokens_seconds 2.1
llamacpp:requests_processing 2
llamacpp:requests_deferred 30
"""
SGLANG = """\
# TYPE sglang:prompt_tokens_total counter
sglang:prompt_tokens_total{model_name="a"} 8.1e+03
sglang:generation_tokens_total{model_name="a"} 7500.0
sglang:num_running_reqs{model_name="a"} 16.0
sglang:num_queue_reqs{model_name="a"} 3.0
"""
TGI = """\
tgi_batch_current_size 8
tgi_queue_size 1
tgi_request_generated_tokens_bucket{le="64"} 5
tgi_request_generated_tokens_sum 640
tgi_request_generated_tokens_count 9
tgi_request_input_length_sum 9000
"""


@pytest.mark.parametrize(
    ("text", "load"),
    [
        (LLAMA_CPP, ServerLoad(2, 30, 812, 5210)),
        (SGLANG, ServerLoad(16, 3, 7500, 8100)),
        (TGI, ServerLoad(8, 1, 640, 9000)),
    ],
)
def test_the_names_of_other_servers_are_known(text: str, load: ServerLoad) -> None:
    assert ServerLoad.parse(text) == load


def test_loads_add_up() -> None:
    assert add_up([ServerLoad(1, 2, 3, 4, 5, 6), ServerLoad(10, 20, 30, 40, 50, 60)]) == ServerLoad(
        11, 22, 33, 44, 55, 66
    )
    assert add_up([]) is None


def test_rates_are_those_of_the_servers_that_lasted() -> None:
    before = {
        "lasts": ServerLoad(0, 0, 1000, 5000, 200, 100),
        "restarted": ServerLoad(0, 0, 9000, 9000, 900, 900),
        "gone": ServerLoad(0, 0, 7000, 7000, 0, 0),
    }
    after = {
        "lasts": ServerLoad(0, 0, 1600, 8000, 300, 180),
        "restarted": ServerLoad(0, 0, 10, 10, 5, 0),
        "new": ServerLoad(0, 0, 10**6, 10**6, 1, 1),
    }
    assert compute_rates(before, after, 2.0) == LoadRates(300.0, 1500.0, 0.8)


def test_there_are_no_rates_without_a_server_or_time() -> None:
    loads = {"a": ServerLoad()}
    assert compute_rates({}, loads, 1.0) is None
    assert compute_rates(loads, loads, 0.0) is None
    assert compute_rates(loads, loads, 1.0) == LoadRates(0.0, 0.0, None)


def test_servers_without_metrics_are_passed_over() -> None:
    async def work() -> tuple[dict[str, ServerLoad], str]:
        with_them, without, away = FakeLlm(), FakeLlm(metrics=False), FakeLlm()
        await away.open()
        await away.close()
        async with (
            with_them,
            without,
            ModelClient(
                [with_them.url, without.url, away.url], "tiny", form=RequestForm(structured="none")
            ) as client,
        ):
            without.faults = [None]
            # Both are asked once, whichever is first.
            asks = [client.ask(Ask((Message("user", "x" * 40),), Grammar("any", {}), 16)) for _ in range(4)]
            for ask in asks:
                await ask
            loads = await read_loads(client)
            assert loads[with_them.url].prompt_tokens == 10 * with_them.requests
            return loads, with_them.url

    loads, url = asyncio.run(work())
    assert list(loads) == [url]
