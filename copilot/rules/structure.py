"""The frame of a dialogue: its turns, its ids, its operations, its speakers."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from copilot.edit import Add, EditError, Replace, apply, compare
from copilot.rules.rule import Case, Finding, Transition, rule
from copilot.rules.schema import schema_faults
from copilot.scene import Gender, SpeechElement


@rule("story-first", "fatal")
def story_first(case: Case) -> Iterator[Finding]:
    """The first turn is a story, and no later one is."""
    for index, turn in enumerate(case.dialogue.turns):
        if index == 0 and turn.task != "story":
            yield Finding(f"the task is {turn.task}; the first turn is a story", index)
        if index > 0 and turn.task == "story":
            yield Finding("the task is story; only the first turn is a story", index)


@rule("turn-count", "fatal")
def turn_count(case: Case) -> Iterator[Finding]:
    """A dialogue has at most `n_turns` turns."""
    found = len(case.dialogue.turns)
    if found > case.limits.n_turns:
        yield Finding(f"{found} turns; at most {case.limits.n_turns} are allowed")


@rule("element-count", "fatal")
def element_count(case: Case) -> Iterator[Finding]:
    """A scene has at most `n_elements` elements."""
    for index, turn in enumerate(case.dialogue.turns):
        if len(turn.scene) > case.limits.n_elements:
            yield Finding(f"{len(turn.scene)} elements; at most {case.limits.n_elements} are allowed", index)


@rule("id-used-again", "fatal")
def id_used_again(case: Case) -> Iterator[Finding]:
    """A new sound has an id that no sound of the dialogue had before, not even one that is gone."""
    used: set[int] = set()
    for index, turn in enumerate(case.dialogue.turns):
        for operation in turn.operations:
            if not isinstance(operation, Add | Replace):
                continue
            new_id = operation.element.id
            if new_id in used:
                yield Finding(
                    "a new sound has an id that was used before; "
                    "an id names one sound for the whole dialogue",
                    index,
                    new_id,
                )
            used.add(new_id)


@rule("id-names-another-sound", "fatal")
def id_names_another_sound(case: Case) -> Iterator[Finding]:
    """An element keeps its text, voice, role and tool; another sound gets another id."""
    for transition in case.transitions:
        for element_id in transition.edit.altered:
            yield Finding(
                "names another sound than in the turn before; replace the sound under a new id",
                transition.index,
                element_id,
            )


@rule("operations-make-scene", "fatal")
def operations_make_scene(case: Case) -> Iterator[Finding]:
    """The operations, applied to the scene before the turn, give the scene after it."""
    for transition in case.transitions:
        # No operations can give a scene in which an id names another sound: that is the fault then.
        if not transition.edit.altered and (fault := _operations_fault(transition)):
            yield Finding(fault, transition.index)


def _operations_fault(transition: Transition) -> str | None:
    try:
        made = apply(transition.before, transition.turn.operations)
    except EditError as error:
        return f"the operations do not fit the scene before: {error}"
    except ValidationError as error:
        reasons = "; ".join(message for _, message in schema_faults(error))
        return f"the operations make no valid element: {reasons}"
    if made == transition.turn.scene:
        return None
    differing = sorted(compare(made, transition.turn.scene).touched)
    return f"the operations make another scene than the one stated; elements {differing} differ"


@rule("speaker-gender", "fatal")
def speaker_gender(case: Case) -> Iterator[Finding]:
    """A speaker has one gender, and so one voice, for the whole dialogue."""
    genders: dict[str, Gender] = {}
    for index, element in case.fresh():
        if not isinstance(element, SpeechElement):
            continue
        known = genders.setdefault(element.speaker_key, element.gender)
        if known != element.gender:
            yield Finding(
                f"speaker {element.speaker!r} is {element.gender} here and {known} before; "
                "another gender is another speaker",
                index,
                element.id,
            )


RULES = (
    story_first,
    turn_count,
    element_count,
    id_used_again,
    id_names_another_sound,
    operations_make_scene,
    speaker_gender,
)
