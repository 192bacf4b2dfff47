"""What the ready speech workers share: options, versions, and one request after another."""

from __future__ import annotations

import importlib
import json
import os
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from renderers.scripts import worker_protocol
else:
    import worker_protocol

Said = dict[str, Any]
Kinds = Mapping[str, Callable[[str], Any]]
"""Options by name, and what makes a value of each one's text."""


class Refusal(Exception):  # noqa: N818 - as a fault of one request is called
    """One request has no sound, for a reason."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def options(name: str, kinds: Kinds) -> dict[str, Any]:
    """The options that the last argument holds, as JSON. Raises WorkerError for one that there is not."""
    given: dict[str, str] = json.loads(sys.argv[-1]) if len(sys.argv) > 1 else {}
    if unknown := sorted(set(given) - set(kinds)):
        there = ", ".join(kinds)
        raise refused(f"{name}: there is no option {', '.join(unknown)}; there are: {there}")
    values = {}
    for option, text in given.items():
        try:
            values[option] = kinds[option](text)
        except ValueError as error:
            raise refused(f"{name}: option {option}={text}: {error}") from error
    return values


def installed(name: str, distribution: str) -> str:
    """The version of the backend's package. Raises WorkerError where this Python has none."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        raise refused(
            f"{name}: {sys.executable} has no {distribution}; install it there (pip install {distribution}), "
            "or name a Python that has it with the setting python"
        ) from None


def refused(message: str) -> worker_protocol.WorkerError:
    """The error of a worker that cannot work here."""
    return worker_protocol.WorkerError("cannot-work", message)


def device() -> str | None:
    """The device that the worker is to use, if it was told."""
    return os.environ.get("COPILOT_DEVICE") or None


def sow(seed: int) -> None:
    """Seed every generator that a backend on torch draws from."""
    random.seed(seed)
    importlib.import_module("numpy").random.seed(seed % 2**32)
    importlib.import_module("torch").manual_seed(seed)


def each(requests: Sequence[Said], folder: Path, speak: Callable[[Said], tuple[Any, int]]) -> list[Said]:
    """Answers, each made by itself: `speak` gives samples, mono, and their rate in Hz.

    One that fails is an answer with a reason; want of memory concerns the batch.
    """
    soundfile = importlib.import_module("soundfile")
    answers: list[Said] = []
    for index, request in enumerate(requests):
        try:
            samples, rate_hz = speak(request)
            soundfile.write(str(folder / f"{index}.wav"), samples, rate_hz, subtype="FLOAT")
            answers.append({"file": f"{index}.wav"})
        except Refusal as refusal:
            answers.append({"reason": refusal.reason, "detail": str(refusal)})
        except Exception as error:
            if worker_protocol.is_out_of_memory(error):
                raise
            answers.append({"reason": "renderer-error", "detail": worker_protocol.explained(error)})
    return answers


def reference(request: Said) -> Said:
    """The recording that shows the voice. Raises Refusal where there is none."""
    shown: Said | None = request.get("reference")
    if shown is None:
        raise Refusal("no-reference", "this worker clones a voice, and the request shows none")
    return shown
