"""Checks of a sample's sound: each has a name, a value, a limit and a verdict.

More is worse in every value, so that a check passes if `value <= limit`. They are measured on the samples
that are stored, after every rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from copilot.audio.loudness import MIN_GATED_SAMPLES
from copilot.audio.pcm import STEM_BITS, Pcm, full_scale
from copilot.dialogue import Dialogue
from copilot.edges import AT_END_S, N_EDGE, find_peak
from copilot.masking import LEAST_LEAD_LU
from copilot.measured_audibility import measure_edits
from copilot.measured_masking import find_worst_masking
from copilot.mix import (
    TRUE_PEAK_LIMIT_DBTP,
    DialogueMix,
    PlacedStem,
    compute_null_residual,
    count_scene_samples,
)
from copilot.scene import Element, SpeechElement
from copilot.stem import Stem
from copilot.units import (
    DIGITAL_SILENCE_DB,
    Seconds,
    db_to_gain,
    gain_to_db,
    samples_to_seconds,
    seconds_to_samples,
)
from copilot.vocabulary import Check

_AUDIBLE_DBFS = -60.0
_LONGEST_MASKED_S: Seconds = 0.5
_DIED_AWAY_DB = -30.0


def run_audio_checks(dialogue: Dialogue, stems: Mapping[int, Stem], mix: DialogueMix) -> tuple[Check, ...]:
    """Run all checks of a dialogue's stems and mixes; the value of each is that of its worst turn or stem.

    | name | value | limit |
    |---|---|---|
    | `null_residual` | what remains of a turn minus the turn before minus what was edited, dBFS | -120 |
    | `stems_sum_to_mix` | a turn minus the sum of its stems in floating point, dBFS | rounding |
    | `loudness_error` | a stem in the mix, before the headroom gain, against its element's, LU | 0.1 |
    | `true_peak` | the highest possible true peak after rounding, dBTP | -1 |
    | `clipping` | samples at full scale | 0 |
    | `silence` | the longest digital silence in a turn, s | 1 |
    | `sounds_inaudible` | sounds of a turn that stay below -60 dBFS, before the headroom gain | 0 |
    | `tail_cut` | the end of a sound inside a turn against the sound's peak, dB | -30 |
    | `offset` | mean of a channel (DC), dBFS | -60 |
    | `duration_error` | a turn's duration against its scene's, a sound's against its request, s | 0.01 |
    | `speech_overrun` | speech past the end of its slot, s | 0 |
    | `speech_to_background` | all else against a line while it is spoken, LU | -5 |
    | `speech_masked_s` | the longest time in which all else is louder than a line, s | 0.5 |
    | `captions_unmatched` | sounds for which the backend had no match | 0 |
    | `edit_audible/TURN` | minus the change of the mix that is heard of an edit turn, dB | -2 or -3 |
    """
    rounding = mix.max_rounding_error()
    masking = find_worst_masking(dialogue, stems, mix)
    return (
        Check("null_residual", _worst_residual_dbfs(dialogue, mix), -120.0),
        Check("stems_sum_to_mix", gain_to_db(rounding / full_scale(mix.bits)), _rounding_limit_dbfs(mix)),
        Check("loudness_error", _worst_loudness_error(dialogue, stems, mix), 0.1),
        Check("true_peak", mix.true_peak_dbtp(rounding), TRUE_PEAK_LIMIT_DBTP),
        Check("clipping", float(sum(_count_clipped(t.pcm, full_scale(mix.bits)) for t in mix.turns)), 0.0),
        Check("silence", max(_longest_silence_s(t.pcm) for t in mix.turns), 1.0),
        Check("sounds_inaudible", float(_count_inaudible(dialogue, mix)), 0.0),
        Check("tail_cut", _worst_tail_db(mix), _DIED_AWAY_DB),
        Check("offset", max(_offset_dbfs(t.pcm, full_scale(mix.bits)) for t in mix.turns), -60.0),
        Check("duration_error", _duration_error_s(dialogue, stems, mix), 0.01),
        Check("speech_overrun", _speech_overrun_s(dialogue, stems), 0.0),
        Check("speech_to_background", masking.rest_lu, -LEAST_LEAD_LU),
        Check("speech_masked_s", masking.masked_s, _LONGEST_MASKED_S),
        Check("captions_unmatched", float(sum(not s.info.matched for s in stems.values())), 0.0),
        *(
            Check(f"edit_audible/{turn}", -heard.change_db, -heard.least_db)
            for turn, heard in enumerate(measure_edits(dialogue, stems), start=1)
        ),
    )


def _worst_residual_dbfs(dialogue: Dialogue, mix: DialogueMix) -> float:
    residuals = [
        compute_null_residual(mix.turns[index - 1], mix.turns[index], edit.touched)
        for index, _, _, edit in dialogue.transitions()
        if index
    ]
    return gain_to_db(max(residuals, default=0.0) / full_scale(mix.bits))


def _rounding_limit_dbfs(mix: DialogueMix) -> float:
    """Return the limit of rounding: half a step for each stem, and as much for sums in float32."""
    n_stems = max(len(turn.placed_stems) for turn in mix.turns)
    return gain_to_db(n_stems / full_scale(mix.bits))


def _worst_loudness_error(dialogue: Dialogue, stems: Mapping[int, Stem], mix: DialogueMix) -> float:
    errors = [
        abs(_measure_placed(part, stems[element.id], mix) - element.loudness)
        for element, part in _distinct_parts(dialogue, mix)
        if part.pcm.shape[1] == stems[element.id].pcm.shape[1] >= MIN_GATED_SAMPLES
    ]
    return max(errors, default=0.0)


def _measure_placed(part: PlacedStem, stem: Stem, mix: DialogueMix) -> float:
    """Return the loudness of a placed stem, before the dialogue's headroom gain.

    It is computed from the stem and the gains that its samples really have in the mix, between its fades: the
    same as measuring the placed samples, without filtering every sound again.
    """
    grid = full_scale(STEM_BITS) / full_scale(mix.bits) / db_to_gain(mix.headroom_db)
    whole = slice(part.edges.n_in, part.pcm.shape[1] - part.edges.n_out)
    left, right = (
        math.sqrt(_sum_squares(placed[whole]) / max(_sum_squares(source[whole]), 1.0)) * grid
        for placed, source in zip(part.pcm, (stem.pcm[0], stem.pcm[-1]), strict=True)
    )
    return stem.loudness_with((left, right))


def _distinct_parts(dialogue: Dialogue, mix: DialogueMix) -> Iterator[tuple[Element, PlacedStem]]:
    """Yield every placed stem once, however many turns it stays the same in."""
    parts = {
        element: turn_mix.placed_stems[element.id]
        for turn, turn_mix in zip(dialogue.turns, mix.turns, strict=True)
        for element in turn.scene.elements
    }
    yield from parts.items()


def _sum_squares(samples: Pcm) -> float:
    return float(np.dot(samples, samples))


def _count_clipped(mix: Pcm, scale: int) -> int:
    if mix.max(initial=0) < scale - 1 and mix.min(initial=0) > -scale:
        return 0
    return int(np.count_nonzero((mix >= scale - 1) | (mix <= -scale)))


def _longest_silence_s(mix: Pcm) -> float:
    silent = np.flatnonzero((mix[0] == 0) & (mix[1] == 0))
    if not silent.size:
        return 0.0
    # A run of silence ends at a silent sample that is not followed by another.
    ends = np.flatnonzero(np.diff(silent) != 1)
    runs = np.diff(np.concatenate(([-1], ends, [silent.size - 1])))
    return samples_to_seconds(int(runs.max()))


def _count_inaudible(dialogue: Dialogue, mix: DialogueMix) -> int:
    """Count the placed stems that are practically silent: cut before they begin, or after a silent start."""
    least = full_scale(mix.bits) * db_to_gain(_AUDIBLE_DBFS + mix.headroom_db)
    parts = (part.pcm for _, part in _distinct_parts(dialogue, mix))
    return sum(bool(max(pcm.max(initial=0), -pcm.min(initial=0)) < least) for pcm in parts)


def _worst_tail_db(mix: DialogueMix) -> float:
    """Return the highest level of the last 5 ms of a sound that ends inside its turn, against its peak."""
    inside = {
        id(part): part
        for turn in mix.turns
        for part in turn.placed_stems.values()
        if part.end < turn.pcm.shape[1] - seconds_to_samples(AT_END_S)
    }
    tails = (find_peak(p.pcm[:, -N_EDGE:]) / max(find_peak(p.pcm), 1.0) for p in inside.values())
    return gain_to_db(max(tails, default=0.0))


def _offset_dbfs(mix: Pcm, scale: int) -> float:
    if not mix.size:
        return DIGITAL_SILENCE_DB
    return gain_to_db(float(np.abs(mix.sum(axis=1)).max()) / mix.shape[1] / scale)


def _duration_error_s(dialogue: Dialogue, stems: Mapping[int, Stem], mix: DialogueMix) -> float:
    turns = (
        abs(turn_mix.pcm.shape[1] - count_scene_samples(turn.scene))
        for turn, turn_mix in zip(dialogue.turns, mix.turns, strict=True)
    )
    sounds = (
        abs(stem.pcm.shape[1] - seconds_to_samples(stem.info.asked_duration_s))
        for stem in stems.values()
        if stem.info.tool == "sfx"
    )
    return samples_to_seconds(max([*turns, *sounds]))


def _speech_overrun_s(dialogue: Dialogue, stems: Mapping[int, Stem]) -> float:
    return max(
        (_overrun_s(element, stems[element.id]) for element in _spoken_elements(dialogue)), default=0.0
    )


def _spoken_elements(dialogue: Dialogue) -> Iterator[SpeechElement]:
    return (element for element in dialogue.elements() if isinstance(element, SpeechElement))


def _overrun_s(element: SpeechElement, stem: Stem) -> float:
    return max((stem.info.speech_end_s or 0.0) - element.duration, 0.0)
