"""The answers of onnx-asr as transcripts; `tests/with_hearing` has the real library."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from copilot.errors import UserError
from listeners.contract import Clip, HeardWord, Transcript
from listeners.onnx_asr import OnnxAsrListener, OnnxAsrSettings


def hear(tokens, times_s, logs=None, text="", seconds=1.0, language=None) -> Transcript:
    found = SimpleNamespace(text=text, tokens=tokens, timestamps=times_s, logprobs=logs)
    options = {}

    def recognize(audio, **given):
        options.update(given)
        return found

    listener = OnnxAsrListener(OnnxAsrSettings(model="a/b", language=language))
    listener._revision = "1"
    listener._model = SimpleNamespace(recognize=recognize, asr=None)
    [transcript] = listener.hear([Clip(np.zeros(round(seconds * 16_000), np.float32))])
    if seconds >= 0.1:
        assert options == {"sample_rate": 16_000} | ({"language": language} if language else {})
    return transcript


def test_tokens_are_grouped_into_words():
    tokens, times_s = [" Mi", "nd", " the", " g", "ap", "."], [0.1, 0.2, 0.24, 0.5, 0.6, 0.97]
    logs = [math.log(p) for p in (0.9, 0.5, 0.8, 0.7, 0.6, 0.9)]
    transcript = hear(tokens, times_s, logs, text=" Mind the gap. ", language="en")
    assert transcript.text == "Mind the gap."
    assert [(word.text, word.start_s) for word in transcript.words] == [
        ("Mind", 0.1),
        ("the", 0.24),
        ("gap.", 0.5),
    ]
    assert [word.end_s for word in transcript.words] == pytest.approx([0.24, 0.32, 1.0])
    assert [word.probability for word in transcript.words] == pytest.approx([0.5, 0.8, 0.6])


def test_words_stay_inside_the_clip_and_probabilities_below_one():
    assert hear([" a"], [1.2], text="a").words == (HeardWord("a", 1.0, 1.0),)
    assert hear([" a"], [1.2], [1e-6], text="a").words == (HeardWord("a", 1.0, 1.0, 1.0),)


def test_models_without_times_give_a_text_alone():
    assert hear(None, None, text="mind the gap") == Transcript("mind the gap")
    assert hear([" mind"], None, text="mind") == Transcript("mind")
    assert hear([], [], text="") == Transcript("")


def test_a_clip_shorter_than_a_word_holds_none():
    assert hear([" a"], [0.0], text="a", seconds=0.05) == Transcript("")


def test_weights_that_do_not_exist_are_a_users_mistake(tmp_path):
    for place in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(UserError):
            OnnxAsrListener(OnnxAsrSettings(model=str(place))).prepare()
