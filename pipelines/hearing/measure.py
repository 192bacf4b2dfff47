"""Figures of a sample from what its listeners answered, against what its dialogue asks for.

| figure | meaning |
|---|---|
| `wer` | word error rate of the spoken lines, each heard alone |
| `wer_mix` | word error rate of the spoken lines in the mixes of all turns |
| `words_elsewhere` | most words heard in one mix while nobody speaks |
| `word_time_error_s` | median distance of a word's start, heard alone, from its recorded start |
| `presence`, `presence_min` | probability that a caption is heard in its own stem: mean and lowest |
| `presence_mix` | the same in the mixes, mean over all turns and their sounds |
| `edit_presence` | rise of what edits add and fall of what they remove, from mix to mix, mean |
| `score`, `score_mix` | similarity of stems with their caption, and of mixes with those in the scene, mean |
| `rating_NAME` | quality of the spoken lines alone on a rater's scale, mean |
| `failures` | number of sounds that a listener could not hear |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import fmean, median
from typing import Any

from copilot.dialogue import Dialogue, Turn
from copilot.metrics.word_errors import WordErrors, align, count_errors, count_line_errors
from copilot.metrics.words import split_words
from copilot.sample import Sample
from copilot.scene import SpeechElement
from copilot.units import Seconds
from copilot.vocabulary import Word
from listeners.contract import HeardWord, Kind
from pipelines.heard.answers import Answer
from pipelines.hearing.sounds import list_captions

_NEAR_S: Seconds = 0.25
"""A word this near to a line counts as part of it: recognisers' times are that inexact."""

Row = dict[str, Any]


def measure_sample(sample: Sample, answers: Mapping[Kind, Sequence[Answer]]) -> Row:
    """Return the figures of a sample, as a row of `FIGURES`, from the answers by kind of listener.

    A figure is missing where no listener of its kind answered, or nothing asks for it.
    """
    speech = _SpeechFigures(sample, _Heard(answers.get("recogniser", ())))
    captions = list_captions(sample.dialogue)
    dialogue = sample.dialogue
    presence = _CaptionValues(dialogue, captions, _Heard(answers.get("detector", ())), "presence")
    scores = _CaptionValues(dialogue, captions, _Heard(answers.get("scorer", ())), "scores")
    failures = [_describe_failure(kind, one) for kind, all_ in answers.items() for one in _list_failed(all_)]
    figures: dict[str, float | None] = {
        **speech.summarise(),
        **_summarise_presence(presence),
        "score": _mean(scores.alone.values()),
        "score_mix": _mean(scores.list_alive()),
        **_average_ratings(answers.get("rater", ())),
        "failures": float(len(failures)),
    }
    return {
        "id": sample.id,
        "seed_id": sample.seed.id,
        "figures": [{"name": name, "value": value} for name, value in figures.items() if value is not None],
        "lines": speech.lines,
        "lines_in_mixes": speech.lines_in_mixes,
        "captions": _list_presence(captions, presence),
        "failures": failures,
    }


class _Heard:
    """The answers of one listener about one sample, without failures, by stem and by turn."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        known = [answer for answer in answers if answer.content.reason is None]
        self.stems = {answer.element_id: answer for answer in known if answer.element_id is not None}
        self.mixes = {answer.turn: answer for answer in known if answer.turn is not None}


class _CaptionValues:
    """A value of each caption, by element id: `alone` in its own stem, `in_mixes` in the mix of each turn."""

    def __init__(self, dialogue: Dialogue, captions: Mapping[int, str], heard: _Heard, field: str) -> None:
        self._dialogue = dialogue
        self._captions = captions
        self._field = field
        self.is_known = bool(heard.stems or heard.mixes)
        self.alone = self._read(heard.stems)
        # Also in the mix of a turn whose scene does not have the sound.
        mixes = [heard.mixes.get(turn) for turn in range(len(dialogue.turns))]
        self.in_mixes = [self._read(dict.fromkeys(captions, mix)) for mix in mixes]

    def _read(self, answers: Mapping[int, Answer | None]) -> dict[int, float]:
        found = {}
        for element_id, text in self._captions.items():
            answer = answers.get(element_id)
            values = getattr(answer.content, self._field) if answer else None
            if answer and values is not None and text in answer.captions:
                found[element_id] = values[answer.captions.index(text)]
        return found

    def list_alive(self) -> list[float]:
        """Return the values in the mix of each turn whose scene has the sound."""
        return [
            value
            for turn, values in zip(self._dialogue.turns, self.in_mixes, strict=True)
            for element_id, value in values.items()
            if element_id in turn.scene.ids
        ]

    def list_edit_steps(self) -> list[float]:
        """Return the rise of each sound that an edit adds, and the fall of each that it removes."""
        steps = []
        for index, (before, after) in enumerate(pairwise(self.in_mixes), 1):
            edit = self._dialogue.edit(index)
            changes = {each: after[each] - before[each] for each in before.keys() & after}
            steps += [changes[each] for each in edit.added if each in changes]
            steps += [-changes[each] for each in edit.removed if each in changes]
        return steps


def _summarise_presence(presence: _CaptionValues) -> dict[str, float | None]:
    return {
        "presence": _mean(presence.alone.values()),
        "presence_min": min(presence.alone.values(), default=None),
        "presence_mix": _mean(presence.list_alive()),
        "edit_presence": _mean(presence.list_edit_steps()),
    }


def _list_presence(captions: Mapping[int, str], presence: _CaptionValues) -> list[Row]:
    if not presence.is_known:
        return []
    return [
        {
            "element_id": element_id,
            "text": text,
            "presence": presence.alone.get(element_id),
            "in_mixes": [mix.get(element_id) for mix in presence.in_mixes],
        }
        for element_id, text in captions.items()
    ]


class _SpeechFigures:
    """What a recogniser heard of a sample's lines, alone and in the mixes."""

    def __init__(self, sample: Sample, heard: _Heard) -> None:
        self._infos = {stem.element_id: stem.info for stem in sample.stems}
        self._time_errors: list[Seconds] = []
        self._elsewhere: list[int] = []
        self.lines = [
            self._measure_line(element, heard.stems[element.id])
            for element in _list_lines(sample.dialogue.elements())
            if element.id in heard.stems
        ]
        self.lines_in_mixes = [
            row
            for index, turn in enumerate(sample.dialogue.turns)
            if index in heard.mixes
            for row in self._measure_mix(index, turn, heard.mixes[index])
        ]

    def _measure_line(self, element: SpeechElement, answer: Answer) -> Row:
        said, heard = split_words(element.text), split_words(answer.content.text or "")
        recorded = _split_timed(self._infos[element.id].words)
        found = _split_timed(answer.content.words or ())
        for i, j in align([word for word, _, _ in recorded], [word for word, _, _ in found]):
            if i is not None and j is not None and recorded[i][0] == found[j][0]:
                self._time_errors.append(abs(recorded[i][1] - found[j][1]))
        errors = count_errors(said, heard)
        text = answer.content.text
        return {"element_id": element.id, "text": element.text, "heard": text, **_to_row(errors)}

    def _measure_mix(self, index: int, turn: Turn, answer: Answer) -> list[Row]:
        lines = sorted(_list_lines(turn.scene.elements), key=lambda line: (line.start_time, line.id))
        spans = [self._find_span(line) for line in lines]
        words = _split_timed(answer.content.words or ())
        self._elsewhere.append(sum(not _is_within((start + end) / 2, spans) for _, start, end in words))
        errors = count_line_errors(
            [split_words(line.text) for line in lines], split_words(answer.content.text or "")
        )
        return [
            {"turn": index, "element_id": line.id, **_to_row(error)}
            for line, error in zip(lines, errors, strict=True)
        ]

    def _find_span(self, line: SpeechElement) -> tuple[Seconds, Seconds]:
        """Return when a line is spoken, in seconds of the scene."""
        info = self._infos.get(line.id)
        first = info.speech_start_s if info else None
        last = info.speech_end_s if info else None
        return (
            line.start_time + (first or 0.0),
            line.start_time + min(line.duration, line.duration if last is None else last),
        )

    def summarise(self) -> dict[str, float | None]:
        return {
            "wer": _compute_rate(self.lines),
            "wer_mix": _compute_rate(self.lines_in_mixes),
            "words_elsewhere": float(max(self._elsewhere)) if self._elsewhere else None,
            "word_time_error_s": median(self._time_errors) if self._time_errors else None,
        }


def _list_lines(elements: Iterable[object]) -> list[SpeechElement]:
    """Return the spoken elements, each once."""
    return list({each.id: each for each in elements if isinstance(each, SpeechElement)}.values())


def _split_timed(words: Iterable[HeardWord | Word]) -> list[tuple[str, Seconds, Seconds]]:
    return [(word, each.start_s, each.end_s) for each in words for word in split_words(each.text)[:1]]


def _is_within(at_s: Seconds, spans: Iterable[tuple[Seconds, Seconds]]) -> bool:
    return any(start - _NEAR_S <= at_s <= end + _NEAR_S for start, end in spans)


def _to_row(errors: WordErrors) -> Row:
    return {"n_words": errors.n_words, "n_errors": errors.n_errors}


def _compute_rate(rows: Sequence[Row]) -> float | None:
    n_words = sum(row["n_words"] for row in rows)
    return sum(row["n_errors"] for row in rows) / n_words if n_words else None


def _average_ratings(answers: Iterable[Answer]) -> dict[str, float | None]:
    found: dict[str, list[float]] = {}
    for answer in answers:
        for name, value in (answer.content.ratings or {}).items():
            found.setdefault(f"rating_{name}", []).append(value)
    return {name: _mean(values) for name, values in sorted(found.items())}


def _list_failed(answers: Iterable[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.content.reason is not None]


def _describe_failure(kind: Kind, answer: Answer) -> Row:
    return {
        "listener": kind,
        "element_id": answer.element_id,
        "turn": answer.turn,
        "reason": answer.content.reason,
        "detail": answer.content.detail,
    }


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return fmean(known) if known else None
