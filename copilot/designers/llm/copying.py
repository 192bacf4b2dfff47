"""Texts that a model copies from what it is told: instructions, examples, or the seed as the request."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

from copilot.designers.llm.examples import Example
from copilot.designers.llm.faults import Fault
from copilot.dialogue import Dialogue
from copilot.rules.copies import Words, list_runs, read_words
from copilot.rules.rule import Case
from copilot.rules.texts import list_texts
from copilot.scene import SceneLimits

_SOUND = "- slot "
_COPIED_WORDS = 6
"""So many words in a row are no coincidence."""


def find_copies(
    dialogue: Dialogue,
    limits: SceneLimits,
    first_turn: int,
    prompts: tuple[str, ...],
    own_requests: Collection[int] = (),
) -> Iterator[Fault]:
    """Yield the copies in the turns from the first one on, but for requests that are a user's own."""
    if (
        not first_turn
        and 0 not in own_requests
        and read_words(dialogue.turns[0].user) == read_words(dialogue.seed_text)
    ):
        yield Fault("seed-quoted", "user is the seed; the user asks in words of their own")
    captions = {element.text for turn in dialogue.turns[:first_turn] for element in turn.scene.elements}
    told = frozenset().union(*map(_list_instructions, prompts))
    # What prompts tell of the scene, of the seed and of what was said before is no instruction.
    said = {turn.description for turn in dialogue.turns[:first_turn]}
    said |= {turn.user for index, turn in enumerate(dialogue.turns) if index in own_requests}
    told = told.difference(*map(_list_instructions, {dialogue.seed_text, *captions, *said}))
    for text in list_texts(Case.of(dialogue, limits, own_requests=own_requests)):
        if text.turn < first_turn:
            continue
        runs = list_runs(read_words(text.text), _COPIED_WORDS)
        if copied := next((run for run in runs if run in told), None):
            where = f"the sound '{text.element.text}': {text.field}" if text.element else text.field
            what = f"repeats the instructions ({' '.join(copied)!r}); say something of its own"
            yield Fault("prompt-copied", f"{where} {what}")


def find_copied_captions(dialogue: Dialogue, first_turn: int, examples: Iterable[Example]) -> Iterator[Fault]:
    """Yield the new sounds of the turns from the first one on that are those of an example."""
    known = frozenset[str]().union(*(example.captions for example in examples))
    for index in range(first_turn, len(dialogue.turns)):
        before = set(dialogue.scene_before(index).ids)
        for element in dialogue.turns[index].scene.elements:
            if element.id not in before and element.role != "speech" and element.text.lower() in known:
                message = f"the sound '{element.text}' is one of an example; think of another, for this seed"
                yield Fault("example-copied", message)


def find_copied_requests(dialogue: Dialogue, first_turn: int, examples: Iterable[Example]) -> Iterator[Fault]:
    """Yield the requests of the turns from the first one on that are those of an example."""
    known = {read_words(example.reply.user) for example in examples}
    for turn in dialogue.turns[first_turn:]:
        if read_words(turn.user) in known:
            yield Fault("example-copied", "user is the request of an example; speak of this scene")


@lru_cache(maxsize=64)
def _list_instructions(prompt: str) -> frozenset[Words]:
    """Return the runs of words of a prompt, except those of its list of the scene's sounds."""
    lines = (line for line in prompt.splitlines() if not line.startswith(_SOUND))
    return frozenset(list_runs(read_words("\n".join(lines)), _COPIED_WORDS))
