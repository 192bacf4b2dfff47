"""Dialogues whose edits or words break a rule."""

from __future__ import annotations

from copilot.dialogue import StatedEdit, Task
from copilot.edit import Add, Change, Operation, Remove, Replace
from helpers.examples import BELL, DOG, PIANO, RAIN, STORY, but, dialogue_of, panning, volume, with_turn
from helpers.rule_case import RuleCase, fatal, hq

_LOUD_STORY: tuple[Task, str, tuple[Operation, ...]] = (
    "story",
    STORY[1],
    tuple(
        Add(element=element)
        for element in (but(RAIN, loudness=-12), but(DOG, loudness=-29), but(PIANO, loudness=-30))
    ),
)
"""Rain that covers a dog and a piano."""

CASES: dict[str, tuple[RuleCase, ...]] = {
    "task-fits-operations": (
        RuleCase(
            dialogue_of(STORY, ("panning", "Lose the dog.", [Remove(id=1)])),
            (
                fatal(
                    "task-fits-operations",
                    1,
                    None,
                    "turn 1: task panning has an operation remove; allowed is change",
                ),
                fatal("unasked-change", 1, 1, "turn 1, element 1: was removed; task panning removes nothing"),
            ),
        ),
        RuleCase(
            volume("Turn the rain up.", Change(id=0, loudness=-28)),
            (
                fatal(
                    "task-fits-operations",
                    1,
                    None,
                    "turn 1: the turn changes nothing; task volume needs at least one edit",
                ),
                fatal(
                    "operation-does-nothing",
                    1,
                    0,
                    "turn 1, element 0: is changed to what it was; a change has to change something",
                ),
            ),
        ),
    ),
    "operation-does-nothing": (
        RuleCase(
            volume("Turn the rain and the dog up.", Change(id=0, loudness=-28), Change(id=1, loudness=-15)),
            (
                fatal(
                    "operation-does-nothing",
                    1,
                    0,
                    "turn 1, element 0: is changed to what it was; a change has to change something",
                ),
            ),
        ),
        RuleCase(
            volume("Turn the rain up.", Change(id=0, loudness=-26), Change(id=0, loudness=-25)),
            (
                fatal(
                    "operation-does-nothing",
                    1,
                    0,
                    "turn 1, element 0: is the subject of two operations; one has to say it all",
                ),
            ),
        ),
    ),
    "unasked-change": (
        RuleCase(
            volume("Turn the rain up.", Change(id=0, loudness=-25, panning=0.1, duration=7.9)),
            (
                fatal(
                    "unasked-change",
                    1,
                    0,
                    "turn 1, element 0: duration and panning changed; task volume changes only loudness",
                ),
            ),
        ),
        RuleCase(
            dialogue_of(
                STORY, ("add", "Ring a bell.", [Add(element=BELL), Change(id=0, loudness=-25), Remove(id=1)])
            ),
            (
                fatal(
                    "task-fits-operations",
                    1,
                    None,
                    "turn 1: task add has an operation change; allowed is add",
                ),
                fatal(
                    "task-fits-operations",
                    1,
                    None,
                    "turn 1: task add has an operation remove; allowed is add",
                ),
                fatal("unasked-change", 1, 1, "turn 1, element 1: was removed; task add removes nothing"),
                fatal(
                    "unasked-change", 1, 0, "turn 1, element 0: loudness changed; task add changes no sound"
                ),
            ),
        ),
        RuleCase(
            dialogue_of(STORY, ("remove", "Lose the dog.", [Replace(id=1, element=BELL)])),
            (
                fatal(
                    "task-fits-operations",
                    1,
                    None,
                    "turn 1: task remove has an operation replace; allowed is remove",
                ),
                fatal("unasked-change", 1, 4, "turn 1, element 4: was added; task remove adds nothing"),
            ),
        ),
        RuleCase(
            dialogue_of(
                STORY,
                (
                    "replace",
                    "Swap the dog and the piano for a bell.",
                    [Remove(id=1), Remove(id=3), Add(element=BELL)],
                ),
                mode="whole",
            ),
            (
                fatal(
                    "unasked-change",
                    1,
                    None,
                    "turn 1: 2 removed and 1 added; task replace adds as many as it removes",
                ),
            ),
        ),
    ),
    "stated-edits-match": (
        RuleCase(
            with_turn(
                dialogue_of(STORY, ("add", "Ring a bell.", [Add(element=BELL)]), mode="whole"),
                1,
                stated=StatedEdit(added=(4,), changed=(0,), removed=()),
            ),
            (
                hq(
                    "stated-edits-match",
                    1,
                    None,
                    "turn 1: stated as changed are [0]; by the scenes they are []",
                ),
            ),
        ),
    ),
    "edit-inaudible": (
        RuleCase(
            dialogue_of(_LOUD_STORY, ("volume", "Turn the dog up.", [Change(id=1, loudness=-26)])),
            (
                hq(
                    "edit-inaudible",
                    1,
                    1,
                    "turn 1, element 1: the mix changes by 0.1 dB, which nobody hears: the edit is small, or "
                    "louder sounds cover it; give it -15 LUFS or more",
                ),
            ),
        ),
        RuleCase(
            dialogue_of(_LOUD_STORY, ("add", "Ring a bell.", [Add(element=but(BELL, loudness=-30))])),
            (
                hq(
                    "edit-inaudible",
                    1,
                    4,
                    "turn 1, element 4: the mix changes by 0.1 dB, which nobody hears: the edit is small, or "
                    "louder sounds cover it; give it -18 LUFS or more",
                ),
            ),
        ),
        RuleCase(
            dialogue_of(_LOUD_STORY, ("volume", "Turn the dog down.", [Change(id=1, loudness=-30)])),
            (
                hq(
                    "edit-inaudible",
                    1,
                    1,
                    "turn 1, element 1: the mix changes by 0.0 dB, which nobody hears: the edit is small, or "
                    "louder sounds cover it; edit another sound, or at a time when less is heard",
                ),
            ),
        ),
        RuleCase(
            dialogue_of(_LOUD_STORY, ("remove", "Lose the dog.", [Remove(id=1)])),
            (
                hq(
                    "edit-inaudible",
                    1,
                    1,
                    "turn 1, element 1: the mix changes by 0.1 dB, which nobody hears: the edit is small, or "
                    "louder sounds cover it; edit another sound, or lower those that cover it first",
                ),
            ),
        ),
        # In an open turn, one edit that is heard is enough.
        RuleCase(
            dialogue_of(
                _LOUD_STORY,
                ("open", "Make it calmer.", [Remove(id=1), Change(id=0, loudness=-20)]),
                ("open", "Make it eerie.", [Change(id=3, loudness=-29, panning=0.31)]),
            ),
            (
                hq(
                    "edit-inaudible",
                    2,
                    3,
                    "turn 2, element 3: the mix changes by 0.1 dB, which nobody hears: the edit is small, or "
                    "louder sounds cover it; give it -24 LUFS or more",
                ),
            ),
        ),
    ),
    "more-than-asked": (
        RuleCase(
            dialogue_of(
                STORY,
                ("add", "Ring a bell.", [Add(element=BELL), Add(element=but(BELL, id=5, text="a cow bell"))]),
            ),
            (hq("more-than-asked", 1, None, "turn 1: 2 sounds are edited; the request speaks of one"),),
        ),
        RuleCase(
            volume("Make it louder.", Change(id=1, loudness=-14), Change(id=0, loudness=-25)),
            (hq("more-than-asked", 1, None, "turn 1: 2 sounds are edited; the request speaks of one"),),
        ),
    ),
    "words-contradict-operation": (
        RuleCase(
            volume("Turn the rain up.", Change(id=0, loudness=-30)),
            (
                hq(
                    "words-contradict-operation",
                    1,
                    0,
                    "turn 1, element 0: the request asks for louder, "
                    "but loudness goes from -28.0 to -30.0 LUFS",
                ),
            ),
        ),
        RuleCase(
            volume("The barking is not supposed to be so loud.", Change(id=1, loudness=-14)),
            (
                hq(
                    "words-contradict-operation",
                    1,
                    1,
                    "turn 1, element 1: the request asks for quieter, "
                    "but loudness goes from -18.0 to -14.0 LUFS",
                ),
            ),
        ),
        RuleCase(
            panning("Move the piano to the left.", Change(id=3, panning=0.8)),
            (
                hq(
                    "words-contradict-operation",
                    1,
                    3,
                    "turn 1, element 3: the request asks for left, but panning goes from 0.3 to 0.8",
                ),
            ),
        ),
        RuleCase(
            panning("Bring the dog into the middle.", Change(id=1, panning=-0.9)),
            (
                hq(
                    "words-contradict-operation",
                    1,
                    1,
                    "turn 1, element 1: the request asks for centre, but panning goes from -0.5 to -0.9",
                ),
            ),
        ),
        RuleCase(
            panning("Move the dog a bit.", Change(id=3, panning=0.8)),
            (
                hq(
                    "words-contradict-operation",
                    1,
                    3,
                    "turn 1, element 3: is edited, but the request names element 1 and not this one",
                ),
            ),
        ),
        # More than the user asked for.
        RuleCase(
            dialogue_of(STORY, ("remove", "Lose the dog and the rain.", [Remove(id=1), Remove(id=3)])),
            (
                hq(
                    "words-contradict-operation",
                    1,
                    3,
                    "turn 1, element 3: is edited, but the request names elements 0, 1 and not this one",
                ),
            ),
        ),
        RuleCase(
            dialogue_of(STORY, ("replace", "Swap the dog for a bell.", [Replace(id=3, element=BELL)])),
            (
                hq(
                    "words-contradict-operation",
                    1,
                    3,
                    "turn 1, element 3: is edited, but the request names element 1 and not this one",
                ),
            ),
        ),
        # Each clause counts by itself, and a request that names no sound means those that are edited.
        RuleCase(
            volume(
                "Make the rain quieter and the barking even louder.",
                Change(id=0, loudness=-30),
                Change(id=1, loudness=-22),
            ),
            (
                hq(
                    "words-contradict-operation",
                    1,
                    1,
                    "turn 1, element 1: the request asks for louder, "
                    "but loudness goes from -18.0 to -22.0 LUFS",
                ),
            ),
        ),
        RuleCase(
            dialogue_of(STORY, ("remove", "I want to hear the door close.", [Remove(id=3)])),
            (
                hq(
                    "words-contradict-operation",
                    1,
                    None,
                    "turn 1: the request asks to add a sound, but the task is remove",
                ),
            ),
        ),
        RuleCase(
            dialogue_of(STORY, ("add", "Please remove the barking.", [Add(element=BELL)])),
            (
                hq(
                    "words-contradict-operation",
                    1,
                    None,
                    "turn 1: the request asks to remove a sound, but the task is add",
                ),
            ),
        ),
        RuleCase(
            dialogue_of(STORY, ("add", "Put a church bell on the left.", [Add(element=BELL)])),
            (
                hq(
                    "words-contradict-operation",
                    1,
                    4,
                    "turn 1, element 4: the request asks for left, but the new sound has panning 0.6",
                ),
            ),
        ),
    ),
    "description-free-of-mixing": (
        RuleCase(
            with_turn(dialogue_of(STORY), 0, description="Rain falls. A dog barks on the left side."),
            (
                hq(
                    "description-free-of-mixing",
                    0,
                    None,
                    "turn 0: the description says 'on the left side'; it names no loudness and no panning",
                ),
            ),
        ),
    ),
    "request-free-of-values": (
        RuleCase(
            volume("change slot 0 loudness -20", Change(id=0, loudness=-20)),
            (
                hq(
                    "request-free-of-values",
                    1,
                    None,
                    "turn 1: the request says 'slot 0'; a user knows no slots, captions and values",
                ),
            ),
        ),
        RuleCase(
            panning("Move the dog to the right, by 0.4.", Change(id=1, panning=-0.1)),
            (
                hq(
                    "request-free-of-values",
                    1,
                    None,
                    "turn 1: the request says '0.4'; a user knows no slots, captions and values",
                ),
            ),
        ),
    ),
}
