"""Lay out one sample in a folder, to look at and to listen to.

The folder holds the mix of each turn, each stem, the dialogue as readable JSON, and a picture. All files are
made before the first is written; a folder that holds other files is left as it is.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from copilot.arrow import drop_nulls, read_dialogue, remix
from copilot.audio.pcm import decode_flac, encode_flac, to_float
from copilot.dialogue import Dialogue
from copilot.errors import CorruptDataError, UserError
from copilot.units import Decibels
from copilot.vocabulary import Check
from pipelines.heard.store import HeardStore
from pipelines.inspection.picture.timeline import draw_timeline
from pipelines.run.reader import Row, RunReader
from pipelines.storage import is_uri
from pipelines.storage.atomic import write_atomic

_OWN_FILES = ("turn-*.flac", "stem-*.flac", "dialogue.json", "timeline.png")
_LONGEST_SLUG = 40


@dataclass(frozen=True, slots=True)
class ShownSample:
    """A sample laid out in a folder. `paths` are its files, `content` is the content of `dialogue.json`.

    `heard` is what listeners heard in it, a row of `pipelines.heard.figures.FIGURES`; None if none has.
    """

    id: str
    tier: str
    dialogue: Dialogue = field(repr=False)
    headroom_db: Decibels
    checks: tuple[Check, ...]
    folder: Path
    paths: tuple[Path, ...]
    content: Mapping[str, Any] = field(repr=False)
    heard: Mapping[str, Any] | None = field(default=None, repr=False)

    def list_unmatched(self) -> dict[int, str]:
        """Return the captions for which the backend had no matching sound, by element id."""
        ids = [stem["element_id"] for stem in self.content["stems"] if not stem["matched"]]
        texts = {element.id: element.text for element in self.dialogue.elements()}
        return {element_id: texts.get(element_id, "") for element_id in ids}


def show_sample(
    run: str | Path, sample_id: str | None = None, out: str | Path | None = None, *, force: bool = False
) -> ShownSample:
    """Lay out the sample with this id or seed id (default: the first hq sample, or else the first).

    The folder is `out` (default: RUN/show/ID, or show/ID here for a run behind a URI). `force` accepts a
    folder that is not empty, and deletes the files of an earlier sample there. Raises UserError for an
    unknown run or sample and for a folder that is not empty, MissingExtraError without matplotlib,
    CorruptDataError for damage.
    """
    reader = RunReader(run, field="run")
    row = reader.first() if sample_id is None else reader.find(sample_id)
    folder = Path(out) if out else Path("show" if is_uri(run) else f"{reader.place}/show", row["id"])
    _require_free(folder, force=force)
    dialogue = read_dialogue(row)
    mixes = _read_mixes(row, dialogue)
    sounds = [to_float(*decode_flac(mix)) for mix in mixes]
    files = {f"turn-{index}.flac": mix for index, mix in enumerate(mixes)} | dict(_name_stems(row, dialogue))
    content = _drop_audio(row)
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
        heard=HeardStore(reader.run).find_figures(reader.files("samples"), row["id"]),
    )


def _require_free(folder: Path, *, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is not a folder; choose another", field="out")
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise UserError(
            f"{folder} is not empty; overwrite it with `force`, or choose another folder", field="out"
        )


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files, and delete those of an earlier sample."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in (path for pattern in _OWN_FILES for path in sorted(folder.glob(pattern))):
            path.unlink()
        for name, data in files.items():
            write_atomic(folder / name, data)
    except (NotADirectoryError, FileExistsError, PermissionError) as error:
        raise UserError(
            f"{folder} cannot be written ({error.strerror}); choose another folder", field="out"
        ) from error


def _read_mixes(row: Row, dialogue: Dialogue) -> list[bytes]:
    """Return the FLAC file of each turn: as it is stored, or else mixed again from the stems."""
    if not row["mixes"]:
        return [encode_flac(turn.pcm, row["mix_bits"]) for turn in remix(row).turns]
    if len(row["mixes"]) != len(dialogue.turns):
        raise CorruptDataError(f"row {row['id']}: {len(row['mixes'])} mixes, {len(dialogue.turns)} turns")
    return [mix["bytes"] for mix in row["mixes"]]


def _name_stems(row: Row, dialogue: Dialogue) -> Iterator[tuple[str, bytes]]:
    """Yield the FLAC file of each kept stem, named by the element's id and the first words of its text."""
    texts = {element.id: element.text for element in dialogue.elements()}
    for stem in row["stems"]:
        if stem["audio"] is not None:
            name = slugify(texts.get(stem["element_id"], "")) or stem["tool"]
            yield f"stem-{stem['element_id']}-{name}.flac", stem["audio"]["bytes"]


def slugify(text: str) -> str:
    """Return a text as part of a file name: lower-case ASCII, digits and hyphens, cut between words."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain.replace("'", ""))
    kept = ""
    for word in words:
        if len(longer := f"{kept}-{word}" if kept else word) > _LONGEST_SLUG:
            break
        kept = longer
    return kept or "".join(words[:1])[:_LONGEST_SLUG]


def _drop_audio(row: Row) -> dict[str, Any]:
    """Return the row without its audio and without nulls."""
    stems = [{name: value for name, value in stem.items() if name != "audio"} for stem in row["stems"]]
    content = {name: value for name, value in row.items() if name != "mixes"} | {"stems": stems}
    plain: dict[str, Any] = drop_nulls(content)
    return plain
