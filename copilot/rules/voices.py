"""Voices that a user does not want."""

from __future__ import annotations

from collections.abc import Iterator

from copilot.rules.rule import Case, Finding, rule
from copilot.scene import SpeechElement
from copilot.text.voices import holds_voices, wants_voices


@rule("voices-unwanted", "hq", reads_english=True)
def voices_unwanted(case: Case) -> Iterator[Finding]:
    """A user who wants no voices gets none, neither a line nor a crowd, until a request wants some."""
    are_unwanted = False
    for transition in case.transitions:
        wish = wants_voices(transition.turn.user)
        are_unwanted = wish is False or (are_unwanted and wish is None)
        if not are_unwanted:
            continue
        for element in transition.fresh:
            if element.id not in transition.edit.added:
                continue
            if isinstance(element, SpeechElement) or holds_voices(element.text):
                yield Finding(
                    f"{element.text!r} has voices, and the user wants none; choose a sound without people",
                    transition.index,
                    element.id,
                )


RULES = (voices_unwanted,)
