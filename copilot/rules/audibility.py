"""Edits that are heard: who asks for a change wants to notice it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from copilot.audibility import GOOD_PREDICTED_DB, LEAST_PREDICTED_DB, find_kind, predict_change
from copilot.frozen_model import Range
from copilot.rules.rule import Case, Finding, Transition, rule
from copilot.scene import Element, Scene
from copilot.units import Lufs


@rule("edit-inaudible", "hq")
def edit_inaudible(case: Case) -> Iterator[Finding]:
    """No edit is one that nobody hears, since louder sounds cover it; in an open turn, not all are."""
    for transition in case.transitions[1:]:
        found = list(_find_buried(transition, case.limits.loudness_lufs))
        if transition.turn.task != "open":
            yield from found
        elif found and len(found) == len(transition.edit.touched):
            yield found[0]


def _find_buried(transition: Transition, allowed: Range) -> Iterator[Finding]:
    before, after = transition.before, transition.turn.scene
    for element_id in sorted(transition.edit.touched.difference(transition.edit.altered)):
        change_db = predict_change(before, after, element_id)
        if change_db < LEAST_PREDICTED_DB[find_kind(before, after, element_id)]:
            remedy = _find_remedy(before, after, element_id, allowed)
            yield Finding(
                f"the mix changes by {change_db:.1f} dB, which nobody hears: the edit is small, or louder "
                f"sounds cover it; {remedy}",
                transition.index,
                element_id,
            )


def _find_remedy(before: Scene, after: Scene, element_id: int, allowed: Range) -> str:
    old, new = before.get(element_id), after.get(element_id)
    if new is None or (old is not None and old.loudness == new.loudness):
        return "edit another sound, or lower those that cover it first"
    ups = old is None or new.loudness > old.loudness
    heard = _find_heard_loudness(before, after, new, allowed, 1 if ups else -1)
    if heard is None:
        return "edit another sound, or at a time when less is heard"
    return f"give it {heard:g} LUFS or {'more' if ups else 'less'}"


def _find_heard_loudness(before: Scene, after: Scene, new: Element, allowed: Range, way: int) -> Lufs | None:
    """Return the whole LUFS nearest to an element's loudness at which its edit is heard well, or None."""
    loudness = math.ceil(new.loudness) if way > 0 else math.floor(new.loudness)
    while loudness + way in allowed:
        loudness += way
        tried = tuple(
            e.model_copy(update={"loudness": float(loudness)}) if e.id == new.id else e
            for e in after.elements
        )
        scene = Scene(elements=tried)
        if predict_change(before, scene, new.id) >= GOOD_PREDICTED_DB[find_kind(before, scene, new.id)]:
            return float(loudness)
    return None


RULES = (edit_inaudible,)
