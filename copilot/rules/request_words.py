"""Words against operations: the request against the edit, and the description by itself.

These rules read English, and keep false alarms rare rather than find every fault; so they are not fatal.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from copilot.rules.request_targets import Targets, find_targets
from copilot.rules.requests import Level, Side, is_indirect, read_level, read_side, read_wish, split_clauses
from copilot.rules.rule import Case, Finding, Transition, rule
from copilot.rules.texts import QUOTED
from copilot.scene import Element

Pairs = list[tuple[Element, Element]]
"""Sounds before and after a turn."""

_SIDE_WORD = r"(?:left|right)(?:[- ]hand)?"
_PLACE = r"(?: (?:side|channel|speaker|ear|edge))?"
# Places that are not places in the stereo image.
_NO_PLACE = (
    r"(?! (?:bank|track|path|road|foot|note|moment|time|place|thing|wing|shore|hand|arm|leg|page|wall|people|"
    r"man|woman|door|of way))"
)
_MIXING = re.compile(
    r"[-+]?\b\d+(?:\.\d+)? ?(?:db|decibels?|lufs|lu)\b|"
    r"\b(?:db|dbfs|lufs|decibels?|loudness|louder|quieter|panned|stereo image|stereo field)\b|"
    r"\bpanning\b(?! for\b)|\bvolume\b(?! of\b)|"
    r"\b(?:on|to|at|from|in|towards?) (?:the|your|our|my) (?:far |extreme |very |hard |near )?"
    rf"{_SIDE_WORD}{_PLACE}\b{_NO_PLACE}|"
    r"\b(?:hard|far) (?:left|right)\b|\b(?:left|right) (?:channel|speaker|ear)\b",
    re.IGNORECASE,
)

# Decibels and seconds are values that people do speak of.
_VALUES = re.compile(
    r"\b(?:slots?|elements?|ids?) ?#?\d+\b|\bslot\b|\blufs\b|\bstart[_ ]time\b|\bwith (?:the|a) caption\b|"
    r"\b(?:loudness|panning|duration)(?: (?:to|of|at|is|by))? ?[=:]? ?[-+\u2212]?\d|"
    r"(?<![\w.,:/-])[-\u2212]\d+(?:\.\d+)?\b(?! ?(?:db|decibels?)\b)|"
    r"\b0\.\d+\b(?! ?(?:s|sec|secs|seconds?|minutes?|db|decibels?)\b)",
    re.IGNORECASE,
)

_EDITED_BY_TASK = {"volume": "changed", "panning": "changed", "remove": "removed", "replace": "removed"}
_CENTRE_ZONE = 0.1
"""A new sound this near the centre is on neither side."""


_SEVERAL = re.compile(
    r"\b(?:and|both|all|each|every\w*|them|they|these|those|two|three|four|five|some|several|few|couple|pair|"
    r"others?|rest|more|sounds|layers|scene|mix)\b",
    re.IGNORECASE,
)


@rule("more-than-asked", "hq", reads_english=True)
def more_than_asked(case: Case) -> Iterator[Finding]:
    """A turn edits several sounds only if the request speaks of several, or asks for a mood."""
    for transition in case.transitions:
        turn, edit = transition.turn, transition.edit
        if not transition.index or turn.task in {"story", "open"} or _SEVERAL.search(turn.user):
            continue
        n_edited = max(len(edit.added), len(edit.changed), len(edit.removed))
        if n_edited > 1 and len(find_targets(turn.user, transition.before).possible) < n_edited:
            yield Finding(f"{n_edited} sounds are edited; the request speaks of one", transition.index)


@rule("words-contradict-operation", "hq", reads_english=True)
def words_contradict_operation(case: Case) -> Iterator[Finding]:
    """An edit does not contradict the request: by another sound, another side or the opposite level."""
    for transition in case.transitions:
        task = transition.turn.task
        if len(transition.turn.user) > case.limits.user_chars:
            continue  # text-too-long reports it; the patterns are for requests of a normal length
        if task in _EDITED_BY_TASK:
            edited: tuple[int, ...] = getattr(transition.edit, _EDITED_BY_TASK[task])
            names = find_targets(transition.turn.user, transition.before)
            yield from _find_other_sound(transition, edited, names)
            if task == "volume":
                yield from _find_other_level(transition, edited, names)
            elif task == "panning":
                yield from _find_other_side(transition, edited, names)
        elif task == "add":
            yield from _find_misplaced(transition)
        wish = read_wish(transition.turn.user)
        if wish and task in ("add", "remove") and wish != task:
            yield Finding(f"the request asks to {wish} a sound, but the task is {task}", transition.index)


def _find_other_sound(transition: Transition, edited: tuple[int, ...], names: Targets) -> Iterator[Finding]:
    for element_id in edited:
        others = sorted(names.certain - {element_id})
        if others and element_id not in names.possible:
            yield Finding(
                f"is edited, but the request names {_list_elements(others)} and not this one",
                transition.index,
                element_id,
            )


def _find_subjects(transition: Transition, edited: tuple[int, ...], names: Targets) -> Pairs:
    """Return the sounds that the request's direction may be about, before and after.

    A direction is contradicted only if all of them go against it. An unedited sound leaves the doubt: "I
    cannot hear the dog over the rain" asks for louder, and lowering the rain may answer it.
    """
    return _pair_elements(transition, names.certain or names.possible or edited)


def _pair_elements(transition: Transition, ids: Collection[int]) -> Pairs:
    """Return sounds as they are before and after the turn, by id."""
    pairs = ((transition.before.get(i), transition.turn.scene.get(i)) for i in sorted(ids))
    return [(before, after) for before, after in pairs if before and after]


def _find_other_level(transition: Transition, edited: tuple[int, ...], names: Targets) -> Iterator[Finding]:
    request = transition.turn.user
    wanted = read_level(request)
    pairs = _find_subjects(transition, edited, names)
    if wanted and all(_contradicts_level(wanted, before, after) for before, after in pairs):
        yield from _report_levels(transition, wanted, pairs)
    elif not is_indirect(request):
        yield from _find_unanswered_level(transition, edited, wanted)


def _find_unanswered_level(
    transition: Transition, edited: tuple[int, ...], wanted: Level | None
) -> Iterator[Finding]:
    """Find clauses that ask for a level that none of their sounds gets, of those that are edited."""
    for clause in split_clauses(transition.turn.user):
        level = read_level(clause)
        named = find_targets(clause, transition.before).possible.intersection(edited)
        # A clause without a name may mean any sound, unless another clause asks for another level.
        subjects = named or (edited if level == wanted else ())
        pairs = _pair_elements(transition, subjects)
        if level and pairs and all(_contradicts_level(level, before, after) for before, after in pairs):
            yield from _report_levels(transition, level, pairs)
            return


def _report_levels(transition: Transition, wanted: Level, pairs: Pairs) -> Iterator[Finding]:
    for before, after in pairs:
        course = f"loudness goes from {before.loudness} to {after.loudness} LUFS"
        yield Finding(f"the request asks for {wanted}, but {course}", transition.index, after.id)


def _contradicts_level(wanted: Level, before: Element, after: Element) -> bool:
    return after.loudness < before.loudness if wanted == "louder" else after.loudness > before.loudness


def _find_other_side(transition: Transition, edited: tuple[int, ...], names: Targets) -> Iterator[Finding]:
    wanted = read_side(transition.turn.user)
    pairs = _find_subjects(transition, edited, names)
    if wanted and all(_contradicts_side(wanted, before, after) for before, after in pairs):
        for before, after in pairs:
            course = f"panning goes from {before.panning} to {after.panning}"
            yield Finding(f"the request asks for {wanted}, but {course}", transition.index, after.id)


def _contradicts_side(wanted: Side, before: Element, after: Element) -> bool:
    if wanted == "centre":
        return abs(after.panning) > abs(before.panning)
    return after.panning > before.panning if wanted == "left" else after.panning < before.panning


def _find_misplaced(transition: Transition) -> Iterator[Finding]:
    wanted = read_side(transition.turn.user)
    if wanted not in ("left", "right"):
        return
    sign = 1 if wanted == "left" else -1
    added = [e for e in transition.turn.scene.elements if e.id in transition.edit.added]
    # One of several new sounds may be meant, so that all have to be on the other side.
    if all(element.panning * sign > _CENTRE_ZONE for element in added):
        for element in added:
            yield Finding(
                f"the request asks for {wanted}, but the new sound has panning {element.panning}",
                transition.index,
                element.id,
            )


def _list_elements(ids: list[int]) -> str:
    return f"element{'s' if len(ids) > 1 else ''} {', '.join(map(str, ids))}"


@rule("description-free-of-mixing", "hq", reads_english=True)
def description_free_of_mixing(case: Case) -> Iterator[Finding]:
    """The description names no loudness and no panning."""
    for index, turn in enumerate(case.dialogue.turns):
        if len(turn.description) > case.limits.description_chars:
            continue  # as above
        # What somebody says in the scene is free.
        if found := _MIXING.search(QUOTED.sub('""', turn.description)):
            yield Finding(
                f"the description says {found.group()!r}; it names no loudness and no panning", index
            )


def names_value(request: str) -> bool:
    """Return whether a text reads as one about slots, ids, captions or values of parameters."""
    return _VALUES.search(request) is not None


@rule("request-free-of-values", "hq")
def request_free_of_values(case: Case) -> Iterator[Finding]:
    """The request names no slot, no id, no caption, no LUFS and no value of a parameter."""
    for index, turn in enumerate(case.dialogue.turns):
        if len(turn.user) > case.limits.user_chars or index in case.own_requests:
            continue  # as above; and a user may say what a user likes
        if found := _VALUES.search(turn.user):
            yield Finding(
                f"the request says {found.group().strip()!r}; a user knows no slots, captions and values",
                index,
            )


RULES = (more_than_asked, words_contradict_operation, description_free_of_mixing, request_free_of_values)
