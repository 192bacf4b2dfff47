"""Proxies and certificates of the environment: refused before anything starts, and named in failures."""

from __future__ import annotations

from pathlib import Path

import pytest

from copilot.errors import UserError
from renderers.http_environment import check_environment, describe_connection_error

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)


@pytest.mark.parametrize("variable", ["ALL_PROXY", "https_proxy", "HTTP_PROXY"])
@pytest.mark.parametrize(
    "proxy",
    ["socks5://anna:secret@h:1080", "socks5h://h:1080", "socks4://h:1", "http://[::1", "http://h:port"],
)
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable(monkeypatch, variable, proxy):
    monkeypatch.setattr("renderers.http_environment.find_spec", lambda _: None)
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(UserError, match=variable) as refusal:
        check_environment()
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("proxy", ["http://h:3128", "h:3128", "https://anna:secret@h:3128"])
def test_other_proxies_are_taken(monkeypatch, proxy):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    check_environment()


def test_socks_is_taken_with_its_package(monkeypatch):
    monkeypatch.setattr("renderers.http_environment.find_spec", lambda _: object())
    monkeypatch.setenv("ALL_PROXY", "socks5://h:1080")
    check_environment()


@pytest.mark.parametrize("kind", ["missing", "folder", "text"])
def test_certificates_that_cannot_be_read_are_named(monkeypatch, tmp_path: Path, kind):
    path = tmp_path / "certificates.pem"
    if kind == "folder":
        path.mkdir()
    if kind == "text":
        path.write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with pytest.raises(UserError, match="SSL_CERT_FILE") as refusal:
        check_environment()
    assert str(path) in str(refusal.value)


def failure() -> OSError:
    error = OSError("over")
    error.__cause__ = ConnectionError("with sk-1")
    return error


def test_a_failure_is_described_without_the_key():
    described = describe_connection_error(failure(), "sk-1", "http://h:8000/v1")
    assert described == "no connection (ConnectionError: with ***)"


@pytest.mark.parametrize(
    ("variable", "url", "is_named"),
    [
        ("HTTP_PROXY", "http://h:8000/v1", True),
        ("ALL_PROXY", "http://h:8000/v1", True),
        ("all_proxy", "https://h/v1", True),
        ("HTTPS_PROXY", "http://h:8000/v1", False),
        ("HTTP_PROXY", "http://here/v1", False),
    ],
)
def test_the_proxy_of_a_failed_connection_is_named(monkeypatch, variable, url, is_named):
    monkeypatch.setenv(variable, "http://anna:secret@proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "here")
    described = describe_connection_error(failure(), None, url)
    assert (f"http://proxy.example:3128 of {variable}" in described) == is_named
    assert "secret" not in described
