"""The choice of an edit that will be heard, of several that are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from copilot.designers.audible import predict_margin
from copilot.designers.scripted.draft import Draft, Edited, ElementNames
from copilot.edit import Add, Operation, Replace
from copilot.scene import SpeechElement
from copilot.units import Decibels

_TRIES = 10


def choose_audible(draft: Draft, draw: Callable[[], Edited], *, is_open: bool = False) -> Edited:
    """Draw edits until one will be heard; of `_TRIES` that will not, the one that is heard best.

    The draft knows the new sounds of that one only.
    """
    drawn: list[tuple[Decibels, Edited, dict[int, ElementNames]]] = []
    known = draft.names_by_id
    while len(drawn) < _TRIES and not any(margin_db >= 0 for margin_db, *_ in drawn):
        draft.names_by_id = dict(known)  # each draw gives its new sounds the same ids
        edited = draw()
        margin_db = predict_margin(draft.scene, edited[1], is_open=is_open)
        drawn.append((margin_db, edited, draft.names_by_id))
    _, chosen, draft.names_by_id = max(drawn, key=lambda one: one[0])
    for _, edited, _ in drawn:
        if edited is not chosen:
            _forget(draft, edited[1])
    return chosen


def _forget(draft: Draft, operations: Iterable[Operation]) -> None:
    """Forget the texts of new sounds that do not come, so that they may come later."""
    for operation in operations:
        if isinstance(operation, Add | Replace):
            element = operation.element
            if isinstance(element, SpeechElement):
                draft.said.remove(element.text[:-1].lower())
            else:
                draft.heard.discard(element.text)
