"""A child process that answers requests: one JSON line each way, raw bytes behind the answer's line.

A backend whose library cannot be trusted with the calling process (not thread-safe, keeps state, may crash
or hang) lives in such a process. The child first greets with one answer, then answers each request in turn:
a JSON object on a line of its own, whose `n_bytes` says how many raw bytes follow. What it prints to stderr
is kept as its last words. The deadline of the constructor is also that of the greeting.

- A child that dies is started again and the request repeated once; a second death is `ChildDiedError`.
- A child without a complete answer at the deadline is killed with all its children: `ChildTimeoutError`.
- Its stdin ends when this process ends, however that happens, and with it the child. It stands in a session
  of its own, so that Ctrl-C in a terminal reaches only this process, which then decides.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from copilot.errors import CopilotError
from copilot.units import Seconds

_CHUNK_BYTES = 1 << 20
_LAST_WORDS_BYTES = 2_000
_SHOWN_BYTES = 200
_HEADER_BYTES = 8 << 20
"""No answer's line is longer. A child that writes on without end is not listened to."""

_GRACE_S: Seconds = 1.0


class ChildStartError(CopilotError):
    """The child process cannot be started, or does not greet, or never comes to answer."""


class ChildDiedError(CopilotError):
    """The child process died of the same request twice. The message gives its last words."""


class ChildTimeoutError(CopilotError):
    """The child process gave no complete answer before the deadline."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the child said: its JSON line, and the raw bytes behind it."""

    header: Mapping[str, Any]
    payload: bytes


class ChildProcess:
    """A child process with a name for people. Belongs to the process that made it; threads take turns."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        deadline_s: Seconds = 30.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._name = name
        self._command = list(command)
        self._deadline_s = deadline_s
        self._environment = None if environment is None else dict(environment)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._greeting: Mapping[str, Any] = {}
        self.n_starts = 0

    @property
    def pid(self) -> int | None:
        """The child's process id; none where no child was started or the last one was buried."""
        return self._process.pid if self._process else None

    def start(self) -> Mapping[str, Any]:
        """The child's greeting; starts a child where none lives. Raises ChildStartError."""
        with self._lock:
            self._living()
            return self._greeting

    def ask(
        self, request: Mapping[str, Any], *, deadline_s: Seconds | None = None, repeat: bool = True
    ) -> Answer:
        """The child's answer. Raises ChildDiedError, ChildTimeoutError or ChildStartError.

        `deadline_s` is for this request alone; without `repeat` its first death is the error.
        """
        line = json.dumps(request).encode() + b"\n"
        deadline_s = self._deadline_s if deadline_s is None else deadline_s
        with self._lock:
            try:
                return self._exchange(self._living(), line, deadline_s)
            except ChildDiedError:
                if not repeat:
                    raise
                return self._exchange(self._living(), line, deadline_s)

    def close(self) -> None:
        """End the child at once. Another request would start a new one."""
        with self._lock:
            self._bury()

    def _living(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._bury()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _bury
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the command is the backend's own
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=self._environment,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            self._bury()
            raise ChildStartError(
                f"{self._name}: cannot start {self._command[0]}: {error.strerror}"
            ) from error
        os.set_blocking(_fileno(self._process.stdin), False)
        self.n_starts += 1
        try:
            self._greeting = self._exchange(self._process, b"", self._deadline_s).header
        except (ChildDiedError, ChildTimeoutError) as error:
            why = str(error).removeprefix(f"{self._name}: ")
            raise ChildStartError(f"{self._name}: cannot start: {why}") from None
        return self._process

    def _exchange(self, process: subprocess.Popen[bytes], line: bytes, deadline_s: Seconds) -> Answer:
        """Send `line`, receive one answer. Whatever keeps the answer away, the child is buried for it."""
        try:
            return self._talk(process, line, deadline_s)
        except EOFError as error:
            raise ChildDiedError(f"{self._name}: {error}; {self._bury(grace_s=_GRACE_S)}") from None
        except ValueError as error:
            raise ChildDiedError(f"{self._name}: {error}; {self._bury()}") from None
        except TimeoutError:
            message = f"{self._name}: no answer within {deadline_s:g} s; {self._bury()}"
            raise ChildTimeoutError(message) from None
        except BaseException:  # interrupted: the rest of this answer must not be taken for the next one
            self._bury()
            raise

    def _talk(self, process: subprocess.Popen[bytes], line: bytes, deadline_s: Seconds) -> Answer:
        """Raises EOFError if the child has ended, ValueError for nonsense, TimeoutError past the deadline."""
        if self._stderr is not None:  # only the words about this request count as last words
            self._stderr.seek(0)
            self._stderr.truncate()
        to_child, from_child = _fileno(process.stdin), _fileno(process.stdout)
        unsent, received = memoryview(line), bytearray()
        ends_at = time.monotonic() + deadline_s
        with selectors.DefaultSelector() as selector:
            selector.register(from_child, selectors.EVENT_READ)
            if unsent:
                selector.register(to_child, selectors.EVENT_WRITE)
            while (answer := _complete(received)) is None:
                left_s = ends_at - time.monotonic()
                if left_s <= 0:
                    raise TimeoutError
                for key, _ in selector.select(left_s):
                    if key.fd == from_child:
                        received += _read(from_child)
                        continue
                    unsent = unsent[_write(to_child, unsent) :]
                    if not unsent:
                        selector.unregister(to_child)
        return answer

    def _bury(self, grace_s: Seconds = 0.0) -> str:
        """End the child and what it has started, let go of its pipes, and tell how it ended.

        A child that has closed its pipes is about to end by itself: `grace_s` lets it tell its own ending.
        """
        process, stderr = self._process, self._stderr
        self._process = self._stderr = None
        ending = ""
        if process is not None:
            if grace_s > 0:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(grace_s)
            if process.returncode is None:  # not reaped yet: its group's number is still its own
                _kill_group(process.pid)
            ending = _describe(process.wait())
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        if stderr is not None:
            stderr.seek(max(stderr.seek(0, os.SEEK_END) - _LAST_WORDS_BYTES, 0))
            words = stderr.read().decode(errors="replace").strip()
            stderr.close()
            ending += f"; last words: {words}" if words else ""
        return ending


def _complete(received: bytearray) -> Answer | None:
    """The answer in `received`, or none while some of it is missing. Raises ValueError for nonsense."""
    end = received.find(b"\n")
    if end < 0:
        if len(received) > _HEADER_BYTES:
            said = received[:_SHOWN_BYTES].decode(errors="replace")
            raise ValueError(f"the child's answer is a line without an end; it wrote {said!r}")
        return None
    try:
        header = json.loads(received[:end])
        n_bytes = int(header.get("n_bytes", 0))
    except (ValueError, TypeError, AttributeError) as error:
        said = received[: min(end, _SHOWN_BYTES)].decode(errors="replace")
        raise ValueError(f"the child's answer is not a JSON object; it wrote {said!r}") from error
    payload = memoryview(received)[end + 1 :]
    return Answer(header, bytes(payload[:n_bytes])) if len(payload) >= n_bytes else None


def _read(fd: int) -> bytes:
    chunk = os.read(fd, _CHUNK_BYTES)
    if not chunk:
        raise EOFError("the child closed its stdout")
    return chunk


def _write(fd: int, data: memoryview) -> int:
    try:
        return os.write(fd, data)
    except BrokenPipeError as error:
        raise EOFError("the child closed its stdin") from error


def _fileno(pipe: IO[bytes] | None) -> int:
    if pipe is None:
        raise ValueError("worker: started without pipes")
    return pipe.fileno()


def _kill_group(pid: int) -> None:
    # macOS refuses a group in which only a zombie is left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _describe(returncode: int) -> str:
    return f"ended by signal {-returncode}" if returncode < 0 else f"exit status {returncode}"
