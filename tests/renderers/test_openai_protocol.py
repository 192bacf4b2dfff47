"""What the clients of OpenAI's protocol share: keys, URLs, and the meaning of an answer's status."""

from __future__ import annotations

import pytest

from copilot.errors import UserError
from renderers.openai_protocol import (
    BusyError,
    FaultError,
    RefusedError,
    check_key,
    clean,
    describe_connection_error,
    is_server_url,
    parse_retry_after,
    read_status_error,
    shorten,
)

openai = pytest.importorskip("openai")
httpx2 = pytest.importorskip("httpx2")

KEY = "sk-secret-1234"


def status_error(status: int, *, body: object = None, text: str = "", headers: dict | None = None):
    request = httpx2.Request("POST", "http://h/v1/chat/completions")
    response = httpx2.Response(status, text=text, headers=headers, request=request)
    return openai.APIStatusError("unused", response=response, body=body)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RefusedError),
        (401, RefusedError),
        (404, RefusedError),
        (422, RefusedError),
        (408, FaultError),
        (409, FaultError),
        (429, BusyError),
        (500, FaultError),
        (503, FaultError),
    ],
)
def test_a_status_is_a_refusal_or_a_fault_that_may_pass(status, kind):
    fault = read_status_error(status_error(status, body={"message": "no such thing"}), None)
    assert type(fault) is kind
    assert str(fault) == f"{status}, no such thing"


def test_a_refusal_keeps_status_and_text_apart():
    fault = read_status_error(status_error(400, body={"message": "too  long"}), None)
    assert (fault.status, fault.text) == (400, "too long")


@pytest.mark.parametrize("body", [None, {"message": ""}, {"message": 5}, {"detail": "x"}, ["x"], 7])
def test_a_body_without_a_message_is_shown_as_it_is(body):
    assert (
        str(read_status_error(status_error(500, body=body, text="<b>oops</b>"), None)) == "500, <b>oops</b>"
    )


def test_a_body_that_is_the_message_is_shown():
    assert str(read_status_error(status_error(500, body="oops", text="raw"), None)) == "500, oops"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("0", 0.0), (None, None), ("-1", None), ("Wed, 21 Oct 2026", None), ("1.5", None)],
)
def test_the_time_to_wait_is_read_if_it_is_a_number_of_seconds(value, seconds):
    assert parse_retry_after(value) == seconds


@pytest.mark.parametrize("status", [408, 429, 503])
def test_a_fault_has_the_time_that_the_server_names(status):
    fault = read_status_error(status_error(status, headers={"retry-after": "9"}), None)
    assert fault.retry_after_s == 9.0


def test_no_message_holds_the_key():
    fault = read_status_error(status_error(401, body={"message": f"wrong key {KEY}"}), KEY)
    assert str(fault) == "401, wrong key ***"
    error = OSError("over")
    error.__cause__ = ConnectionError(f"with {KEY}")
    assert describe_connection_error(error, KEY) == "no connection (ConnectionError: with ***)"
    assert clean("no key", None) == "no key"


def test_a_long_text_is_cut_to_one_line():
    assert shorten(" a\n b\t") == "a b"
    assert shorten("x" * 300) == "x" * 300
    assert shorten("x" * 301) == "x" * 300 + "..."


@pytest.mark.parametrize(("given", "key"), [(None, None), ("", None), ("  ", None), (f" {KEY}\n", KEY)])
def test_a_key_has_no_white_space_around_it(given, key):
    assert check_key(given, "SOME_KEY") == key


@pytest.mark.parametrize("given", ["schl\u00fcssel", "two\nlines"])
def test_a_key_that_no_header_can_hold_is_refused_unseen(given):
    with pytest.raises(UserError, match="SOME_KEY") as caught:
        check_key(given, "SOME_KEY")
    assert given not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "is_one"),
    [
        ("http://localhost:8000/v1", True),
        ("https://[::1]/v1", True),
        ("localhost:8000/v1", False),
        ("ftp://h/v1", False),
        ("http://h:port/v1", False),
        ("http:///v1", False),
    ],
)
def test_a_servers_url_has_a_scheme_and_a_host(url, is_one):
    assert is_server_url(url) == is_one
