"""A run opened for reading: samples as objects, one at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers.made_runs import RUN_SEED, a_reject, a_run, a_sample

from copilot.arrow import read_sample
from copilot.errors import CorruptDataError, UserError
from copilot.sample import sample_id
from pipelines.config import RunConfig
from pipelines.run.open import OpenRun, UnknownSampleError, open_run
from pipelines.run.reader import RunReader
from pipelines.run.run import Run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six samples in two shards, the third and the sixth `valid`; two rejects. Not to be written to."""
    return Path(a_run(tmp_path_factory.mktemp("open") / "run").place)


@pytest.fixture
def run(place: Path) -> OpenRun:
    return open_run(place)


def test_a_run_counts_its_samples_in_one_line(run: OpenRun, place: Path) -> None:
    assert len(run) == 6
    assert repr(run) == f"Run {place}: 6 samples (4 hq, 2 valid), 2 rejected"


def test_a_run_without_samples(tmp_path: Path) -> None:
    run = open_run(a_run(tmp_path / "run", n_samples=0, n_rejects=0).place)
    assert (len(run), run.ids(), list(run), list(run.rejects())) == (0, [], [], [])
    with pytest.raises(UnknownSampleError, match="no samples"):
        run["test/0000"]


def test_samples_are_those_of_the_shards_in_the_order_of_the_ledger(run: OpenRun, place: Path) -> None:
    samples = list(run)
    assert [sample.id for sample in samples] == run.ids()
    assert samples == [read_sample(row) for row in RunReader(place).rows("samples")]


def test_a_sample_is_found_by_either_id_as_it_was_made(run: OpenRun) -> None:
    made = a_sample(4)
    sample = run["test/0004"]
    assert run[sample_id(RUN_SEED, "test/0004")] == sample
    assert (sample.dialogue, sample.mixes, sample.checks) == (made.dialogue, made.mixes, made.checks)
    assert sample.audio(turn=2).dtype == np.float32
    assert np.array_equal(sample.audio(turn=2), made.audio(turn=2))
    assert "test/0004" in run
    assert "test/9999" not in run


def test_finding_a_sample_reads_no_audio_but_that_of_its_row_group(
    run: OpenRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[list[str] | None] = []
    read_row_group = pq.ParquetFile.read_row_group

    def note(file: pq.ParquetFile, index: int, columns: list[str] | None = None, **options: object):
        read.append(columns)
        return read_row_group(file, index, columns=columns, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", note)
    assert run["test/0005"].seed.id == "test/0005"
    assert read == [["id", "seed_id"], ["id", "seed_id"], None]
    read.clear()
    assert run["test/0000"].seed.id == "test/0000"
    assert read == [None]


def test_an_unknown_id_is_a_key_error_that_names_close_ids(run: OpenRun) -> None:
    with pytest.raises(KeyError) as caught:
        run["test/005"]
    assert isinstance(caught.value, UserError)
    assert "test/0005" in str(caught.value)


def test_the_id_of_a_reject_is_answered_with_its_reason(run: OpenRun) -> None:
    with pytest.raises(UserError, match="validate, one-ambience: turn 0: there is no ambience"):
        run["test/bad-0001"]


def test_rejects_are_read_as_they_were_made(run: OpenRun) -> None:
    assert list(run.rejects()) == [a_reject(0), a_reject(1)]


def test_a_run_knows_its_configuration(run: OpenRun) -> None:
    assert run.config == RunConfig(seeds="text:test.txt", run_seed=RUN_SEED, keep="both")
    assert run.describe()["plan"]["n_seeds"] == 8


def test_a_configuration_of_another_version_is_not_guessed(tmp_path: Path) -> None:
    made = a_run(tmp_path / "run", n_samples=0, n_rejects=0)
    made.write_description({**made.describe(), "fingerprint": {"config": {"seeds": 7}}})
    with pytest.raises(CorruptDataError, match=r"run\.json"):
        _ = open_run(made.place).config


def test_a_folder_without_a_run_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no run\.json") as caught:
        open_run(tmp_path)
    assert caught.value.field == "place"


def test_a_position_is_not_an_id(run: OpenRun) -> None:
    with pytest.raises(TypeError, match="an id, not a position"):
        run[0]


def test_a_run_shows_its_place(place: Path) -> None:
    assert repr(Run(place)) == f"Run({str(place)!r})"
