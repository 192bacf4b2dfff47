"""Verify a stored sample: its dialogue, its checks, and its audio to the bit.

Everything is derived again from the content of the row. A damaged row gives problems, not errors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from copilot.arrow import SAMPLES, read_dialogue, stored_stems_of
from copilot.audio.loudness import MIN_GATED_SAMPLES, gated_loudness
from copilot.audio.pcm import Pcm, decode_flac
from copilot.dialogue import Dialogue
from copilot.edit import EditError, apply
from copilot.errors import CorruptDataError
from copilot.mix import DialogueMix, compute_null_residual, count_scene_samples, mix_dialogue
from copilot.sample import sample_id, tier_of
from copilot.scene import Scene
from copilot.schemas import schema
from copilot.stem import Stem, load_stem
from copilot.units import seconds_to_samples
from copilot.validation import first_fault
from copilot.vocabulary import Check, Keep
from pipelines.inspection.verify.problem import Problem

LOUDNESS_TOLERANCE_LU = 0.01
_LONGEST_S = 86_400.0
"""The longest turn that is mixed again: a longer one is damage, and would need too much memory."""
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


Row = Mapping[str, Any]


def find_row_problems(row: Row, keep: Keep | None) -> list[Problem]:
    """Return all problems of a row of `SAMPLES`.

    `keep` is the audio that the row must hold (default, for None: mixes or stems, as the row itself says).
    """
    if nulls := list(_find_nulls(row, pa.struct(list(SAMPLES)))):
        return [Problem("null-value", f"{', '.join(nulls)}: null, but a value is required")]
    problems = list(_find_verdict_problems(row))
    try:
        dialogue = read_dialogue(row)
    except CorruptDataError as error:
        return [*problems, Problem("dialogue", _format_in_one_line(error.__cause__ or error))]
    problems += _find_dialogue_problems(row, dialogue)
    problems += _find_audio_problems(row, dialogue, keep or _guess_keep(row))
    return problems


def _find_nulls(value: Any, kind: pa.DataType, at: str = "") -> Iterator[str]:  # noqa: ANN401 - any Arrow value
    """Yield the paths of values that are null and must not be."""
    if value is None:
        if at not in _MAY_BE_NULL:
            yield at
    elif pa.types.is_list(kind):
        entries = pa.null() if at in _JUDGED_BY_MODELS else kind.value_type
        for entry in value:
            yield from _find_nulls(entry, entries, at)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _find_nulls(value[field.name], field.type, f"{at}.{field.name}" if at else field.name)


def _format_in_one_line(error: BaseException | None) -> str:
    """Return an error in one line; of a ValidationError, the first fault with its path."""
    return str(first_fault(error)) if isinstance(error, ValidationError) else str(error)


def _find_verdict_problems(row: Row) -> Iterator[Problem]:
    expected = sample_id(row["provenance"]["run_seed"], row["seed_id"])
    if row["id"] != expected:
        yield Problem("sample-id", f"the id is {row['id']}; that of the seed is {expected}")
    for check in row["checks"]:
        if check["passed"] != (check["value"] <= check["limit"]):
            verdict = "passed" if check["passed"] else "not passed"
            yield Problem(
                "check", f"{check['name']}: {check['value']:g}, limit {check['limit']:g}, but {verdict}"
            )
    tier = tier_of(Check(check["name"], check["value"], check["limit"]) for check in row["checks"])
    if row["tier"] != tier:
        yield Problem("tier", f"the tier is {row['tier']}; by its checks it is {tier}")


@cache
def _load_validator() -> Draft202012Validator:
    return Draft202012Validator(schema("dialogue"))


def _find_dialogue_problems(row: Row, dialogue: Dialogue) -> Iterator[Problem]:
    for error in _load_validator().iter_errors(dialogue.model_dump(mode="json")):
        yield Problem("dialogue-schema", f"{error.json_path}: {error.message}")
    for stored, (index, before, turn, edit) in zip(row["turns"], dialogue.transitions(), strict=True):
        if stored["index"] != index:
            yield Problem("turn-index", f"turn {index} has the index {stored['index']}")
        for name in ("added", "changed", "removed"):
            derived = list(getattr(edit, name))
            if stored[name] != derived:
                yield Problem("edit-lists", f"turn {index}: {name} is {stored[name]}, derived {derived}")
        if stored["duration_s"] != turn.scene.duration_s:
            yield Problem(
                "turn-duration",
                f"turn {index}: {stored['duration_s']} s recorded, the scene lasts {turn.scene.duration_s} s",
            )
        try:
            made = apply(before, turn.operations)
        except (EditError, ValidationError) as error:
            yield Problem("operations", f"turn {index}: {_format_in_one_line(error)}")
            continue
        if made != turn.scene:
            yield Problem("operations", f"turn {index}: the operations do not make the scene")


def _find_audio_problems(row: Row, dialogue: Dialogue, keep: Keep) -> Iterator[Problem]:
    """Yield the problems of the stored files; if there are none, those of the files together."""
    if row["mix_bits"] not in {16, 24}:
        yield Problem("mix-bits", f"mix_bits is {row['mix_bits']}; expected 16 or 24")
        return
    if not (math.isfinite(row["headroom_db"]) and row["headroom_db"] <= 0):
        yield Problem("headroom", f"headroom_db is {row['headroom_db']}; expected at most 0")
        return
    scenes = [turn.scene for turn in dialogue.turns]
    if (longest_s := max(scene.duration_s for scene in scenes)) > _LONGEST_S:
        yield Problem("turn-duration", f"a scene lasts {longest_s:g} s")
        return
    mixes, mix_problems = _decode_mixes(row, scenes, keep)
    stems, stem_problems = _decode_stems(row, scenes, keep)
    yield from mix_problems
    yield from stem_problems
    if mix_problems or stem_problems or not mixes:
        return
    if not stems:
        yield from _find_unedited_problems(mixes, dialogue)
        return
    made = mix_dialogue(scenes, stems, row["mix_bits"], row["headroom_db"], version=row["mix_version"])
    yield from _find_remix_problems(mixes, made)
    yield from _find_null_test_problems(mixes, made, dialogue)


def _guess_keep(row: Row) -> Keep:
    """Return the audio that a row seems to keep."""
    if any(stem["audio"] for stem in row["stems"]):
        return "both" if row["mixes"] else "stems"
    return "mixes"


def _decode_mixes(row: Row, scenes: Sequence[Scene], keep: Keep) -> tuple[list[Pcm], list[Problem]]:
    """Return the decoded mixes, one per turn if there are no problems."""
    n_expected = len(scenes) if keep != "stems" else 0
    if len(row["mixes"]) != n_expected:
        return [], [Problem("mix-count", f"{len(row['mixes'])} mixes; expected {n_expected}")]
    mixes, problems = [], []
    for index, audio in enumerate(row["mixes"]):
        try:
            pcm, bits = decode_flac(audio["bytes"])
        except CorruptDataError as error:
            problems.append(Problem("mix-file", f"turn {index}: {error}"))
            continue
        mixes.append(pcm)
        shape = (2, count_scene_samples(scenes[index]))
        if pcm.shape != shape:
            problems.append(
                Problem("mix-length", f"turn {index}: {pcm.shape} samples; the scene has {shape}")
            )
        if bits != row["mix_bits"]:
            problems.append(Problem("mix-bits", f"turn {index}: {bits} bits; mix_bits is {row['mix_bits']}"))
    return mixes, problems


def _decode_stems(row: Row, scenes: Sequence[Scene], keep: Keep) -> tuple[dict[int, Stem], list[Problem]]:
    """Return the decoded stems by element: all if there are no problems, none if the run keeps none."""
    stems, problems = {}, []
    expected = sorted({element_id for scene in scenes for element_id in scene.ids})
    ids = sorted(stem["element_id"] for stem in row["stems"])
    if ids != expected:
        problems.append(Problem("stem-set", f"stems of elements {ids}; the scenes have {expected}"))
    for stored in stored_stems_of(row):
        at = f"stem {stored.element_id}"
        if (stored.flac is None) != (keep == "mixes"):
            has = "no audio" if stored.flac is None else "audio"
            problems.append(Problem("stem-audio", f"{at}: has {has}; the run keeps {keep}"))
        if stored.flac is None:
            continue
        try:
            stem = load_stem(stored.info, stored.flac)
        except CorruptDataError as error:
            problems.append(Problem("stem-file", f"{at}: {error}"))
            continue
        stems[stored.element_id] = stem
        recorded = stored.info.loudness_lufs
        measured = gated_loudness(stem.power, gated=stem.pcm.shape[1] >= MIN_GATED_SAMPLES)
        # Negated, so that a NaN is a problem.
        if not abs(measured - recorded) <= LOUDNESS_TOLERANCE_LU:
            message = f"{at}: {measured:.2f} LUFS measured, {recorded:.2f} recorded"
            problems.append(Problem("stem-loudness", message))
    return stems, problems


def _find_remix_problems(mixes: Sequence[Pcm], made: DialogueMix) -> Iterator[Problem]:
    for index, (stored, turn) in enumerate(zip(mixes, made.turns, strict=True)):
        if n_differing := int(np.count_nonzero((stored != turn.pcm).any(axis=0))):
            yield Problem("remix", f"turn {index}: {n_differing} samples differ from the stems mixed again")


def _find_null_test_problems(
    mixes: Sequence[Pcm], made: DialogueMix, dialogue: Dialogue
) -> Iterator[Problem]:
    """Yield failures of the null test: a turn minus the turn before minus the edited sounds is silence."""
    turns = [replace(turn, pcm=pcm) for turn, pcm in zip(made.turns, mixes, strict=True)]
    for index, (before, after) in enumerate(pairwise(turns), start=1):
        edit = dialogue.edit(index)
        if residual := compute_null_residual(before, after, edit.touched):
            yield _null_test_problem(index, residual)


def _find_unedited_problems(mixes: Sequence[Pcm], dialogue: Dialogue) -> Iterator[Problem]:
    """Yield failures of the null test without stems: turns are equal wherever no edited sound plays."""
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
            yield _null_test_problem(index, residual)


def _null_test_problem(index: int, residual: float) -> Problem:
    return Problem(
        "null-test", f"turn {index}: {residual:g} steps of the grid remain of sounds that were not edited"
    )
