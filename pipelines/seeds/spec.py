"""Parse the setting `seeds`: a spec names a source, which is not opened before it is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from copilot.errors import UserError
from pipelines.config import GIVEN
from pipelines.seeds.common_voice import CommonVoice
from pipelines.seeds.given import GivenFile
from pipelines.seeds.hub import COMMON_VOICE, LIBRISPEECH, HubDataset
from pipelines.seeds.jsonl import JsonLines
from pipelines.seeds.librispeech import LibriSpeech
from pipelines.seeds.records import Reading
from pipelines.seeds.requests import REQUESTS, RequestFile
from pipelines.seeds.text_files import Starter, TextFile

SPEC_FORMS = {
    "starter": "sentences that come with this package",
    "librispeech": "LibriSpeech's train-clean-100, from the Hugging Face hub",
    "librispeech:PATH": "a local LibriSpeech: the corpus, a part, a speaker, a chapter or one *.trans.txt",
    "common-voice": "Common Voice 17.0 English, from the Hugging Face hub",
    "common-voice:PATH.tsv": "a local TSV file of Common Voice",
    "text:PATH": "a text file, one sentence per line",
    "jsonl:PATH#FIELD": "a field of a JSON Lines file",
    "requests:PATH#FIELD": "what users ask for, in a field of JSON Lines or a column of a CSV file",
    "hub:DATASET[@CONFIG][:SPLIT]#COLUMN": "a column of a data set of the hub; the split is train by default",
}
"""Every form of a spec, and its meaning."""

_HUB = re.compile(
    r"(?P<dataset>[^@:#]+)(@(?P<config>[^@:#]+))?(:(?P<split>[^@:#]+))?#(?P<column>.+)",
)


class SeedSource(Protocol):
    """A source of seeds."""

    @property
    def name(self) -> str:
        """The source, for messages."""
        ...

    @property
    def expects(self) -> str:
        """The expected content, for messages."""
        ...

    def read(self) -> Iterator[Reading]:
        """Yield a seed, a problem, or None for a blank, for each line. Raises UserError if unreadable."""
        ...


def parse_spec(spec: str) -> SeedSource:
    """Return the source that a spec names. Raises UserError for a spec of an unknown form."""
    kind, colon, rest = spec.partition(":")
    plain: dict[str, SeedSource] = {
        "starter": Starter(),
        "librispeech": LIBRISPEECH,
        "common-voice": COMMON_VOICE,
    }
    if not colon and kind in plain:
        return plain[kind]
    files: dict[str, Callable[[Path], SeedSource]] = {
        "librispeech": LibriSpeech,
        "common-voice": CommonVoice,
        "text": TextFile,
        GIVEN: GivenFile,
    }
    if rest and kind in files:
        return files[kind](Path(rest).expanduser())
    if rest and kind == "jsonl":
        return _parse_jsonl(spec, rest)
    if rest and kind == REQUESTS:
        path, _, field = rest.rpartition("#")
        return RequestFile(Path(path or rest).expanduser(), field if path else "")
    if rest and kind == "hub":
        return _parse_hub(spec, rest)
    raise UserError(f"unknown source {spec!r}; available: {', '.join(SPEC_FORMS)}", field="seeds")


def _parse_jsonl(spec: str, rest: str) -> JsonLines:
    path, _, field = rest.rpartition("#")
    if not path or not field:
        raise UserError(f"{spec!r} names no field; give jsonl:PATH#FIELD", field="seeds")
    return JsonLines(Path(path).expanduser(), field)


def _parse_hub(spec: str, rest: str) -> HubDataset:
    match = _HUB.fullmatch(rest)
    if match is None:
        raise UserError(f"{spec!r} is incomplete; give hub:DATASET[@CONFIG][:SPLIT]#COLUMN", field="seeds")
    return HubDataset(
        match["dataset"], column=match["column"], config=match["config"], split=match["split"] or "train"
    )
