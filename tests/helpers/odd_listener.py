"""A package with a listener that fails on order: a clip's first caption says what happens to it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CODE = """
import os, signal
import numpy as np
from copilot.errors import CopilotError, UserError
from copilot.frozen_model import FrozenModel
from listeners.contract import *
from listeners.contract import HeardWord, Detection, Embedding, HearingFailure, Ratings, Scores, Transcript
from renderers.contract import BatchTooLargeError

print("a library that greets")

class Settings(FrozenModel):
    fault: str = ""
    log: str = ""

class Odd:
    info = ListenerInfo(
        kinds=("recogniser", "detector", "embedder", "scorer", "rater"), settings=Settings, target="fault",
        deadline_s=77.0, batch_s=30.0)
    name = "odd"
    rate_hz = 8_000

    def __init__(self, settings, *, kind):
        self.kind = kind
        self.settings = settings
        self.prepared = False

    def fingerprint(self):
        return {"backend": "odd", "version": "1", "kind": self.kind}

    def prepare(self):
        self.prepared = True
        if self.settings.fault == "user":
            raise UserError("odd: no such model; name another")
        if self.settings.fault == "bug":
            raise KeyError("weights")

    def hear(self, clips):
        assert self.prepared
        with open(self.settings.log or os.devnull, "a") as log:
            print(os.getpid(), len(clips), file=log)
        orders = [clip.captions[0] if clip.captions else "" for clip in clips]
        if "die" in orders:
            os.kill(os.getpid(), signal.SIGKILL)
        if "die once" in orders and not os.path.exists(self.settings.log + ".died"):
            open(self.settings.log + ".died", "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        if "hang" in orders:
            signal.pause()
        if "memory" in orders:
            raise BatchTooLargeError("odd: too much")
        if "bug" in orders:
            raise ZeroDivisionError("a bug in a listener")
        if "gone" in orders:
            raise CopilotError("odd: the device is gone")
        return [self.one(clip, order) for clip, order in zip(clips, orders)][: len(clips) - ("few" in orders)]

    def one(self, clip, order):
        if order == "refused":
            return HearingFailure("not-heard", "refused it is")
        n, seconds = len(clip.captions), clip.audio.size / self.rate_hz
        if self.kind == "recogniser":
            if order == "nothing":
                return Transcript("")
            end_s = seconds + 1 if order == "late" else seconds
            return Transcript("a b", (HeardWord("a", 0.0, 0.1, 0.5), HeardWord("b", 0.1, end_s)))
        if self.kind == "detector":
            shape = (n + (order == "shape"), round(seconds / 0.04) + 9 * (order == "long"))
            frames = np.full(shape, float(np.abs(clip.audio).max()), np.float32)
            frames[:, -1] = {"nan": np.nan, "loud": 1.5}.get(order, 0.25)
            return Detection(frames, 0.04)
        if self.kind == "embedder":
            return Embedding(np.full((2, 2) if order == "shape" else 3, np.nan if order == "nan" else 0.5,
                                     np.float32))
        if self.kind == "scorer":
            return Scores((2.0 if order == "loud" else 0.5,) * (n - (order == "short")))
        heard = {"size": clip.audio.size, "peak": float(clip.audio.max())}
        return Ratings({} if order == "nothing" else heard)

    def close(self):
        self.prepared = False
"""


@contextmanager
def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the package on the path of this process, with an entry point named `odd`."""
    (folder / "odd_listener.py").write_text(CODE)
    info = folder / "odd.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[copilot.listeners]\nodd = odd_listener:Odd\n")
    monkeypatch.syspath_prepend(folder)
    yield
    sys.modules.pop("odd_listener", None)
