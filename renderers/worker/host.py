"""The child process in which an isolated renderer works.

Run as `python -m renderers.worker.host SPEC TOOL SETTINGS`; SETTINGS is a JSON object. The other side is
`renderers.worker.renderer.HostedRenderer`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import soundfile as sf

from renderers import registry
from renderers.contract import RenderedSound, Renderer, RenderFailure, Tool
from renderers.worker.answers import request_from_json
from renderers.worker.hosting import send_errors
from renderers.worker.scripts import worker_protocol


class Host:
    """A renderer of the registry that speaks the worker protocol."""

    def __init__(self, spec: str, tool: Tool, settings: dict[str, Any]) -> None:
        with send_errors():
            self._renderer: Renderer = registry.create(spec, tool, settings)

    def greeting(self) -> dict[str, Any]:
        """Return name and tool; the renderer on the other side describes the rest."""
        return {"name": self._renderer.name, "tool": self._renderer.tool, "fingerprint": {}}

    def prepare(self) -> None:
        """Load the renderer."""
        with send_errors():
            self._renderer.prepare()

    def render(self, requests: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
        """Return the renderer's answers; each sound is in a WAV file of 32 bit floats, bit by bit."""
        with send_errors():
            answers = self._renderer.render([request_from_json(request) for request in requests])
        return [_write_answer(answer, folder, f"{index}.wav") for index, answer in enumerate(answers)]


def _write_answer(answer: RenderedSound | RenderFailure, folder: Path, name: str) -> dict[str, Any]:
    if isinstance(answer, RenderFailure):
        return {"reason": answer.reason, "detail": answer.detail}
    sf.write(folder / name, answer.audio.T, answer.rate_hz, format="WAV", subtype="FLOAT")
    return {
        "file": name,
        "matched": answer.matched,
        "words": [{"text": w.text, "start_s": w.start_s, "end_s": w.end_s} for w in answer.words],
        "detail": dict(answer.detail),
    }


if __name__ == "__main__":
    _spec, _tool, _settings = sys.argv[1:]
    worker_protocol.serve(lambda: Host(_spec, "tts" if _tool == "tts" else "sfx", json.loads(_settings)))
