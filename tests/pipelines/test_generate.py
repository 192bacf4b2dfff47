"""The main job: nothing lost and nothing twice, whatever happens in the middle."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from helpers.made_runs import committed_paths
from helpers.small_disk import fill_disk, needs_small_disk
from helpers.stand_ins import BACKENDS, Command, Ended

from pipelines.run.run import Run

N_SEEDS = 12


def begin(folder: Path, *options: str, kill: str = "", workers: int = 1) -> Command:
    seeds, out = f"text:{folder / 'seeds.txt'}", str(folder / "run")
    call = ("generate", "--seeds", seeds, "--out", out, "--workers", str(workers), *BACKENDS, *options)
    return Command(folder, *call, kill=kill)


def generate(folder: Path, *options: str, kill: str = "", workers: int = 1) -> Ended:
    return begin(folder, *options, kill=kill, workers=workers).wait()


def at_work(folder: Path, *options: str, workers: int = 1) -> Command:
    """A command that has begun to write a shard."""
    command = begin(folder, *options, workers=workers)
    while not list((folder / "run").glob("shards/.tmp-*")):
        assert command.is_alive()
    return command


def seed_file(folder: Path, *more: str, n: int = N_SEEDS) -> Path:
    folder.mkdir(exist_ok=True)
    lines = [f"line {k} of the seeds" for k in range(n)]
    (folder / "seeds.txt").write_text("\n".join([*lines, *more]) + "\n")
    return folder


def mixes(run: Path) -> dict[str, list[bytes]]:
    """Every committed sample's mixes, by its id; fails where one is there twice."""
    rows = [
        row
        for path in sorted(committed_paths(Run(run)))
        if path.startswith("shards/")
        for row in pq.read_table(run / path, columns=["id", "mixes"]).to_pylist()
    ]
    found = {row["id"]: [mix["bytes"] for mix in row["mixes"]] for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, list[bytes]]:
    folder = seed_file(tmp_path_factory.mktemp("undisturbed"))
    done = generate(folder)
    assert done.returncode == 0, done.stderr
    return mixes(folder / "run")


def test_every_seed_becomes_a_sample(undisturbed):
    assert len(undisturbed) == N_SEEDS


STEPS = [
    ("a stem half stored", "pipelines.storage.local:_replace:before:2"),
    ("before the shard is published", "pipelines.storage.atomic:HashedFile.publish:before:2"),
    ("while the shard is written", "pipelines.storage.atomic:HashedFile.write:after:5"),
    ("after the shard is renamed", "pipelines.storage.atomic:sync_folder:before:2"),
    ("before it is entered", "pipelines.run.ledger:Ledger.add:before:1"),
    ("while it is entered", "pipelines.storage.atomic:HashedFile.publish_new:before:1"),
    ("after it is entered", "pipelines.run.ledger:Ledger.add:after:2"),
    ("while run.json is written", "pipelines.storage.atomic:HashedFile.publish:before:1"),
    ("while the plan is written", "pipelines.storage.atomic:HashedFile.write:before:2"),
]


@pytest.mark.parametrize(("step", "kill"), STEPS, ids=[step for step, _ in STEPS])
def test_kill_at_any_step_loses_and_doubles_nothing(tmp_path, undisturbed, step, kill):
    folder = seed_file(tmp_path)
    killed = generate(folder, kill=kill)
    assert killed.returncode == -signal.SIGKILL, (step, killed.stderr)
    committed = mixes(folder / "run") if Run(folder / "run").exists() else {}
    assert len(committed) < N_SEEDS
    done = generate(folder)
    assert done.returncode == 0, done.stderr
    again = mixes(folder / "run")
    assert again == undisturbed
    assert committed.items() <= again.items()
    assert not list((folder / "run").glob("*/.tmp-*"))
    files = {str(p.relative_to(folder / "run")) for p in (folder / "run").glob("shards/*")}
    assert files == {p for p in committed_paths(Run(folder / "run")) if p.startswith("shards/")}


def test_two_workers_make_the_same(tmp_path, undisturbed):
    folder = seed_file(tmp_path)
    done = generate(folder, workers=2)
    assert done.returncode == 0, done.stderr
    assert mixes(folder / "run") == undisturbed


def test_more_seeds_go_on_where_the_run_is(tmp_path, undisturbed):
    folder = seed_file(tmp_path)
    assert generate(folder, "--num", "5").returncode == 0
    first = mixes(folder / "run")
    assert len(first) == 5
    assert generate(folder).returncode == 0
    assert mixes(folder / "run") == undisturbed
    assert first.items() <= undisturbed.items()


def test_a_driver_killed_with_its_workers_at_work(tmp_path, undisturbed):
    folder = seed_file(tmp_path)
    driver = at_work(folder, workers=2)
    os.kill(driver.pid, signal.SIGKILL)
    assert driver.wait().returncode == -signal.SIGKILL
    done = generate(folder, workers=2)
    assert done.returncode == 0, done.stderr
    assert mixes(folder / "run") == undisturbed


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_commits_what_is_in_hand(tmp_path, workers, number):
    folder = seed_file(tmp_path, n=2_000)
    driver = at_work(folder, workers=workers)
    # As a terminal does it: to every process of the group.
    os.killpg(driver.pid, number)
    ended = driver.wait()
    assert ended.returncode == 130, ended.stderr
    assert "run the same command again to resume" in ended.stderr
    made = len(mixes(folder / "run"))
    assert 0 < made < 2_000
    assert f"interrupted; {2_000 - made} seeds are left" in ended.stderr
    assert not list((folder / "run" / "shards").glob(".tmp-*"))


def test_a_worker_that_dies_ends_the_run_with_a_reason(tmp_path, undisturbed):
    folder = seed_file(tmp_path)
    died = generate(folder, kill="pipelines.run.shards:ShardWriter.commit:before:2", workers=2)
    assert died.returncode == 1
    assert "exit code -9" in died.stderr
    assert "Traceback" not in died.stderr
    assert generate(folder).returncode == 0
    assert mixes(folder / "run") == undisturbed


def test_bad_rows_are_filed_and_the_others_live(tmp_path):
    folder = seed_file(tmp_path, "this one is refused", "this one is broken", n=4)
    done = generate(folder, "--json")
    outcome = json.loads(done.stdout)
    assert done.returncode == 0
    assert outcome["totals"]["reasons"] == {"design/refused": 1, "design/unexpected-error": 1}
    rejects = [
        row for path in (folder / "run/rejects").glob("*.parquet") for row in pq.read_table(path).to_pylist()
    ]
    details = {row["reason"]: row["detail"] for row in rejects}
    assert details["refused"] == "the seed says so"
    assert "ZeroDivisionError: a bug in a designer" in details["unexpected-error"]
    assert generate(folder, "--max-rejects", "1").returncode == 1
    assert generate(folder, "--max-rejects", "2").returncode == 0


def test_another_configuration_is_refused(tmp_path):
    folder = seed_file(tmp_path, n=2)
    assert generate(folder, "--random-seed", "7").returncode == 0
    refused = generate(folder, "--random-seed", "8", "--bits", "24")
    assert refused.returncode == 2
    assert "belongs to a run with another configuration" in refused.stderr
    assert "--bits is 16 in the run, but 24 was requested" in refused.stderr
    assert "--random-seed is 7 in the run, but 8 was requested" in refused.stderr
    assert "--out" in refused.stderr


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path):
    folder = seed_file(tmp_path, n=2)
    (folder / "run").mkdir()
    (folder / "run" / "thesis.tex").write_text("precious")
    refused = generate(folder)
    assert refused.returncode == 2
    assert "--out" in refused.stderr
    assert "thesis.tex" in refused.stderr
    assert [path.name for path in (folder / "run").iterdir()] == ["thesis.tex"]


def test_a_run_in_use_is_refused(tmp_path):
    folder = seed_file(tmp_path, n=2_000)
    driver = at_work(folder)
    (folder / "second").mkdir()
    shutil.copy(folder / "seeds.txt", folder / "second")
    (folder / "second" / "run").symlink_to(folder / "run")
    refused = generate(folder / "second")
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    assert refused.returncode == 2
    assert f"in use by process {driver.pid}" in refused.stderr


def test_a_damaged_stem_is_rendered_again(tmp_path, undisturbed):
    folder = seed_file(tmp_path)
    store = tmp_path / "store"
    assert generate(folder, "--stems", str(store)).returncode == 0
    stem = min(store.rglob("*.flac"))
    good = stem.read_bytes()
    stem.write_bytes(good[:-100] + b"\0" * 100)
    shutil.rmtree(folder / "run")
    assert generate(folder, "--stems", str(store)).returncode == 0
    assert stem.read_bytes() == good
    assert mixes(folder / "run") == undisturbed


@needs_small_disk
def test_a_full_disk_stops_the_run_and_the_next_goes_on(tmp_path, undisturbed):
    folder, disk = seed_file(tmp_path), tmp_path / "disk"
    options = f"--seeds text:{folder}/seeds.txt --out {disk}/run --stems {tmp_path}/stems --workers 1"
    fill_disk(disk, "9m", ["generate", *options.split(), *BACKENDS], folder)
    committed = mixes(folder / "run")
    assert 0 < len(committed) < N_SEEDS
    assert generate(folder).returncode == 0
    assert mixes(folder / "run") == undisturbed


def test_help_does_not_load_what_it_does_not_need():
    loads = "[m for m in ('numpy', 'scipy', 'pyarrow', 'rich.progress') if m in sys.modules]"
    script = f"import sys, pipelines.cli.app; print({loads})"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
