"""URLs of servers, as they may be shown."""

from __future__ import annotations


def hide_secrets(url: str) -> str:
    """Return a URL without user, password, query and fragment, whatever the text looks like."""
    scheme, separator, rest = url.partition("://") if "://" in url else ("", "", url)
    # A password may hold any character, so that only what follows the last @ surely holds none of it.
    place = rest.rpartition("@")[2].split("?", 1)[0].split("#", 1)[0]
    return f"{scheme}{separator}{place}"
