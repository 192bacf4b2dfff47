"""Examples of a story turn's reply, so that a model sees values and not only a form.

The scripted designer makes the scenes, many thousands of them. Which ones a seed gets derives from the seed
and the run's random seed, so that neighbours see others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from copilot.designers.contract import DesignerContext
from copilot.designers.llm.grammar import count_story_sounds, prompted_line_words
from copilot.designers.llm.replies import AmbienceReply, EffectReply, LineReply, StoryReply, order_by_slot
from copilot.designers.llm.scales import Scales
from copilot.designers.scripted.designer import ScriptedDesigner
from copilot.designers.scripted.phrasing import add_article
from copilot.dialogue import Turn
from copilot.errors import UserError
from copilot.frozen_model import FrozenModel
from copilot.hashing import derive_random_seed
from copilot.scene import Element, Scene, SceneLimits, SpeechElement
from copilot.seed import STARTER_SEEDS, Seed

_MOST_ELEMENTS = 5
"""Of an example: it is short."""
_MOST_TRIES = 60
_QUOTATION = '"'
"""Some of the scripted designer's requests quote their seed."""


@dataclass(frozen=True, slots=True)
class Example:
    """A reply that a model could have given."""

    reply: StoryReply

    @property
    def captions(self) -> frozenset[str]:
        """The captions of all its sounds but speech, in lower case."""
        sounds = (self.reply.ambience, *self.reply.sounds)
        return frozenset(sound.text.lower() for sound in sounds if sound.role != "speech")

    @property
    def text(self) -> str:
        """The reply as a model writes it: JSON on one line."""
        content = _drop_zero_decimals(self.reply.model_dump(mode="json", exclude={"ambience": {"role"}}))
        return json.dumps(content, separators=(",", ":"))


class ExampleBook:
    """Draws examples under one data set's limits; none if the scripted designer cannot keep the limits."""

    def __init__(self, limits: SceneLimits, scales: Scales) -> None:
        self._scales = scales
        self._fewest = count_story_sounds(limits)[0] + 1
        # A line of speech is one of these or a part of it.
        self._texts = _read_starter_seeds(prompted_line_words(limits))
        contexts = {
            speaks: DesignerContext(limits=limits, n_turns=1, speech_share=float(speaks))
            for speaks in (True, False)
        }
        self._designers: dict[bool, ScriptedDesigner] = {}
        with suppress(UserError):
            self._designers = {speaks: ScriptedDesigner(context) for speaks, context in contexts.items()}

    def draw(self, seed: Seed, run_seed: int, n_examples: int, *, speech: bool) -> tuple[Example, ...]:
        """Return examples that share no caption. With speech, every other one has some, the first included.

        Returns fewer if tight limits leave no more.
        """
        chosen: list[Example] = []
        for index in range(n_examples if self._designers else 0):
            speaks = speech and index % 2 == 0
            for example in self._try_stories(seed, run_seed, index, speaks=speaks):
                if not any(example.captions & other.captions for other in chosen):
                    chosen.append(example)
                    break
        return tuple(chosen)

    def _try_stories(self, seed: Seed, run_seed: int, index: int, *, speaks: bool) -> Iterator[Example]:
        for number in range(_MOST_TRIES):
            drawn = derive_random_seed("example", run_seed, seed.id, index, number)
            source = Seed("example", self._texts[drawn % len(self._texts)])
            turn = self._designers[speaks].design(source, drawn).dialogue.turns[0]
            if self._is_fit(turn.scene, speaks=speaks) and _QUOTATION not in turn.user:
                yield Example(write_story(turn, self._scales))

    def _is_fit(self, scene: Scene, *, speaks: bool) -> bool:
        roles = [element.role for element in scene.elements]
        is_short = self._fewest <= len(roles) <= max(self._fewest, _MOST_ELEMENTS)
        return is_short and roles.count("ambience") == 1 and ("speech" in roles) == speaks


def write_story(turn: Turn, scales: Scales) -> StoryReply:
    """Return a story turn as the reply that gives it, in steps; its scene has one ambience."""
    *others, ambience = order_by_slot(turn.scene)
    return StoryReply(
        description=_describe(ambience, others),
        user=turn.user,
        ambience=AmbienceReply(**_list_fields(ambience, AmbienceReply, scales)),
        sounds=tuple(_write_sound(element, scales) for element in others),
    )


def _write_sound(element: Element, scales: Scales) -> EffectReply | LineReply:
    if isinstance(element, SpeechElement):
        return LineReply(**_list_fields(element, LineReply, scales))
    return EffectReply(**_list_fields(element, EffectReply, scales))


def _list_fields(element: Element, reply: type[FrozenModel], scales: Scales) -> dict[str, Any]:
    fields = element.model_dump() | scales.round_numbers(element)
    return {name: fields[name] for name in reply.model_fields}


def _describe(ambience: Element, others: Sequence[Element]) -> str:
    """Return the sounds as plain sentences: the ambience, then the rest in the order of their starts."""
    phrases = [_describe_sound(element) for element in sorted(others, key=lambda e: e.start_time)]
    first, rest = f"{ambience.text}, and over it {phrases[0]}.", phrases[1:]
    then = f" Then {', then '.join(rest)}." if rest else ""
    return first[0].upper() + first[1:] + then


def _describe_sound(element: Element) -> str:
    if isinstance(element, SpeechElement):
        return f"{add_article(element.speaker)} saying '{element.text.rstrip('.')}'"
    return element.text


def _drop_zero_decimals(content: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON with whole numbers as integers, as the grammar has them."""
    if isinstance(content, dict):
        return {name: _drop_zero_decimals(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_drop_zero_decimals(value) for value in content]
    return int(content) if isinstance(content, float) and content.is_integer() else content


@lru_cache
def _read_starter_seeds(most_words: int) -> tuple[str, ...]:
    """Return the package's sentences of at most so many words; the shortest if all are longer."""
    texts = STARTER_SEEDS.read_text(encoding="utf-8").splitlines()
    short = tuple(text for text in texts if len(text.split()) <= most_words)
    return short or (min(texts, key=lambda text: len(text.split())),)
