"""Figures of the sample of `helpers.made_runs`: rain, a door, and a voice that a bell replaces in turn 2."""

from __future__ import annotations

import pytest
from helpers.made_runs import a_sample

from listeners.contract import HeardWord
from pipelines.heard.answers import Answer, Content
from pipelines.hearing.measure import measure_sample

CAPTIONS = ("a door slams", "a small bell", "steady rain")
SAMPLE = a_sample(0)


def stem(element_id: int, content: Content, captions: tuple[str, ...] = ()) -> Answer:
    return Answer(SAMPLE.id, element_id, None, "hash", captions, content)


def mix(turn: int, content: Content, captions: tuple[str, ...] = ()) -> Answer:
    return Answer(SAMPLE.id, None, turn, "hash", captions, content)


def says(text: str, starts_s: tuple[float, ...] = ()) -> Content:
    timed = zip(text.split(), starts_s, strict=False)
    return Content(text=text, words=tuple(HeardWord(word, at, at + 0.1) for word, at in timed))


def hears(*presence: float) -> Content:
    return Content(presence=presence, peaks_s=(0.0,) * len(presence))


def figures(row: dict) -> dict[str, float]:
    return {entry["name"]: entry["value"] for entry in row["figures"]}


def test_words_are_compared_alone_and_in_each_mix():
    # The voice begins at 0.8 s, and its only recorded word, "who", 0.1 s later.
    answers = [
        stem(3, says("who is here", (0.15, 0.3, 0.5))),
        mix(0, says("who is there", (0.9, 1.2, 1.5))),
        mix(1, says("is there a wolf", (1.2, 1.5, 0.2, 0.3))),
        mix(2, says("woof", (0.5,))),
    ]
    row = measure_sample(SAMPLE, {"recogniser": answers})
    assert row["lines"] == [
        {"element_id": 3, "text": "who is there", "heard": "who is here", "n_words": 3, "n_errors": 1}
    ]
    assert [(line["turn"], line["n_errors"]) for line in row["lines_in_mixes"]] == [(0, 0), (1, 3)]
    assert figures(row) == pytest.approx(
        {"wer": 1 / 3, "wer_mix": 3 / 6, "words_elsewhere": 2, "word_time_error_s": 0.05, "failures": 0}
    )


def test_captions_are_found_alone_and_before_and_after_each_edit():
    answers = [
        stem(1, hears(0.9), CAPTIONS[2:]),
        stem(2, hears(0.7), CAPTIONS[:1]),
        stem(4, hears(0.2), CAPTIONS[1:2]),
        mix(0, hears(0.5, 0.1, 0.8), CAPTIONS),
        mix(1, hears(0.6, 0.1, 0.8), CAPTIONS),
        mix(2, hears(0.6, 0.4, 0.8), CAPTIONS),
    ]
    row = measure_sample(SAMPLE, {"detector": answers})
    assert row["captions"][2] == {
        "element_id": 4,
        "text": "a small bell",
        "presence": 0.2,
        "in_mixes": [0.1, 0.1, 0.4],
    }
    alive = (0.5, 0.8, 0.6, 0.8, 0.6, 0.4, 0.8)
    assert figures(row) == pytest.approx(
        {
            "presence": (0.9 + 0.7 + 0.2) / 3,
            "presence_min": 0.2,
            "presence_mix": sum(alive) / len(alive),
            "edit_presence": 0.3,
            "failures": 0,
        }
    )


def test_what_could_not_be_heard_is_counted_and_described():
    failed = Content(reason="corrupt-audio", detail="FLAC: no")
    row = measure_sample(
        SAMPLE, {"recogniser": [stem(3, failed)], "rater": [stem(3, Content(ratings={"ovr": 3.5, "bak": 4}))]}
    )
    assert figures(row) == {"rating_bak": 4, "rating_ovr": 3.5, "failures": 1}
    assert row["failures"] == [
        {
            "listener": "recogniser",
            "element_id": 3,
            "turn": None,
            "reason": "corrupt-audio",
            "detail": "FLAC: no",
        }
    ]


def test_similarities_are_averaged():
    answers = [
        stem(1, Content(scores=(0.5,)), CAPTIONS[2:]),
        mix(0, Content(scores=(0.2, 0.9, 0.4)), CAPTIONS),  # the bell is not in the scene
    ]
    assert figures(measure_sample(SAMPLE, {"scorer": answers})) == pytest.approx(
        {"score": 0.5, "score_mix": 0.3, "failures": 0}
    )
