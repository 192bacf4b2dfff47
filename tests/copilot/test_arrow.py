"""Rows: `datasets` reads them, and they lead back to the same sample and sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.made_runs import a_reject, a_sample

from copilot.arrow import (
    AUDIO_COLUMNS,
    REJECTS,
    SAMPLES,
    read_dialogue,
    read_sample,
    reject_row,
    remix,
    sample_row,
    stored_stems_of,
)
from copilot.audio.pcm import decode_flac
from copilot.designers.account import Account, Usage
from copilot.errors import CorruptDataError
from copilot.mix import mix_dialogue
from copilot.sample import CastVoice, Recording, Sample


def through_parquet(row: dict, schema: pa.Schema, tmp_path: Path) -> dict:
    pq.write_table(pa.Table.from_pylist([row], schema=schema), tmp_path / "rows.parquet")
    return pq.read_table(tmp_path / "rows.parquet").to_pylist()[0]


def with_full_provenance(sample: Sample) -> Sample:
    """Return the sample with every field of its provenance set."""
    usage = Usage(1, 2, 3, 4, 5, 6, 7, 8.5)
    provenance = replace(
        sample.provenance,
        account=Account("model", "prompt", "hash", usage, ("{}", "{...}")),
        normalised=("rounded: turn 0",),
        voices=(CastVoice("woman", "p225", "gender", "f1", (Recording("a.wav", "CC0"),)),),
    )
    return replace(sample, provenance=provenance)


@pytest.mark.parametrize("schema", [SAMPLES, REJECTS])
def test_datasets_knows_every_feature(schema):
    features = datasets.Features.from_arrow_schema(schema)
    assert features.arrow_schema.equals(schema)
    if "mixes" in features:
        assert features["mixes"] == datasets.List(datasets.Audio(sampling_rate=48_000, decode=False))
        assert features["stems"].feature["audio"] == datasets.Audio(sampling_rate=48_000, decode=False)


def test_the_audio_columns_are_where_they_are_said_to_be(tmp_path):
    pq.write_table(pa.Table.from_pylist([sample_row(a_sample(1))], schema=SAMPLES), tmp_path / "rows.parquet")
    schema = pq.ParquetFile(tmp_path / "rows.parquet").schema
    assert set(AUDIO_COLUMNS) <= {schema.column(i).path for i in range(len(schema.names))}


def test_a_sample_comes_back_whole(tmp_path):
    sample = a_sample(1)
    row = through_parquet(sample_row(sample), SAMPLES, tmp_path)
    assert read_dialogue(row) == sample.dialogue
    assert stored_stems_of(row) == sample.stems
    again = remix(row)
    assert [turn.pcm.tobytes() for turn in again.turns] == [decode_flac(m)[0].tobytes() for m in sample.mixes]
    assert [(turn["added"], turn["changed"], turn["removed"]) for turn in row["turns"]] == [
        ([1, 2, 3], [], []),
        ([], [2], []),
        ([4], [], [3]),
    ]


@pytest.mark.parametrize("keep", ["mixes", "stems", "both"])
def test_a_row_becomes_the_sample_that_it_was_made_of(tmp_path, keep):
    sample = with_full_provenance(a_sample(1, keep=keep))
    row = through_parquet(sample_row(sample), SAMPLES, tmp_path)
    again = read_sample(row)
    assert again == sample
    assert sample_row(again) == sample_row(sample)


def test_a_turn_says_when_its_sounds_are_heard(tmp_path):
    sample = a_sample(1)
    row = through_parquet(sample_row(sample), SAMPLES, tmp_path)
    _, door, voice = row["turns"][0]["elements"]
    assert (door["heard_start_s"], door["heard_end_s"], door["words"]) == (0.5, 1.1, [])
    assert (voice["heard_start_s"], voice["heard_end_s"]) == (0.8, 1.8)
    assert voice["words"] == [{"text": "who", "start_s": 0.9, "end_s": 1.1}]


def test_a_row_of_an_older_run_is_read_without_times(tmp_path):
    sample = a_sample(1)
    row = through_parquet(sample_row(sample), SAMPLES, tmp_path)
    for turn in row["turns"]:
        for element in turn["elements"]:
            for name in ("heard_start_s", "heard_end_s", "words"):
                del element[name]
    del row["mix_version"]
    again = read_sample(row)
    assert again == replace(sample, heard=(), mix_version=1)
    expected = mix_dialogue(
        [turn.scene for turn in sample.dialogue.turns], sample.load_stems(), 16, sample.headroom_db, version=1
    )
    for mix in (remix(row), again.mix_again()):
        assert [turn.pcm.tobytes() for turn in mix.turns] == [turn.pcm.tobytes() for turn in expected.turns]
    assert expected.turns[0].pcm.tobytes() != remix(sample_row(sample)).turns[0].pcm.tobytes()


@pytest.mark.parametrize(
    ("column", "value"), [("stems", None), ("mixes", [None]), ("provenance", {}), ("checks", [{"name": "x"}])]
)
def test_a_row_that_is_not_a_sample_is_corrupt(column, value):
    row = sample_row(a_sample(1)) | {column: value}
    with pytest.raises(CorruptDataError, match="not a sample"):
        read_sample(row)


def test_a_row_without_a_column_is_corrupt():
    row = sample_row(a_sample(1))
    del row["tier"]
    with pytest.raises(CorruptDataError, match="'tier'"):
        read_sample(row)


def test_a_row_without_stems_cannot_be_mixed_again(tmp_path):
    row = through_parquet(sample_row(a_sample(1, keep="mixes")), SAMPLES, tmp_path)
    with pytest.raises(CorruptDataError, match="keeps no audio of stem 1"):
        remix(row)


def test_a_row_that_is_no_dialogue_says_so(tmp_path):
    row = through_parquet(sample_row(a_sample(1)), SAMPLES, tmp_path)
    row["turns"][0]["elements"][0]["role"] = "noise"
    with pytest.raises(CorruptDataError, match="not a dialogue"):
        read_dialogue(row)


def test_a_reject_keeps_its_reason(tmp_path):
    row = through_parquet(reject_row(a_reject(3)), REJECTS, tmp_path)
    assert (row["stage"], row["reason"], row["raw_replies"], row["turns"]) == (
        "validate",
        "one-ambience",
        ["{}"],
        None,
    )
