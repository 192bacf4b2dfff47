"""Texts are neither empty nor too long, and have no invisible characters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from copilot.rules.rule import Case, Finding, rule
from copilot.scene import Element, SoundElement, SpeechElement

_FORBIDDEN = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control characters
    "\u2028\u2029"  # line and paragraph separators
    "\u202a-\u202e\u2066-\u2069"  # turn the direction of what follows
    "\ufeff"  # byte order mark
    "\ud800-\udfff"  # halves of a character, which UTF-8 cannot hold
    "]"
)


QUOTED = re.compile(r'"[^"]*"')
"""Words that somebody says or cites, in double quotation marks."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a dialogue, with its place. `element` is the sound that it belongs to, if any."""

    field: str
    text: str
    longest: int
    turn: int
    element: Element | None = None

    @property
    def is_caption(self) -> bool:
        """True for the caption of a sound without words."""
        return isinstance(self.element, SoundElement)

    def fault(self, what: str) -> Finding:
        """Return what is wrong with the text as a finding."""
        return Finding(f"{self.field} {what}", self.turn, self.element.id if self.element else None)


def list_texts(case: Case, *, own_requests: bool = False) -> Iterator[Text]:
    """Yield every text in the turn where it is new: requests, descriptions, captions, lines, speakers.

    Requests that are a user's own words are among them only with `own_requests`.
    """
    limits = case.limits
    for transition in case.transitions:
        index, turn = transition.index, transition.turn
        if own_requests or index not in case.own_requests:
            yield Text("user", turn.user, limits.user_chars, index)
        yield Text("description", turn.description, limits.description_chars, index)
        for element in transition.fresh:
            yield Text("text", element.text, limits.text_chars, index, element)
            if isinstance(element, SpeechElement):
                yield Text("speaker", element.speaker, limits.text_chars, index, element)


@rule("text-empty", "fatal")
def text_empty(case: Case) -> Iterator[Finding]:
    """Every request, description, caption, spoken line and speaker has a letter or a digit."""
    for text in list_texts(case, own_requests=True):
        if not any(character.isalnum() for character in text.text):
            yield text.fault(f"is {text.text!r}; at least one letter or digit is needed")


@rule("text-too-long", "fatal")
def text_too_long(case: Case) -> Iterator[Finding]:
    """No text is longer than `user_chars`, `description_chars` or, for the rest, `text_chars`."""
    for text in list_texts(case, own_requests=True):
        if len(text.text) > text.longest:
            yield text.fault(f"has {len(text.text)} characters; at most {text.longest} are allowed")


@rule("text-control-characters", "fatal")
def text_control_characters(case: Case) -> Iterator[Finding]:
    """No text has control characters, line breaks, direction marks or halves of characters."""
    for text in list_texts(case, own_requests=True):
        if found := _FORBIDDEN.search(text.text):
            code = f"U+{ord(found.group()):04X}"
            yield text.fault(f"has {code} at character {found.start()}; no control characters are allowed")


RULES = (text_empty, text_too_long, text_control_characters)
