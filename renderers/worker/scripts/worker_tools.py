"""Shared parts of the ready workers: options, versions, files, seeds, and one request after another."""

from __future__ import annotations

import hashlib
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
    from renderers.worker.scripts import worker_protocol
else:
    import worker_protocol

Message = dict[str, Any]
Kinds = Mapping[str, Callable[[str], Any]]
"""Options by name, each with the function that makes a value of its text."""

_SAMPLE_BYTES = 1 << 20
_WHOLE_BYTES = 8 * _SAMPLE_BYTES
"""Files up to this size are hashed whole: configurations, vocabularies. Larger ones are weights."""


class Refusal(Exception):  # noqa: N818 - it concerns one request
    """The reason why one request has no answer."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def read_options(name: str, kinds: Kinds) -> dict[str, Any]:
    """Return the options that the last argument holds, as JSON. Raises WorkerError for an unknown one."""
    given: dict[str, str] = json.loads(sys.argv[-1]) if len(sys.argv) > 1 else {}
    if unknown := sorted(set(given) - set(kinds)):
        available = ", ".join(kinds)
        raise make_error(f"{name}: unknown option {', '.join(unknown)}; available: {available}")
    values = {}
    for option, text in given.items():
        try:
            values[option] = kinds[option](text)
        except ValueError as error:
            raise make_error(f"{name}: option {option}={text}: {error}") from error
    return values


def parse_path(text: str) -> str:
    """Return the path of a file or folder. Raises ValueError if it does not exist."""
    path = Path(text).expanduser()
    if not path.exists():
        raise ValueError("no such file or folder")
    return str(path)


def make_fingerprint(values: Mapping[str, Any], kinds: Kinds) -> dict[str, str]:
    """Return what changes the answers, as texts; for a file or folder, the hash of its content."""
    return {
        name: hash_content(Path(value)) if kinds.get(name) is parse_path else str(value)
        for name, value in values.items()
    }


def hash_content(path: Path) -> str:
    """Return the hash of a file, or of a folder's files with their names.

    Of a large file, five stretches of 1 MiB are read.
    """
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    digest = hashlib.sha256()
    for file in files:
        name, size = file.relative_to(path), file.stat().st_size
        if any(part.startswith(".") for part in name.parts):
            continue
        digest.update(f"{name.as_posix()}\0{size}\0".encode())
        with file.open("rb") as opened:
            if size <= _WHOLE_BYTES:
                digest.update(opened.read())
                continue
            for part in range(5):
                opened.seek((size - _SAMPLE_BYTES) * part // 4)
                digest.update(opened.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:16]


def find_version(name: str, *distributions: str) -> str:
    """Return the version of the backend's package, the first of these that this Python has.

    Raises WorkerError if it has none of them.
    """
    for distribution in distributions:
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    raise make_error(
        f"{name}: {sys.executable} has no {distributions[0]}; install it there "
        f"(pip install {distributions[0]}), or name a Python that has it with the setting python"
    )


def make_error(message: str) -> worker_protocol.WorkerError:
    """Return the error of a worker that cannot work here."""
    return worker_protocol.WorkerError("cannot-work", message)


def get_device() -> str | None:
    """Return the device that the environment names, if it names one."""
    return os.environ.get("COPILOT_DEVICE") or None


def seed_generators(seed: int) -> None:
    """Seed every generator that a backend on torch draws from."""
    random.seed(seed)
    importlib.import_module("numpy").random.seed(seed % 2**32)
    importlib.import_module("torch").manual_seed(seed)


def answer_each(
    requests: Sequence[Message], answer: Callable[[int, Message], Message], own_error: str
) -> list[Message]:
    """Return one answer per request, that of `answer` for its number and itself.

    A request that fails gets an answer with a reason; an unforeseen exception is `own_error`. Exceptions that
    concern more than one request are raised: a lack of memory, and an error of the device, which does nothing
    more for this process.
    """
    answers: list[Message] = []
    for number, request in enumerate(requests):
        try:
            answers.append(answer(number, request))
        except Refusal as refusal:
            answers.append({"reason": refusal.reason, "detail": str(refusal)})
        except Exception as error:
            if worker_protocol.is_out_of_memory(error) or _is_device_error(error):
                raise
            answers.append({"reason": own_error, "detail": worker_protocol.format_traceback(error)})
    return answers


def _is_device_error(error: Exception) -> bool:
    return type(error).__name__ == "AcceleratorError" or "CUDA error" in str(error)
