"""Listening on Ray: the files of local workers, and mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.made_runs import a_run
from helpers.stand_ins import Command, Ended
from helpers.whole_runs import wait_for_end

LISTENERS = ("--asr", "short-memory", "--detector", "length")


def hear(folder: Path, *options: str) -> Ended:
    return wait_for_end(Command(folder, "hear", str(folder / "run"), *options))


def files_of(folder: Path) -> dict[str, bytes]:
    heard = folder / "run" / "heard"
    return {
        str(path.relative_to(heard)): path.read_bytes() for path in sorted(heard.rglob("*")) if path.is_file()
    }


@pytest.fixture
def folder(tmp_path) -> Path:
    a_run(tmp_path / "run")
    return tmp_path


def test_workers_on_ray_write_the_files_of_local_ones(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("local")
    a_run(other / "run")
    for place, options in ((other, ()), (folder, ("--executor", "ray", "--workers", "2"))):
        done = hear(place, *LISTENERS, *options)
        assert done.returncode == 0, done.stderr
    assert len(files_of(folder)) == 9
    assert files_of(folder) == files_of(other)


@pytest.mark.parametrize(
    ("listener", "options", "code", "words"),
    [
        ("short-memory", ("--workers", "2", "--worker-cpus", "1000"), 2, ["--workers", "2000 CPUs"]),
        ("fails-at-mixes", ("--asr-set", "fault=deaf"), 1, ["no ears"]),
    ],
)
def test_what_cannot_work_ends_the_command_with_one_message(folder, listener, options, code, words):
    done = hear(folder, "--asr", listener, *options, "--executor", "ray")
    assert (done.returncode, [word for word in words if word not in done.stderr]) == (code, []), done.stderr
    assert "Traceback" not in done.stderr
