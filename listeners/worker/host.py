"""The child process in which a listener of the registry hears.

Run as `python -m listeners.worker.host SPEC KIND SETTINGS`; SETTINGS is a JSON object. The other side is
`listeners.worker.listener.HostedListener`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from listeners import registry
from listeners.contract import Kind
from listeners.worker.answers import read_clip, write_answer
from renderers.worker.hosting import send_errors
from renderers.worker.scripts import worker_protocol


class Host:
    """A listener of the registry that speaks the worker protocol."""

    def __init__(self, spec: str, kind: Kind, settings: dict[str, Any]) -> None:
        with send_errors():
            self._listener = registry.create(spec, kind, settings)

    def greeting(self) -> dict[str, Any]:
        """Return name, kind and rate; the listener on the other side describes the rest."""
        listener = self._listener
        known = {"name": listener.name, "kind": listener.kind, "rate_hz": listener.rate_hz}
        return {**known, "fingerprint": {}}

    def prepare(self) -> None:
        """Load the listener."""
        with send_errors():
            self._listener.prepare()

    def hear(self, requests: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
        """Return the listener's answers."""
        clips = [read_clip(request, folder) for request in requests]
        with send_errors():
            answers = self._listener.hear(clips)
        return [write_answer(answer, folder, str(n)) for n, answer in enumerate(answers)]


if __name__ == "__main__":
    _spec, _kind, _settings = sys.argv[1:]
    worker_protocol.serve(lambda: Host(_spec, cast("Kind", _kind), json.loads(_settings)))
