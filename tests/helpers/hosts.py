"""Hosts with networks of their own on this machine, which can be killed or cut off.

Each is a network namespace behind a bridge, on which the store's server listens as well. They share disks and
processors. Needs Linux, root and `ip`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from helpers.processes import wait_while

_BRIDGE = "copilot0"
_NETWORK = "10.77.0"
STORE_IP = f"{_NETWORK}.1"
_TIMEOUT_S = 60


def _may_make_hosts() -> bool:
    return (
        sys.platform == "linux"
        and os.geteuid() == 0
        and shutil.which("ip") is not None
        and not subprocess.run(["unshare", "--net", "true"], check=False).returncode
    )


needs_hosts = pytest.mark.skipif(not _may_make_hosts(), reason="needs Linux, root and ip for networks")


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


class Host:
    """A host; `environment` is added to that of its processes."""

    def __init__(self, name: str, number: int, environment: Mapping[str, str], folder: Path) -> None:
        self.ip = f"{_NETWORK}.{number}"
        self._space = f"copilot-{name}"
        self._cable = f"copilot{number}"
        self._environment = environment
        self._log = folder / f"{name}.log"
        _ip("netns", "add", self._space)
        _ip("link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", self._space)
        _ip("link", "set", self._cable, "master", _BRIDGE, "up")
        _ip("-n", self._space, "addr", "add", f"{self.ip}/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            _ip("-n", self._space, "link", "set", device, "up")

    def start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a program of this environment on the host; its output goes to the host's log."""
        command = str(Path(sys.executable).with_name(program))
        with self._log.open("ab") as log:
            return subprocess.Popen(
                ["ip", "netns", "exec", self._space, command, *arguments],
                env=os.environ | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def read_log(self) -> str:
        return self._log.read_text(errors="replace")

    def plug_cable(self, *, plugged: bool) -> None:
        """Plug the host's cable in, or pull it."""
        _ip("link", "set", self._cable, "up" if plugged else "down")

    def kill(self) -> None:
        """Kill all processes of the host at once."""
        left = self._processes()
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        _, left = psutil.wait_procs(left, timeout=_TIMEOUT_S)
        assert not left

    def _processes(self) -> list[psutil.Process]:
        found = []
        for pid in _ip("netns", "pids", self._space).split():
            with suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(int(pid)))
        return found

    def remove(self) -> None:
        self.kill()
        _ip("link", "del", self._cable)
        _ip("netns", "del", self._space)


@contextmanager
def network() -> Iterator[None]:
    """A bridge that joins the hosts."""
    _ip("link", "add", _BRIDGE, "type", "bridge")
    try:
        _ip("addr", "add", f"{STORE_IP}/24", "dev", _BRIDGE)
        _ip("link", "set", _BRIDGE, "up")
        yield
    finally:
        _ip("link", "del", _BRIDGE)


class RayHosts:
    """Hosts of one Ray cluster; the head has no processors, as on larger ones."""

    def __init__(self, head: Host, *others: Host) -> None:
        self.head, self.others = head, others
        self.address = f"{head.ip}:6379"
        options = ("--num-cpus=0", "--port=6379", "--include-dashboard=false")
        _start(head, "--head", *options)
        for host in others:
            _start(host, f"--address={self.address}", "--num-cpus=2")


def _start(host: Host, *options: str) -> None:
    """Start Ray on a host, and wait until it runs."""
    process = host.start("ray", "start", f"--node-ip-address={host.ip}", *options, "--block")
    assert wait_while(lambda: process.poll() is None, lambda: "Ray runtime started" in host.read_log()), (
        host.read_log()
    )
