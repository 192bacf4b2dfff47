"""The ambience, on which every scene stands.

A scene may have several. All of them are centred; one of them starts the scene and lasts as long as any
other sound, so that the scene is never without ground.
"""

from __future__ import annotations

from collections.abc import Iterator

from copilot.rules.rule import TIME_TOLERANCE_S, Case, Finding, rule, span
from copilot.scene import Element, Scene


def ambiences(scene: Scene) -> list[Element]:
    """Return the ambiences of a scene, by id."""
    return [element for element in scene.elements if element.role == "ambience"]


@rule("ambience-missing", "fatal")
def ambience_missing(case: Case) -> Iterator[Finding]:
    """A scene has at least one ambience."""
    for index, turn in enumerate(case.dialogue.turns):
        if not ambiences(turn.scene):
            yield Finding("the scene has no ambience; at least one is needed", index)


@rule("ambience-centred", "fatal")
def ambience_centred(case: Case) -> Iterator[Finding]:
    """Every ambience has a panning within `ambience_panning`."""
    allowed = case.limits.ambience_panning
    for index, element in case.fresh():
        if element.role == "ambience" and element.panning not in allowed:
            yield Finding(
                f"an ambience with panning {element.panning}; allowed is {span(allowed)}", index, element.id
            )


@rule("ambience-from-zero", "fatal")
def ambience_from_zero(case: Case) -> Iterator[Finding]:
    """At least one ambience starts at zero."""
    for index, turn in enumerate(case.dialogue.turns):
        starts = [element.start_time for element in ambiences(turn.scene)]
        if starts and min(starts) > TIME_TOLERANCE_S:
            yield Finding(f"the first ambience starts at {min(starts)} s; one has to start at 0 s", index)


@rule("ambience-outlasted", "fatal")
def ambience_outlasted(case: Case) -> Iterator[Finding]:
    """No sound ends after the ambience that starts at zero, or after the longest of several such."""
    for index, turn in enumerate(case.dialogue.turns):
        found = ambiences(turn.scene)
        # Without an ambience from zero, which is another rule's fault, all ambiences count as ground.
        ground = [element for element in found if element.start_time <= TIME_TOLERANCE_S] or found
        if not ground:
            continue
        longest = max(ground, key=lambda element: element.end_time)
        for element in turn.scene.elements:
            if element.end_time > longest.end_time + TIME_TOLERANCE_S:
                yield Finding(
                    f"ends at {element.end_time:g} s, after the ambience {longest.id}, "
                    f"which ends at {longest.end_time:g} s and has to be the last",
                    index,
                    element.id,
                )


RULES = (ambience_missing, ambience_centred, ambience_from_zero, ambience_outlasted)
