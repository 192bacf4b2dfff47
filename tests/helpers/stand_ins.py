"""Stand-ins for designer and renderers, quick enough to run whole jobs in tests, and a way to die in them.

They are entry points like any package's (`stand_ins.dist-info`). `Command` is `copilot` in a process of its
own. `STAND_IN_KILL=module:function:when:n` in the environment makes a process kill itself `before` or
`after` the n-th call of a function. `STAND_IN_AWAY=n` takes the server of `stand-in-ahead` away after n
dialogues.
"""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

# Loaded here so that the server which commands are forked from has all that they import.
from copilot.designers.account import Account, Usage
from copilot.designers.contract import Design, DesignerContext, DesignerInfo, DesignFault
from copilot.errors import CopilotError, RowFault
from copilot.seed import Seed
from helpers.made_runs import a_dialogue
from pipelines.cli import app, main
from pipelines.execution import local  # sets what is preloaded for its workers: to be set again below

# Backends of this module, so that each worker loads it, with what kills its process.
from renderers.testing import MurmurRenderer, NoiseRenderer  # noqa: F401

BACKENDS = ("--designer", "stand-in", "--sfx", "noise", "--tts", "murmur")


class StandInDesigner:
    """The same dialogue for every seed; a seed with the word `refused` gets none, one with `broken` a bug."""

    info = DesignerInfo(summary="One dialogue for all seeds", licence="MIT", repeatable=True)
    name = "stand-in"

    def __init__(self, context: DesignerContext) -> None:
        self._n_turns = context.n_turns

    def fingerprint(self) -> dict[str, str]:
        return {"designer": self.name}

    def design(self, seed: Seed, run_seed: int) -> Design:
        if "refused" in seed.text:
            raise RowFault("refused", "the seed says so")
        if "broken" in seed.text:
            raise ZeroDivisionError("a bug in a designer")
        dialogue = a_dialogue(seed)
        return Design(dialogue.model_copy(update={"turns": dialogue.turns[: self._n_turns]}))


AHEAD = ("--designer", "stand-in-ahead", "--sfx", "noise", "--tts", "murmur")


class StandInAhead:
    """The dialogues of `StandInDesigner`, several at once; a seed with the word `endless` is never done."""

    name = "stand-in-ahead"
    concurrency = 4

    def __init__(self, context: DesignerContext) -> None:
        self._inner = StandInDesigner(context)
        self._n_left = int(os.environ.get("STAND_IN_AWAY") or -1)

    def fingerprint(self) -> dict[str, str]:
        return {"designer": self.name}

    def prompt_hashes(self) -> dict[str, str]:
        return {"story": "5" * 16}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        pass

    async def server_load(self) -> str:
        return "9 tokens/s"

    async def design_async(self, seed: Seed, run_seed: int) -> Design:
        if not self._n_left:
            raise CopilotError("the server is away; run the same command again")
        self._n_left -= 1
        await asyncio.sleep(0)
        if "endless" in seed.text:
            await asyncio.Event().wait()
        account = account_of(seed)
        try:
            return replace(self._inner.design(seed, run_seed), account=account)
        except RowFault as fault:
            raise DesignFault(fault.reason, fault.detail, account) from fault


def account_of(seed: Seed) -> Account:
    """Return the account that `StandInAhead` gives of a seed's dialogue; its figures depend on the text."""
    n = len(seed.text)
    usage = Usage(3, 2, 1, 1, 100 * n, 50 * n, 10 * n, 0.5)
    return Account("stand-in", "story", "5" * 16, usage, (f"a reply to {seed.text}", "{"))


def _deadly(module: str, path: str, when: str, nth: str) -> None:
    *owners, name = path.split(".")
    owner = importlib.import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    real, calls = getattr(owner, name), 0

    def deadly(*args, **kwargs):
        nonlocal calls
        calls += 1
        if when == "before" and calls == int(nth):
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **kwargs)
        if when == "after" and calls == int(nth):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


@dataclass(frozen=True)
class Ended:
    """The end of a command: its exit code, minus the signal if one killed it, and its output."""

    returncode: int
    stdout: str
    stderr: str


class Command:
    """`copilot` with stand-ins, in a process and session of its own."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        kill: str = "",
        away: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._said = [folder / f"said-{name}.txt" for name in ("stdout", "stderr")]
        environment = {"STAND_IN_KILL": kill, "STAND_IN_AWAY": "" if away is None else str(away)}
        environment |= settings or {}
        self.process = _SERVER.Process(target=_run, args=(arguments, environment, self._said))
        self.process.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    def is_alive(self) -> bool:
        return self.process.is_alive()

    def read_stderr(self) -> str:
        """Return what it has printed so far."""
        return self._said[1].read_text() if self._said[1].exists() else ""

    def wait(self) -> Ended:
        self.process.join(timeout=120)
        stdout, stderr = (path.read_text() for path in self._said)
        return Ended(self.process.exitcode, stdout, stderr)


# Commands are forked from a server that has imported everything: importing is most of a short run's time.
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["helpers.stand_ins", "renderers.testing", app.__name__, local.__name__])


def _run(arguments: Sequence[str], environment: Mapping[str, str], said: Sequence[Path]) -> None:
    os.setsid()
    for descriptor, path in zip((1, 2), said, strict=True):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    os.environ |= environment
    if kill := environment["STAND_IN_KILL"]:
        _deadly(*kill.split(":"))
    sys.argv = ["copilot", *arguments]
    main()


# Workers are other processes: they load this module for its backends, and die as they are told.
if os.environ.get("STAND_IN_KILL"):
    _deadly(*os.environ["STAND_IN_KILL"].split(":"))
