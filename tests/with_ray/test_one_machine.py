"""Ray on this machine alone: the samples of the local executor, whatever the number of processors."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from conftest import AT_ONCE, FAULTY, N_SEEDS, laid_out
from whole_runs import Rows, WholeRun

N_FEW = 8


@pytest.fixture(scope="module")
def usual(orders, tmp_path_factory) -> Rows:
    """Samples of the designer and of the backends that are used where none is named."""
    rows = WholeRun(tmp_path_factory.mktemp("usual"), N_FEW).local(in_depth=None)
    assert len(rows) == N_FEW
    return rows


@pytest.mark.parametrize(("cpus", "behind_a_uri"), [(1, False), (2, True), (4, False)])
def test_ray_makes_the_samples_of_the_local_executor(tmp_path, usual, s3, cpus, behind_a_uri):
    run = WholeRun(tmp_path / "run", N_FEW, uri=f"{s3}/on-ray" if behind_a_uri else None)
    done = run.make(
        *run.on_ray({"cpus": cpus, "rows_per_shard": 4, "wave": N_FEW if cpus > 1 else N_FEW - 3})
    )
    assert done.returncode == 0, done.stderr
    assert run.checked() == usual
    assert (tmp_path / "run/run").exists() is not behind_a_uri


def may_mount() -> bool:
    return (
        shutil.which("unshare") is not None
        and not subprocess.run(["unshare", "-rm", "true"], check=False).returncode
    )


@pytest.mark.skipif(not may_mount(), reason="needs Linux's user namespaces for a small disk of its own")
def test_a_full_disk_stops_the_run_and_the_next_goes_on(tmp_path, undisturbed, moment):
    run, disk = WholeRun(tmp_path / "run", N_SEEDS, FAULTY), tmp_path / "disk"
    disk.mkdir()
    whole = sum(len(mix["bytes"]) for row in undisturbed.values() for mix in row["mixes"])
    whole += sum(len(stem["audio"]["bytes"]) for row in undisturbed.values() for stem in row["stems"])
    size = round(moment.rng.uniform(0.4, 0.8) * whole)
    inside = WholeRun(disk, N_SEEDS, FAULTY)
    options = run.on_ray({"cpus": 2, **laid_out()}, "--stems", str(tmp_path / "stems"))
    arguments = ["copilot", "generate", *inside.asked(), *options]
    program = f"import sys, stand_ins; sys.argv = {arguments}; stand_ins.main()"
    mount = f"mount -t tmpfs -o size={size} tmpfs {disk}"
    script = f'{mount} && "$0" -c "$1"; code=$?; cp -a {disk}/run {run.folder}/; exit $code'
    full = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, sys.executable, program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert full.returncode == 1, full.stderr
    assert "the disk is full (No space left on device); what was committed stands" in full.stderr
    assert "Make room and run the same command again" in full.stderr
    assert "Traceback" not in full.stderr
    assert 0 < run.n_commits() < N_SEEDS // AT_ONCE
    assert run.local() == undisturbed
