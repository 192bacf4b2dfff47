"""Reading a run: only what its ledger names, metadata without audio, one sample without the others."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.made_runs import RUN_SEED, a_run
from helpers.watched_files import watch_files

from copilot.arrow import AUDIO_COLUMNS
from copilot.errors import CorruptDataError, UserError
from copilot.sample import sample_id
from pipelines.run.reader import RunReader


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six samples in two shards, the third and the sixth `valid`; two rejects. Not to be written to."""
    return Path(a_run(tmp_path_factory.mktemp("reader") / "run").place)


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def damage_audio(run: Path) -> None:
    """Overwrite the beginning of every audio column of a run."""
    for path in (run / "shards").glob("*.parquet"):
        data = bytearray(path.read_bytes())
        metadata = pq.ParquetFile(path).metadata
        n_damaged = 0
        for group in range(metadata.num_row_groups):
            for column in range(metadata.num_columns):
                chunk = metadata.row_group(group).column(column)
                if chunk.path_in_schema in AUDIO_COLUMNS:
                    data[chunk.data_page_offset : chunk.data_page_offset + 64] = b"\xff" * 64
                    n_damaged += 1
        assert n_damaged == 2 * metadata.num_row_groups
        path.write_bytes(data)


def test_files_are_those_of_the_ledger_in_its_order(copy: Path):
    shutil.copy(next((copy / "shards").iterdir()), copy / "shards" / "0000.parquet")
    reader = RunReader(copy)
    entries = [json.loads(path.read_bytes()) for path in sorted((copy / "ledger").iterdir())]
    shards = [
        file["path"] for entry in entries for file in entry["files"] if file["path"].startswith("shards/")
    ]
    assert [file.path for file in reader.files("samples")] == shards
    assert [file.n_rows for file in reader.files("samples")] == [3, 3]
    assert [file.n_rows for file in reader.files("rejects")] == [2]


def test_rows_come_one_by_one_as_they_were_written(made: Path):
    rows = list(RunReader(made).rows("samples", ["id", "seed_id"]))
    in_order = sorted(rows, key=lambda row: row["seed_id"])
    assert in_order == [
        {"id": sample_id(RUN_SEED, f"test/{k:04d}"), "seed_id": f"test/{k:04d}"} for k in range(6)
    ]
    assert [row["reason"] for row in RunReader(made).rows("rejects")] == ["one-ambience"] * 2


def test_metadata_is_everything_but_the_audio(made: Path):
    reader = RunReader(made)
    row = next(reader.rows("samples", "metadata"))
    whole = reader.find(row["id"])
    assert row["mixes"] == [{"path": f"{row['id']}/turn-{k}.flac"} for k in range(3)]
    assert [stem["audio"] for stem in row["stems"]] == [
        {"path": f"{row['id']}/stem-{k}.flac"} for k in (1, 2, 3, 4)
    ]
    for name in set(whole) - {"mixes", "stems"}:
        assert row[name] == whole[name]
    assert all(mix["bytes"][:4] == b"fLaC" for mix in whole["mixes"])


def test_metadata_is_read_where_the_audio_is_damaged(copy: Path):
    before = list(RunReader(copy).rows("samples", "metadata"))
    damage_audio(copy)
    reader = RunReader(copy)
    assert list(reader.rows("samples", "metadata")) == before
    assert sum(batch.num_rows for batch in reader.batches("samples")) == 6
    with pytest.raises(CorruptDataError, match=r"shards/\w+\.parquet: cannot be read as Parquet"):
        reader.find("test/0004")


def test_row_groups_of_one_file(made: Path):
    reader = RunReader(made)
    file = next(reader.files("samples"))
    (table,) = reader.row_groups(file, ["turns.list.element.task"])
    assert table.schema.names == ["turns"]
    assert table.schema.field("turns").type.value_type == pa.struct({"task": pa.string()})
    assert table.num_rows == 3


@pytest.mark.parametrize("number", range(6))
def test_find_by_either_id(made: Path, number: int):
    reader, seed_id = RunReader(made), f"test/{number:04d}"
    by_seed = reader.find(seed_id, ["id", "seed_id", "seed_text"])
    assert by_seed["seed_text"] == f"line {number} of the test"
    assert reader.find(sample_id(RUN_SEED, seed_id), ["id", "seed_id", "seed_text"]) == by_seed


def test_find_reads_audio_of_one_row_group_only(made: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[tuple[int, list[str] | None]] = []
    read = pq.ParquetFile.read_row_group

    def noted(self: pq.ParquetFile, index: int, columns: list[str] | None = None, **options: object):
        asked.append((index, columns))
        return read(self, index, columns=columns, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", noted)
    RunReader(made).find("test/0005")
    *searched, found = asked
    assert found == (0, None)
    assert 1 <= len(searched) <= 2
    assert set(map(str, searched)) == {str((0, ["id", "seed_id"]))}


def test_first_is_the_first_of_the_best_tier(made: Path, tmp_path: Path):
    reader = RunReader(made)
    tiers = [(row["id"], row["tier"]) for row in reader.rows("samples", ["id", "tier"])]
    assert reader.first(["id"])["id"] == next(sample for sample, tier in tiers if tier == "hq")
    only_valid = a_run(tmp_path / "valid", n_samples=3, n_rejects=0, per_shard=1)
    for entry in list(only_valid.ledger.entries()):
        if entry.tiers != {"valid": 1}:
            (tmp_path / "valid" / "ledger" / f"{entry.name}.json").unlink()
    assert RunReader(tmp_path / "valid").first(["seed_id", "tier"]) == {
        "seed_id": "test/0002",
        "tier": "valid",
    }


def test_an_unknown_id_is_answered_with_the_number_of_samples_and_some_ids(made: Path):
    rows = list(RunReader(made).rows("samples", ["id", "seed_id"]))
    few = ", ".join(f"{row['id']} ({row['seed_id']})" for row in rows[:3])
    with pytest.raises(UserError) as caught:
        RunReader(made).find("nobody")
    assert str(caught.value) == f"nobody: not in {made}; there are 6 samples, such as {few}"


def test_a_rejected_seed_is_answered_with_its_reason(made: Path):
    with pytest.raises(UserError) as caught:
        RunReader(made).find("test/bad-0001")
    assert "validate, one-ambience: turn 0: there is no ambience" in str(caught.value)


def test_run_without_samples(tmp_path: Path):
    run = a_run(tmp_path / "run", n_samples=0, n_rejects=0)
    expected = "the run has no samples; copilot stats shows why seeds were rejected"
    with pytest.raises(UserError) as caught:
        RunReader(run.place).first()
    assert str(caught.value) == f"{run.place}: {expected}"
    with pytest.raises(UserError) as caught:
        RunReader(run.place).find("x")
    assert str(caught.value) == f"x: not in {run.place}; {expected}"


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_a_folder_without_a_run_is_a_user_error(tmp_path: Path, folder: str):
    with pytest.raises(UserError, match=r"no run\.json"):
        RunReader(tmp_path / folder)


def test_missing_file_is_named(copy: Path):
    (path,) = (copy / "rejects").iterdir()
    path.unlink()
    with pytest.raises(CorruptDataError) as caught:
        list(RunReader(copy).rows("rejects"))
    assert str(caught.value).startswith(f"{path}: ")


def test_a_file_that_is_not_parquet_is_named(copy: Path):
    (path,) = (copy / "rejects").iterdir()
    path.write_bytes(b"PAR1")
    with pytest.raises(CorruptDataError, match=r"rejects/\w+\.parquet: cannot be read as Parquet"):
        list(RunReader(copy).rows("rejects"))


def test_files_are_read_by_the_caller_alone(made: Path, monkeypatch: pytest.MonkeyPatch):
    """A thread of Arrow that still holds a buffer of Python's when Python exits aborts the process."""
    readers = watch_files(monkeypatch)
    reader = RunReader(made)
    assert len(list(reader.rows("samples"))) == 6
    assert len(list(reader.batches("rejects"))) == 1
    reader.first("metadata")
    assert readers == {threading.get_ident()}
