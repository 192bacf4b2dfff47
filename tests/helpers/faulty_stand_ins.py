"""Stand-ins that fail on order, wherever their process runs: `STAND_IN_ORDERS` names a folder of orders.

A file of that folder is named after a tool and a fault, and holds the text which brings the fault about.
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
"""`kill` ends the process, `hang` never returns, `freeze` stops all threads, so that no deadline ends it,
`hold` waits until the order is withdrawn."""


class Orders:
    """The orders of a test to the stand-ins."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def give(self, tool: Tool, fault: Fault, text: str) -> Iterator[None]:
        """Let the fault happen to the process that renders the text."""
        order = self._folder / f"{tool}-{fault}"
        with order.open("w") as file:
            # Processes on hold wait for this lock, so they continue if the test dies.
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(text)
            file.flush()
            yield
            order.unlink()

    @contextmanager
    def refuse(self, texts: Sequence[str]) -> Iterator[None]:
        """Let the designer refuse seeds with these texts."""
        order = self._folder / "refuse"
        order.write_text("\n".join(texts))
        yield
        order.unlink()

    def list_renderers(self, tool: Tool) -> list[int]:
        """Return the live processes that have rendered."""
        pids = (int(path.suffix[1:]) for path in self._folder.glob(f"{tool}.*"))
        return [pid for pid in pids if _is_alive(pid)]

    def find_victim(self, tool: Tool, fault: Fault) -> int | None:
        """Return the process that last rendered the text of the fault in this test."""
        path = self._folder / f"met-{tool}-{fault}"
        return int(path.read_text()) if path.exists() else None

    def clear(self) -> None:
        """Delete all orders and records."""
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
                    self._suffer(fault, order)

    def _suffer(self, fault: Fault, order: Path) -> None:
        record = self._folder / f".{os.getpid()}"
        record.write_text(str(os.getpid()))
        record.rename(self._folder / f"met-{order.name}")
        if fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault == "freeze":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif fault == "hang":
            threading.Event().wait()
        else:
            with order.open() as file:
                fcntl.flock(file, fcntl.LOCK_SH)


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _read_orders() -> Orders:
    return Orders(Path(os.environ[FOLDER]))


def write_line(seed: Seed) -> str:
    """Return the words of the voice in the dialogue of a seed: no other seed of a test starts with them."""
    return " ".join(seed.text.lower().split()[:3])


def write_caption(seed: Seed) -> str:
    """Return the caption of a sound in the dialogue of a seed."""
    return f"a bell like {write_line(seed)}"


class StandInReader(StandInDesigner):
    """The dialogue of `StandInDesigner`, with the seed's own words in its voice and in a sound."""

    name = "stand-in-reader"

    def design(self, seed: Seed, run_seed: int) -> Design:
        if _read_orders().refuses(seed.text):
            raise RowFault("refused", "as ordered")
        dialogue = a_dialogue(seed).model_dump_json()
        dialogue = dialogue.replace("who is there", write_line(seed)).replace(
            "a small bell", write_caption(seed)
        )
        return Design(Dialogue.model_validate_json(dialogue))


class FaultyNoise(NoiseRenderer):
    """Noise, from a renderer that obeys orders."""

    name = "faulty-noise"

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        _obey_orders(self.tool, requests)
        return super().render(requests)


class FaultyMurmur(MurmurRenderer):
    """Murmured speech, from a renderer that obeys orders."""

    name = "faulty-murmur"

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        _obey_orders(self.tool, requests)
        return super().render(requests)


def _obey_orders(tool: Tool, requests: Sequence[RenderRequest]) -> None:
    orders = _read_orders()
    for request in requests:
        orders.obey(tool, request.text)
