"""The JSON Schemas of replies: what a reply cannot say needs no correction.

A grammar depends on the limits, on whether speech is allowed, and for an edit on its task and either its aim
or the number of sounds in the scene; not on which sounds they are. The sound that an aim is about is always
slot 0, and new values begin or end at one of a few bounds. So a run of three turns under the published limits
has at most 71 grammars, and a server's cache holds them all. Only keywords that grammar engines enforce are
used: objects with every property required, `enum`, `const`, bounds of integers and of arrays, `anyOf`, and
`pattern` without a length. Other numbers are lists of steps: some engines do not know their bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import get_args

from copilot.designers.llm.aims import Aim
from copilot.designers.llm.exchange import Grammar
from copilot.designers.llm.scales import Scales, ambience_duration_s, latest_start_s
from copilot.designers.llm.schema_parts import (
    LAST_WORD_LETTERS,
    Schema,
    estimate_tokens,
    make_any_of,
    make_array,
    make_choice,
    make_object,
    make_operation,
    make_words,
    shorten,
)
from copilot.dialogue import Task
from copilot.emotions import Emotion
from copilot.scene import Gender, SceneLimits

_CHARS_PER_WORD = 14
"""An allowance: most words are shorter, so that a text of the most words is seldom too long."""
# The most words of a text, well above those in the prompts: a text that reaches them is trimmed.
# Engines repeat a group 128 times at most.
_CAPTION_WORDS = 16
_REQUEST_WORDS = 36
_DESCRIPTION_WORDS = 76
_SPEAKER_WORDS = 4
_FEWEST_LINE_WORDS = 3
_LINE_WORDS = 20
_LINE_WORDS_PER_S = 3.0
_FEWEST_SOUNDS = 3
_MOST_OPERATIONS = 2
_MOST_OPEN_OPERATIONS = 4
_LARGEST_ID = 99
_FIRST_SLOT: Schema = {"const": 0}


def max_line_words(limits: SceneLimits) -> int:
    """Return the most words of one line of speech: those that fit comfortably after the latest start."""
    room_s = limits.duration_s - latest_start_s(limits)
    return max(_FEWEST_LINE_WORDS, min(_LINE_WORDS, math.floor(room_s * _LINE_WORDS_PER_S)))


def prompted_line_words(limits: SceneLimits) -> int:
    """Return the most words of a line by the prompts: fewer than a grammar allows, which cuts none off."""
    return max(2, max_line_words(limits) - 2)


def count_story_sounds(limits: SceneLimits, n_reserved: int = 0) -> tuple[int, int]:
    """Return the fewest and the most sounds of a story beside its ambience, with room for later additions."""
    most = max(limits.n_elements - 1 - n_reserved, 0)
    return min(_FEWEST_SOUNDS, most), most


def max_operations(task: Task, n_alive: int, limits: SceneLimits, n_reserved: int = 0) -> int:
    """Return the most operations of a turn; 0 if there is no room for another sound."""
    if task == "add":
        return min(_MOST_OPERATIONS, max(limits.n_elements - n_alive - n_reserved, 0))
    return _MOST_OPEN_OPERATIONS if task == "open" else 1


class GrammarBook:
    """The grammars under one data set's limits; each is made once.

    Texts are in ASCII, since small models lapse into other scripts; `ascii_only` is False for a language that
    needs more.
    """

    def __init__(self, limits: SceneLimits, *, ascii_only: bool = True) -> None:
        self._limits = limits
        self._ascii_only = ascii_only
        self._scales = Scales(limits)
        self.most_words = {
            "speaker": _SPEAKER_WORDS,
            "text": _n_words(limits.text_chars, _CAPTION_WORDS),
            "line": _n_words(limits.text_chars, max_line_words(limits)),
            "user": _n_words(limits.user_chars, _REQUEST_WORDS),
            "description": _n_words(limits.description_chars, _DESCRIPTION_WORDS),
        }
        """The most words of each text."""
        self._made: dict[str, Grammar] = {}

    def __len__(self) -> int:
        return len(self._made)

    def story(self, *, speech: bool, n_reserved: int = 0) -> Grammar:
        """Return the grammar of a story turn's reply."""
        fewest, most = count_story_sounds(self._limits, n_reserved)

        def make() -> Schema:
            return make_object(
                description=self._text("description"),
                user=self._text("user"),
                ambience=make_object(**self._ambience()),
                sounds=make_array(self._sound(speech=speech), fewest, most),
            )

        return self._get_or_make(f"story-{fewest}-{most}-{_label_voices(speech=speech)}", make)

    def addition(self, *, speech: bool, n_operations: int) -> Grammar:
        """Return the grammar of a turn that adds sounds."""
        name = f"add-{n_operations}-{_label_voices(speech=speech)}"
        return self._get_or_make(name, lambda: self._edit(self._additions(speech=speech), n_operations))

    def open_edit(self, n_alive: int, *, speech: bool) -> Grammar:
        """Return the grammar of an open edit of slots 0 to `n_alive` - 1; the last is the ambience."""
        name = f"open-{n_alive}-{_label_voices(speech=speech)}"
        return self._get_or_make(
            name, lambda: self._edit(self._offers(n_alive, speech=speech), _MOST_OPEN_OPERATIONS)
        )

    def aimed_edit(self, task: Task, aim: Aim) -> Grammar:
        """Return the grammar of an edit of slot 0, as its aim says."""
        if task == "replace":
            kind = aim.sound.role if aim.sound.role in {"ambience", "speech"} else "sound"
            return self._get_or_make(f"replace-{kind}", lambda: self._edit([self._replacement(kind)], 1))
        if task == "remove":
            return self._get_or_make(
                "remove", lambda: self._edit([make_operation("remove", slot=_FIRST_SLOT)], 1)
            )
        # Servers allow letters, digits and hyphens in names; the values themselves have points.
        shift = self._scales.get(aim.field, aim.sound.role).values.index(aim.values[0])
        change = make_operation("change", slot=_FIRST_SLOT, **{aim.field: make_choice(aim.values)})
        return self._get_or_make(f"{task}-{shift}-{len(aim.values)}", lambda: self._edit([change], 1))

    def whole(self, n_turns: int, *, speech: bool) -> Grammar:
        """Return the grammar of a reply with a whole dialogue, each scene restated."""

        def make() -> Schema:
            words = {"user": self._text("user"), "description": self._text("description")}
            n_elements = self._limits.n_elements
            elements = make_array(self._element(speech=speech), 1, n_elements)
            ids = make_array({"type": "integer", "minimum": 0, "maximum": _LARGEST_ID}, 0, n_elements)
            edit = make_object(**words, added=ids, changed=ids, removed=ids, elements=elements)
            edits = {f"edit_{index}": edit for index in range(1, n_turns)}
            return make_object(story=make_object(**words, elements=elements), **edits)

        return self._get_or_make(f"whole-{n_turns}-{_label_voices(speech=speech)}", make)

    def _get_or_make(self, name: str, make: Callable[[], Schema]) -> Grammar:
        if name not in self._made:
            schema = make()
            self._made[name] = Grammar(name, schema, estimate_tokens(schema))
        return self._made[name]

    def _edit(self, operations: Sequence[Schema], most: int) -> Schema:
        return make_object(
            user=self._text("user"),
            operations=make_array(make_any_of(operations), 1, most),
            description=self._text("description"),
        )

    def _additions(self, *, speech: bool) -> list[Schema]:
        return [make_operation("add", sound=self._sound(speech=speech))]

    def _replacement(self, kind: str) -> Schema:
        sounds = {"ambience": self._ambience_sound, "speech": self._line, "sound": self._effect}
        return make_operation("replace", slot=_FIRST_SLOT, sound=sounds[kind]())

    def _offers(self, n_alive: int, *, speech: bool) -> list[Schema]:
        """Return the operations of an open edit."""
        every, movable = {"enum": list(range(n_alive))}, {"enum": list(range(n_alive - 1))}
        ambience = {"enum": [n_alive - 1]}
        offers = [
            make_operation("change", slot=every, **self._numbers("loudness")),
            make_operation("replace", slot=ambience, sound=self._ambience_sound()),
        ]
        if n_alive > 1:
            offers.append(make_operation("remove", slot=movable))
            offers += (
                make_operation("change", slot=movable, **self._numbers(name))
                for name in ("panning", "start_time", "duration")
            )
            offers.append(make_operation("replace", slot=movable, sound=self._sound(speech=speech)))
        return offers + (self._additions(speech=speech) if n_alive < self._limits.n_elements else [])

    def _sound(self, *, speech: bool) -> Schema:
        return make_any_of([self._effect(), self._line()] if speech else [self._effect()])

    def _effect(self) -> Schema:
        numbers = self._numbers("loudness", "panning", "start_time", "duration")
        return make_object(role={"enum": ["effect", "music"]}, text=self._text("text"), **numbers)

    def _line(self) -> Schema:
        numbers = self._numbers("loudness", "panning", "start_time")
        return make_object(role={"const": "speech"}, **self._voice(), **numbers)

    def _ambience_sound(self) -> Schema:
        return make_object(role={"const": "ambience"}, **self._ambience())

    def _element(self, *, speech: bool) -> Schema:
        """Return the schema of a sound of a whole dialogue. An ambience is centred and lasts the scene."""
        number = {"type": "integer", "minimum": 0, "maximum": _LARGEST_ID}
        whole_s = shorten(ambience_duration_s(self._limits))
        whole: dict[str, Schema] = {"start_time": {"const": 0}, "duration": {"const": whole_s}}
        ambience = make_object(id=number, role={"const": "ambience"}, **self._ambience(), **whole)
        effect: dict[str, Schema] = {"role": {"enum": ["effect", "music"]}, "text": self._text("text")}
        numbers = self._numbers("loudness", "panning", "start_time", "duration")
        sound = make_object(id=number, **effect, **numbers)
        line = make_object(id=number, role={"const": "speech"}, **self._voice(), **numbers)
        return make_any_of([ambience, sound, line] if speech else [ambience, sound])

    def _voice(self) -> dict[str, Schema]:
        return {
            "speaker": self._text("speaker"),
            "gender": {"enum": list(get_args(Gender))},
            "emotion": {"enum": list(get_args(Emotion))},
            "text": self._text("line"),
        }

    def _ambience(self) -> dict[str, Schema]:
        panning = make_choice(self._scales.ambience_panning.values)
        return {"text": self._text("text"), **self._numbers("loudness"), "panning": panning}

    def _numbers(self, *names: str) -> dict[str, Schema]:
        """Return the schemas of these numbers, for any sound but an ambience."""
        return {name: make_choice(self._scales.get(name, "effect").values) for name in names}

    def _text(self, kind: str) -> Schema:
        return make_words(self.most_words[kind], ascii_only=self._ascii_only)


def _n_words(n_chars: int, most: int) -> int:
    return max(1, min(most, 1 + (n_chars - LAST_WORD_LETTERS) // _CHARS_PER_WORD))


def leave_out_request(grammar: Grammar) -> Grammar:
    """Return the grammar of a turn that a user has requested: without the request."""
    properties = {name: part for name, part in grammar.schema["properties"].items() if name != "user"}
    return replace(grammar, name=f"{grammar.name}-requested", schema=make_object(**properties))


def _label_voices(*, speech: bool) -> str:
    return "speech" if speech else "sounds"
