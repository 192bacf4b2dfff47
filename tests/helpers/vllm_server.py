"""Starts and ends a real vLLM server on the CPU. No process of it outlives `kill`, `terminate` or `with`."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

import psutil

MODEL = "tiny"
CONTEXT = 8192
START_LIMIT_S = 600.0
END_LIMIT_S = 30.0
LAST_LINES = 40

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    # Else it takes the first processor for itself, and so does every other server on the machine.
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
}
OPTIONS = (
    f"--served-model-name={MODEL}",
    f"--max-model-len={CONTEXT}",
    # A prompt that is read in parts, in a request with a seed, ends the CPU engine.
    "--no-enable-chunked-prefill",
    f"--max-num-batched-tokens={CONTEXT}",
    "--max-num-seqs=32",
    "--enforce-eager",
    "--enable-prompt-tokens-details",
    # Where the engine may choose, it drops without a word what its choice does not know.
    '--structured-outputs-config={"backend": "xgrammar", "disable_any_whitespace": true}',
)


class VllmServer:
    """A server on a port of its own, ready once entered. `url` is the API's root, `model` the name it serves.

    A server that ends before it is ready, or is not ready in time, raises RuntimeError with its last words.
    """

    model = MODEL
    context = CONTEXT

    def __init__(self, python: Path, model_folder: Path, log: Path) -> None:
        self._command = (str(python), "-m", "vllm.entrypoints.openai.api_server", f"--model={model_folder}")
        self._log = log
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> str:
        """The URL below which `/health`, `/metrics` and `/version` are."""
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
                [*self._command, "--host=127.0.0.1", f"--port={self._port}", *OPTIONS],
                env=os.environ | ENVIRONMENT | {"VLLM_CACHE_ROOT": str(self._log.parent / "vllm-cache")},
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
            raise RuntimeError(f"vLLM: {how.name} left {[member.name() for member in left]} running")

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        for _ in range(round(START_LIMIT_S / 0.5)):
            if _answers(f"{self.root}/health"):
                return
            try:
                code = process.wait(0.5)
            except subprocess.TimeoutExpired:
                continue
            raise RuntimeError(f"vLLM: ended with {code} before it was ready:\n{self._last_words()}")
        raise RuntimeError(f"vLLM: not ready after {START_LIMIT_S:.0f} s:\n{self._last_words()}")

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
    raise RuntimeError("vLLM: no free port on 127.0.0.1 between 20000 and 32000")


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
