"""What the ready speech workers share: options, versions, files, and one request after another."""

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

Said = dict[str, Any]
Kinds = Mapping[str, Callable[[str], Any]]
"""Options by name, and what makes a value of each one's text."""

_SAMPLE_BYTES = 1 << 20
_WHOLE_BYTES = 8 * _SAMPLE_BYTES
"""Files up to here are hashed whole: configurations, vocabularies. Larger ones are weights."""


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


def place(text: str) -> str:
    """The path of a file or folder. Raises ValueError where there is none."""
    path = Path(text).expanduser()
    if not path.exists():
        raise ValueError("there is no such file or folder")
    return str(path)


def fingerprint(sound: Mapping[str, Any], kinds: Kinds) -> dict[str, str]:
    """What changes the sound, as texts: of the options that are places, their content."""
    return {
        name: content(Path(value)) if kinds.get(name) is place else str(value)
        for name, value in sound.items()
    }


def content(path: Path) -> str:
    """Hash of a file, or of a folder's with their names. Of a large one five stretches of 1 MiB are read."""
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

    One that fails is an answer with a reason. Want of memory concerns the batch. An error of the device
    concerns the worker: the device does nothing more for this process.
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
            if worker_protocol.is_out_of_memory(error) or _is_of_the_device(error):
                raise
            answers.append({"reason": "renderer-error", "detail": worker_protocol.explained(error)})
    return answers


def _is_of_the_device(error: Exception) -> bool:
    return type(error).__name__ == "AcceleratorError" or "CUDA error" in str(error)


def reference(request: Said) -> Said:
    """The recording that shows the voice. Raises Refusal where there is none."""
    shown: Said | None = request.get("reference")
    if shown is None:
        raise Refusal("no-reference", "this worker clones a voice, and the request shows none")
    return shown
