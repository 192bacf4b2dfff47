"""Read what a user's edit request asks for: a few plain forms of English, and nothing beyond them.

A request that no form fits whole is not understood: to do nothing is better than to do something else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from copilot.rules.requests import Level, Side, read_level, read_side
from copilot.units import Lufs

Amount = Literal["slight", "plain", "strong"]
When = Literal["start", "end"]


@dataclass(frozen=True, slots=True)
class Removal:
    """Sounds are to go."""

    sounds: str


@dataclass(frozen=True, slots=True)
class LevelChange:
    """Sounds are to be louder or quieter; by `step_lu`, if the request gives a figure."""

    sounds: str
    level: Level
    amount: Amount
    step_lu: Lufs | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """Sounds are to move to a side."""

    sounds: str
    side: Side
    amount: Amount


@dataclass(frozen=True, slots=True)
class Exchange:
    """A new sound is to take the place of another."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Addition:
    """New sounds are to come."""

    sounds: str
    side: Side | None = None
    when: When | None = None


Wish = Removal | LevelChange | Move | Exchange | Addition

_LEAD = re.compile(
    r"^(?:(?:please|now|then|also|and|ok|okay|next|finally|could you|can you|would you|will you|could we|"
    r"can we|let's|i want you to|i(?:'d| would) like you to|i(?:'d| would) like to|i want to)\b,?\s*)+"
)
_TAIL = re.compile(r"(?:,?\s*\b(?:please|thanks|thank you))?[\s.!?]*$")
_VERBS = (
    r"remove|delete|drop|cut|omit|lose|get rid of|take|leave out|replace|swap|substitute|exchange|change|"
    r"turn|make|raise|lower|reduce|increase|boost|lift|soften|decrease|bring|move|pan|shift|put|place|push|add|"
    r"include|insert|mix in"
)
_NEXT_CLAUSE = re.compile(rf"[,;.]?\s+(?:and then|and|then)\s+(?=(?:{_VERBS})\b)|[;.]\s+")

_UNIT = r"(?:db|decibels?|lu|lufs)"
_AMOUNT = rf"(?:(?:much|a lot|far|way|a bit|a little|a touch|slightly|somewhat|\d+(?:\.\d+)? ?{_UNIT})\s+)?"
_BY = rf"(?:\s+(?:by\s+)?(?:about\s+)?\d+(?:\.\d+)? ?{_UNIT})?"
_SMALL = r"(?:\s+(?:a bit|a little|a touch|slightly|somewhat|a lot))?"
_LOUDER = r"(?:louder|quieter|softer|fainter|stronger|weaker|gentler)"
_SIDE_WORD = r"(?:left|right|cent(?:er|re)|middle)"
_WHERE = (
    r"(?:(?:slightly|a bit|a little|further|more|far|hard|all the way|completely|over|back)\s+)*"
    r"(?:(?:to|towards?|on|onto|into|in)\s+(?:the\s+)?)?(?:(?:far|hard|extreme|very)\s+)?"
    rf"{_SIDE_WORD}(?:\s+(?:hand\s+)?side)?(?:\s+(?:a bit|a little|slightly))?"
)

_REMOVALS = (
    re.compile(
        r"(?:remove|delete|drop|cut|omit|lose|get rid of|take out|take away|leave out|no more) (?P<sounds>.+)"
    ),
    re.compile(r"take (?P<sounds>.+) (?:out|away)"),
)
_EXCHANGES = (
    re.compile(r"(?:replace|substitute) (?P<old>.+?) (?:by|with) (?P<new>.+)"),
    re.compile(r"(?:swap|exchange) (?P<old>.+?) (?:for|with) (?P<new>.+)"),
    re.compile(r"(?:change|turn) (?P<old>.+?) into (?P<new>.+)"),
)
_MOVES = (re.compile(rf"(?:move|pan|shift|put|bring|place|push|set) (?P<sounds>.+?) {_WHERE}"),)
_LEVELS = (
    re.compile(rf"make (?P<sounds>.+?) {_AMOUNT}{_LOUDER}{_BY}"),
    re.compile(rf"(?P<sounds>.+?) (?:should|needs? to|has to|have to|must) be {_AMOUNT}{_LOUDER}{_BY}"),
    re.compile(rf"{_AMOUNT}{_LOUDER} (?P<sounds>.+)"),
    re.compile(rf"(?:turn|bring) (?P<sounds>.+?) (?:up|down){_SMALL}{_BY}"),
    re.compile(rf"turn (?:up|down) (?P<sounds>.+?){_SMALL}{_BY}"),
    re.compile(
        rf"(?:raise|lower|reduce|increase|boost|lift|soften|decrease) (?:the (?:volume|level) of )?"
        rf"(?P<sounds>.+?){_SMALL}{_BY}"
    ),
)
_ADDITIONS = (re.compile(r"(?:add|include|insert|put in|mix in|bring in) (?P<sounds>.+)"),)

_STEP = re.compile(rf"(\d+(?:\.\d+)?) ?{_UNIT}\b")
_SLIGHT = re.compile(r"\b(?:slightly|a bit|a little|a touch|somewhat)\b")
_STRONG = re.compile(r"\b(?:much|a lot|far|way|hard|all the way|completely|extreme)\b")
_ADDED_SIDE = re.compile(
    rf",?\s+(?:to|on|at|from|in) the (?:far )?(?P<side>{_SIDE_WORD})(?: (?:hand )?side)?$"
)
_ADDED_TIME = re.compile(r",?\s+(?:at|near|towards) the (?:very )?(?P<when>start|beginning|end)$")


def read_request(request: str) -> tuple[Wish, ...] | None:
    """Return what the request asks for, in its order; None if a part of it is not understood."""
    text = " ".join(request.lower().replace("\u2019", "'").split())
    clauses = [_strip(clause) for clause in _NEXT_CLAUSE.split(_TAIL.sub("", text))]
    wishes = [_read_clause(clause) for clause in clauses if clause]
    understood = tuple(wish for wish in wishes if wish is not None)
    return understood if understood and len(understood) == len(wishes) else None


def _strip(clause: str) -> str:
    return _TAIL.sub("", _LEAD.sub("", clause.strip()))


def _read_clause(clause: str) -> Wish | None:
    if found := _match(_REMOVALS, clause):
        return Removal(found["sounds"])
    if found := _match(_EXCHANGES, clause):
        return Exchange(found["old"], found["new"])
    if found := _match(_MOVES, clause):
        side = read_side(clause)
        return Move(found["sounds"], side, _read_amount(clause)) if side else None
    if found := _match(_ADDITIONS, clause):
        return _read_addition(found["sounds"])
    if found := _match(_LEVELS, clause):
        level = read_level(clause)
        step = _STEP.search(clause)
        step_lu = float(step[1]) if step else None
        return LevelChange(found["sounds"], level, _read_amount(clause), step_lu) if level else None
    return None


def _match(forms: tuple[re.Pattern[str], ...], clause: str) -> re.Match[str] | None:
    return next((found for form in forms if (found := form.fullmatch(clause))), None)


def _read_amount(clause: str) -> Amount:
    if _SLIGHT.search(clause):
        return "slight"
    return "strong" if _STRONG.search(clause) else "plain"


def _read_addition(sounds: str) -> Addition:
    side: Side | None = None
    when: When | None = None
    for _ in range(2):  # in either order
        if found := _ADDED_SIDE.search(sounds):
            side = read_side(f"to the {found['side']}")
            sounds = sounds[: found.start()]
        if found := _ADDED_TIME.search(sounds):
            when = "end" if found["when"] == "end" else "start"
            sounds = sounds[: found.start()]
    return Addition(sounds, side, when)
