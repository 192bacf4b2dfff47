"""Ray on this machine alone makes the samples of the local executor, with any number of processors."""

from __future__ import annotations

import pytest
from helpers.ray_runs import AT_ONCE, FAULTY, N_SEEDS, small_pools
from helpers.small_disk import fill_disk, needs_small_disk
from helpers.whole_runs import Rows, WholeRun

N_FEW = 8


@pytest.fixture(scope="module")
def usual(orders, tmp_path_factory) -> Rows:
    """Samples of the default designer and backends."""
    rows = WholeRun(tmp_path_factory.mktemp("usual"), N_FEW).finish_locally(in_depth=None)
    assert len(rows) == N_FEW
    return rows


@pytest.mark.parametrize(("cpus", "behind_a_uri"), [(1, False), (2, True), (4, False)])
def test_ray_makes_the_samples_of_the_local_executor(tmp_path, usual, s3, cpus, behind_a_uri):
    run = WholeRun(tmp_path / "run", N_FEW, uri=f"{s3}/on-ray" if behind_a_uri else None)
    done = run.make(
        *run.ray_options({"cpus": cpus, "rows_per_shard": 4, "wave": N_FEW if cpus > 1 else N_FEW - 3})
    )
    assert done.returncode == 0, done.stderr
    assert run.read_checked() == usual
    assert (tmp_path / "run/run").exists() is not behind_a_uri


@needs_small_disk
def test_a_full_disk_stops_the_run_and_the_next_command_resumes_it(tmp_path, undisturbed, moment):
    run, disk = WholeRun(tmp_path / "run", N_SEEDS, FAULTY), tmp_path / "disk"
    whole = sum(len(mix["bytes"]) for row in undisturbed.values() for mix in row["mixes"])
    whole += sum(len(stem["audio"]["bytes"]) for row in undisturbed.values() for stem in row["stems"])
    size = round(moment.rng.uniform(0.4, 0.8) * whole)
    inside = WholeRun(disk, N_SEEDS, FAULTY)
    options = run.ray_options({"cpus": 2, **small_pools()}, "--stems", str(tmp_path / "stems"))
    fill_disk(disk, size, ["generate", *inside.request_options(), *options], run.folder)
    assert 0 < run.n_commits() < N_SEEDS // AT_ONCE
    assert run.finish_locally() == undisturbed
