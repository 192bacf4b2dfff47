"""The meaning of errors, as each server sends them: `server_errors.jsonl` has one row per server and case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from renderers.openai_errors import holds_error, read_error
from renderers.openai_protocol import BusyError, FaultError, RefusedError
from renderers.retry_after import read_retry_after

CASES = [
    json.loads(line)
    for line in Path(__file__).with_name("server_errors.jsonl").read_text(encoding="utf-8").splitlines()
]
KEY = "sk-secret-1234"


def read(status: int, body: Any, headers: dict[str, str] | None = None) -> FaultError | RefusedError:
    text = body if isinstance(body, str) else json.dumps(body)
    return read_error(status, text, headers or {}, KEY)


@pytest.mark.parametrize("case", CASES, ids=[f"{case['server']} {case['case']}" for case in CASES])
def test_an_error_has_its_meaning(case: dict[str, Any]) -> None:
    error = read(case["status"], case["body"])
    if isinstance(error, RefusedError):
        assert error.meaning == case["meaning"]
    else:
        assert ("busy" if isinstance(error, BusyError) else "fault") == case["meaning"]


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["status"] == 200], ids=lambda case: case["server"]
)
def test_an_error_with_status_200_is_seen(case: dict[str, Any]) -> None:
    assert holds_error(json.dumps(case["body"]).encode())


@pytest.mark.parametrize(
    "body",
    [{}, [], {"error": None}, {"data": []}, [{"id": "error"}], "error", {"error": "x", "choices": []}],
)
def test_another_answer_is_not_an_error(body: Any) -> None:
    assert not holds_error(json.dumps(body).encode())


def test_a_refusal_keeps_status_and_text_apart() -> None:
    error = read(400, {"error": {"message": "too  odd"}})
    assert isinstance(error, RefusedError)
    assert (error.status, error.text, str(error)) == (400, "too odd", "400, too odd")


def test_a_refusal_names_the_parameter_and_holds_the_models_reply() -> None:
    refused = read(
        400, {"error": {"code": "unsupported_parameter", "param": "top_p", "message": "top_p: not supported"}}
    )
    assert isinstance(refused, RefusedError)
    assert refused.param == "top_p"
    refused = read(
        400, {"error": {"code": "json_validate_failed", "message": "", "failed_generation": "{oh"}}
    )
    assert isinstance(refused, RefusedError)
    assert refused.reply == "{oh"


@pytest.mark.parametrize("body", ["<b>oops</b>", '{"message": 5}', '["x"]', "7", "[" * 5000])
def test_a_body_without_a_message_is_shown_as_it_is(body: str) -> None:
    assert str(read(500, body)).startswith(f"500, {body[:300]}")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "oops"}, "oops"),
        ({"message": "oops"}, "oops"),
        ({"detail": "oops"}, "oops"),
        ({"detail": [{"loc": ["body", "n"], "msg": "too odd", "input": 1}]}, "body.n: too odd"),
        ([{"error": {"message": "oops"}}], "oops"),
        ({"error": {"message": "of the provider", "metadata": {"raw": "oops"}}}, "of the provider: oops"),
    ],
)
def test_the_message_is_the_servers_own(body: Any, message: str) -> None:
    assert str(read(500, body)) == f"500, {message}"


def test_the_users_words_in_an_error_have_no_meaning() -> None:
    body = {"error": {"message": "odd", "metadata": {"flagged_input": "the model was not found"}}}
    error = read(400, body)
    assert isinstance(error, RefusedError)
    assert error.meaning == "unsure"


def test_no_message_holds_the_key() -> None:
    assert str(read(401, {"error": {"message": f"wrong key {KEY}"}})) == "401, wrong key ***"


NOW_S = 1_792_567_670.0
"""Wed, 21 Oct 2026 07:27:50 GMT."""


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 10.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
    ],
)
def test_the_time_to_wait_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(headers, NOW_S) == seconds


@pytest.mark.parametrize("status", [408, 429, 503])
def test_a_fault_has_the_time_that_the_server_names(status: int) -> None:
    error = read(status, "", {"retry-after": "9.5"})
    assert isinstance(error, FaultError)
    assert error.retry_after_s == 9.5


def test_a_fault_has_the_time_that_the_body_names() -> None:
    error = read(429, {"error": {"message": "Rate limit reached. Please try again in 7.2s."}})
    assert isinstance(error, FaultError)
    assert error.retry_after_s == 7.2
