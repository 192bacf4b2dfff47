"""Whether a stored sample is what it says: its dialogue, its verdicts, and its audio to the bit.

Everything is derived again from what the row holds. A damaged row gives faults, not errors: each has a
kind (kebab-case) and a message for people.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from copilot.arrow import SAMPLES, dialogue_of, stored_stems_of
from copilot.audio.loudness import MIN_GATED_SAMPLES, gated_loudness
from copilot.audio.pcm import Pcm, decode_flac
from copilot.dialogue import Dialogue
from copilot.edit import EditError, apply
from copilot.errors import CorruptDataError
from copilot.mix import DialogueMix, mix_dialogue, n_samples_of, null_residual
from copilot.sample import sample_id
from copilot.scene import Scene
from copilot.schemas import schema
from copilot.stem import Stem, load_stem
from copilot.units import seconds_to_samples
from copilot.validation import first_fault
from copilot.vocabulary import Keep

LOUDNESS_TOLERANCE_LU = 0.01
_LONGEST_S = 86_400.0
"""A turn of more than a day is damage, and no reason to ask for the memory."""
_JUDGED_BY_MODELS = {"turns.elements", "turns.operations"}
_MAY_BE_NULL = {
    "stems.voice",
    "stems.speech_start_s",
    "stems.speech_end_s",
    "stems.audio",
    "provenance.model",
    "provenance.prompt",
    "provenance.prompt_hash",
    "provenance.voices.stands_for",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in a row that is not as it should be."""

    kind: str
    message: str


Row = Mapping[str, Any]


def row_faults(row: Row, keep: Keep | None) -> list[Fault]:
    """All faults of a row of `SAMPLES`.

    `keep` is what audio it must hold; with None, what it seems to.
    """
    if nulls := list(_nulls(row, pa.struct(list(SAMPLES)))):
        return [Fault("null-value", f"{', '.join(nulls)}: null, where there must be a value")]
    faults = list(_verdict_faults(row))
    try:
        dialogue = dialogue_of(row)
    except CorruptDataError as error:
        return [*faults, Fault("dialogue", _in_one_line(error.__cause__ or error))]
    faults += _dialogue_faults(row, dialogue)
    faults += _audio_faults(row, dialogue, keep or _kept(row))
    return faults


def _nulls(value: Any, kind: pa.DataType, at: str = "") -> Iterator[str]:  # noqa: ANN401 - any Arrow value
    """The paths of values that are null and must not be."""
    if value is None:
        if at not in _MAY_BE_NULL:
            yield at
    elif pa.types.is_list(kind):
        entries = pa.null() if at in _JUDGED_BY_MODELS else kind.value_type
        for entry in value:
            yield from _nulls(entry, entries, at)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _nulls(value[field.name], field.type, f"{at}.{field.name}" if at else field.name)


def _in_one_line(error: BaseException | None) -> str:
    """An error in one line; of what pydantic found, the first fault with its place."""
    return str(first_fault(error)) if isinstance(error, ValidationError) else str(error)


def _verdict_faults(row: Row) -> Iterator[Fault]:
    expected = sample_id(row["provenance"]["run_seed"], row["seed_id"])
    if row["id"] != expected:
        yield Fault("sample-id", f"the id is {row['id']}; that of the seed is {expected}")
    for check in row["checks"]:
        if check["passed"] != (check["value"] <= check["limit"]):
            verdict = "passed" if check["passed"] else "not passed"
            yield Fault(
                "check", f"{check['name']}: {check['value']:g}, limit {check['limit']:g}, but {verdict}"
            )
    tier = "hq" if all(check["passed"] for check in row["checks"]) else "valid"
    if row["tier"] != tier:
        yield Fault("tier", f"the tier is {row['tier']}; by its checks it is {tier}")


@cache
def _published() -> Draft202012Validator:
    return Draft202012Validator(schema("dialogue"))


def _dialogue_faults(row: Row, dialogue: Dialogue) -> Iterator[Fault]:
    for error in _published().iter_errors(dialogue.model_dump(mode="json")):
        yield Fault("dialogue-schema", f"{error.json_path}: {error.message}")
    for stored, (index, before, turn, edit) in zip(row["turns"], dialogue.transitions(), strict=True):
        if stored["index"] != index:
            yield Fault("turn-index", f"turn {index} has the index {stored['index']}")
        for name in ("added", "changed", "removed"):
            derived = list(getattr(edit, name))
            if stored[name] != derived:
                yield Fault("edit-lists", f"turn {index}: {name} is {stored[name]}, derived {derived}")
        if stored["duration_s"] != turn.scene.duration_s:
            yield Fault(
                "turn-duration",
                f"turn {index}: {stored['duration_s']} s recorded, the scene lasts {turn.scene.duration_s} s",
            )
        try:
            made = apply(before, turn.operations)
        except (EditError, ValidationError) as error:
            yield Fault("operations", f"turn {index}: {_in_one_line(error)}")
            continue
        if made != turn.scene:
            yield Fault("operations", f"turn {index}: the operations do not make the scene")


def _audio_faults(row: Row, dialogue: Dialogue, keep: Keep) -> Iterator[Fault]:
    """Faults of the stored files; where all are whole, of what they hold together."""
    if row["mix_bits"] not in {16, 24}:
        yield Fault("mix-bits", f"mix_bits is {row['mix_bits']}; expected 16 or 24")
        return
    if not (math.isfinite(row["headroom_db"]) and row["headroom_db"] <= 0):
        yield Fault("headroom", f"headroom_db is {row['headroom_db']}; expected at most 0")
        return
    scenes = [turn.scene for turn in dialogue.turns]
    if (longest_s := max(scene.duration_s for scene in scenes)) > _LONGEST_S:
        yield Fault("turn-duration", f"a scene lasts {longest_s:g} s")
        return
    mixes, mix_faults = _mixes(row, scenes, keep)
    stems, stem_faults = _stems(row, scenes, keep)
    yield from mix_faults
    yield from stem_faults
    if mix_faults or stem_faults or not mixes:
        return
    if not stems:
        yield from _unedited_faults(mixes, dialogue)
        return
    made = mix_dialogue(scenes, stems, row["mix_bits"], row["headroom_db"])
    yield from _remix_faults(mixes, made)
    yield from _null_test_faults(mixes, made, dialogue)


def _kept(row: Row) -> Keep:
    """What audio a row keeps, to judge by the row itself."""
    if any(stem["audio"] for stem in row["stems"]):
        return "both" if row["mixes"] else "stems"
    return "mixes"


def _mixes(row: Row, scenes: Sequence[Scene], keep: Keep) -> tuple[list[Pcm], list[Fault]]:
    """The decoded mixes, one a turn where there are no faults."""
    n_expected = len(scenes) if keep != "stems" else 0
    if len(row["mixes"]) != n_expected:
        return [], [Fault("mix-count", f"{len(row['mixes'])} mixes; expected {n_expected}")]
    mixes, faults = [], []
    for index, audio in enumerate(row["mixes"]):
        try:
            pcm, bits = decode_flac(audio["bytes"])
        except CorruptDataError as error:
            faults.append(Fault("mix-file", f"turn {index}: {error}"))
            continue
        mixes.append(pcm)
        shape = (2, n_samples_of(scenes[index]))
        if pcm.shape != shape:
            faults.append(
                Fault("mix-length", f"turn {index}: {pcm.shape} samples; the scene asks for {shape}")
            )
        if bits != row["mix_bits"]:
            faults.append(Fault("mix-bits", f"turn {index}: {bits} bits; mix_bits is {row['mix_bits']}"))
    return mixes, faults


def _stems(row: Row, scenes: Sequence[Scene], keep: Keep) -> tuple[dict[int, Stem], list[Fault]]:
    """The decoded stems by element; none where the run keeps none, all where there are no faults."""
    stems, faults = {}, []
    expected = sorted({element_id for scene in scenes for element_id in scene.ids})
    ids = sorted(stem["element_id"] for stem in row["stems"])
    if ids != expected:
        faults.append(Fault("stem-set", f"stems of elements {ids}; the scenes have {expected}"))
    for stored in stored_stems_of(row):
        at = f"stem {stored.element_id}"
        if (stored.flac is None) != (keep == "mixes"):
            has = "no audio" if stored.flac is None else "audio"
            faults.append(Fault("stem-audio", f"{at}: has {has}; the run keeps {keep}"))
        if stored.flac is None:
            continue
        try:
            stem = load_stem(stored.info, stored.flac)
        except CorruptDataError as error:
            faults.append(Fault("stem-file", f"{at}: {error}"))
            continue
        stems[stored.element_id] = stem
        recorded = stored.info.loudness_lufs
        measured = gated_loudness(stem.power, gated=stem.pcm.shape[1] >= MIN_GATED_SAMPLES)
        # Negated, so that a NaN is a fault.
        if not abs(measured - recorded) <= LOUDNESS_TOLERANCE_LU:
            message = f"{at}: {measured:.2f} LUFS measured, {recorded:.2f} recorded"
            faults.append(Fault("stem-loudness", message))
    return stems, faults


def _remix_faults(mixes: Sequence[Pcm], made: DialogueMix) -> Iterator[Fault]:
    for index, (stored, turn) in enumerate(zip(mixes, made.turns, strict=True)):
        if n_differing := int(np.count_nonzero((stored != turn.pcm).any(axis=0))):
            yield Fault("remix", f"turn {index}: {n_differing} samples differ from the stems mixed again")


def _null_test_faults(mixes: Sequence[Pcm], made: DialogueMix, dialogue: Dialogue) -> Iterator[Fault]:
    """The null test on the stored samples: a turn minus the one before minus what was edited is nothing."""
    turns = [replace(turn, pcm=pcm) for turn, pcm in zip(made.turns, mixes, strict=True)]
    for index, (before, after) in enumerate(pairwise(turns), start=1):
        edit = dialogue.edit(index)
        if residual := null_residual(before, after, edit.touched):
            yield _not_null(index, residual)


def _unedited_faults(mixes: Sequence[Pcm], dialogue: Dialogue) -> Iterator[Fault]:
    """The null test where no stems are kept: two turns are the same wherever no edited sound is heard."""
    silence = np.zeros((2, 0))
    for (index, scene, turn, edit), before, after in zip(
        dialogue.transitions(), (silence, *mixes), mixes, strict=False
    ):
        left = np.zeros((2, max(before.shape[1], after.shape[1])))
        left[:, : after.shape[1]] += after
        left[:, : before.shape[1]] -= before
        for element in (*scene.elements, *turn.scene.elements):
            if element.id in edit.touched:
                start = seconds_to_samples(element.start_time)
                left[:, start : start + seconds_to_samples(element.duration)] = 0
        if residual := float(np.abs(left).max(initial=0)):
            yield _not_null(index, residual)


def _not_null(index: int, residual: float) -> Fault:
    return Fault("null-test", f"turn {index}: {residual:g} steps of the grid are left of what nobody edited")
