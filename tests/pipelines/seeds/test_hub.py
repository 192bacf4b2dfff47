"""Seeds through `datasets`, from local data sets by the code that reads the hub's."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import errors as hub_errors

from copilot.errors import UserError
from copilot.seed import Seed
from pipelines.seeds import SeedProblem, read_seeds
from pipelines.seeds.hub import COMMON_VOICE, LIBRISPEECH, HubDataset

# The form of the card of openslr/librispeech_asr.
CARD = """---
dataset_info:
- config_name: clean
  features:
  - name: audio
    dtype:
      audio:
        sampling_rate: 16000
  - name: id
    dtype: string
  - name: text
    dtype: string
  splits:
  - name: test.clean
    num_bytes: 1
    num_examples: 1
configs:
- config_name: clean
  data_files:
  - split: test.clean
    path: clean/test.clean/*.parquet
- config_name: other
  data_files:
  - split: test.clean
    path: other/test.clean/*.parquet
---
"""


@pytest.fixture(autouse=True)
def _cache_in_a_folder_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))


def write_parquet(file: Path, /, **columns: list[str | None]) -> Path:
    """Parquet with the feature metadata of the hub, the given text columns, and audio that is no audio."""
    n_rows = len(next(iter(columns.values())))
    features = datasets.Features(
        {"audio": datasets.Audio(), **{name: datasets.Value("string") for name in columns}}
    )
    audio = pa.array([{"bytes": b"no audio" * 1000, "path": "x.flac"}] * n_rows)
    table = pa.table({"audio": audio, **columns}, schema=features.arrow_schema)
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, file, compression="none", use_dictionary=False)
    return file


def spoil_audio(path: Path) -> None:
    """Overwrite the pages of the audio columns, so that reading them fails."""
    group = pq.read_metadata(path).row_group(0)
    content = bytearray(path.read_bytes())
    for number in range(group.num_columns):
        column = group.column(number)
        if column.path_in_schema.startswith("audio"):
            start = column.data_page_offset
            content[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(content)


def refuse(source: HubDataset, *words: str) -> None:
    """Hold that a data set is refused, with these words in the message."""
    with pytest.raises(UserError) as caught:
        list(source.read())
    assert caught.value.field == "seeds"
    assert [word for word in words if word not in str(caught.value)] == []


def test_only_the_text_and_id_columns_are_read(tmp_path: Path):
    folder = tmp_path / "bells"
    spoil_audio(
        write_parquet(folder / "train.parquet", id=["r1", "r2"], text=["A bell", "Rain"], other=["x", "y"])
    )
    with pytest.raises(OSError, match=r"."):
        pq.read_table(folder / "train.parquet")
    draw = read_seeds(f"hub:{folder}#text", None, 7)
    assert set(draw.seeds) == {Seed("hub/bells/r1", "A bell"), Seed("hub/bells/r2", "Rain")}
    assert (draw.n_read, draw.n_problems) == (2, 0)


def test_without_an_id_column_the_text_gives_the_id(tmp_path: Path):
    write_parquet(tmp_path / "bells" / "train.parquet", caption=["A bell"])
    draw = read_seeds(f"hub:{tmp_path}/bells#caption", None, 7)
    digest = hashlib.sha256(b"A bell").hexdigest()[:16]
    assert draw.seeds == (Seed(f"hub/bells/{digest}", "A bell"),)


def test_rows_without_text_are_named_by_their_number(tmp_path: Path):
    folder = tmp_path / "bells"
    write_parquet(folder / "train.parquet", id=["a", "b", "c", "d"], text=["A bell", None, " ", "Rain"])
    draw = read_seeds(f"hub:{folder}#text", None, 7)
    assert draw.problems == (
        SeedProblem(f"hub:{folder}:train#text", 2, "the column 'text' holds no text"),
        SeedProblem(f"hub:{folder}:train#text", 3, "the id c has no text"),
    )
    assert (draw.n_read, draw.n_problems, draw.available) == (4, 2, 2)


def test_a_split_can_be_named_and_json_is_read_too(tmp_path: Path):
    folder = tmp_path / "bells"
    folder.mkdir()
    (folder / "train.jsonl").write_text('{"id": 1, "text": "A bell"}\n')
    (folder / "test.jsonl").write_text('{"id": 2, "text": "Rain"}\n')
    assert read_seeds(f"hub:{folder}:test#text", None, 7).seeds == (Seed("hub/bells/2", "Rain"),)
    refuse(HubDataset(str(folder), "txt"), f"{folder} has no column 'txt'", "id, text")


def test_a_configuration_of_the_data_set_card_is_read_by_column_too(tmp_path: Path):
    folder = tmp_path / "bells"
    for config, text in (("clean", "A bell"), ("other", "Rain")):
        file = write_parquet(folder / config / "test.clean" / "0000.parquet", id=["a"], text=[text])
        spoil_audio(file)
    (folder / "README.md").write_text(CARD)
    draw = read_seeds(f"hub:{folder}@clean:test.clean#text", None, 7)
    assert draw.seeds == (Seed("hub/bells/a", "A bell"),)


def test_the_plain_corpora_give_the_ids_of_their_local_files(tmp_path: Path):
    write_parquet(tmp_path / "l" / "train.parquet", id=["1089-134686-0000"], text=["HE HOPED"])
    librispeech = dataclasses.replace(LIBRISPEECH, dataset=str(tmp_path / "l"), config=None, split="train")
    assert list(librispeech.read()) == [Seed("librispeech/1089-134686-0000", "HE HOPED")]
    write_parquet(tmp_path / "v" / "train.parquet", path=["en_0/common_voice_en_1.mp3"], sentence=["A bell"])
    voice = dataclasses.replace(COMMON_VOICE, dataset=str(tmp_path / "v"), config=None)
    assert list(voice.read()) == [Seed("common-voice/common_voice_en_1", "A bell")]


def test_names_of_the_plain_corpora():
    assert LIBRISPEECH.name == "hub:openslr/librispeech_asr@all:train.clean.100#text"
    assert COMMON_VOICE.name == "hub:fixie-ai/common_voice_17_0@en:train#sentence"


def test_a_missing_column_split_configuration_or_data_set(tmp_path: Path):
    folder = tmp_path / "bells"
    write_parquet(folder / "train.parquet", id=["a"], text=["A bell"])
    source = HubDataset(str(folder), "text")
    unknown = dataclasses.replace(source, column="sentence")
    refuse(unknown, f"{folder} has no column 'sentence'", "audio, id, text")
    unknown = dataclasses.replace(source, split="test")
    refuse(unknown, f"hub:{folder}:test#text: Bad split: test. Available splits: ['train']")
    unknown = dataclasses.replace(source, config="clean")
    refuse(unknown, f"hub:{folder}@clean:train#text: BuilderConfig 'clean' not found")
    unknown = dataclasses.replace(source, dataset=f"{folder}/none")
    refuse(unknown, f"hub:{folder}/none:train#text: Couldn't find any data file at {folder}/none")


@pytest.mark.parametrize(
    "error",
    [
        ConnectionError("Couldn't reach 'a/b' on the Hub"),
        datasets.exceptions.DatasetsError("Couldn't reach 'a/b' on the Hub."),
        hub_errors.HTTPError("Couldn't reach\n'a/b' on the Hub"),
        RuntimeError("Couldn't reach 'a/b' on the Hub"),
    ],
)
def test_errors_of_the_hub_say_what_to_do(error: Exception, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(datasets, "load_dataset_builder", fail)
    reason = "hub:a/b:train#text: Couldn't reach 'a/b' on the Hub;"
    refuse(HubDataset("a/b", "text"), reason, "HF_TOKEN", "jsonl:PATH#FIELD")


@pytest.mark.parametrize(
    ("source", "local"), [(LIBRISPEECH, "librispeech:PATH"), (COMMON_VOICE, "common-voice:PATH.tsv")]
)
def test_a_corpus_that_cannot_be_reached_names_its_local_form(
    source: HubDataset, local: str, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(datasets, "load_dataset_builder", fail)
    refuse(source, local)


def test_links_that_are_not_followed_are_reported(tmp_path: Path):
    write_parquet(tmp_path / "all" / "train.parquet", id=["a"], text=["A bell"])
    write_parquet(tmp_path / "some" / "train.parquet", id=["b"], text=["Rain"])
    (tmp_path / "some" / "more").symlink_to(tmp_path / "all")
    draw = read_seeds(f"hub:{tmp_path}/some#text", None, 7)
    assert draw.seeds == (Seed("hub/some/b", "Rain"),)
    assert [problem.file for problem in draw.problems] == [str(tmp_path / "some" / "more")]
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "data").symlink_to(tmp_path / "all")
    refuse(HubDataset(str(tmp_path / "none"), "text"), str(tmp_path / "none" / "data"))


def test_a_table_in_another_encoding_is_refused(tmp_path: Path):
    (tmp_path / "train.csv").write_bytes("id,text\n1,caf\u00e9\n".encode("latin-1"))
    refuse(HubDataset(str(tmp_path), "text"), "UTF-8")


def test_a_damaged_file_is_an_error_of_the_project(tmp_path: Path):
    path = write_parquet(tmp_path / "bells" / "train.parquet", id=["a"], text=["A bell"])
    path.write_bytes(path.read_bytes()[:-8])
    refuse(HubDataset(str(path.parent), "text"), f"hub:{path.parent}:train#text: ")


def test_datasets_is_imported_only_if_a_hub_is_read():
    code = (
        "import sys, pipelines.seeds as seeds; seeds.read_seeds('starter', 1, 7); "
        "seeds.parse_spec('librispeech'); print('datasets' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
