"""Output of the command line on terminals of every encoding, and to a reader that ends early."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from helpers.paths import ROOT

CALL = (sys.executable, "-c", "from pipelines.cli import main; main()")


@pytest.fixture
def call(tmp_path):
    """`copilot ARGUMENTS` in a process of its own, in a folder with a file of seeds."""
    (tmp_path / "seeds.txt").write_text(
        "They met at the na\u00efve caf\u00e9 \u2192 \u96e8\n", encoding="utf-8"
    )

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
        known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            (*CALL, *arguments), cwd=tmp_path, env=known | environment, capture_output=True, check=False
        )

    return run


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({"PYTHONIOENCODING": "ascii"}, rb"They met at the na\xefve caf\xe9 \u2192 \u96e8"),
        ({"PYTHONIOENCODING": "latin-1"}, b"They met at the na\xefve caf\xe9 \\u2192 \\u96e8"),
        ({"PYTHONIOENCODING": "ascii:strict"}, rb"\u2192 \u96e8"),
        ({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, rb"\u2192 \u96e8"),
    ],
)
def test_characters_that_a_terminal_lacks_are_escapes(call, environment, shown):
    done = call("preview", "--seeds", "text:seeds.txt", "--num", "1", **environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert shown in done.stdout


def test_a_message_is_escaped_as_well(call):
    done = call("stats", "\u96e8", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert rb"\u96e8: no run found" in done.stderr


def test_a_reader_that_ends_early_leaves_no_traceback(call, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        (*CALL, "schema"),
        stdout=writer,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")
