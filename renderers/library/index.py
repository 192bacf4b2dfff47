"""The index of a folder of recordings: their files, captions, licences and splits.

Each row that cannot be used is a problem with a reason; the other rows keep their place. Neither the order of
the rows nor the place of the folder changes anything.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, get_args

from copilot.errors import UserError
from copilot.text.decoding import to_utf8
from renderers.file_names import FileNames
from renderers.index_file import BadRowError, Columns, read_lines
from renderers.library.fit import Kind
from renderers.library.licences import accepts, normalise_licence

HEADER = "file,caption,licence,author,source"

# Columns by their meaning; the first that exists counts, of the texts all.
_FILE = ("file", "filename", "file_name", "fname")
_TEXTS = (
    "caption",
    "label",
    "labels",
    "tags",
    "category",
    "keywords",
    *(f"caption_{n}" for n in range(1, 6)),
)
_LICENCE = ("licence", "license")
_AUTHOR = ("author", "manufacturer", "uploader")
_SOURCE = ("source", "sound_link", "url")
_DETAILS_HEADER = "file_name,sound_link,manufacturer,license"
_MORE = (*_LICENCE, *_AUTHOR, *_SOURCE)

_ESC_LICENCE = re.compile(r"^- \[([^\]]+)\.\w+\]:\s.*\((\S+)\) by (.*) \[([^\]]+)\]\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Layout:
    """The places of an index, of its files and of more details, and the files' ending."""

    index: str
    folder: str = ""
    suffix: str = ""
    details: str | None = None
    split: str = ""


_LAYOUTS = (
    _Layout("index.csv"),
    _Layout("index.jsonl"),
    _Layout("meta/esc50.csv", "audio", details="LICENSE"),
    _Layout(
        "FSD50K.ground_truth/dev.csv",
        "FSD50K.dev_audio",
        ".wav",
        "FSD50K.metadata/dev_clips_info_FSD50K.json",
    ),
    _Layout("clotho_captions_development.csv", "development", details="clotho_metadata_development.csv"),
    _Layout(
        "FSD50K.ground_truth/eval.csv",
        "FSD50K.eval_audio",
        ".wav",
        "FSD50K.metadata/eval_clips_info_FSD50K.json",
        split="evaluation",
    ),
    *(
        _Layout(f"clotho_captions_{name}.csv", name, details=f"clotho_metadata_{name}.csv", split=name)
        for name in ("validation", "evaluation")
    ),
)

_HELD_OUT = ("evaluation", "validation")
"""Splits on which models are measured: a sound of theirs in training data spoils the measurement."""

_SPLIT_NAMES = {
    **dict.fromkeys(("test", "testing", "eval"), "evaluation"),
    **dict.fromkeys(("val", "valid"), "validation"),
    **dict.fromkeys(("training", "development"), "train"),
}


@dataclass(frozen=True, slots=True)
class Recording:
    """One file, by its path below the folder, and the content of its rows; `caption` is the first text."""

    file: str
    text: str
    caption: str = ""
    licence: str = ""
    author: str = ""
    source: str = ""
    kind: Kind | None = None
    split: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """The recordings of a folder, sorted by file, and the problems of the rows that are not used."""

    folder: Path
    recordings: tuple[Recording, ...]
    problems: tuple[str, ...] = ()


def read_index(folder: Path, name: str | None = None) -> Index:
    """Return the index in a folder: the one called `name`, else the first of the known layouts.

    Raises UserError if there is none, or no row of it can be used.
    """
    layout = _find_layout(folder, name)
    index = folder / layout.index
    lines, parse = read_lines(index, "sfx", HEADER, _missing_column, _from_json)
    details = _read_details(folder, layout)
    files = FileNames(folder)
    rows: dict[str, list[Recording]] = {}
    problems: list[str] = []
    for number, line in lines:
        try:
            new = _make_recording(folder, layout, parse(line), details, files)
        except BadRowError as error:
            problems.append(f"{index.name}:{number}: {error}")
            continue
        rows.setdefault(new.file, []).append(new)
    if not rows:
        raise UserError(
            f"{index}: no row can be used ({problems[0] if problems else 'there are no rows'}); "
            f"expected recordings with the columns {HEADER}",
            field="sfx",
        )
    return Index(folder, tuple(_merge_rows(rows[file]) for file in sorted(rows)), tuple(problems))


def _merge_rows(rows: Sequence[Recording]) -> Recording:
    """Return one recording for a file that has a row for each caption: the captions become one text."""
    ordered = sorted(rows, key=lambda r: (r.text, r.licence, r.author, r.source, r.kind or ""))
    splits = {row.split for row in rows}
    split = next((name for name in _HELD_OUT if name in splits), ordered[0].split)
    return replace(ordered[0], text=" ".join(row.text for row in ordered), split=split)


def normalise_split(name: str) -> str:
    """Return the usual name of a split: `eval` and `test` are `evaluation`, `val` is `validation`."""
    name = " ".join(name.lower().split())
    return _SPLIT_NAMES.get(name, name)


def filter_splits(index: Index, splits: Sequence[str] | None) -> Index:
    """Return the recordings of these splits; by default, all that models are not measured on.

    Those left out by default are a problem. Raises UserError if none is left.
    """
    if splits is None:
        left = tuple(r for r in index.recordings if r.split not in _HELD_OUT)
    else:
        left = tuple(r for r in index.recordings if r.split in splits)
    counts = Counter(r.split or "not stated" for r in index.recordings)
    if not left:
        available = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
        wanted = f"of {' or '.join(splits)}" if splits else "for training"
        name = next(iter(sorted(counts)))
        raise UserError(
            f"{index.folder}: no recording is {wanted}; splits: {available}; "
            f"to use one, set splits={name} in `sfx_settings`",
            field="sfx",
        )
    held_out = [name for name in _HELD_OUT if splits is None and counts[name]]
    return replace(
        index,
        recordings=left,
        problems=(*index.problems, *(_describe_held_out(name, counts[name]) for name in held_out)),
    )


def _describe_held_out(split: str, count: int) -> str:
    n_recordings = "1 recording" if count == 1 else f"{count:,} recordings"
    return f"{n_recordings} of the {split} split, on which models are measured"


def filter_licences(index: Index, licences: Sequence[str]) -> Index:
    """Return the recordings under any of the licences. Raises UserError if there are none."""
    left = tuple(r for r in index.recordings if any(accepts(wanted, r.licence) for wanted in licences))
    if not left:
        counts = Counter(
            normalise_licence(recording.licence) or "not stated" for recording in index.recordings
        )
        available = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
        raise UserError(
            f"{index.folder}: no recording is under {' or '.join(licences)}; available: {available}",
            field="sfx",
        )
    return replace(index, recordings=left)


def _find_layout(folder: Path, name: str | None) -> _Layout:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give one with an {_LAYOUTS[0].index}", field="sfx")
    if name is not None:
        known = next((layout for layout in _LAYOUTS if layout.index == name), _Layout(name))
        if not (folder / name).is_file():
            raise UserError(f"{folder}: no index {name}; give one that exists", field="sfx")
        return known
    for layout in _LAYOUTS:
        if (folder / layout.index).is_file():
            return layout
    raise UserError(
        f"{folder}: no {', '.join(layout.index for layout in _LAYOUTS)}; "
        f"expected an {_LAYOUTS[0].index} that begins: {HEADER}",
        field="sfx",
    )


def _missing_column(header: Sequence[str]) -> str | None:
    wanted = (("file", _FILE), ("caption or label", _TEXTS))
    return next((what for what, names in wanted if not set(names) & set(header)), None)


def _from_json(row: Mapping[str, Any]) -> Columns:
    return {name.lower(): _to_text(value) for name, value in row.items()}


def _to_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return a text, a number, or a list of them (tags) as one text; empty for any other value."""
    if isinstance(value, list):
        return " ".join(map(_to_text, value))
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    # Half a character of an escape (a lone surrogate) can be neither hashed nor stored.
    return str(value).encode(errors="replace").decode()


def _read_details(folder: Path, layout: _Layout) -> Mapping[str, Columns]:
    """Return more columns, by file name: licences and authors that a known layout has in another file."""
    if layout.details is None or not (folder / layout.details).is_file():
        return {}
    path = folder / layout.details
    if path.suffix == ".csv":
        return _read_details_table(path)
    try:
        content = to_utf8(path.read_bytes()).decode(errors="replace")
        if path.suffix == ".json":
            return {
                name: {key: _to_text(row[key]) for key in _MORE if key in row}
                for name, row in json.loads(content).items()
            }
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise UserError(f"{path}: cannot be read ({error}); repair or remove it", field="sfx") from error
    return {
        name: {"source": source, "author": author, "licence": licence}
        for name, source, author, licence in _ESC_LICENCE.findall(content)
    }


def _read_details_table(path: Path) -> Mapping[str, Columns]:
    """Return the columns of a second table by file name; rows that cannot be read are left out."""
    lines, parse = read_lines(path, "sfx", _DETAILS_HEADER, _missing_details, lambda row: row)
    found: dict[str, Columns] = {}
    for _, line in lines:
        with suppress(BadRowError):
            columns = parse(line)
            found[_find_first(columns, _FILE).strip()] = {key: columns.get(key, "") for key in _MORE}
    return found


def _missing_details(header: Sequence[str]) -> str | None:
    wanted = (("file_name", _FILE), ("license", _LICENCE))
    return next((what for what, names in wanted if not set(names) & set(header)), None)


def _make_recording(
    folder: Path, layout: _Layout, columns: Columns, details: Mapping[str, Columns], files: FileNames
) -> Recording:
    name = _find_first(columns, _FILE).strip()
    if not name:
        raise BadRowError("no file")
    more = details.get(name) or details.get(PurePath(name).stem) or {}
    cells = {key: " ".join((value or "").split()) for key, value in {**more, **columns}.items()}
    text = " ".join(cells[column] for column in _TEXTS if cells.get(column))
    text = " ".join(text.replace("_", " ").replace(",", " ").split())
    if not text:
        raise BadRowError(f"{name}: no caption or label")
    kind = cells.get("kind", "").lower()
    if kind and kind not in get_args(Kind):
        raise BadRowError(f"{name}: kind {kind!r}; expected texture or event")
    path = files.find(str(PurePath(layout.folder, name + layout.suffix)))
    _require_content(path)
    return Recording(
        file=path.relative_to(folder).as_posix(),
        text=text,
        caption=_find_first(cells, _TEXTS),
        licence=_find_first(cells, _LICENCE),
        author=_find_first(cells, _AUTHOR),
        source=_find_first(cells, _SOURCE),
        kind=kind or None,  # type: ignore[arg-type]
        split=normalise_split(cells.get("split", "")) or layout.split,
    )


def _find_first(columns: Columns, names: Sequence[str]) -> str:
    return next((columns[name] for name in names if columns.get(name)), "")


def _require_content(path: Path) -> None:
    """Raise BadRowError for a file that cannot be opened, or is empty."""
    try:
        with path.open("rb") as file:
            empty = not file.seek(0, os.SEEK_END)
    except OSError as error:
        raise BadRowError(f"{path.name} cannot be read ({error.strerror})") from error
    if empty:
        raise BadRowError(f"{path.name} is empty")
