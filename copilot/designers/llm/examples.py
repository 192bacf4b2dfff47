"""Examples of replies, so that a model sees values and not only a form.

The scripted designer makes the scenes, many thousands of them. Which ones a turn gets derives from the seed,
the turn and the run's random seed, so that neighbours see others, and so does a turn that starts again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from copilot.designers.contract import DesignerContext
from copilot.designers.llm.grammar import GrammarBook, count_story_sounds, prompted_line_words
from copilot.designers.llm.replies import (
    AddReply,
    AnySoundReply,
    EditReply,
    ReplaceReply,
    StoryReply,
    order_by_slot,
    write_reply,
)
from copilot.designers.llm.scales import Scales
from copilot.designers.llm.writing import make_edit_reply, make_story_reply
from copilot.designers.scripted.designer import ScriptedDesigner
from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.phrasing import add_article
from copilot.dialogue import Task, Turn
from copilot.edit import Add
from copilot.errors import UserError
from copilot.hashing import content_hash
from copilot.scene import Element, Scene, SceneLimits, SpeechElement
from copilot.seed import STARTER_SEEDS, Seed

_MOST_ELEMENTS = 5
"""Of an example: it is short."""
_MOST_OPERATIONS = 3
_MOST_TRIES = 60
_N_SEEDS = 2**32
_QUOTATION = '"'
"""Some of the scripted designer's requests quote their seed."""


@dataclass(frozen=True, slots=True)
class Example:
    """A reply that a model could have given."""

    reply: StoryReply | EditReply

    @property
    def captions(self) -> frozenset[str]:
        """The captions of all its sounds but speech, in lower case."""
        return frozenset(sound.text.lower() for sound in _list_sounds(self.reply) if sound.role != "speech")

    @property
    def text(self) -> str:
        """The reply as a model writes it: JSON on one line."""
        return write_reply(self.reply)


class ExampleBook:
    """Draws examples under one data set's limits; none if the scripted designer cannot keep the limits."""

    def __init__(self, limits: SceneLimits, scales: Scales) -> None:
        self._limits, self._scales = limits, scales
        self._fewest = count_story_sounds(limits)[0] + 1
        self._most_request_words = GrammarBook(limits).most_words["user"]
        # A line of speech is one of these or a part of it.
        self._texts = _read_starter_seeds(prompted_line_words(limits))
        self._designers: dict[tuple[Task, bool], ScriptedDesigner | None] = {}

    def hash_content(self) -> str:
        """Return a hash of all that decides the examples, besides the dice: texts and code."""
        designer = self._get_designer("story", speaks=False)
        return content_hash({"texts": self._texts, "designer": designer.fingerprint() if designer else {}})

    def draw_stories(self, dice: Dice, n_examples: int, *, speech: bool) -> tuple[Example, ...]:
        """Return examples that share no caption. With speech, every other one has some, the first included.

        Returns fewer if tight limits leave no more.
        """
        speaks = [speech and index % 2 == 0 for index in range(n_examples)]
        return self._choose("story", dice, speaks)

    def draw_edits(self, task: Task, dice: Dice, n_examples: int) -> tuple[Example, ...]:
        """Return examples of edits by one task that share no caption, in scenes without speech."""
        return self._choose(task, dice, [False] * n_examples)

    def _choose(self, task: Task, dice: Dice, speaks: Sequence[bool]) -> tuple[Example, ...]:
        chosen: list[Example] = []
        for wanted in speaks:
            for example in self._try_replies(task, dice, speaks=wanted):
                if not any(example.captions & other.captions for other in chosen):
                    chosen.append(example)
                    break
        return tuple(chosen)

    def _try_replies(self, task: Task, dice: Dice, *, speaks: bool) -> Iterator[Example]:
        designer = self._get_designer(task, speaks=speaks)
        if designer is None:
            return
        for _ in range(_MOST_TRIES):
            source = Seed("example", dice.pick(self._texts))
            story, *edits = designer.design(source, int(dice.between(0, _N_SEEDS))).dialogue.turns
            turn = edits[0] if edits else story
            if _QUOTATION in turn.user or turn.task != task:
                continue
            if len(turn.user.split()) > self._most_request_words:
                continue
            plain = _describe_plainly(turn)
            if not edits and self._is_fit(story.scene, speaks=speaks):
                example = Example(make_story_reply(plain, self._scales))
            elif edits and len(turn.operations) <= _MOST_OPERATIONS and _has_reply(turn):
                example = Example(make_edit_reply(plain, story.scene, self._scales))
            else:
                continue
            if example.text.isascii():  # as the grammar wants it
                yield example

    def _get_designer(self, task: Task, *, speaks: bool) -> ScriptedDesigner | None:
        key = (task, speaks)
        if key not in self._designers:
            self._designers[key] = None
            weights: dict[Task, float] | None = None if task == "story" else {task: 1.0}
            with suppress(UserError):
                self._designers[key] = ScriptedDesigner(
                    DesignerContext(
                        limits=self._limits,
                        n_turns=1 if task == "story" else 2,
                        task_weights=weights,
                        speech_share=float(speaks),
                    )
                )
        return self._designers[key]

    def _is_fit(self, scene: Scene, *, speaks: bool) -> bool:
        roles = [element.role for element in scene.elements]
        is_short = self._fewest <= len(roles) <= max(self._fewest, _MOST_ELEMENTS)
        return is_short and roles.count("ambience") == 1 and ("speech" in roles) == speaks


def _list_sounds(reply: StoryReply | EditReply) -> tuple[AnySoundReply, ...]:
    if isinstance(reply, StoryReply):
        return (reply.ambience, *reply.sounds)
    return tuple(op.sound for op in reply.operations if isinstance(op, AddReply | ReplaceReply))


def _has_reply(turn: Turn) -> bool:
    """Return whether an edit has a reply: none adds an ambience."""
    return not any(isinstance(op, Add) and op.element.role == "ambience" for op in turn.operations)


def _describe_plainly(turn: Turn) -> Turn:
    """Return a turn that describes its sounds plainly: the ambience, then the rest by their starts."""
    *others, ambience = order_by_slot(turn.scene)
    phrases = [_describe_sound(element) for element in sorted(others, key=lambda e: e.start_time)]
    first, rest = f"{ambience.text}, and over it {phrases[0]}.", phrases[1:]
    then = f" Then {', then '.join(rest)}." if rest else ""
    return turn.model_copy(update={"description": first[0].upper() + first[1:] + then})


def _describe_sound(element: Element) -> str:
    if isinstance(element, SpeechElement):
        return f"{add_article(element.speaker)} saying '{element.text.rstrip('.')}'"
    return element.text


@lru_cache
def _read_starter_seeds(most_words: int) -> tuple[str, ...]:
    """Return the package's sentences of at most so many words; the shortest if all are longer."""
    texts = STARTER_SEEDS.read_text(encoding="utf-8").splitlines()
    short = tuple(text for text in texts if len(text.split()) <= most_words)
    return short or (min(texts, key=lambda text: len(text.split())),)
