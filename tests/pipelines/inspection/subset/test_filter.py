"""Filter: the chosen samples, byte for byte, as a new run."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.made_runs import a_run, a_sample, committed_paths
from helpers.paths import ROOT

from copilot.arrow import SAMPLES, sample_row
from copilot.errors import ConfigMismatchError, CorruptDataError, UserError
from copilot.hashing import content_hash
from pipelines.cli.app import filter_
from pipelines.cli.commands.filter import run_filter
from pipelines.config import RunConfig
from pipelines.fingerprint import Fingerprint
from pipelines.inspection.subset import filter as filtering
from pipelines.inspection.subset.filter import filter_run
from pipelines.inspection.subset.sql_condition import METADATA, METADATA_SCHEMA, SqlCondition, make_plain_view
from pipelines.inspection.verify.run import verify
from pipelines.run import shards
from pipelines.run.reader import RunReader
from pipelines.run.run import Run
from pipelines.run.shards import ShardWriter

N_SAMPLES = 6
HQ = ["test/0000", "test/0001", "test/0003", "test/0004"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filter") / "run"
    a_run(folder, n_samples=N_SAMPLES, n_rejects=1, per_shard=2)
    return folder


def rows_of(run: Path) -> dict[str, dict[str, Any]]:
    """Every row that the ledger knows, by its seed; each of them once."""
    tables = [pq.read_table(run / path) for path in sorted(committed_paths(Run(run))) if "shards" in path]
    rows = [row for table in tables for row in table.to_pylist()]
    assert len({row["seed_id"] for row in rows}) == len(rows)
    return {row["seed_id"]: row for row in rows}


def problems(run: Path) -> tuple:
    return verify(run).problems


def test_the_subset_is_the_samples_of_the_tier_to_the_byte(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "hq"
    done = filter_run(source, out, tier="hq")
    assert (done.n_source, done.n_copied) == (N_SAMPLES, 4)
    assert (done.totals.accepted, done.totals.rejected) == (4, 0)
    assert (done.totals.tiers, done.totals.audio_s) == ({"hq": 4}, 24.0)
    theirs = rows_of(source)
    assert rows_of(out) == {seed_id: theirs[seed_id] for seed_id in HQ}
    assert problems(out) == ()
    # One shard of crumbs from three.
    assert len(list((out / "shards").iterdir())) == 1


def test_the_subset_records_its_source_and_filter(source: Path, tmp_path: Path) -> None:
    filter_run(source, tmp_path / "one", tier="hq", where="n_turns = 3")
    theirs, ours = Run(source).describe(), Run(tmp_path / "one").describe()
    applied = {"tier": "hq", "where": "n_turns = 3", "source": theirs["digest"], "before": None}
    assert ours == {
        "digest": content_hash({**theirs["fingerprint"], "filter": applied})[:16],
        "fingerprint": {**theirs["fingerprint"], "filter": applied},
        "source": str(source),
        "versions": theirs["versions"],
        "plan": {"n_seeds": 4, "seed_ids_sha256": content_hash(HQ)},
    }
    filter_run(tmp_path / "one", tmp_path / "two", where="seed_text like '%line 3%'")
    twice = Run(tmp_path / "two").describe()["fingerprint"]["filter"]
    assert (twice["source"], twice["before"]) == (ours["digest"], applied)
    assert problems(tmp_path / "two") == ()


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        ("checks.loudness_error < 0.3 and headroom_db > -60", [0, 1, 2, 3, 4, 5]),
        ("checks.\"rule/made-up\" = 1 and tier = 'valid'", [2, 5]),
        ("checks['rule/made-up'] = 0", [0, 1, 3, 4]),
        ("seed_text like '%line 4%' or seed_id = 'test/0001'", [1, 4]),
        (
            "list_contains(tasks, 'replace') and n_turns >= 3 and n_elements = 4 and id > ''",
            [0, 1, 2, 3, 4, 5],
        ),
        ("duration_s between 5.99 and 6.01 and seed_id > 'test/0004' -- the last", [5]),
        ("case when tier = 'hq' then null else true end", [2, 5]),
    ],
)
def test_a_condition_sees_plain_columns(source: Path, tmp_path: Path, where: str, numbers: list[int]) -> None:
    filter_run(source, tmp_path / "out", where=where)
    assert sorted(rows_of(tmp_path / "out")) == [f"test/{number:04d}" for number in numbers]


def test_tier_and_condition_must_both_hold(source: Path, tmp_path: Path) -> None:
    filter_run(source, tmp_path / "out", tier="valid", where="seed_id < 'test/0004'")
    assert sorted(rows_of(tmp_path / "out")) == ["test/0002"]


@pytest.mark.parametrize(
    "where", ["user = 'a'", "tier = 'hq' and Current_User = 'a'", "n_turns = 3 or user = 'a'"]
)
def test_a_condition_that_can_only_name_the_session_is_refused(
    source: Path, where: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        filter_run(source, tmp_path / "out", where=where)
    assert caught.value.field == "where"
    assert not (tmp_path / "out").exists()


def test_help_and_documentation_list_the_columns() -> None:
    columns = [*make_plain_view(METADATA_SCHEMA.empty_table()).column_names, "checks", "heard"]
    help_text = get_type_hints(filter_, include_extras=True)["where"].__metadata__[0].help
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    assert [name for name in columns if name not in help_text] == []
    assert [name for name in columns if not re.search(rf"`{name}[`.]", page)] == []


def test_a_column_in_a_lambda_is_none_of_the_session(source: Path, tmp_path: Path) -> None:
    where = "len(list_filter(tasks, lambda task: task = 'story')) = 1 and seed_text <> 'user'"
    assert filter_run(source, tmp_path / "out", where=where).n_copied


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("loudness < 3", 'Binder Error: Referenced column "loudness" not found in FROM clause!'),
        ("checks.loud < 3", 'Binder Error: Could not find key "loud" in struct'),
        ("tier = ", 'Parser Error: syntax error at or near "="'),
        ("", "Parser Error: SELECT clause without selection list"),
        ("true); drop table x; select (true", 'Parser Error: syntax error at or near ")"'),
        ("count(*) > 1", "Binder Error: WHERE clause cannot contain aggregates!"),
        ("seed_text", "Conversion Error: Could not convert string 'line "),
        (
            "exists (select * from read_text('/etc/hostname'))",
            'Permission Error: Cannot access file "/etc/hostname" - file system operations are disabled',
        ),
    ],
)
def test_a_wrong_condition_is_explained_with_the_available_columns(
    source: Path, tmp_path: Path, where: str, message: str
) -> None:
    with pytest.raises(UserError) as caught:
        filter_run(source, tmp_path / "out", where=where)
    assert caught.value.field == "where"
    assert f"{where!r}: {message}" in str(caught.value)
    *_, columns = str(caught.value).splitlines()
    assert columns.startswith(
        "available columns: id, seed_id, seed_text, tier, headroom_db, n_turns, n_elements, duration_s, "
        "tasks, checks.captions_unmatched, "
    )
    assert columns.endswith(
        ', checks."rule/made-up", checks.silence, checks.sounds_inaudible, '
        "checks.speech_masked_s, checks.speech_overrun, checks.speech_to_background, "
        "checks.stems_sum_to_mix, checks.tail_cut, checks.true_peak"
    )
    assert not (tmp_path / "out").exists()


def test_a_condition_cannot_change_the_settings_of_its_database() -> None:
    condition = SqlCondition("true")
    with pytest.raises(condition._error, match="the configuration has been locked"):
        condition._database.execute("SET enable_external_access = true")


def test_the_view_is_what_its_columns_say() -> None:
    table = pa.Table.from_pylist([sample_row(a_sample(2, tier="valid"))], schema=SAMPLES)
    (row,) = make_plain_view(table).to_pylist()
    checks = row.pop("checks")
    assert row == {
        "id": a_sample(2).id,
        "seed_id": "test/0002",
        "seed_text": "line 2 of the test",
        "tier": "valid",
        "headroom_db": table["headroom_db"][0].as_py(),
        "n_turns": 3,
        "n_elements": 4,
        "duration_s": 6.0,
        "tasks": ["story", "volume", "replace"],
    }
    assert len(checks) == 17
    assert (checks["rule/made-up"], checks["clipping"]) == (1.0, 0.0)


def test_the_view_needs_only_metadata(source: Path) -> None:
    path = next((source / "shards").iterdir())
    assert pq.ParquetFile(path).read(columns=list(METADATA)).schema.equals(METADATA_SCHEMA)
    assert make_plain_view(METADATA_SCHEMA.empty_table()).num_rows == 0


def test_nothing_matching_is_said_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        filter_run(source, tmp_path / "out", where="n_turns > 3")
    assert str(caught.value) == f"{source}: none of its 6 samples matches; nothing was written"
    assert list(tmp_path.iterdir()) == []


def test_another_filter_into_the_same_folder_is_refused(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    filter_run(source, out, tier="hq")
    before = rows_of(out)
    with pytest.raises(ConfigMismatchError) as caught:
        filter_run(source, out, tier="valid", where="n_turns = 3")
    assert str(caught.value).splitlines()[1:-1] == [
        "  `tier` is 'hq' in the run, but 'valid' was requested",
        "  `where` is None in the run, but 'n_turns = 3' was requested",
    ]
    assert rows_of(out) == before


def test_generating_into_a_subset_is_refused(source: Path, tmp_path: Path) -> None:
    filter_run(source, tmp_path / "out", tier="hq")
    config = RunConfig(seeds="text:test.txt", run_seed=7)
    fingerprint = Fingerprint(config=config, designer={"name": "test"}, renderers={})
    Run(source).open(fingerprint.model_dump(mode="json"))
    with pytest.raises(ConfigMismatchError) as caught:
        Run(tmp_path / "out").open(fingerprint.model_dump(mode="json"))
    assert [line.partition(" is ")[0] for line in caught.value.differences] == ["filter"]


def test_a_run_is_not_filtered_into_itself(source: Path) -> None:
    with pytest.raises(UserError) as caught:
        filter_run(source, source / ".." / source.name, tier="hq")
    assert caught.value.field == "out"


def test_a_folder_of_something_else_is_left_alone(source: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match=r"not empty.*thesis\.txt"):
        filter_run(source, tmp_path, tier="hq")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


class Killed(BaseException):
    """The end of the process: nothing is cleaned up after it."""


@pytest.mark.parametrize("n_rows", range(1, N_SAMPLES + 1))
def test_an_interrupted_filter_goes_on_without_doubles(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_rows: int
) -> None:
    monkeypatch.setattr(filtering, "_ROWS_PER_SHARD", 2)
    copied, out = 0, tmp_path / "out"

    def killed() -> None:
        nonlocal copied
        copied += 1
        if copied == n_rows:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(ShardWriter, "discard", lambda self: None)
        with pytest.raises(Killed):
            filter_run(source, out, where="true", on_copied=killed)
    assert [problem.kind for problem in problems(out)] == ["incomplete"]
    n_committed = 2 * ((n_rows - 1) // 2)
    to_do = []
    done = filter_run(source, out, where="true", on_start=to_do.append)
    assert to_do == [done.n_copied] == [N_SAMPLES - n_committed]
    assert rows_of(out) == rows_of(source)
    assert problems(out) == ()
    assert filter_run(source, out, where="true").n_copied == 0
    assert sorted(path.name for path in (out / "shards").iterdir()) == sorted(
        Path(path).name for path in committed_paths(Run(out))
    )


def test_a_source_that_has_grown_is_filtered_on(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    a_run(source, n_samples=1, n_rejects=0)
    filter_run(source, out, tier="hq")
    writer = ShardWriter(Run(source))
    writer.add_sample(a_sample(1, tier="hq"))
    writer.commit()
    assert filter_run(source, out, tier="hq").n_copied == 1
    assert sorted(rows_of(out)) == ["test/0000", "test/0001"]
    assert problems(out) == ()


def test_row_groups_are_of_the_same_size_again(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = (pa.Table.from_pylist([sample_row(a_sample(0))], schema=SAMPLES),)
    monkeypatch.setattr(shards, "ROW_GROUP_BYTES", int(1.5 * row.nbytes))
    filter_run(source, tmp_path / "out", where="true")
    (shard,) = (tmp_path / "out" / "shards").iterdir()
    found = pq.ParquetFile(shard).metadata
    assert [found.row_group(k).num_rows for k in range(found.num_row_groups)] == [2, 2, 2]


def test_a_damaged_source_is_named_and_what_was_committed_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filtering, "_ROWS_PER_SHARD", 1)
    source, out = tmp_path / "source", tmp_path / "out"
    a_run(source, n_samples=2, n_rejects=0, per_shard=1)
    (entry,) = (entry for entry in Run(source).ledger.entries() if entry.accepted == ("test/0001",))
    damaged = source / entry.files[0].path
    audio = pq.read_table(damaged)["mixes"][0][0]["bytes"].as_py()
    data = bytearray(damaged.read_bytes())
    data[data.index(audio) + 5000] ^= 1
    damaged.write_bytes(data)
    with pytest.raises(CorruptDataError) as caught:
        filter_run(source, out, where="true")
    known = next(file.sha256 for file in RunReader(source).files("samples") if damaged.stem in file.path)
    assert str(caught.value) == (
        f"{damaged}: SHA-256 {hashlib.sha256(data).hexdigest()}; the ledger says {known}; "
        f"see: copilot verify {source}"
    )
    order = [Path(file.path).stem for file in RunReader(source).files("samples")]
    assert len(rows_of(out)) == order.index(damaged.stem)
    assert [path.name for path in (out / "shards").glob(".tmp-*")] == []


def test_columns_of_another_version_are_refused(tmp_path: Path) -> None:
    run = a_run(tmp_path / "source", n_samples=1, n_rejects=0)
    (path,) = committed_paths(run)
    pq.write_table(pq.read_table(f"{run.place}/{path}").drop_columns("tier"), f"{run.place}/{path}")
    with pytest.raises(CorruptDataError) as caught:
        filter_run(run.place, tmp_path / "out", where="true")
    assert str(caught.value) == (
        f"{run.place}/{path}: its columns are not those of this version; see: copilot verify {run.place}"
    )


def test_a_source_without_a_fingerprint_is_refused(tmp_path: Path) -> None:
    run = a_run(tmp_path / "source", n_samples=1, n_rejects=0)
    run.write_description({**run.describe(), "fingerprint": "none"})
    with pytest.raises(CorruptDataError) as caught:
        filter_run(run.place, tmp_path / "out", where="true")
    assert str(caught.value).startswith(f"{run.place}/run.json: ")


# What the command prints


def test_the_command_reports_the_subset(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run_filter(str(source), str(out), tier="hq", where=None, as_json=False) == 0
    assert capsys.readouterr().out == f"{out}: 4 of 6 samples (4 hq), 0.01 h of mixes\n"
    assert run_filter(str(source), str(out), tier="hq", where=None, as_json=True) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["run"], printed["n_copied"], printed["totals"]["accepted"]) == (str(out), 0, 4)


def test_the_command_wants_something_to_filter_by(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"`tier`.*`where`"):
        run_filter(source, tmp_path / "out", tier=None, where=None, as_json=False)


def test_an_interrupted_command_says_how_to_resume(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self, row: pa.Table) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ShardWriter, "add_sample_row", interrupted)
    assert run_filter(source, tmp_path / "out", tier="hq", where=None, as_json=False) == 130
    assert "resume" in capsys.readouterr().err


def test_an_unknown_tier_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        filter_run(source, tmp_path / "out", tier="nope")
    assert caught.value.field == "tier"
    assert not (tmp_path / "out").exists()


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no run\.json") as caught:
        filter_run(tmp_path, tmp_path / "out")
    assert caught.value.field == "source"
