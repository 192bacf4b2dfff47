"""The requests of users: phrasings from data, with slots to fill in.

Phrasings are drawn evenly from all that fit the edit, and a user takes one by manner. Its kind (the name of
its group) then says how much, when or where.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from string import Formatter
from typing import Any

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.manners import Manner, expand
from copilot.designers.scripted.words import Name
from copilot.hashing import content_hash

TASK_GROUPS = ("story", "add", "remove", "volume", "panning", "replace")

_SOUND_SLOTS = frozenset({"name", "is", "does", "it", "bare"})
_SLOTS: Mapping[str, frozenset[str]] = {
    "story": frozenset({"place", "length", "quote", "words", "sounds"}),
    "story_tail": frozenset({"who"}),
    "add": frozenset({"new", "side", "who", "line"}),
    "remove": _SOUND_SLOTS,
    "volume": _SOUND_SLOTS | {"amount"},
    "panning": _SOUND_SLOTS | {"side"},
    "replace": _SOUND_SLOTS | {"new", "who", "line"},
    "description": frozenset({"place", "ambience", "sounds", "events", "music", "feel"}),
}


@dataclass(frozen=True, slots=True)
class Phrasing:
    """One way to ask. `kind` names the edits that it fits; `text` has slots in braces, choices in brackets.

    Drawn from a phrasebook, its choices are made.
    """

    kind: str
    text: str

    @property
    def slots(self) -> frozenset[str]:
        """The names of its slots, in lower case."""
        return _find_slots(self.text)


class Phrasebook:
    """All phrasings. Raises ValueError for an unknown slot, group or manner, KeyError without leads."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        data = dict(content)
        self.content = content_hash(data)
        self.greetings, self.leads, self.tails = (
            tuple(_to_texts(texts))
            for texts in (data.pop("greetings", ()), data.pop("leads"), data.pop("tails", ()))
        )
        manners = data.pop("manners", None) or {"plain": {}}
        self.manners = {name: Manner.model_validate(facts) for name, facts in manners.items()}
        self.groups: dict[str, tuple[Phrasing, ...]] = {}
        for group, kinds in data.items():
            if group not in _SLOTS or not isinstance(kinds, dict):
                raise ValueError(f"phrasings: {group!r} is not a group; groups are {', '.join(_SLOTS)}")
            phrasings = [Phrasing(kind, text) for kind, texts in kinds.items() for text in _to_texts(texts)]
            for phrasing in phrasings:
                if unknown := sorted(phrasing.slots - _SLOTS[group]):
                    raise ValueError(f"phrasings: {group}: {phrasing.text!r} has unknown slots {unknown}")
            self.groups[group] = tuple(phrasings)
        self._fitting: dict[tuple[str, frozenset[str]], tuple[Phrasing, ...]] = {}

    def draw(self, dice: Dice, group: str, kinds: Collection[str], manner: Manner | None = None) -> Phrasing:
        """Draw a phrasing of the group, evenly from those of the kinds (default: without regard to manners).

        Its choices are made. Raises ValueError if there is none.
        """
        key = (group, frozenset(kinds))
        if key not in self._fitting:
            fitting = tuple(p for p in self.groups[group] if p.kind in key[1])
            if not fitting:
                raise ValueError(f"phrasings: {group} has none of {sorted(key[1])}")
            self._fitting[key] = fitting
        manner = manner or Manner()
        drawn = [dice.pick(self._fitting[key]) for _ in range(manner.n_drawn)]
        drawn = [replace(phrasing, text=expand(phrasing.text, dice)) for phrasing in drawn]
        return drawn[manner.choose([phrasing.text for phrasing in drawn])]

    def surround(self, request: str, dice: Dice, manner: Manner, longest: int, *, opens: bool) -> str:
        """Return a request with what the user says around it, and in the user's spelling.

        `opens` is true for the first request of a dialogue; nothing longer than `longest` is made.
        """
        before = self.greetings if opens else self.leads
        lead = f"{expand(dice.pick(before), dice)} " if before and dice.chance(manner.before) else ""
        tails = () if opens else self.tails
        tail = f" {expand(dice.pick(tails), dice)}" if tails and dice.chance(manner.behind) else ""
        fitting = (text for text in (lead + request + tail, lead + request) if len(text) <= longest)
        return manner.write(next(fitting, request))


def _to_texts(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(text) for text in value]  # type: ignore[attr-defined]


def _find_slots(text: str) -> frozenset[str]:
    return frozenset(name.lower() for _, name, _, _ in Formatter().parse(text) if name)


def fill(text: str, **slots: str) -> str:
    """Return the text with its slots filled; a slot with a capital gets a value with a capital."""
    values = dict(slots)
    for name, value in slots.items():
        values[name.capitalize()] = capitalize(value)
    return text.format_map(values)


def capitalize(text: str) -> str:
    """Return the text with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def make_name_slots(name: Name) -> dict[str, str]:
    """Return the slots that a sound's name fills, with the verbs and pronouns that agree with it."""
    bare = name.text.partition(" ")[2] if name.text.startswith(("the ", "that ", "those ")) else name.text
    if name.plural:
        return {"name": name.text, "bare": bare, "is": "are", "does": "do", "it": "them"}
    return {"name": name.text, "bare": bare, "is": "is", "does": "does", "it": name.pronoun}


def add_article(noun: str) -> str:
    """Return the noun with a or an."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def join_list(items: list[str], last: str = "and") -> str:
    """Return the items as a list in a sentence: `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"


def name_length(duration_s: float) -> str:
    """Return the length of a scene as a person says it: eight seconds, half a minute, 45 seconds."""
    seconds = round(duration_s)
    if seconds in _NAMED_LENGTHS:
        return _NAMED_LENGTHS[seconds]
    return f"{_NUMBERS.get(seconds, str(seconds))} second{'s' if seconds != 1 else ''}"


_NAMED_LENGTHS = {30: "half a minute", 60: "a minute", 90: "a minute and a half", 120: "two minutes"}
_FIRST_NUMBERS = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen"),
)
_NUMBERS = dict(enumerate(_FIRST_NUMBERS, start=1)) | {
    20: "twenty",
    25: "twenty-five",
    40: "forty",
    45: "forty-five",
}
