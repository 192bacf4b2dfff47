"""How far a run is: from its ledger alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from copilot.errors import UserError
from pipelines.cli.commands.status import run_status_command
from pipelines.inspection.status import read_status
from pipelines.run.ledger import CommittedFile, LedgerEntry
from pipelines.run.run import Run

NOW_S = 1_800_000_000.0
FILE = CommittedFile("shards/a.parquet", "0" * 64, 1_000_000, 3)


def entry(number: int, at_s: float | None, n: int = 3) -> LedgerEntry:
    ids = tuple(f"test/{number}-{k}" for k in range(n))
    return LedgerEntry(
        f"{number:016x}",
        (FILE,),
        ids[1:],
        ids[:1],
        {"hq": n - 1},
        {"validate/no-ambience": 1},
        48.0,
        committed_at_s=at_s,
    )


def a_run(folder: Path, n_seeds: int, *entries: LedgerEntry) -> Path:
    run = Run(folder)
    run.write_description({"digest": "0", "fingerprint": {}})
    run.record_seeds([f"seed/{k}" for k in range(n_seeds)], {})
    for one in entries:
        run.ledger.add(one)
    return folder


def test_a_run_in_the_middle(tmp_path):
    ages_s = (5_000, 500, 200, 100)
    run = a_run(tmp_path, 100, *(entry(k, NOW_S - age_s) for k, age_s in enumerate(ages_s)))
    status = read_status(run, NOW_S)
    assert (status.totals.accepted, status.totals.rejected, status.n_left) == (8, 4, 88)
    assert status.totals.reasons == {"validate/no-ambience": 4}
    assert (status.n_bytes, status.last_commit_s) == (4_000_000, 100)
    assert (status.rate_per_s, status.left_s) == (9 / 600, pytest.approx(88 * 600 / 9))


def test_the_rate_of_a_young_run_is_since_its_first_commit(tmp_path):
    run = a_run(tmp_path, 100, *(entry(k, NOW_S - 60 + 20 * k) for k in range(4)))
    assert read_status(run, NOW_S).rate_per_s == 9 / 60


@pytest.mark.parametrize(
    ("n_seeds", "entries", "line"),
    [
        (9, [], "nothing is committed yet"),
        (3, [entry(1, 0.0)], "all seeds are done"),
        (9, [entry(1, 0.0)], "6 seeds left; no recent commits"),
        (9, [replace(entry(1, 0.0), committed_at_s=None)], "commit times were not recorded"),
    ],
)
def test_what_is_said(tmp_path, capsys, n_seeds, entries, line):
    run_status_command(str(a_run(tmp_path, n_seeds, *entries)), as_json=False)
    assert line in capsys.readouterr().out


def test_json(tmp_path, capsys):
    run_status_command(str(a_run(tmp_path, 9, entry(1, 0.0))), as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["n_left"], told["totals"]["tiers"], told["left_s"]) == (6, {"hq": 2}, None)


def test_a_folder_without_a_run_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match=r"no run\.json"):
        read_status(tmp_path)
