"""The JSON Schemas of replies: what a reply cannot say needs no correction.

A grammar depends on the limits, on whether speech is allowed, and for an edit on its task and the number of
sounds in the scene; not on which sounds they are. So a run has at most 80 grammars, and a server's cache
holds them all. Only keywords that grammar engines enforce are used: objects with every property required,
`enum`, `const`, bounds of integers and of arrays, `anyOf`, and `pattern` without a length. Other numbers are
lists of steps: some engines do not know their bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from copilot.designers.llm.exchange import Grammar
from copilot.designers.llm.scales import Scale, Scales, ambience_duration_s, latest_start_s
from copilot.dialogue import Task
from copilot.emotions import Emotion
from copilot.scene import Gender, SceneLimits

Schema = Mapping[str, Any]

# No text holds a character that JSON has to escape. Characters beyond ASCII are left to the rules: engines
# take three times as long to prepare a class that excludes some of them.
_FIRST = r"[^\x00-\x2f:-@\[-`{-\x7f]"
_LETTER = r'[^\x00-\x20"\\\x7f]'
_CHARS_PER_WORD = 14
"""An allowance: most words are shorter, so that a text of the most words is seldom too long."""
# The most words of a text, well above those in the prompts: a text that reaches them is trimmed.
# Engines repeat a group 128 times at most.
_CAPTION_WORDS = 16
_REQUEST_WORDS = 36
_DESCRIPTION_WORDS = 76
_SPEAKER_WORDS = 4
_LAST_WORD_LETTERS = 24
_FEWEST_LINE_WORDS = 3
_LINE_WORDS = 20
_LINE_WORDS_PER_S = 3.0
_FEWEST_SOUNDS = 3
_MOST_OPERATIONS = 2
_MOST_OPEN_OPERATIONS = 4
_LARGEST_ID = 99


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
    """Return the most operations of a turn; 0 if the task cannot be done with so many sounds in the scene.

    The leading ambience is one of these sounds: it can be neither removed nor moved to a side.
    """
    if task == "add":
        return min(_MOST_OPERATIONS, max(limits.n_elements - n_alive - n_reserved, 0))
    if task == "remove":
        # One sound is left for a later turn.
        return min(_MOST_OPERATIONS, n_alive - 2) if n_alive > 2 else n_alive - 1
    if task == "panning":
        return min(_MOST_OPERATIONS, n_alive - 1)
    if task == "open":
        return _MOST_OPEN_OPERATIONS
    return min(_MOST_OPERATIONS, n_alive)


class GrammarBook:
    """The grammars under one data set's limits; each is made once."""

    def __init__(self, limits: SceneLimits) -> None:
        self._limits = limits
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
            return _object(
                description=self._description(),
                user=self._request(),
                ambience=_object(**self._ambience_fields()),
                sounds=_array(self._sound(speech=speech), fewest, most),
            )

        return self._get_or_make(f"story-{fewest}-{most}-{_label_voices(speech=speech)}", make)

    def edit(self, task: Task, n_alive: int, *, speech: bool, n_operations: int) -> Grammar:
        """Return the grammar of an edit turn over slots 0 to `n_alive` - 1; the last is the ambience."""
        speaks = speech and task in {"add", "replace", "open"}
        slots = 0 if task == "add" else n_alive

        def make() -> Schema:
            operations = _any_of(self._operations(task, n_alive, speech=speech))
            return _object(
                user=self._request(),
                operations=_array(operations, 1, n_operations),
                description=self._description(),
            )

        return self._get_or_make(f"{task}-{slots}-{n_operations}-{_label_voices(speech=speaks)}", make)

    def whole(self, n_turns: int, *, speech: bool) -> Grammar:
        """Return the grammar of a reply with a whole dialogue, each scene restated."""

        def make() -> Schema:
            words = {"user": self._request(), "description": self._description()}
            n_elements = self._limits.n_elements
            elements = _array(self._element(speech=speech), 1, n_elements)
            ids = _array({"type": "integer", "minimum": 0, "maximum": _LARGEST_ID}, 0, n_elements)
            edit = _object(**words, added=ids, changed=ids, removed=ids, elements=elements)
            edits = {f"edit_{index}": edit for index in range(1, n_turns)}
            return _object(story=_object(**words, elements=elements), **edits)

        return self._get_or_make(f"whole-{n_turns}-{_label_voices(speech=speech)}", make)

    def _get_or_make(self, name: str, make: Callable[[], Schema]) -> Grammar:
        if name not in self._made:
            self._made[name] = Grammar(name, make())
        return self._made[name]

    def _operations(self, task: Task, n_alive: int, *, speech: bool) -> list[Schema]:
        slots, movable = list(range(n_alive)), list(range(n_alive - 1))
        offers: dict[Task, list[Schema]] = {
            "story": [],
            "add": [_operation("add", sound=self._sound(speech=speech))],
            "remove": [_operation("remove", slot={"enum": movable})] if movable else [],
            "volume": [self._change(slots, "loudness")],
            "panning": [self._change(movable, "panning")] if movable else [],
            "replace": self._replacements(n_alive, speech=speech),
        }
        offers["open"] = [
            offer for task in ("remove", "volume", "panning", "replace") for offer in offers[task]
        ]
        offers["open"] += self._shifts(movable)
        if n_alive < self._limits.n_elements:
            offers["open"] += offers["add"]
        return offers[task]

    def _shifts(self, movable: Sequence[int]) -> list[Schema]:
        if not movable:
            return []
        return [
            self._change(movable, "start_time"),
            self._change(movable, "duration"),
        ]

    def _replacements(self, n_alive: int, *, speech: bool) -> list[Schema]:
        ambience = _object(role={"const": "ambience"}, **self._ambience_fields())
        offers: list[Schema] = [_operation("replace", slot={"enum": [n_alive - 1]}, sound=ambience)]
        if n_alive > 1:
            movable = {"enum": list(range(n_alive - 1))}
            offers.append(_operation("replace", slot=movable, sound=self._sound(speech=speech)))
        return offers

    def _change(self, slots: Sequence[int], field: str) -> Schema:
        scale = self._scales.get(field, "effect")
        return _operation("change", slot={"enum": list(slots)}, **{field: _choice(scale)})

    def _sound(self, *, speech: bool) -> Schema:
        effect = _object(role={"enum": ["effect", "music"]}, text=self._caption(), **self._numbers())
        line = _object(role={"const": "speech"}, **self._voice(), **self._numbers("start_time"))
        return _any_of([effect, line] if speech else [effect])

    def _element(self, *, speech: bool) -> Schema:
        number = {"type": "integer", "minimum": 0, "maximum": _LARGEST_ID}
        whole_s = _shorten(ambience_duration_s(self._limits))
        whole: dict[str, Schema] = {"start_time": {"const": 0}, "duration": {"const": whole_s}}
        ambience = _object(id=number, role={"const": "ambience"}, **self._ambience_fields(), **whole)
        effect: dict[str, Schema] = {"role": {"enum": ["effect", "music"]}, "text": self._caption()}
        sound = _object(id=number, **effect, **self._numbers())
        line = _object(id=number, role={"const": "speech"}, **self._voice(), **self._numbers())
        return _any_of([ambience, sound, line] if speech else [ambience, sound])

    def _voice(self) -> dict[str, Schema]:
        return {
            "speaker": _words(self.most_words["speaker"]),
            "gender": {"enum": list(get_args(Gender))},
            "emotion": {"enum": list(get_args(Emotion))},
            "text": _words(self.most_words["line"]),
        }

    def _ambience_fields(self) -> dict[str, Schema]:
        levels = {
            "loudness": _choice(self._scales.loudness),
            "panning": _choice(self._scales.ambience_panning),
        }
        return {"text": self._caption(), **levels}

    def _numbers(self, *times: str) -> dict[str, Schema]:
        """Return the numbers of a sound that is no ambience, with both times if none is named."""
        names = ("loudness", "panning", *(times or ("start_time", "duration")))
        return {name: _choice(self._scales.get(name, "effect")) for name in names}

    def _caption(self) -> Schema:
        return _words(self.most_words["text"])

    def _request(self) -> Schema:
        return _words(self.most_words["user"])

    def _description(self) -> Schema:
        return _words(self.most_words["description"])


def _n_words(n_chars: int, most: int) -> int:
    return max(1, min(most, 1 + (n_chars - _LAST_WORD_LETTERS) // _CHARS_PER_WORD))


def _label_voices(*, speech: bool) -> str:
    return "speech" if speech else "sounds"


def _object(**properties: Schema) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _operation(op: str, **properties: Schema) -> dict[str, Any]:
    return _object(op={"const": op}, **properties)


def _array(items: Schema, fewest: int, most: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": fewest, "maxItems": most}


def _any_of(options: Sequence[Schema]) -> Schema:
    return options[0] if len(options) == 1 else {"anyOf": list(options)}


def _choice(scale: Scale) -> dict[str, Any]:
    return {"enum": [_shorten(value) for value in scale.values]}


def _shorten(value: float) -> float:
    """Return the value so that JSON has it without needless digits: 8, not 8.0."""
    return int(value) if value.is_integer() else value


def _words(most: int) -> dict[str, Any]:
    """Return the schema of words with single spaces between them, the first of which starts with a letter.

    So no reply can run off into white space. Only the last word has a longest length, so that a text of the
    most words has to end: engines prepare a state for each letter of each word that has a longest length, and
    take ten times as long.
    """
    words = f"({_LETTER}* {_LETTER}){{0,{most - 1}}}"
    return {"type": "string", "pattern": f"^{_FIRST}{words}{_LETTER}{{0,{_LAST_WORD_LETTERS - 1}}}$"}
