from __future__ import annotations

import pytest

from copilot.metrics.words import split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Mr. O\u2019Neil waited!", "mr o'neil waited"),
        ("MIND THE GAP", "mind the gap"),
        ("It's 25 past 7.", "it's twenty five past seven"),
        ("in 1,999 or 2000", "in one thousand nine hundred ninety nine or two thousand"),
        ("room 007, 110 and 12345", "room zero zero seven one hundred ten and one two three four five"),
        ("well [sighs] no (laughs) <noise> *coughs* yes", "well no yes"),
        ("café — naïve_word", "café naïve word"),
        ("'quoted' rock-'n'-roll", "quoted rock n roll"),
        (" … ?! ", ""),
    ],
)
def test_texts_become_words_for_comparison(text, words):
    assert split_words(text) == words.split()
