"""The worker's side of the protocol of docs/worker.md, for Python 3.10 and later, without the project.

What libraries print goes to stderr, and what they and their children read from stdin is empty: the lines of
the protocol have pipes of their own. When stdin ends the process ends, in the middle of a request too, and
with it the batch's folder.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn, Protocol

PROTOCOL = 1

_TRIES = 3
"""A file may be written while its folder is deleted."""

Said = dict[str, Any]


class Worker(Protocol):
    """What answers. Its methods raise WorkerError; any other exception is told as `broke`."""

    def greeting(self) -> Said:
        """Name, tool, fingerprint and so on, without the version of the protocol."""
        ...

    def prepare(self) -> None:
        """Load what is needed."""
        ...

    def render(self, requests: Sequence[Said], folder: Path) -> list[Said]:
        """Answers in the order asked, one for each request; their files lie in `folder`."""
        ...


class WorkerError(Exception):
    """A whole batch, or the worker itself, is at fault. `kind`: `out-of-memory` or `cannot-work`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def serve(make: Callable[[], Worker]) -> NoReturn:
    """Greet, and answer until stdin ends. `make` raises WorkerError where there can be no worker."""
    asked, answers = _own_pipes()
    try:
        worker = make()
        _send(answers, {"protocol": PROTOCOL, **worker.greeting()})
    except WorkerError as error:
        sys.exit(str(error))
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(asked, lines), daemon=True).start()
    while True:
        _send(answers, _answer(worker, json.loads(lines.get())))


def _own_pipes() -> tuple[IO[bytes], IO[bytes]]:
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return asked, answers


def _read(asked: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    folder = ""
    for line in asked:
        lines.put(line)
        folder = json.loads(line).get("folder", folder)
    # Whoever asked is gone: nobody wants what is being rendered, nor will anybody delete it.
    for _ in range(_TRIES if folder else 0):
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _send(answers: IO[bytes], said: Mapping[str, Any]) -> None:
    try:
        answers.write(json.dumps(said).encode() + b"\n")
        answers.flush()
    except BrokenPipeError:
        os._exit(0)


def _answer(worker: Worker, request: Said) -> Said:
    try:
        if request["op"] == "prepare":
            worker.prepare()
            return {}
        return {"answers": worker.render(request["requests"], Path(request["folder"]))}
    except WorkerError as error:
        return {"error": str(error), "kind": error.kind}
    except Exception as error:  # noqa: BLE001 - told to the one who asked
        kind = "out-of-memory" if is_out_of_memory(error) else "broke"
        return {"error": explained(error), "kind": kind}


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception is for want of memory: Python's own, or torch's on any device."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and "out of memory" in str(error).lower()
    )


def explained(error: BaseException) -> str:
    """An exception nobody foresaw, with its traceback."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))
