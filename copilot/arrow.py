"""Samples and rejects as Arrow rows: the columns that a run's Parquet files have.

Readable by `datasets`, pandas, DuckDB and Ray without this package. The schema carries the feature types
of `datasets`, so that mixes and stems come as `Audio(decode=False)` columns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from copilot.designers.account import Account, Usage
from copilot.dialogue import Dialogue, Turn
from copilot.edit import Edit
from copilot.errors import CorruptDataError
from copilot.heard import Heard
from copilot.mix import DialogueMix, mix_dialogue
from copilot.sample import CastVoice, Provenance, Recording, Reject, Sample, StoredStem
from copilot.seed import Seed
from copilot.stem import StemInfo, load_stem
from copilot.units import SAMPLE_RATE_HZ
from copilot.vocabulary import Check, Word

_AUDIO = pa.struct({"bytes": pa.binary(), "path": pa.string()})
_ELEMENT = pa.struct(
    {
        "id": pa.int64(),
        "tool": pa.string(),
        "role": pa.string(),
        "text": pa.string(),
        "loudness": pa.float64(),
        "panning": pa.float64(),
        "start_time": pa.float64(),
        "duration": pa.float64(),
        "speaker": pa.string(),
        "gender": pa.string(),
        "emotion": pa.string(),
    }
)
_WORDS = pa.list_(pa.struct({"text": pa.string(), "start_s": pa.float64(), "end_s": pa.float64()}))
_HEARD = {"heard_start_s": pa.float64(), "heard_end_s": pa.float64(), "words": _WORDS}
"""The fields of an element in a sample's turn that are known once it has been rendered."""
_OPERATION = pa.struct(
    {
        "op": pa.string(),
        "id": pa.int64(),
        "loudness": pa.float64(),
        "panning": pa.float64(),
        "start_time": pa.float64(),
        "duration": pa.float64(),
        "element": _ELEMENT,
    }
)
_IDS = pa.list_(pa.int64())


def _turn(element: pa.StructType) -> pa.StructType:
    return pa.struct(
        {
            "index": pa.int64(),
            "task": pa.string(),
            "user": pa.string(),
            "description": pa.string(),
            "added": _IDS,
            "changed": _IDS,
            "removed": _IDS,
            "elements": pa.list_(element),
            "duration_s": pa.float64(),
            "operations": pa.list_(_OPERATION),
        }
    )


_STEM = pa.struct(
    {
        "key": pa.string(),
        "element_id": pa.int64(),
        "tool": pa.string(),
        "backend": pa.string(),
        "voice": pa.string(),
        "loudness_lufs": pa.float64(),
        "peak_dbtp": pa.float64(),
        "asked_duration_s": pa.float64(),
        "duration_s": pa.float64(),
        "speech_start_s": pa.float64(),
        "speech_end_s": pa.float64(),
        "words": _WORDS,
        "matched": pa.bool_(),
        "detail": pa.list_(pa.struct({"name": pa.string(), "value": pa.string()})),
        "audio": _AUDIO,
    }
)
_PROVENANCE = pa.struct(
    {
        "designer": pa.string(),
        "model": pa.string(),
        "prompt": pa.string(),
        "prompt_hash": pa.string(),
        "mode": pa.string(),
        "requests": pa.int64(),
        "corrections": pa.int64(),
        "fresh_starts": pa.int64(),
        "repairs": pa.int64(),
        "design_s": pa.float64(),
        "tokens": pa.struct({"prompt": pa.int64(), "cached": pa.int64(), "generated": pa.int64()}),
        "raw_replies": pa.list_(pa.string()),
        "normalised": pa.list_(pa.string()),
        "voices": pa.list_(
            pa.struct(
                {
                    "speaker": pa.string(),
                    "voice": pa.string(),
                    "fits": pa.string(),
                    "stands_for": pa.string(),
                    "recordings": pa.list_(pa.struct({"file": pa.string(), "licence": pa.string()})),
                }
            )
        ),
        "run_seed": pa.int64(),
        "fingerprint": pa.string(),
        "versions": pa.list_(pa.struct({"name": pa.string(), "version": pa.string()})),
    }
)
_CHECK = pa.struct({"name": pa.string(), "value": pa.float64(), "limit": pa.float64(), "passed": pa.bool_()})


def _features(kind: pa.DataType) -> dict[str, Any]:
    """Return an Arrow type in the form in which `datasets` writes its features."""
    if kind.equals(_AUDIO):
        return {"sampling_rate": SAMPLE_RATE_HZ, "decode": False, "_type": "Audio"}
    if pa.types.is_struct(kind):
        return {field.name: _features(field.type) for field in kind}
    if pa.types.is_list(kind):
        return {"feature": _features(kind.value_type), "_type": "List"}
    return {"dtype": {"double": "float64"}.get(str(kind), str(kind)), "_type": "Value"}


def _schema(columns: Mapping[str, pa.DataType]) -> pa.Schema:
    features = {name: _features(kind) for name, kind in columns.items()}
    return pa.schema(columns, metadata={"huggingface": json.dumps({"info": {"features": features}})})


SAMPLES = _schema(
    {
        "id": pa.string(),
        "seed_id": pa.string(),
        "seed_text": pa.string(),
        "tier": pa.string(),
        "turns": pa.list_(_turn(pa.struct([*_ELEMENT, *_HEARD.items()]))),
        "mixes": pa.list_(_AUDIO),
        "stems": pa.list_(_STEM),
        "headroom_db": pa.float64(),
        "mix_bits": pa.int64(),
        "mix_version": pa.int64(),
        "checks": pa.list_(_CHECK),
        "provenance": _PROVENANCE,
    }
)
"""The columns of `shards/*.parquet`."""

REJECTS = _schema(
    {
        "id": pa.string(),
        "seed_id": pa.string(),
        "seed_text": pa.string(),
        "stage": pa.string(),
        "reason": pa.string(),
        "detail": pa.string(),
        "raw_replies": pa.list_(pa.string()),
        "turns": pa.list_(_turn(_ELEMENT)),
    }
)
"""The columns of `rejects/*.parquet`."""

AUDIO_COLUMNS = ("mixes.list.element.bytes", "stems.list.element.audio.bytes")
"""The Parquet columns that hold FLAC files: neither compression nor statistics are worth their cost."""


def sample_row(sample: Sample) -> dict[str, Any]:
    """Return a sample as a row of `SAMPLES`."""
    return {
        "id": sample.id,
        "seed_id": sample.seed.id,
        "seed_text": sample.seed.text,
        "tier": sample.tier,
        "turns": _add_heard(_turn_rows(sample.dialogue), sample.heard),
        "mixes": [_audio(mix, f"{sample.id}/turn-{k}.flac") for k, mix in enumerate(sample.mixes)],
        "stems": [_stem_row(stem, sample.id) for stem in sample.stems],
        "headroom_db": sample.headroom_db,
        "mix_bits": sample.mix_bits,
        "mix_version": sample.mix_version,
        "checks": [{**asdict(check), "passed": check.passed} for check in sample.checks],
        "provenance": _provenance_row(sample.provenance),
    }


def _provenance_row(provenance: Provenance) -> dict[str, Any]:
    row = asdict(provenance)
    account, versions = row.pop("account"), row.pop("versions")
    usage = account.pop("usage")
    return {
        **row,
        **account,
        "tokens": {name: usage.pop(f"{name}_tokens") for name in ("prompt", "cached", "generated")},
        "design_s": usage.pop("seconds"),
        **usage,
        "versions": [{"name": name, "version": version} for name, version in sorted(versions.items())],
    }


def reject_row(reject: Reject) -> dict[str, Any]:
    """Return a reject as a row of `REJECTS`; its turns are null if it had no dialogue."""
    return {
        "id": reject.id,
        "seed_id": reject.seed.id,
        "seed_text": reject.seed.text,
        "stage": reject.stage,
        "reason": reject.reason,
        "detail": reject.detail,
        "raw_replies": list(reject.raw_replies),
        "turns": _turn_rows(reject.dialogue) if reject.dialogue else None,
    }


def _turn_rows(dialogue: Dialogue) -> list[dict[str, Any]]:
    return [_turn_row(index, turn, edit) for index, _, turn, edit in dialogue.transitions()]


def _turn_row(index: int, turn: Turn, edit: Edit) -> dict[str, Any]:
    return {
        "index": index,
        "task": turn.task,
        "user": turn.user,
        "description": turn.description,
        "added": list(edit.added),
        "changed": list(edit.changed),
        "removed": list(edit.removed),
        "elements": [element.model_dump() for element in turn.scene.elements],
        "duration_s": turn.scene.duration_s,
        "operations": [operation.model_dump() for operation in turn.operations],
    }


def _add_heard(turns: list[dict[str, Any]], heard: Sequence[Mapping[int, Heard]]) -> list[dict[str, Any]]:
    """Add to each element when it is heard; nothing if that is not known, as in rows of older runs."""
    for turn, known in zip(turns, heard, strict=False):
        for element in turn["elements"]:
            sound = known[element["id"]]
            element |= {"heard_start_s": sound.start_s, "heard_end_s": sound.end_s}
            element["words"] = [asdict(word) for word in sound.words]
    return turns


def _read_heard(turns: Sequence[Mapping[str, Any]]) -> tuple[Mapping[int, Heard], ...]:
    """Return when each turn's sounds are heard; nothing if the row is an older run's."""
    if any(element.get("heard_start_s") is None for turn in turns for element in turn["elements"]):
        return ()
    return tuple(
        {
            e["id"]: Heard(
                e["heard_start_s"], e["heard_end_s"], tuple(Word(**word) for word in e["words"] or ())
            )
            for e in turn["elements"]
        }
        for turn in turns
    )


def _stem_row(stem: StoredStem, owner: str) -> dict[str, Any]:
    info = asdict(stem.info)
    detail = [{"name": name, "value": value} for name, value in sorted(info.pop("detail").items())]
    audio = _audio(stem.flac, f"{owner}/stem-{stem.element_id}.flac") if stem.flac is not None else None
    return {**info, "element_id": stem.element_id, "detail": detail, "audio": audio}


def _audio(flac: bytes, path: str) -> dict[str, Any]:
    return {"bytes": flac, "path": path}


def read_dialogue(row: Mapping[str, Any]) -> Dialogue:
    """Return the dialogue of a row. Raises CorruptDataError if the row's turns are not a dialogue."""
    turns = [
        {
            "task": turn["task"],
            "user": turn["user"],
            "description": turn["description"],
            "operations": [drop_nulls(operation) for operation in turn["operations"]],
            "scene": {"elements": [_read_element(element) for element in turn["elements"]]},
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


def _read_element(element: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in element.items() if value is not None and name not in _HEARD}


def stored_stems_of(row: Mapping[str, Any]) -> tuple[StoredStem, ...]:
    """Return the stems of a row, with their FLAC files if the row keeps them."""
    return tuple(_stored_stem(stem) for stem in row["stems"])


def _stored_stem(stem: Mapping[str, Any]) -> StoredStem:
    known = {name: stem[name] for name in StemInfo.__dataclass_fields__}
    known["words"] = tuple(Word(**word) for word in stem["words"] or ())
    known["detail"] = {entry["name"]: entry["value"] for entry in stem["detail"] or ()}
    audio = stem["audio"]
    return StoredStem(stem["element_id"], StemInfo(**known), audio["bytes"] if audio else None)


def read_sample(row: Mapping[str, Any]) -> Sample:
    """Return the sample that `sample_row` made a row of: the way back from a run's Parquet files.

    The row has every column of `SAMPLES`, as `Table.to_pylist` and `datasets` with undecoded audio give it.
    Raises CorruptDataError if a column is missing or does not hold a sample.
    """
    try:
        return Sample(
            id=row["id"],
            seed=Seed(row["seed_id"], row["seed_text"]),
            tier=row["tier"],
            dialogue=read_dialogue(row),
            mixes=tuple(mix["bytes"] for mix in row["mixes"]),
            stems=stored_stems_of(row),
            headroom_db=row["headroom_db"],
            mix_bits=row["mix_bits"],
            mix_version=read_mix_version(row),
            checks=tuple(Check(check["name"], check["value"], check["limit"]) for check in row["checks"]),
            provenance=_provenance_of(row["provenance"]),
            heard=_read_heard(row["turns"]),
        )
    except (KeyError, TypeError) as error:
        fault = f"no field {error}" if isinstance(error, KeyError) else str(error)
        raise CorruptDataError(f"row {row.get('id')}: not a sample: {fault}") from error


def read_reject(row: Mapping[str, Any]) -> Reject:
    """Return the reject that `reject_row` made a row of. Raises CorruptDataError as `read_sample` does."""
    try:
        return Reject(
            id=row["id"],
            seed=Seed(row["seed_id"], row["seed_text"]),
            stage=row["stage"],
            reason=row["reason"],
            detail=row["detail"],
            raw_replies=tuple(row["raw_replies"]),
            dialogue=read_dialogue(row) if row["turns"] is not None else None,
        )
    except (KeyError, TypeError) as error:
        fault = f"no field {error}" if isinstance(error, KeyError) else str(error)
        raise CorruptDataError(f"row {row.get('id')}: not a reject: {fault}") from error


def _provenance_of(row: Mapping[str, Any]) -> Provenance:
    tokens = row["tokens"]
    usage = Usage(
        requests=row["requests"],
        corrections=row["corrections"],
        fresh_starts=row["fresh_starts"],
        repairs=row["repairs"],
        prompt_tokens=tokens["prompt"],
        cached_tokens=tokens["cached"],
        generated_tokens=tokens["generated"],
        seconds=row["design_s"],
    )
    return Provenance(
        designer=row["designer"],
        mode=row["mode"],
        run_seed=row["run_seed"],
        fingerprint=row["fingerprint"],
        account=Account(row["model"], row["prompt"], row["prompt_hash"], usage, tuple(row["raw_replies"])),
        normalised=tuple(row["normalised"]),
        voices=tuple(_cast_voice_of(voice) for voice in row["voices"]),
        versions={entry["name"]: entry["version"] for entry in row["versions"]},
    )


def _cast_voice_of(row: Mapping[str, Any]) -> CastVoice:
    recordings = tuple(Recording(entry["file"], entry["licence"]) for entry in row["recordings"])
    return CastVoice(row["speaker"], row["voice"], row["fits"], row["stands_for"], recordings)


def remix(row: Mapping[str, Any]) -> DialogueMix:
    """Mix the turns of a row from its stems and mix parameters: equal to the stored mixes to the bit.

    Raises CorruptDataError if the row keeps no stems, or a stem's file is damaged.
    """
    stems = {}
    for stored in stored_stems_of(row):
        if stored.flac is None:
            raise CorruptDataError(f"row {row['id']}: keeps no audio of stem {stored.element_id}")
        stems[stored.element_id] = load_stem(stored.info, stored.flac)
    scenes = [turn.scene for turn in read_dialogue(row).turns]
    return mix_dialogue(scenes, stems, row["mix_bits"], row["headroom_db"], version=read_mix_version(row))


def read_mix_version(row: Mapping[str, Any]) -> int:
    """Return the version of the mix that made a row; rows of older runs do not say it, and have the first."""
    version = row.get("mix_version")
    return 1 if version is None else int(version)


def drop_nulls(value: Any) -> Any:  # noqa: ANN401 - any value of a row
    """Return a value of a row without the fields that are null, at any depth."""
    if isinstance(value, Mapping):
        return {name: drop_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [drop_nulls(item) for item in value]
    return value
