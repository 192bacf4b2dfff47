"""Speech fits its slot at a rate that can be spoken."""

from __future__ import annotations

from collections.abc import Iterator

from copilot.rules.rule import Case, Finding, rule
from copilot.scene import SceneLimits, SpeechElement
from copilot.text.counting import count_words
from copilot.units import Seconds

_COMFORTABLE_WORDS_PER_S = 2.2
_CHARS_PER_S = 13.0
_PAUSE_S: Seconds = 0.5


def speech_rate(text: str, duration_s: Seconds) -> float:
    """Return the words per second if the text fills the duration. Raises ValueError unless it is above 0."""
    if duration_s <= 0:
        raise ValueError(f"duration_s: {duration_s} is not above 0")
    return count_words(text) / duration_s


def comfortable_s(text: str, limits: SceneLimits) -> Seconds:
    """Return the slot, in seconds, in which a line can be spoken at ease, with a short pause."""
    words = count_words(text)
    at_ease = max(words / _COMFORTABLE_WORDS_PER_S, len(text) / _CHARS_PER_S) + _PAUSE_S
    fastest = words / limits.words_per_s.high + limits.time_step_s
    return max(at_ease, fastest, limits.element_duration_s.low)


def _spoken(case: Case) -> Iterator[tuple[int, SpeechElement, float]]:
    for index, element in case.fresh():
        if isinstance(element, SpeechElement):
            yield index, element, speech_rate(element.text, element.duration)


@rule("speech-too-fast", "fatal")
def speech_too_fast(case: Case) -> Iterator[Finding]:
    """No line needs more words per second than `words_per_s` allows."""
    fastest = case.limits.words_per_s.high
    for index, element, rate in _spoken(case):
        if rate > fastest:
            yield Finding(
                f"{rate:.2f} words a second over {element.duration:g} s; at most {fastest:g} can be spoken",
                index,
                element.id,
            )


@rule("speech-too-slow", "hq")
def speech_too_slow(case: Case) -> Iterator[Finding]:
    """No line has fewer words per second than `words_per_s` allows."""
    slowest = case.limits.words_per_s.low
    for index, element, rate in _spoken(case):
        # text-empty reports a line without words.
        if 0 < rate < slowest:
            yield Finding(
                f"{rate:.2f} words a second over {element.duration:g} s; below {slowest:g} sounds stretched",
                index,
                element.id,
            )


RULES = (speech_too_fast, speech_too_slow)
