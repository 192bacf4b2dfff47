"""Lines of speech, cut out of a seed's own sentence and written as ordinary sentences.

LibriSpeech's capitals become a sentence with punctuation; text that has punctuation keeps its own words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.lexicon import TextRules, Voices, find_word_stems
from copilot.emotions import Emotion
from copilot.rules.speech import comfortable_s
from copilot.scene import SceneLimits
from copilot.text.counting import count_words
from copilot.text.word_stems import reduce_request_word
from copilot.units import Seconds

_WRITTEN = re.compile(r"[^.!?\u2026]+[.!?\u2026]*")
_PUNCTUATION = re.compile(r"[.!?;:,\u2026\u2014\u2013()\"\u201c\u201d]+")
_PART = re.compile(r"[^\W_]+")
_TOKEN = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_LINE_WORDS = (3, 14)
_QUOTE_WORDS = 22
_QUOTES = str.maketrans(
    {"\u2019": "'", "\u2018": "'", '"': "", "\u201c": "", "\u201d": "", "\u00ab": "", "\u00bb": ""}
)
_I_WORDS = frozenset({"i", "i'm", "i'll", "i'd", "i've"})


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
    """Cuts lines and quotes out of seeds by the lexicon's rules."""

    def __init__(self, voices: Voices) -> None:
        self._voices = voices
        self._text: TextRules = voices.text
        self._dropped = frozenset(self._text.dropped_starts)
        self._weak = frozenset(self._text.weak_ends)
        self._prepositions = frozenset(self._text.prepositions)
        self._saying = frozenset(self._text.saying)
        self._nominatives = frozenset(self._text.nominatives)
        self._questions = frozenset(self._text.question_starts)
        self._subjects = frozenset(self._text.inverted_subjects)
        self._proper = frozenset(self._text.proper)
        self._titles = frozenset(self._text.titles)
        self._mixing = frozenset(self._text.mixing)

    def quote(self, text: str) -> str:
        """Return the start of a seed as a sentence without its full stop; empty if it has no words."""
        text = _clean(text)
        if _is_punctuated(text) and 0 < len(_TOKEN.findall(text)) <= _QUOTE_WORDS:
            return text.rstrip(". ")
        words = [word for clauses in self._split_clauses(text) for clause in clauses for word in clause]
        if len(words) > _QUOTE_WORDS:
            words = self._trim(words[:_QUOTE_WORDS], drop_start=False)
            return f"{self._write_sentence(words)} ..."
        return self._write_sentence(words)

    def cut_lines(self, text: str, dice: Dice) -> list[Line]:
        """Return lines from a seed, the best first; none if it has too few words."""
        text = _clean(text)
        parts = self._split_clauses(text)
        written = self._find_sentences(text) if _is_punctuated(text) else []
        scored: dict[tuple[str, ...], float] = {}
        for clauses in parts:
            for words, score in self._find_spans(clauses):
                scored[words] = max(score + dice.between(0, 1), scored.get(words, -math.inf))
        ranked = sorted(scored, key=lambda words: (-scored[words], words))
        # The start of the seed, if no clause of it can be spoken.
        whole = tuple(self._shorten([w for clauses in parts for c in clauses for w in c]))
        if whole and whole not in scored and not written:
            ranked.append(whole)
        around = find_word_stems(text)
        return [self.read_line(w) for w in written] + [
            self._write_line(list(words), around, dice) for words in ranked
        ]

    def _shorten(self, words: list[str]) -> list[str]:
        """Return the start of a sentence without clauses, cut before a preposition if possible."""
        longest = _LINE_WORDS[1]
        if len(words) <= longest:
            return self._trim(words)
        cuts = [i for i in range(5, longest + 1) if words[i].lower() in self._prepositions]
        return self._trim(words[: cuts[-1] if cuts else longest])

    def _find_sentences(self, text: str) -> list[str]:
        """Return the sentences of a seed with punctuation, as they are written."""
        found = (part.strip(" ,;:-\u2013\u2014") for part in _WRITTEN.findall(text))
        return [s[:1].upper() + s[1:] for s in found if 1 <= len(_TOKEN.findall(s)) <= _LINE_WORDS[1]]

    def _find_spans(self, clauses: Sequence[list[str]]) -> Iterator[tuple[tuple[str, ...], float]]:
        """Yield neighbouring clauses as lines of fitting length, each with its score."""
        for first in range(len(clauses)):
            span: list[str] = []
            for last in range(first, len(clauses)):
                span = span + clauses[last]
                words = tuple(self._trim(span))
                if len(span) > 2 * _LINE_WORDS[1]:
                    break
                if _LINE_WORDS[0] <= len(words) <= _LINE_WORDS[1]:
                    closes = last + 1 == len(clauses)
                    yield words, self._score(span, words, opens=first == 0, closes=closes)

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

    def _split_clauses(self, text: str) -> list[list[list[str]]]:
        """Return the clauses of each part between two punctuation marks, as words."""
        keeps_case = _is_punctuated(text)
        parts: list[list[list[str]]] = []
        for part in _PUNCTUATION.split(text):
            clauses: list[list[str]] = []
            for token in _TOKEN.findall(part):
                word = token if keeps_case else token.lower()
                last = clauses[-1] if clauses else []
                starts = len(last) >= _LINE_WORDS[0] and self._starts_clause(word.lower(), last[-1].lower())
                if starts or not clauses:
                    clauses.append([word])
                else:
                    last.append(word)
            if clauses:
                parts.append(clauses)
        return parts

    def _starts_clause(self, word: str, before: str) -> bool:
        """Return whether a clause starts with a word that follows another."""
        if word in self._nominatives:
            return before not in self._weak and before not in self._questions
        return word in self._saying or reduce_request_word(word) in self._text.clause_starts

    def _trim(self, words: list[str], *, drop_start: bool = True) -> list[str]:
        first, last = 0, len(words)
        while drop_start and first < last and words[first].lower() in self._dropped:
            first += 1
        while last > first and words[last - 1].lower() in self._weak:
            last -= 1
        return words[first:last]

    def _score(self, span: list[str], words: Sequence[str], *, opens: bool, closes: bool) -> float:
        """Return how much some clauses of a seed, cut down to `words`, are like something spoken."""
        start = words[0].lower()
        asks = start in self._questions and words[1].lower() in self._subjects
        cut_short = not closes and span[-1] != words[-1]
        relative = start != span[0].lower() and span[0].lower() in (*self._questions, "that")
        said = [word.lower() in self._saying for word in span]
        scores = (
            (3.0, opens and closes),
            (1.0, opens or 5 <= len(words) <= 11),
            (1.0, start in self._subjects or asks),
            (-2.0, cut_short),
            (-1.5, start in self._prepositions and not opens),
            # "which was committed": a verb whose subject was cut off.
            (-2.0, relative or (start in self._weak and start not in self._subjects and not (asks or opens))),
            # "said the king": words about the speaker are not spoken themselves.
            (-1.5, any(said)),
            (-2.0, said[0]),
        )
        return sum(score for score, applies in scores if applies)

    def _write_line(self, words: list[str], around: frozenset[str], dice: Dice) -> Line:
        emotion = self._guess_emotion(words, around)
        return Line(self._write_sentence(words) + self._choose_end(words, emotion, dice), emotion)

    def _guess_emotion(self, words: list[str], around: frozenset[str]) -> Emotion:
        """Return the emotion that the words suggest, and, with half the weight, those around them."""
        own = find_word_stems(" ".join(words))
        scores = {
            emotion: 2 * len(word_stems & own) + len(word_stems & around)
            for emotion, word_stems in self._voices.emotions.items()
        }
        best = max(scores, key=lambda emotion: scores[emotion])
        return best if scores[best] else "neutral"

    def _choose_end(self, words: list[str], emotion: Emotion, dice: Dice) -> str:
        start = [word.lower() for word in words[:2]]
        if start[0] in self._questions:
            verb = start[-1] in self._questions or start[-1] in self._subjects
            if verb and not (start[0] in ("what", "how") and start[-1] in ("a", "an")):
                return "?"
        return "!" if emotion in self._text.exclaiming and dice.chance(0.6) else "."

    def _write_sentence(self, words: list[str]) -> str:
        written: list[str] = []
        before = ""
        for i, word in enumerate(words):
            following = words[i + 1] if i + 1 < len(words) else ""
            written.append(self._set_case(word, before, following))
            before = word
        sentence = " ".join(written)
        return sentence[:1].upper() + sentence[1:]

    def _set_case(self, word: str, before: str, following: str) -> str:
        if not word.islower():
            return word
        title = word in self._titles and following not in self._weak and following != ""
        if title and before not in ("the", "a", "an", "my", "his", "her", "our", "their", "your", "to"):
            return self._text.title_forms.get(word, word.capitalize())
        named = word.removesuffix("'s") in self._proper or word in _I_WORDS
        titled = before in self._titles and word not in self._weak and before in self._text.title_forms
        return word[:1].upper() + word[1:] if named or titled else word


def _clean(text: str) -> str:
    """Return words with single spaces, without control characters and double quotation marks."""
    seen = text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
    return " ".join(seen.translate(_QUOTES).split())


def _is_punctuated(text: str) -> bool:
    """Return whether a text is not in capitals alone, so that its punctuation means something."""
    return any(c.islower() for c in text)
