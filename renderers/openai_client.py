"""The headers of a client of the `openai` library, which by itself takes some from the environment."""

from __future__ import annotations

import os
from typing import Any

from renderers.openai_protocol import NO_KEY, is_openais

_FOREIGN = ("OpenAI-Organization", "OpenAI-Project")


def make_headers(url: str, key: str | None) -> dict[str, Any]:
    """Return the headers for a server: its key, and nothing else that only OpenAI is to know.

    OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS are sent to OpenAI, and to the server that
    OPENAI_BASE_URL names.
    """
    import openai  # noqa: PLC0415 - an extra, which takes a second to import

    headers: dict[str, Any] = {}
    if not is_openais(url):
        lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
        custom = (name.strip() for name, colon, _ in (line.partition(":") for line in lines) if colon)
        foreign = (name for name in (*_FOREIGN, *custom) if name.lower() != "authorization")
        headers = {name: openai.Omit() for name in foreign if name}
    return {**headers, "Authorization": f"Bearer {key or NO_KEY}"}
