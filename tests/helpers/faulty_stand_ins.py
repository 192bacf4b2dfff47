"""Stand-ins that fail as they are told, wherever their process runs: `STAND_IN_ORDERS` names a folder.

A file of that folder that is named after a tool and a fault holds the text which brings it about.
"""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import psutil

from copilot.designers.contract import Design
from copilot.dialogue import Dialogue
from copilot.errors import RowFault
from copilot.seed import Seed
from helpers.made_runs import a_dialogue
from helpers.stand_ins import StandInDesigner
from renderers.contract import RenderedSound, RenderFailure, RenderRequest, Tool
from renderers.testing import MurmurRenderer, NoiseRenderer

FOLDER = "STAND_IN_ORDERS"
Fault = Literal["kill", "hang", "freeze", "hold"]
"""`kill` ends the process, `hang` stays for ever, `freeze` stops all of it, so that no deadline ends it,
`hold` waits until the order is taken back."""


class Orders:
    """What a test orders, and what stand-ins do about it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def given(self, tool: Tool, fault: Fault, text: str) -> Iterator[None]:
        """The fault befalls whoever renders the text."""
        order = self._folder / f"{tool}-{fault}"
        with order.open("w") as file:
            # What is held waits for this lock, so it goes on if the test dies.
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(text)
            file.flush()
            yield
            order.unlink()

    @contextmanager
    def refusing(self, texts: Sequence[str]) -> Iterator[None]:
        """Seeds with these texts get no dialogue."""
        order = self._folder / "refuse"
        order.write_text("\n".join(texts))
        yield
        order.unlink()

    def at_work(self, tool: Tool) -> list[int]:
        """The processes that have rendered, and are alive."""
        pids = (int(path.suffix[1:]) for path in self._folder.glob(f"{tool}.*"))
        return [pid for pid in pids if _lives(pid)]

    def befallen(self, tool: Tool, fault: Fault) -> int | None:
        """The process that has met the fault's text last, since the test began."""
        path = self._folder / f"met-{tool}-{fault}"
        return int(path.read_text()) if path.exists() else None

    def forget(self) -> None:
        """Begin anew."""
        for path in self._folder.iterdir():
            path.unlink()

    def refuses(self, text: str) -> bool:
        order = self._folder / "refuse"
        return order.exists() and text in order.read_text().splitlines()

    def obey(self, tool: Tool, text: str) -> None:
        (self._folder / f"{tool}.{os.getpid()}").touch()
        for fault in ("kill", "hang", "freeze", "hold"):
            order = self._folder / f"{tool}-{fault}"
            with suppress(FileNotFoundError):
                if order.read_text() == text:
                    self._meet(fault, order)

    def _meet(self, fault: Fault, order: Path) -> None:
        met = self._folder / f".{os.getpid()}"
        met.write_text(str(os.getpid()))
        met.rename(self._folder / f"met-{order.name}")
        if fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault == "freeze":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif fault == "hang":
            threading.Event().wait()
        else:
            with order.open() as file:
                fcntl.flock(file, fcntl.LOCK_SH)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _orders() -> Orders:
    return Orders(Path(os.environ[FOLDER]))


def spoken(seed: Seed) -> str:
    """What a voice says in the dialogue of a seed: words that no other seed of a test begins with."""
    return " ".join(seed.text.lower().split()[:3])


def sounding(seed: Seed) -> str:
    """A sound in the dialogue of a seed."""
    return f"a bell like {spoken(seed)}"


class StandInReader(StandInDesigner):
    """The dialogue of `StandInDesigner`, with the seed's own words in its voice and in a sound."""

    name = "stand-in-reader"

    def design(self, seed: Seed, run_seed: int) -> Design:
        if _orders().refuses(seed.text):
            raise RowFault("refused", "as ordered")
        said = a_dialogue(seed).model_dump_json()
        said = said.replace("who is there", spoken(seed)).replace("a small bell", sounding(seed))
        return Design(Dialogue.model_validate_json(said))


class FaultyNoise(NoiseRenderer):
    """Noise, from a renderer that obeys."""

    name = "faulty-noise"

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        for request in requests:
            _orders().obey(self.tool, request.text)
        return super().render(requests)


class FaultyMurmur(FaultyNoise):
    """As `MurmurRenderer`."""

    name = "faulty-murmur"
    tool: Tool = "tts"
    fill = MurmurRenderer.fill
