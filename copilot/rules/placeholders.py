"""Texts that say nothing: the words by which a form names its own fields, copied in place of an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from copilot.rules.rule import Case, Finding, rule
from copilot.rules.texts import list_texts
from copilot.scene import SpeechElement
from copilot.text.captions import word_set

_WORD = re.compile(r"[^\W\d_]+")
_GRAMMAR = word_set("a an the of or and in with for to by this that some whole")
_FORM = word_set(
    """caption captions number numbers sound sounds soundscape effect effects ambience music role text texts
    word words element elements slot slots request description scene story user designer operation operations
    string object value null none undefined placeholder example silence silent"""
)
# One word that a caption may be, though a form has it too.
_REAL_CAPTIONS = frozenset({"music"})


@rule("text-says-nothing", "fatal")
def text_says_nothing(case: Case) -> Iterator[Finding]:
    """No request, description or caption is made of the words of the form alone, such as "caption"."""
    for text in list_texts(case):
        if isinstance(text.element, SpeechElement):
            continue
        words = set(map(str.lower, _WORD.findall(text.text)))
        empty = words <= _GRAMMAR | _FORM and words != _REAL_CAPTIONS
        # text-empty reports a text without any letter or digit.
        if empty and any(character.isalnum() for character in text.text):
            wanted = "say what is heard" if text.is_caption else "say it in words of its own"
            yield text.fault(f"is {text.text!r}, which says nothing; {wanted}")


RULES = (text_says_nothing,)
