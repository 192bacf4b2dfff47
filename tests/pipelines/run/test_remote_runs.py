"""Runs on an object store: made by several processes, killed and resumed, read by every command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from helpers.made_runs import a_run, committed_paths
from helpers.stand_ins import BACKENDS

from copilot.errors import UserError
from pipelines.cli.commands.filter import run_filter
from pipelines.cli.commands.stats import run_stats_command
from pipelines.cli.commands.status import run_status_command
from pipelines.cli.commands.stems import run_stems
from pipelines.cli.commands.verify import run_verify
from pipelines.inspection.show import show_sample
from pipelines.inspection.stats import compute_stats
from pipelines.inspection.status import read_status
from pipelines.inspection.verify.run import verify
from pipelines.run.lock import LEASE
from pipelines.run.reader import RunReader
from pipelines.run.run import Run

N_SEEDS = 6
COMMAND = (
    "import sys; from helpers import stand_ins; from pipelines.cli import main; "
    "sys.argv[0] = 'copilot'; main()"
)


def copilot(*arguments: str, kill: str = "") -> subprocess.CompletedProcess[str]:
    """The program in a process of its own, as a user starts it."""
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "STAND_IN_KILL": kill}
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        env=os.environ | environment,
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("seeds") / "seeds.txt"
    path.write_text("".join(f"line {k} of the seeds\n" for k in range(N_SEEDS + 4)))
    return f"text:{path}"


def generate(
    seeds: str, out: str, *options: str, workers: int = 2, kill: str = ""
) -> subprocess.CompletedProcess[str]:
    call = ("generate", "--seeds", seeds, "--num", str(N_SEEDS), "--workers", str(workers), *BACKENDS)
    return copilot(*call, "--out", out, *options, kill=kill)


def mixes(place: str) -> dict[str, list[bytes]]:
    rows = list(RunReader(place).rows("samples", ["id", "mixes"]))
    found = {row["id"]: [mix["bytes"] for mix in row["mixes"]] for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.fixture(scope="module")
def made(s3: str, seeds: str) -> str:
    """A whole run behind a URI. Not to be written to."""
    uri = f"{s3}/{uuid.uuid4().hex}/run"
    done = generate(seeds, uri, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["run"], told["totals"]["accepted"], told["n_left"]) == (uri, N_SEEDS, 0)
    return uri


def test_the_samples_are_those_of_a_run_in_a_folder(made: str, seeds: str, tmp_path: Path) -> None:
    done = generate(seeds, str(tmp_path / "run"), workers=1)
    assert done.returncode == 0, done.stderr
    assert mixes(made) == mixes(str(tmp_path / "run"))


def test_nothing_but_the_run_is_left_there(made: str) -> None:
    run = Run(made)
    assert sorted(run.storage.names()) == ["ledger/", "run.json", "shards/", "stems/"]
    assert {file.name for file in run.storage.files("shards")} == committed_paths(run)
    assert {len(file.name) for file in run.storage.files("ledger")} == {len(f"ledger/{'0' * 16}.json")}


def test_verify_stats_status_stems_and_filter(made: str, capsys: pytest.CaptureFixture[str]) -> None:
    def told() -> dict:
        return json.loads(capsys.readouterr().out)

    assert run_verify(made, n_sampled=None, n_workers=2, as_json=True) == 0
    verified = told()
    assert (verified["clean"], verified["notes"], verified["n_accounted"]) == (True, [], N_SEEDS)
    assert verified["n_in_depth"] == N_SEEDS
    run_stats_command(made, as_json=True)
    stats = told()
    assert (stats["run"], stats["n_samples"]) == (made, N_SEEDS)
    run_status_command(made, as_json=True)
    status = told()
    assert (status["n_left"], status["totals"]["accepted"]) == (0, N_SEEDS)
    run_stems(f"{made}/stems", None, None, dry_run=False, as_json=True)
    assert told()["stems"] > 0
    out = made.removesuffix("run") + "subset"
    for n_copied in (N_SEEDS, 0):
        assert run_filter(made, out, tier=None, where="true", as_json=True) == 0
        assert told()["n_copied"] == n_copied
        assert mixes(out) == mixes(made)
    assert Run(out).storage.read(LEASE) is None
    with pytest.raises(UserError, match=r"`out`: .* is the run to filter"):
        run_filter(made, f"{made}/", tier=None, where="true", as_json=True)


def test_show_lays_a_sample_out_here(made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = show_sample(made)
    assert shown.folder == Path("show") / shown.id
    assert (tmp_path / shown.folder / "turn-0.flac").read_bytes() == mixes(made)[shown.id][0]


@pytest.mark.parametrize(
    ("kill", "workers"),
    [
        ("pipelines.run.shards:ShardWriter.commit:before:1", 2),
        ("pipelines.run.ledger:Ledger.add:before:1", 1),
    ],
)
def test_a_killed_run_is_gone_on_with(made: str, s3: str, seeds: str, kill: str, workers: int) -> None:
    uri = f"{s3}/{uuid.uuid4().hex}"
    killed = generate(seeds, uri, workers=workers, kill=kill)
    run = Run(uri)
    if workers == 1:
        assert killed.returncode == -signal.SIGKILL
        refused = generate(seeds, uri)
        assert refused.returncode == 2
        assert "in use by process" in refused.stderr
        # As if it had lain there since then.
        lease = json.loads(run.storage.read(LEASE))
        run.storage.write(LEASE, json.dumps({**lease, "renewed_at_s": 0.0}).encode())
    else:
        assert killed.returncode == 1
        assert run.storage.read(LEASE) is None
    assert run.ledger.seed_ids() == set()
    done = generate(seeds, uri, workers=1)
    assert done.returncode == 0, done.stderr
    assert mixes(uri) == mixes(made)
    assert verify(uri, n_sampled=0).problems == ()


def test_more_seeds_go_on_where_the_run_is(made: str, s3: str, seeds: str) -> None:
    uri = f"{s3}/{uuid.uuid4().hex}"
    assert generate(seeds, uri, "--num", "3", workers=1).returncode == 0
    first = mixes(uri)
    assert len(first) == 3
    assert generate(seeds, uri, workers=1).returncode == 0
    assert mixes(uri) == mixes(made)


def test_a_place_without_a_run_is_a_user_error(s3: str) -> None:
    uri = f"{s3}/{uuid.uuid4().hex}"
    for command in (compute_stats, read_status, RunReader):
        with pytest.raises(UserError) as caught:
            command(uri)
        assert caught.value.field == "place"
        assert f"{uri}: " in str(caught.value)
    run = Run(uri)
    run.storage.write("thesis.txt", b"mine")
    with pytest.raises(UserError, match=r"thesis\.txt") as caught, run.lock():
        pass
    assert caught.value.field == "out"
    assert run.storage.names() == ["thesis.txt"]


def test_damage_behind_a_uri_is_found(s3: str) -> None:
    run = a_run(f"{s3}/{uuid.uuid4().hex}", n_samples=2, n_rejects=1, per_shard=1)
    first, second = (path for path in sorted(committed_paths(run)) if path.startswith("shards/"))
    run.storage.remove(first)
    run.storage.write(second, run.storage.read(second)[:-1])
    report = verify(run.place, n_sampled=0)
    assert [(problem.kind, problem.file) for problem in report.problems] == [
        ("file-missing", first),
        ("file-size", second),
        ("file-unreadable", second),
    ]
