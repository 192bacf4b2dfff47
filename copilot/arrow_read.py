"""Rows of a run's Parquet files turned back into dialogues, stems and mixes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from copilot.dialogue import Dialogue
from copilot.errors import CorruptDataError
from copilot.mix import DialogueMix, mix_dialogue
from copilot.sample import StoredStem
from copilot.stem import StemInfo, Word, load_stem


def dialogue_of(row: Mapping[str, Any]) -> Dialogue:
    """The dialogue of a row. Raises CorruptDataError where the row holds none."""
    turns = [
        {
            "task": turn["task"],
            "user": turn["user"],
            "description": turn["description"],
            "operations": [_without_none(operation) for operation in turn["operations"]],
            "scene": {"elements": [_without_none(element) for element in turn["elements"]]},
        }
        for turn in row["turns"]
    ]
    provenance = row.get("provenance") or {}
    mode = "whole" if provenance.get("mode") == "whole" else "turnwise"
    content = {"seed_id": row["seed_id"], "seed_text": row["seed_text"], "mode": mode, "turns": turns}
    try:
        return Dialogue.model_validate(content)
    except ValidationError as error:
        raise CorruptDataError(f"row {row['id']}: not a dialogue: {error}") from error


def stored_stems_of(row: Mapping[str, Any]) -> tuple[StoredStem, ...]:
    """The stems of a row, with their FLAC files where the row keeps them."""
    return tuple(_stored_stem(stem) for stem in row["stems"])


def _stored_stem(stem: Mapping[str, Any]) -> StoredStem:
    known = {name: stem[name] for name in StemInfo.__dataclass_fields__}
    known["words"] = tuple(Word(**word) for word in stem["words"] or ())
    known["detail"] = {entry["name"]: entry["value"] for entry in stem["detail"] or ()}
    audio = stem["audio"]
    return StoredStem(stem["element_id"], StemInfo(**known), audio["bytes"] if audio else None)


def remix(row: Mapping[str, Any]) -> DialogueMix:
    """The mixes of a row made again from its stems and mix parameters: equal to the stored ones to the bit.

    Raises CorruptDataError where the row keeps no stems, or a stem's file is damaged.
    """
    stems = {}
    for stored in stored_stems_of(row):
        if stored.flac is None:
            raise CorruptDataError(f"row {row['id']}: keeps no audio of stem {stored.element_id}")
        stems[stored.element_id] = load_stem(stored.info, stored.flac)
    scenes = [turn.scene for turn in dialogue_of(row).turns]
    return mix_dialogue(scenes, stems, row["mix_bits"], row["headroom_db"])


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """A struct of Arrow without the fields that are null, nested structs included."""
    return {
        name: _without_none(value) if isinstance(value, Mapping) else value
        for name, value in values.items()
        if value is not None
    }
