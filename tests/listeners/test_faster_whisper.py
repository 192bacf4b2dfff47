"""The answers of faster-whisper as transcripts; `tests/with_hearing` has the real library and weights."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from copilot.errors import UserError
from listeners.contract import Clip, HeardWord, Transcript
from listeners.faster_whisper import FasterWhisperListener, FasterWhisperSettings


def word(text, start, end, probability=0.5):
    return SimpleNamespace(word=text, start=start, end=end, probability=probability)


def segment(*words, ratio=1.0):
    text = "".join(each.word for each in words)
    return SimpleNamespace(text=text, words=list(words), compression_ratio=ratio)


@pytest.fixture
def hear():
    def hear(*segments) -> tuple[Transcript, dict]:
        given = {}

        def transcribe(audio, **options):
            given.update(options)
            return iter(segments), None

        listener = FasterWhisperListener(FasterWhisperSettings(model="tiny", language="de"))
        listener._model = SimpleNamespace(transcribe=transcribe)
        [transcript] = listener.hear([Clip(np.zeros(16_000, np.float32))])
        return transcript, given

    return hear


def test_words_lie_inside_the_clip_and_in_order(hear):
    spoken = segment(word(" Mind", -0.1, 0.3), word(" the", 0.25, 0.2), word(" gap.", 0.2, 1.4, 1.00001))
    transcript, given = hear(spoken, segment(word("  ", 0.9, 1.0)))
    assert transcript == Transcript(
        "Mind the gap.",
        (
            HeardWord("Mind", 0.0, 0.3, 0.5),
            HeardWord("the", 0.25, 0.25, 0.5),
            HeardWord("gap.", 0.25, 1.0, 1.0),
        ),
    )
    assert given == {
        "language": "de",
        "word_timestamps": True,
        "beam_size": 5,
        "temperature": 0.0,
        "condition_on_previous_text": False,
        "vad_filter": True,
        "vad_parameters": {"speech_pad_ms": 100},
    }


def test_a_loop_of_the_decoder_is_not_heard(hear):
    loop = segment(*(word(" ha", 0.5, 0.6) for _ in range(200)), ratio=30.0)
    transcript, _ = hear(segment(word(" Hello.", 0.0, 0.4)), loop)
    assert transcript == Transcript("Hello.", (HeardWord("Hello.", 0.0, 0.4, 0.5),))
    assert hear(loop)[0] == Transcript("")
    assert hear()[0] == Transcript("")


def test_weights_that_do_not_exist_are_a_users_mistake(tmp_path):
    for place in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(UserError):
            FasterWhisperListener(FasterWhisperSettings(model=str(place))).prepare()
