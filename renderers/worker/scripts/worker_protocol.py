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
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, NoReturn, Protocol

PROTOCOL = 1

_TRIES = 3
"""A file may be written while its folder is deleted."""

Message = dict[str, Any]


class Worker(Protocol):
    """A backend behind the protocol. Its methods raise WorkerError; other exceptions are sent as `broke`.

    Beside these it has a method for its operation, `render` or `hear`, which takes a batch of requests and
    the folder of their files, and returns one answer per request, in the same order.
    """

    def greeting(self) -> Message:
        """Return name, tool, fingerprint and so on, without the version of the protocol."""
        ...

    def prepare(self) -> None:
        """Load what the work needs."""
        ...


class WorkerError(Exception):
    """A fault of a whole batch or of the worker itself. `kind`: `out-of-memory` or `cannot-work`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def serve(make: Callable[[], Worker]) -> NoReturn:
    """Greet, and answer until stdin ends. `make` raises WorkerError if the worker cannot work here."""
    requests, answers = _take_pipes()
    try:
        worker = make()
        _send(answers, {"protocol": PROTOCOL, **worker.greeting()})
    except WorkerError as error:
        sys.exit(str(error))
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(requests, lines), daemon=True).start()
    while True:
        _send(answers, _answer(worker, json.loads(lines.get())))


def _take_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Return pipes for the protocol alone; printing then goes to stderr, and stdin is empty."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def _read(requests: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    folder = ""
    for line in requests:
        lines.put(line)
        folder = json.loads(line).get("folder", folder)
    # The other side has ended: nobody reads the answer to come, and nobody else deletes it.
    for _ in range(_TRIES if folder else 0):
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _send(answers: IO[bytes], message: Mapping[str, Any]) -> None:
    try:
        answers.write(json.dumps(message).encode() + b"\n")
        answers.flush()
    except BrokenPipeError:
        os._exit(0)


def _answer(worker: Worker, request: Message) -> Message:
    try:
        if request["op"] == "prepare":
            worker.prepare()
            return {}
        work = getattr(worker, request["op"])
        return {"answers": work(request["requests"], Path(request["folder"]))}
    except WorkerError as error:
        return {"error": str(error), "kind": error.kind}
    except Exception as error:  # noqa: BLE001 - sent to the other side
        kind = "out-of-memory" if is_out_of_memory(error) else "broke"
        return {"error": format_traceback(error), "kind": kind}


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an exception reports a lack of memory: Python's own, or torch's on any device."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and "out of memory" in str(error).lower()
    )


def format_traceback(error: BaseException) -> str:
    """Return an unforeseen exception with its traceback."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))
