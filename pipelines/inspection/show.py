"""One sample laid out in a folder, to look at and to listen to.

The folder holds each turn's mix, each stem, the dialogue as readable JSON, and a picture. Everything is made
before anything is written; a folder that holds something else is left as it is.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copilot.arrow import dialogue_of, drop_nulls, remix
from copilot.audio.pcm import decode_flac, encode_flac, to_float
from copilot.dialogue import Dialogue
from copilot.errors import CorruptDataError, UserError
from copilot.units import Decibels
from copilot.vocabulary import Check
from pipelines.inspection.picture.timeline import draw_timeline
from pipelines.run.reader import Row, RunReader
from pipelines.storage import is_uri
from pipelines.storage.atomic import write_atomic

_OURS = ("turn-*.flac", "stem-*.flac", "dialogue.json", "timeline.png")
_LONGEST_SLUG = 40


@dataclass(frozen=True, slots=True)
class ShownSample:
    """A sample as it lies in its folder. `paths` are the files, `content` is what `dialogue.json` holds."""

    id: str
    tier: str
    dialogue: Dialogue
    headroom_db: Decibels
    checks: tuple[Check, ...]
    folder: Path
    paths: tuple[Path, ...]
    content: Mapping[str, Any]

    def unmatched(self) -> dict[int, str]:
        """The captions for which the backend had nothing fitting, by element id."""
        ids = [stem["element_id"] for stem in self.content["stems"] if not stem["matched"]]
        texts = {element.id: element.text for element in self.dialogue.elements()}
        return {element_id: texts.get(element_id, "") for element_id in ids}


def show_sample(run: str | Path, wanted: str | None, out: Path | None, *, force: bool) -> ShownSample:
    """Lay out the sample with this id or seed id; without one, the first hq sample, or the first of all.

    The folder is RUN/show/ID unless `out` names another; show/ID here for a run behind a URI. With `force`
    one that is not empty is taken, and what an earlier sample left there is deleted. Raises UserError for a
    run or a sample that is not there and for a folder that is not empty, MissingExtraError without
    matplotlib, CorruptDataError for damage.
    """
    reader = RunReader(run)
    row = reader.first() if wanted is None else reader.find(wanted)
    folder = out or Path("show" if is_uri(run) else f"{reader.place}/show", row["id"])
    _require_free(folder, force=force)
    dialogue = dialogue_of(row)
    mixes = _mixes(row, dialogue)
    sounds = [to_float(*decode_flac(mix)) for mix in mixes]
    files = {f"turn-{index}.flac": mix for index, mix in enumerate(mixes)} | dict(_stems(row, dialogue))
    content = _readable(row)
    files["dialogue.json"] = (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
    files["timeline.png"] = draw_timeline(dialogue, sounds, f"{row['id']} · {row['tier']}")
    _write(folder, files)
    return ShownSample(
        id=row["id"],
        tier=row["tier"],
        dialogue=dialogue,
        headroom_db=row["headroom_db"],
        checks=tuple(Check(check["name"], check["value"], check["limit"]) for check in row["checks"]),
        folder=folder,
        paths=tuple(folder / name for name in files),
        content=content,
    )


def _require_free(folder: Path, *, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is not a folder; choose another --out")
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"{folder}: is not empty; write over it with --force, or choose another --out")


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files, in place of those of an earlier sample."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in (path for pattern in _OURS for path in sorted(folder.glob(pattern))):
            path.unlink()
        for name, data in files.items():
            write_atomic(folder / name, data)
    except (NotADirectoryError, FileExistsError, PermissionError) as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror}); choose another --out") from error


def _mixes(row: Row, dialogue: Dialogue) -> list[bytes]:
    """The FLAC file of each turn: as it is stored, or else made again from the stems."""
    if not row["mixes"]:
        return [encode_flac(turn.pcm, row["mix_bits"]) for turn in remix(row).turns]
    if len(row["mixes"]) != len(dialogue.turns):
        raise CorruptDataError(f"row {row['id']}: {len(row['mixes'])} mixes, {len(dialogue.turns)} turns")
    return [mix["bytes"] for mix in row["mixes"]]


def _stems(row: Row, dialogue: Dialogue) -> Iterator[tuple[str, bytes]]:
    """The FLAC file of each stem that is kept, under the element's id and the first words of its text."""
    texts = {element.id: element.text for element in dialogue.elements()}
    for stem in row["stems"]:
        if stem["audio"] is not None:
            name = slug(texts.get(stem["element_id"], "")) or stem["tool"]
            yield f"stem-{stem['element_id']}-{name}.flac", stem["audio"]["bytes"]


def slug(text: str) -> str:
    """A text as part of a file name: small ASCII letters, digits and hyphens, cut between words."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain.replace("'", ""))
    kept = ""
    for word in words:
        if len(longer := f"{kept}-{word}" if kept else word) > _LONGEST_SLUG:
            break
        kept = longer
    return kept or "".join(words[:1])[:_LONGEST_SLUG]


def _readable(row: Row) -> dict[str, Any]:
    """The row without its audio and without what is null."""
    stems = [{name: value for name, value in stem.items() if name != "audio"} for stem in row["stems"]]
    content = {name: value for name, value in row.items() if name != "mixes"} | {"stems": stems}
    plain: dict[str, Any] = drop_nulls(content)
    return plain
