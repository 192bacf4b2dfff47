"""The number of spoken words of a text, in any script."""

from __future__ import annotations

import math
import re

# Scripts that put no space between words, and how many of their letters make one: Chinese and Japanese
# about two; Thai, Lao, Burmese and Khmer, whose vowels and tones are letters too, about five.
_UNSPACED = (
    (re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]"), 2),
    (re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"), 5),
)
_WORD = re.compile(r"\w+(?:['\u2019\u2011-]\w+)*")


def count_words(text: str) -> int:
    """Count the words of a text. In a script without spaces, letters are counted and divided."""
    words = 0
    for letters, letters_per_word in _UNSPACED:
        text, n_letters = letters.subn(" ", text)
        words += math.ceil(n_letters / letters_per_word)
    return words + len(_WORD.findall(text))
