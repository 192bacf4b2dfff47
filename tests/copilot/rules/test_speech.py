from __future__ import annotations

import pytest

from copilot.rules.speech import speech_rate
from copilot.text.counting import count_words


@pytest.mark.parametrize(
    ("text", "n_words"),
    [
        ("Somebody is at the door.", 5),
        ("Don't! It\u2019s a well-known trick...", 5),
        ("¿Qué pasó, señor?", 3),
        ("Привет, как дела?", 3),
        ("It is 10:30 now", 5),
        ("你好世界", 2),
        ("こんにちは", 3),
        ("안녕하세요 여러분", 2),
        ("สวัสดีครับ", 2),
        ("Say 你好 now", 3),
        ("...", 0),
        ("", 0),
    ],
)
def test_count_words(text: str, n_words: int):
    assert count_words(text) == n_words


def test_speech_rate_is_words_per_second():
    assert speech_rate("Somebody is at the door.", 2.5) == 2.0
    with pytest.raises(ValueError, match="duration_s: 0 is not above 0"):
        speech_rate("Hello", 0)
