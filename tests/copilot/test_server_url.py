"""URLs of servers, without secrets."""

from __future__ import annotations

import pytest

from copilot.designers.llm.service import LlmService
from copilot.server_url import hide_secrets


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://anna:p@ss@[::1]:80/v1?k=secret#x", "http://[::1]:80/v1"),
        ("anna:pass@h/v1", "h/v1"),
        ("http://h/v1#secret", "http://h/v1"),
    ],
)
def test_a_url_is_shown_without_secrets(url, shown):
    assert hide_secrets(url) == shown


def test_a_service_hides_the_users_of_its_urls():
    service = LlmService(urls=["http://anna:secret@h:1/v1"], judge_urls=["http://ben:secret@j:1/v1"])
    assert "http://h:1/v1" in repr(service)
    assert "http://j:1/v1" in str(service)
    assert "secret" not in repr(service) + str(service)
    assert service.urls == ("http://anna:secret@h:1/v1",)
