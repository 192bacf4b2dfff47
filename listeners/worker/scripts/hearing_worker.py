"""Shared parts of the ready listeners: the protocol of the ready renderers, clips and arrays in files.

The models' libraries find their weights on this disk: HF_HUB_OFFLINE is set unless the environment has it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

_ROOT = Path(__file__).resolve().parents[3]

if TYPE_CHECKING:
    from renderers.worker.scripts import worker_protocol, worker_tools
else:
    sys.path.append(str(_ROOT / "renderers" / "worker" / "scripts"))
    import worker_protocol
    import worker_tools

__all__ = ["Message", "hear_each", "load_windows", "worker_protocol", "worker_tools"]

Message = dict[str, Any]

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def load_windows() -> Any:  # noqa: ANN401
    """Return the module `listeners/windows.py`, which needs NumPy alone."""
    spec = importlib.util.spec_from_file_location("windows", _ROOT / "listeners" / "windows.py")
    if spec is None or spec.loader is None:
        raise worker_tools.make_error("listeners/windows.py is missing beside this script")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def hear_each(
    requests: Sequence[Message], folder: Path, hear: Callable[[Any, list[str]], Message | Any]
) -> list[Message]:
    """Return one answer per clip.

    `hear` gets the clip, float32, (samples,), and its captions. It returns an answer, or for a detector an
    array of probabilities and the duration of a frame in seconds.
    """
    soundfile, numpy = importlib.import_module("soundfile"), importlib.import_module("numpy")

    def answer(number: int, request: Message) -> Message:
        audio, _ = soundfile.read(str(folder / request["file"]), dtype="float32")
        heard = hear(audio, request["captions"])
        if isinstance(heard, dict):
            return heard
        frames, frame_s = heard
        numpy.save(folder / f"{number}.npy", frames)
        return {"frames": f"{number}.npy", "frame_s": frame_s}

    return worker_tools.answer_each(requests, answer, "listener-error")
