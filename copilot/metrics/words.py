"""Texts as words, in the form in which two texts are compared: what was to be said, and what was heard.

Recognisers write digits, capitals and punctuation as they like. Both sides are brought into one form: lower
case, without punctuation, whole numbers as words, without stage directions in brackets. American and British
spelling are not made equal.
"""

from __future__ import annotations

import re
import unicodedata

_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'"})  # noqa: RUF001 - what people type
_BRACKETED = re.compile(r"\[[^\]]*\]|\([^)]*\)|<[^>]*>|\*[^*]*\*")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_WORD = re.compile(r"\d+|[^\W\d_]+(?:'[^\W\d_]+)*")

_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_LARGEST = 9_999


def split_words(text: str) -> list[str]:
    """Return the words of a text in the form for comparison.

    "Mr. O'Neil waited 25 min [sighs]" gives mr, o'neil, waited, twenty, five, min. A number above 9,999 is
    read digit by digit, as is one that begins with a zero.
    """
    plain = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).lower()
    plain = _THOUSANDS.sub("", _BRACKETED.sub(" ", plain))
    return [
        word
        for found in _WORD.findall(plain)
        for word in (_say_number(found) if found.isdigit() else [found])
    ]


def _say_number(digits: str) -> list[str]:
    number = int(digits)
    if number > _LARGEST or (digits[0] == "0" and len(digits) > 1):
        return [_UNITS[int(digit)] for digit in digits]
    return _say_small(number)


def _say_small(number: int) -> list[str]:
    for size, name in ((1000, "thousand"), (100, "hundred")):
        if number >= size:
            rest = number % size
            return [*_say_small(number // size), name, *(_say_small(rest) if rest else [])]
    if number < len(_UNITS):
        return [_UNITS[number]]
    tens, rest = divmod(number, 10)
    return [_TENS[tens], *([_UNITS[rest]] if rest else [])]
