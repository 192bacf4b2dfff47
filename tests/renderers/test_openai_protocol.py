"""What the clients of OpenAI's protocol share: keys, URLs, and the meaning of an answer's status."""

from __future__ import annotations

import pytest

from copilot.errors import UserError
from renderers.openai_protocol import (
    check_key,
    clean,
    is_openais,
    is_server_url,
    list_nearest,
)

KEY = "sk-secret-1234"


def test_no_text_of_a_server_holds_the_key():
    assert clean(f"wrong key {KEY}", KEY) == "wrong key ***"
    assert clean("no key", None) == "no key"


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


@pytest.mark.parametrize(
    ("url", "base", "is_theirs"),
    [
        ("https://api.openai.com/v1", None, True),
        ("https://eu.api.openai.com/v1", None, True),
        ("http://api.openai.com/v1", None, False),
        ("https://api.openai.com.example.org/v1", None, False),
        ("https://gateway.example.org/v1", None, False),
        ("https://gateway.example.org/v1", "https://gateway.example.org/v1/", True),
        ("http://localhost:8000/v1", "http://localhost:9000/v1", False),
    ],
)
def test_openais_key_is_for_openai_and_the_server_that_the_user_names(monkeypatch, url, base, is_theirs):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    if base:
        monkeypatch.setenv("OPENAI_BASE_URL", base)
    assert is_openais(url) == is_theirs


def test_of_many_names_the_nearest_are_listed():
    names = [f"maker/model-{n}" for n in range(400)] + ["google/gemma-3-27b-it"]
    listed = list_nearest(names, "gemma-3-27b")
    assert listed.startswith("google/gemma-3-27b-it, ")
    assert listed.endswith(" and 396 others")
    assert len(listed) < 200
    assert list_nearest(names[:3], "x") == "maker/model-0, maker/model-1, maker/model-2"
    assert list_nearest([], "x") == "none"
