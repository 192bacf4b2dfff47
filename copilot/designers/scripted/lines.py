"""Lines of speech, cut out of a seed's own words and written as ordinary sentences.

LibriSpeech's capitals become sentences with punctuation; text that has punctuation keeps its own words. Many
seeds have no line: what is torn is left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from copilot.designers.scripted.casing import Casing
from copilot.designers.scripted.clauses.english import load_english
from copilot.designers.scripted.clauses.finder import MOST_WORDS, Clause, ClauseFinder
from copilot.designers.scripted.clauses.heads import Kind
from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.lexicon import TextRules, Voices
from copilot.designers.scripted.words import find_word_stems
from copilot.designers.speech_wishes import find_quotes
from copilot.emotions import Emotion
from copilot.rules.request_words import names_value
from copilot.rules.speech import comfortable_s
from copilot.scene import SceneLimits
from copilot.text.counting import count_words
from copilot.units import Seconds

_WRITTEN = re.compile(r"[^.!?\u2026]+[.!?\u2026]*")
_PUNCTUATION = re.compile(r"[.!?;:,\u2026\u2014\u2013()\"\u201c\u201d]+")
_PART = re.compile(r"[^\W_]+")
_TOKEN = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_OF_CAPITALS = re.compile(_TOKEN.pattern + r"(?:(?<=s)'(?![^\W_]))?")
_QUOTE_WORDS = 22
_EDGES = " ,;:-\u2013\u2014"
_ENDS = (".", "!", "?", "\u2026")
_QUOTES = str.maketrans(
    {"\u2019": "'", "\u2018": "'", '"': "", "\u201c": "", "\u201d": "", "\u00ab": "", "\u00bb": ""}
)
_WRITTEN_TOGETHER = re.compile(r"\b(TO) (DAY|NIGHT|MORROW)\b|\b(GOOD) (BYE)\b|\b(MC) ([A-Z]{3,})")


@dataclass(frozen=True, slots=True)
class Line:
    """Words to speak, and their emotion."""

    text: str
    emotion: Emotion

    def needs_s(self, limits: SceneLimits) -> Seconds:
        """Return the time that it needs to be spoken comfortably."""
        return comfortable_s(self.text, limits)

    def may_last_s(self, limits: SceneLimits) -> Seconds:
        """Return the longest time that it can fill without being stretched."""
        return count_words(self.text) / limits.words_per_s.low


class LineCutter:
    """Cuts lines and quotes out of seeds, by the clauses of English and a lexicon's words."""

    def __init__(self, voices: Voices) -> None:
        self._voices = voices
        self._text: TextRules = voices.text
        self._weak = frozenset(self._text.weak_ends)
        self._mixing = frozenset(self._text.mixing)
        english = load_english()
        self._casing = Casing(self._text, english)
        saying = english.telling.union(self._text.saying)
        self._finder = ClauseFinder(english, self._casing.words_before_verbs, saying)

    def quote(self, text: str) -> str:
        """Return the start of a seed as a sentence without its full stop.

        Empty if it has no words, or names a value of a parameter, which no user does.
        """
        quoted = self._quote(_clean(text))
        return "" if names_value(quoted) else quoted

    def _quote(self, text: str) -> str:
        if _is_punctuated(text) and 0 < len(_TOKEN.findall(text)) <= _QUOTE_WORDS:
            return text.rstrip(". ")
        words = _split_words(text)
        if len(words) > _QUOTE_WORDS:
            words = words[:_QUOTE_WORDS]
            while words and words[-1].lower() in self._weak:
                words.pop()
            return f"{self._casing.write_sentence(words)} ..."
        return self._casing.write_sentence(words)

    def cut_lines(self, text: str, dice: Dice) -> list[Line]:
        """Return the lines of a seed, the best first; none if nothing in it could be said by a person."""
        written = list(self._find_written(text)) if _is_punctuated(text) else []
        around = find_word_stems(text)
        scored: dict[tuple[tuple[str, ...], Kind], float] = {}
        for clause in self._find_clauses(_clean(text)):
            score = clause.score + dice.between(0, 1)
            key = (clause.words, clause.kind)
            scored[key] = max(score, scored.get(key, -math.inf))
        ranked = sorted(scored, key=lambda key: (-scored[key], key))
        return [self.read_line(sentence) for sentence in written] + [
            self._write_line(words, kind, around, dice) for words, kind in ranked
        ]

    def _find_clauses(self, text: str) -> Iterator[Clause]:
        for part in _PUNCTUATION.split(text):
            if words := _split_words(part, keeps_case=_is_punctuated(text)):
                yield from self._finder.find(words)

    def _find_written(self, text: str) -> Iterator[str]:
        """Yield what a text with punctuation quotes, then its short sentences, as they are written."""
        quotes = find_quotes(text)
        sentences = [part.strip(_EDGES) for part in _WRITTEN.findall(_clean(text))]
        for sentence in [_clean(quote).strip(_EDGES) for quote in quotes] or sentences:
            words = _TOKEN.findall(sentence)
            if 0 < len(words) <= MOST_WORDS and (quotes or self._finder.is_sentence(words)):
                ended = sentence if sentence.endswith(_ENDS) else f"{sentence}."
                yield ended[:1].upper() + ended[1:]

    def read_line(self, written: str) -> Line:
        """Return a line of the lexicon, which is a written sentence already."""
        emotion = self._guess_emotion(written.split(), frozenset())
        return Line(written, "excited" if emotion == "neutral" and written.endswith("!") else emotion)

    def is_quotable(self, text: str) -> bool:
        """Return whether no word of it could be read as one about levels and sides."""
        return self._mixing.isdisjoint(_PART.findall(text.lower()))

    def choose_telling(self, emotion: Emotion, element_id: int) -> str:
        """Return the words for speaking in a description; the same for one element in every turn."""
        tellings = self._voices.tellings[emotion]
        return tellings[element_id % len(tellings)]

    def _write_line(self, words: Sequence[str], kind: Kind, around: frozenset[str], dice: Dice) -> Line:
        emotion = self._guess_emotion(words, around)
        exclaims = kind == "exclamation" or (emotion in self._text.exclaiming and dice.chance(0.6))
        end = "?" if kind == "question" else "!" if exclaims else "."
        return Line(self._casing.write_spoken(words) + end, emotion)

    def _guess_emotion(self, words: Sequence[str], around: frozenset[str]) -> Emotion:
        """Return the emotion that the words suggest, and, with half the weight, those around them."""
        own = find_word_stems(" ".join(words))
        scores = {
            emotion: 2 * len(word_stems & own) + len(word_stems & around)
            for emotion, word_stems in self._voices.emotions.items()
        }
        best = max(scores, key=lambda emotion: scores[emotion])
        return best if scores[best] else "neutral"


def _clean(text: str) -> str:
    """Return words with single spaces, without control characters and double quotation marks."""
    seen = text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
    return " ".join(seen.translate(_QUOTES).split())


def _split_words(text: str, *, keeps_case: bool | None = None) -> list[str]:
    """Return the words; those of a text in capitals alone in lower case, and "to day" as one word."""
    if keeps_case or (keeps_case is None and _is_punctuated(text)):
        return _TOKEN.findall(text)
    joined = _WRITTEN_TOGETHER.sub(lambda found: "".join(part for part in found.groups() if part), text)
    return _OF_CAPITALS.findall(joined.lower())


def _is_punctuated(text: str) -> bool:
    """Return whether a text is not in capitals alone, so that its punctuation means something."""
    return any(c.islower() for c in text)
