"""Shared parts of the ready speech workers: sounds in files, and the recording that shows a voice."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from renderers.worker.scripts import worker_tools
else:
    import worker_tools

Message = dict[str, Any]


def render_each(
    requests: Sequence[Message], folder: Path, speak: Callable[[Message], tuple[Any, int]]
) -> list[Message]:
    """Return one answer per request. `speak` returns mono samples and their rate in Hz."""
    soundfile = importlib.import_module("soundfile")

    def answer(number: int, request: Message) -> Message:
        samples, rate_hz = speak(request)
        soundfile.write(str(folder / f"{number}.wav"), samples, rate_hz, subtype="FLOAT")
        return {"file": f"{number}.wav"}

    return worker_tools.answer_each(requests, answer, "renderer-error")


def require_reference(request: Message) -> Message:
    """Return the recording that shows the voice. Raises Refusal if the request has none."""
    reference: Message | None = request.get("reference")
    if reference is None:
        raise worker_tools.Refusal(
            "no-reference", "this worker clones a voice, and the request has no reference"
        )
    return reference
