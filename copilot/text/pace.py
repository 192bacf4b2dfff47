"""The times within which a text can be spoken: outside of them, the speech is not that of the text.

The limits are generous. Measured on 1,322 renderings by espeak of 661 English lines (book sentences, single
words, figures, abbreviations; all voices and emotions; half of them sped up by 1.4): with 0.25 s added, at
most 6.5 words and 26 letters a second, and at most 9.5 s for the 15 digits of a number. French made of the
shortest words, sped up, has 10 words a second.
"""

from __future__ import annotations

from copilot.text.counting import count_words
from copilot.units import Seconds

MOST_WORDS_PER_S = 12.0
MOST_LETTERS_PER_S = 32.0
_ALLOWANCE_S: Seconds = 0.25
"""Short words swallow each other, and speech is measured in steps."""

_LONGEST_S: Seconds = 10.0
_LONGEST_WORD_S: Seconds = 2.0
"""Time for each word, and for each digit, which may be a word."""


def shortest_speech_s(text: str) -> Seconds:
    """Return the shortest time in which anybody could say the text."""
    n_letters = sum(letter.isalnum() for letter in text)
    return max(count_words(text) / MOST_WORDS_PER_S, n_letters / MOST_LETTERS_PER_S) - _ALLOWANCE_S


def longest_speech_s(text: str) -> Seconds:
    """Return the longest time that the text could take, with pauses."""
    n_digits = sum(letter.isdigit() for letter in text)
    return _LONGEST_S + _LONGEST_WORD_S * (count_words(text) + n_digits)
