"""A child process that answers requests: one JSON line each way, raw bytes behind the answer's line.

A backend whose library cannot be trusted in the calling process (not thread-safe, keeps state, may crash or
hang) lives in a child process. The child first greets with one answer, then answers each request in turn:
a JSON object on a line of its own, whose `n_bytes` is the number of raw bytes that follow. Its stderr is kept
as its last words. The deadline of the constructor is also that of the greeting.

- A child that dies is started again and the request repeated once; a second death is `ChildDiedError`.
- A child without a complete answer at the deadline is killed with all its children: `ChildTimeoutError`.
- Its stdin ends when this process ends, in whatever way, and then the child ends too. It has its own session,
  so that Ctrl-C in a terminal reaches only this process, which then decides.
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
"""No answer's line is longer; a child that writes more is killed."""

_GRACE_S: Seconds = 1.0


class ChildStartError(CopilotError):
    """A child process that cannot be started, does not greet, or never answers."""


class ChildDiedError(CopilotError):
    """A child process that died twice of the same request. The message has its last words."""


class ChildTimeoutError(CopilotError):
    """A child process that gave no complete answer before the deadline."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the child: its JSON line, and the raw bytes behind it."""

    header: Mapping[str, Any]
    payload: bytes


class ChildProcess:
    """A child process with a name for messages. Belongs to the process that made it; threads take turns."""

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
        """The child's process id; None if no child lives."""
        return self._process.pid if self._process else None

    def start(self) -> Mapping[str, Any]:
        """Return the child's greeting; start a child if none lives. Raises ChildStartError."""
        with self._lock:
            self._ensure_child()
            return self._greeting

    def ask(
        self, request: Mapping[str, Any], *, deadline_s: Seconds | None = None, repeat: bool = True
    ) -> Answer:
        """Return the child's answer. Raises ChildDiedError, ChildTimeoutError or ChildStartError.

        `deadline_s` is for this request alone; without `repeat`, the first death is the error.
        """
        line = json.dumps(request).encode() + b"\n"
        deadline_s = self._deadline_s if deadline_s is None else deadline_s
        with self._lock:
            try:
                return self._exchange(self._ensure_child(), line, deadline_s)
            except ChildDiedError:
                if not repeat:
                    raise
                return self._exchange(self._ensure_child(), line, deadline_s)

    def close(self) -> None:
        """End the child at once. Another request would start a new one."""
        with self._lock:
            self._end_child()

    def _ensure_child(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._end_child()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _end_child
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
            self._end_child()
            raise ChildStartError(
                f"{self._name}: cannot start {self._command[0]}: {error.strerror}"
            ) from error
        os.set_blocking(_get_fileno(self._process.stdin), False)
        self.n_starts += 1
        try:
            self._greeting = self._exchange(self._process, b"", self._deadline_s).header
        except (ChildDiedError, ChildTimeoutError) as error:
            why = str(error).removeprefix(f"{self._name}: ")
            raise ChildStartError(f"{self._name}: cannot start: {why}") from None
        return self._process

    def _exchange(self, process: subprocess.Popen[bytes], line: bytes, deadline_s: Seconds) -> Answer:
        """Send `line`, receive one answer. If there is no answer, end the child, whatever the reason."""
        try:
            return self._send_and_receive(process, line, deadline_s)
        except EOFError as error:
            raise ChildDiedError(f"{self._name}: {error}; {self._end_child(grace_s=_GRACE_S)}") from None
        except ValueError as error:
            raise ChildDiedError(f"{self._name}: {error}; {self._end_child()}") from None
        except TimeoutError:
            message = f"{self._name}: no answer within {deadline_s:g} s; {self._end_child()}"
            raise ChildTimeoutError(message) from None
        except BaseException:  # interrupted: the rest of this answer must not become the next one
            self._end_child()
            raise

    def _send_and_receive(self, process: subprocess.Popen[bytes], line: bytes, deadline_s: Seconds) -> Answer:
        """Exchange a line for an answer.

        Raises EOFError if the child has ended, ValueError for a malformed answer, TimeoutError at the
        deadline.
        """
        if self._stderr is not None:  # only words about this request are last words
            self._stderr.seek(0)
            self._stderr.truncate()
        to_child, from_child = _get_fileno(process.stdin), _get_fileno(process.stdout)
        unsent, received = memoryview(line), bytearray()
        ends_at = time.monotonic() + deadline_s
        with selectors.DefaultSelector() as selector:
            selector.register(from_child, selectors.EVENT_READ)
            if unsent:
                selector.register(to_child, selectors.EVENT_WRITE)
            while (answer := _parse_answer(received)) is None:
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

    def _end_child(self, grace_s: Seconds = 0.0) -> str:
        """End the child and its own children, close its pipes, and describe how it ended.

        A child that has closed its pipes is about to end by itself: it has `grace_s` to end with its own
        status.
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
            ending = _describe_ending(process.wait())
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        if stderr is not None:
            stderr.seek(max(stderr.seek(0, os.SEEK_END) - _LAST_WORDS_BYTES, 0))
            words = stderr.read().decode(errors="replace").strip()
            stderr.close()
            ending += f"; last words: {words}" if words else ""
        return ending


def _parse_answer(received: bytearray) -> Answer | None:
    """Return the answer in `received`, None if a part is missing. Raises ValueError for a malformed one."""
    end = received.find(b"\n")
    if end < 0:
        if len(received) > _HEADER_BYTES:
            shown = received[:_SHOWN_BYTES].decode(errors="replace")
            raise ValueError(f"the child's answer is a line without an end; it wrote {shown!r}")
        return None
    try:
        header = json.loads(received[:end])
        n_bytes = int(header.get("n_bytes", 0))
    except (ValueError, TypeError, AttributeError) as error:
        shown = received[: min(end, _SHOWN_BYTES)].decode(errors="replace")
        raise ValueError(f"the child's answer is not a JSON object; it wrote {shown!r}") from error
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


def _get_fileno(pipe: IO[bytes] | None) -> int:
    if pipe is None:
        raise ValueError("worker: started without pipes")
    return pipe.fileno()


def _kill_group(pid: int) -> None:
    # macOS refuses a group that has only a zombie left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _describe_ending(returncode: int) -> str:
    return f"ended by signal {-returncode}" if returncode < 0 else f"exit status {returncode}"
