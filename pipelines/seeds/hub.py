"""Seeds from a data set of the Hugging Face hub, or a folder in one of its forms.

Rows are streamed, and of Parquet files only the text and id columns are fetched: audio is neither downloaded
nor decoded. `datasets` is imported when a stream is opened, not before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copilot.errors import UserError
from copilot.seed import Seed
from pipelines.seeds import common_voice, librispeech
from pipelines.seeds.records import BadLineError, Reading, SeedProblem, make_seed, name_row, normalise_name


@dataclass(frozen=True, slots=True)
class HubDataset:
    """`hub:DATASET[@CONFIG][:SPLIT]#COLUMN`: ids are `hub/DATASET/ID`, or `hub/DATASET/HASH` without an id.

    `prefix` replaces `hub/DATASET`. `to_name` turns a value of `id_column` into the last part of the id.
    `local_form` is the spec of a local copy, for messages.
    """

    dataset: str
    column: str
    config: str | None = None
    split: str = "train"
    id_column: str = "id"
    prefix: str = ""
    to_name: Callable[[str], str] = str
    local_form: str = "text:PATH or jsonl:PATH#FIELD"

    @property
    def name(self) -> str:
        """The full spec of this data set."""
        config = f"@{self.config}" if self.config else ""
        return f"hub:{self.dataset}{config}:{self.split}#{self.column}"

    @property
    def expects(self) -> str:
        """The expected content, for messages."""
        return f"rows with text in the column {self.column!r}"

    def read(self) -> Iterator[Reading]:
        """Yield a reading of each row.

        Raises UserError if the data set, configuration, split or column cannot be read.
        """
        for link in self._find_links():
            yield SeedProblem(str(link), None, "a link to a folder is not followed here; give that folder")
        prefix = self.prefix or f"hub/{self._id_part}"
        for number, row in enumerate(self._rows(), start=1):
            try:
                yield self._parse_row(prefix, row)
            except BadLineError as error:
                yield SeedProblem(self.name, number, str(error))

    def _find_links(self) -> Iterator[Path]:
        """Yield the links to folders inside a local data set, which `datasets` passes over in silence."""
        for folder, subfolders, _ in os.walk(self.dataset):
            yield from (
                path for path in (Path(folder, name) for name in sorted(subfolders)) if path.is_symlink()
            )

    @property
    def _id_part(self) -> str:
        # A folder's own path would tie the ids to one machine.
        folder = Path(self.dataset)
        return normalise_name(folder.resolve().name if folder.is_dir() else self.dataset)

    def _parse_row(self, prefix: str, row: Mapping[str, object]) -> Seed:
        text = row[self.column]
        if not isinstance(text, str):
            raise BadLineError(f"the column {self.column!r} holds no text")
        return make_seed(prefix, self.to_name(name_row(row.get(self.id_column))), text)

    def _rows(self) -> Iterator[Mapping[str, object]]:
        from datasets.exceptions import DatasetsError  # noqa: PLC0415 - takes seconds to import
        from huggingface_hub import errors as hub_errors  # noqa: PLC0415

        # The hub's client passes on errors of its HTTP library, which are not OSErrors.
        http_error: type[Exception] = hub_errors.HTTPError  # type: ignore[attr-defined]
        try:
            yield from self._open()
        except (DatasetsError, OSError, ValueError, RuntimeError, http_error) as error:
            reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            remedy = f"check the name, the network and HF_TOKEN, or give a local copy as {self.local_form}"
            if links := list(self._find_links()):
                remedy = f"links to folders are not followed: give the folder behind {links[0]}"
            elif Path(self.dataset).is_dir():
                remedy = "check the names of its files, and save those of text as UTF-8"
            raise UserError(f"cannot read {self.name}: {reason}; {remedy}", field="seeds") from error

    def _open(self) -> Any:  # noqa: ANN401 - a stream of `datasets`, which has no types
        import datasets  # noqa: PLC0415 - takes seconds to import

        builder = datasets.load_dataset_builder(self.dataset, self.config)
        columns = _list_columns(builder.as_streaming_dataset(split=self.split))
        if self.column not in columns:
            raise UserError(
                f"{self.dataset} has no column {self.column!r}; available: {', '.join(columns) or 'none'}",
                field="seeds",
            )
        wanted = list(dict.fromkeys([self.column, *({self.id_column} & set(columns))]))
        if hasattr(builder.config, "columns"):
            # Without this, Parquet files are fetched whole, and the columns are dropped afterwards.
            builder = datasets.load_dataset_builder(self.dataset, self.config, columns=wanted)
        return builder.as_streaming_dataset(split=self.split).select_columns(wanted)


def _list_columns(stream: Any) -> list[str]:  # noqa: ANN401 - as above
    if stream.column_names is not None:
        return list(stream.column_names)
    # The columns of JSON and CSV come with their rows; read as Arrow, nothing is decoded.
    first = next(iter(stream.with_format("arrow")), None)
    return [] if first is None else list(first.column_names)


LIBRISPEECH = HubDataset(
    "openslr/librispeech_asr",
    column="text",
    config="all",
    split="train.clean.100",
    prefix=librispeech.PREFIX,
    local_form="librispeech:PATH",
)
"""Plain `librispeech`: a part for training, so that no evaluation set's text gets into training data."""

COMMON_VOICE = HubDataset(
    "fixie-ai/common_voice_17_0",
    column=common_voice.TEXT_COLUMN,
    config="en",
    id_column=common_voice.PATH_COLUMN,
    prefix=common_voice.PREFIX,
    to_name=common_voice.name_clip,
    local_form="common-voice:PATH.tsv",
)
"""Plain `common-voice`: English 17.0 as Parquet. Other forms of it hold text and audio in one archive."""
