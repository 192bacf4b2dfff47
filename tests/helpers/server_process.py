"""Starts and ends a real model server on this machine; no process of it outlives `kill` or `terminate`."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil

START_LIMIT_S = 600.0
END_LIMIT_S = 30.0
LAST_LINES = 40


class ServerProcess:
    """A server on a port of its own, ready once entered. `url` is the root of its OpenAI API.

    `command` gets `--host` and `--port`. A server that ends before it is ready, or is not ready in time,
    raises RuntimeError with its last words.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self._name, self._command, self._log = name, tuple(command), log
        self._environment = dict(environment)
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> str:
        """The URL below which `/health` and `/metrics` are."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """The root of OpenAI's API."""
        return f"{self.root}/v1"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.terminate()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, "--host", "127.0.0.1", "--port", str(self._port)],
                env=os.environ | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End it at once, with all its children, in the middle of whatever it does."""
        self._end(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end, and wait until it has. Raises RuntimeError where it leaves a process behind."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Kill what runs, and start on the same port."""
        self.kill()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        session = process.pid
        members = _members(session)
        if how is signal.SIGTERM:
            process.terminate()
        else:
            _kill_group(session)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_LIMIT_S)
        psutil.wait_procs(members, timeout=END_LIMIT_S)
        left = _members(session)
        if left:
            _kill_group(session)
            process.wait(END_LIMIT_S)
            raise RuntimeError(f"{self._name}: {how.name} left {[member.name() for member in left]} running")

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        for _ in range(round(START_LIMIT_S / 0.5)):
            if _answers(f"{self.root}/health"):
                return
            try:
                code = process.wait(0.5)
            except subprocess.TimeoutExpired:
                continue
            raise RuntimeError(f"{self._name}: ended with {code} before it was ready:\n{self._last_words()}")
        raise RuntimeError(f"{self._name}: not ready after {START_LIMIT_S:.0f} s:\n{self._last_words()}")

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-LAST_LINES:])


def _free_port() -> int:
    """A port that the kernel gives to no outgoing connection, so that it is still free at a restart."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port on 127.0.0.1 between 20000 and 32000")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _kill_group(session: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(session, signal.SIGKILL)


def _members(session: int) -> list[psutil.Process]:
    """The live processes of a session; ended ones that nobody has asked after do not count."""
    members = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process)
        except (psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            continue
    return members
