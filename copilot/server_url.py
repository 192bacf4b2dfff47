"""URLs of servers, as they may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def hide_secrets(url: str) -> str:
    """Return a URL without user, password, query and fragment, whatever the text looks like."""
    scheme, separator, rest = url.partition("://") if "://" in url else ("", "", url)
    # A password may hold any character, so that only what follows the last @ surely holds none of it.
    place = rest.rpartition("@")[2].split("?", 1)[0].split("#", 1)[0]
    return f"{scheme}{separator}{place}"


def hide_secrets_within(value: Any) -> Any:  # noqa: ANN401 - any setting
    """Return a setting with every URL in it as it may be shown."""
    if isinstance(value, Mapping):
        return {name: hide_secrets_within(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(hide_secrets_within, value))
    return hide_secrets(value) if isinstance(value, str) and "://" in value else value
