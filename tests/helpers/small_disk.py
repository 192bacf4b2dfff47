"""A small disk for one call of the program, and the error to expect when it is full."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from helpers.paths import TESTS


def _may_mount() -> bool:
    return (
        shutil.which("unshare") is not None
        and not subprocess.run(["unshare", "-rm", "true"], check=False).returncode
    )


needs_small_disk = pytest.mark.skipif(
    not _may_mount(), reason="needs user namespaces of Linux for a small disk"
)


def fill_disk(disk: Path, size: str | int, arguments: Sequence[str], kept: Path) -> None:
    """Call the program with a disk of this size at `disk`, which it fills; copy DISK/run to `kept`.

    Fails if the program does not report that the disk is full, and how to resume.
    """
    disk.mkdir()
    program = (
        f"import sys; from helpers import stand_ins; sys.argv = {['copilot', *arguments]}; stand_ins.main()"
    )
    paths = (str(TESTS), os.environ.get("PYTHONPATH"))
    mount = f"mount -t tmpfs -o size={size} tmpfs {disk}"
    script = f'{mount} && "$0" -c "$1"; code=$?; cp -a {disk}/run {kept}/; exit $code'
    full = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, sys.executable, program],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert full.returncode == 1, full.stderr
    assert "the disk is full (No space left on device)" in full.stderr
    assert "run the same command again" in full.stderr
    assert "Traceback" not in full.stderr
