"""Texts that repeat another one: two captions of a scene, two requests, the description, the seed.

Texts are compared word by word, without regard to case, punctuation and articles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from copilot.rules.rule import Case, Finding, Transition, rule
from copilot.rules.texts import QUOTED, list_texts
from copilot.scene import Element, Scene, SoundElement, SpeechElement

Words = tuple[str, ...]

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
_ARTICLES = frozenset({"a", "an", "the"})
_SHORTEST_REQUEST = 3
"""Words. A shorter request, such as "louder", may be said twice."""
_QUOTED_WORDS = 5


def read_words(text: str) -> Words:
    """Return the words of a text as they are compared."""
    words = (word.replace("\u2019", "'").lower() for word in _WORD.findall(text))
    return tuple(word for word in words if word not in _ARTICLES)


def list_runs(words: Words, n_words: int = _QUOTED_WORDS) -> list[Words]:
    """Return all runs of so many words in a row."""
    return [words[i : i + n_words] for i in range(len(words) - n_words + 1)]


@rule("caption-repeated", "fatal")
def caption_repeated(case: Case) -> Iterator[Finding]:
    """No two sounds of a scene have the same caption."""
    for transition in case.transitions:
        for element in transition.fresh:
            twin = _find_twin(element, transition.turn.scene)
            # A sound that was there before is not at fault, whatever else changes of it.
            if twin is not None and transition.before.get(element.id) is None:
                yield Finding(
                    f"text is that of element {twin.id}, {twin.text!r}; every sound has a caption of its own",
                    transition.index,
                    element.id,
                )


def _find_twin(element: Element, scene: Scene) -> Element | None:
    """Return the sound of the same caption that comes before this one."""
    words = read_words(element.text)
    if not words or not isinstance(element, SoundElement):
        return None
    others = (other for other in scene.elements if isinstance(other, SoundElement) and other.id < element.id)
    return next((other for other in others if read_words(other.text) == words), None)


@rule("request-repeated", "fatal")
def request_repeated(case: Case) -> Iterator[Finding]:
    """No request of three words or more is the one before it."""
    turns = case.dialogue.turns
    for index in sorted(set(range(1, len(turns))) - case.own_requests):
        words = read_words(turns[index].user)
        if len(words) >= _SHORTEST_REQUEST and words == read_words(turns[index - 1].user):
            yield Finding("user is the request of the turn before; the user asks for something new", index)


@rule("description-copied", "fatal")
def description_copied(case: Case) -> Iterator[Finding]:
    """The description is neither the request nor the seed, nor the one before if sounds came or went."""
    seed = read_words(case.dialogue.seed_text)
    for transition in case.transitions:
        index, turn = transition.index, transition.turn
        words = read_words(turn.description)
        if not words or len(turn.scene) == 1:
            continue  # text-empty reports the one; a scene of a single sound has one caption for all
        if words == read_words(turn.user):
            yield Finding("description is the request; it tells what is heard", index)
        elif words == seed:
            yield Finding("description is the seed; it tells what is heard", index)
        elif _is_stale(case, transition):
            yield Finding("description is that of the turn before, but sounds came or went", index)


def _is_stale(case: Case, transition: Transition) -> bool:
    """Return whether a turn with other sounds has the old description, though a longer one is allowed."""
    if not transition.index or not (transition.edit.added or transition.edit.removed):
        return False
    old, new = (turn.description for turn in case.dialogue.turns[transition.index - 1 :][:2])
    return old == new and len(new) + case.limits.text_chars <= case.limits.description_chars


@rule("seed-quoted", "hq")
def seed_quoted(case: Case) -> Iterator[Finding]:
    """Only a line, a quotation or a seed that is the request itself has five words of the seed in a row."""
    seed = frozenset(list_runs(read_words(case.dialogue.seed_text)))
    if not seed or read_words(case.dialogue.seed_text) == read_words(case.dialogue.turns[0].user):
        return
    for text in list_texts(case):
        if isinstance(text.element, SpeechElement):
            continue
        lines = (e.text for e in case.dialogue.turns[text.turn].scene.elements if e.role == "speech")
        said = {run for line in lines for run in list_runs(read_words(line))}
        quotes = [
            run
            for run in list_runs(read_words(QUOTED.sub(";", text.text)))
            if run in seed and run not in said
        ]
        if quotes:
            yield text.fault(f"quotes the seed ({' '.join(quotes[0])!r}); say it in words of its own")


RULES = (caption_repeated, request_repeated, description_copied, seed_quoted)
