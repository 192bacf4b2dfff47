"""For each rule, dialogues that break it, and all violations that they have then."""

from __future__ import annotations

from dataclasses import dataclass

from examples import (
    BELL,
    DOG,
    LIMITS,
    LINE,
    PIANO,
    RAIN,
    STORY,
    but,
    dialogue_of,
    good_dialogue,
    story_of,
    with_turn,
)

from copilot.dialogue import Dialogue, StatedEdit
from copilot.edit import Add, Change, Remove, Replace
from copilot.rules import Violation
from copilot.scene import Scene, SceneLimits


@dataclass(frozen=True)
class RuleCase:
    """A dialogue, its limits, and what is found in it."""

    dialogue: Dialogue
    violations: tuple[Violation, ...]
    limits: SceneLimits = LIMITS


def fatal(rule: str, turn: int | None, element_id: int | None, message: str) -> Violation:
    return Violation(rule, "fatal", turn, element_id, message)


def hq(rule: str, turn: int | None, element_id: int | None, message: str) -> Violation:
    return Violation(rule, "hq", turn, element_id, message)


def volume(user: str, *changes: Change) -> Dialogue:
    return dialogue_of(STORY, ("volume", user, changes))


def panning(user: str, *changes: Change) -> Dialogue:
    return dialogue_of(STORY, ("panning", user, changes))


GOOD = good_dialogue()

CASES: dict[str, tuple[RuleCase, ...]] = {
    "story-first": (
        RuleCase(
            with_turn(dialogue_of(STORY), 0, task="add"),
            (fatal("story-first", 0, None, "turn 0: the task is add; the first turn is a story"),),
        ),
        RuleCase(
            dialogue_of(STORY, ("story", "And a bell.", [Add(element=BELL)])),
            (fatal("story-first", 1, None, "turn 1: the task is story; only the first turn is a story"),),
        ),
    ),
    "turn-count": (
        RuleCase(
            GOOD,
            (fatal("turn-count", None, None, "dialogue: 5 turns; at most 4 are allowed"),),
            SceneLimits(n_turns=4),
        ),
    ),
    "element-count": (
        RuleCase(
            dialogue_of(STORY),
            (fatal("element-count", 0, None, "turn 0: 4 elements; at most 3 are allowed"),),
            SceneLimits(n_elements=3),
        ),
    ),
    "id-used-again": (
        RuleCase(
            dialogue_of(
                STORY,
                ("remove", "No dog, please.", [Remove(id=1)]),
                ("add", "A bell would be nice.", [Add(element=but(BELL, id=1))]),
            ),
            (
                fatal(
                    "id-used-again",
                    2,
                    1,
                    "turn 2, element 1: a new sound has an id that was used before; "
                    "an id names one sound for the whole dialogue",
                ),
            ),
        ),
        # A sound that comes and goes within one turn has used its id as well.
        RuleCase(
            dialogue_of(
                STORY,
                ("open", "Surprise me.", [Add(element=BELL), Remove(id=4), Remove(id=3)]),
                ("add", "A bell would be nice.", [Add(element=BELL)]),
            ),
            (
                fatal(
                    "id-used-again",
                    2,
                    4,
                    "turn 2, element 4: a new sound has an id that was used before; "
                    "an id names one sound for the whole dialogue",
                ),
            ),
        ),
    ),
    "id-names-another-sound": (
        RuleCase(
            with_turn(
                dialogue_of(STORY, ("replace", "Another dog.", ())),
                1,
                scene=Scene(elements=(RAIN, but(DOG, text="a wolf howling"), LINE, PIANO)),
            ),
            (
                fatal(
                    "id-names-another-sound",
                    1,
                    1,
                    "turn 1, element 1: names another sound than in the turn before; "
                    "replace the sound under a new id",
                ),
            ),
        ),
    ),
    "operations-make-scene": (
        RuleCase(
            with_turn(volume("Turn the rain up.", Change(id=0, loudness=-25)), 1, operations=(Remove(id=9),)),
            (
                fatal(
                    "operations-make-scene",
                    1,
                    None,
                    "turn 1: the operations do not fit the scene before: "
                    "remove: there is no sound 9; alive are [0, 1, 2, 3]",
                ),
                fatal(
                    "task-fits-operations",
                    1,
                    None,
                    "turn 1: task volume has an operation remove; allowed is change",
                ),
            ),
        ),
        RuleCase(
            with_turn(
                volume("Turn the rain up.", Change(id=0, loudness=-25)),
                1,
                operations=(Change(id=0, loudness=3),),
            ),
            (
                fatal(
                    "operations-make-scene",
                    1,
                    None,
                    "turn 1: the operations make no valid element: "
                    "loudness: input should be less than or equal to 0, not 3.0",
                ),
            ),
        ),
        RuleCase(
            with_turn(
                volume("Turn the rain up.", Change(id=0, loudness=-25)),
                1,
                operations=(Change(id=0, loudness=-24), Change(id=3, loudness=-20)),
            ),
            (
                fatal(
                    "operations-make-scene",
                    1,
                    None,
                    "turn 1: the operations make another scene than the one stated; elements [0, 3] differ",
                ),
            ),
        ),
    ),
    "speaker-gender": (
        RuleCase(
            dialogue_of(
                STORY,
                ("replace", "Let a man speak.", [Replace(id=2, element=but(LINE, id=4, gender="male"))]),
            ),
            (
                fatal(
                    "speaker-gender",
                    1,
                    4,
                    "turn 1, element 4: speaker 'Anna' is male here and female before; "
                    "another gender is another speaker",
                ),
            ),
        ),
    ),
    "ambience-missing": (
        RuleCase(
            story_of(DOG, PIANO),
            (
                fatal(
                    "ambience-missing", 0, None, "turn 0: the scene has no ambience; at least one is needed"
                ),
            ),
        ),
    ),
    "ambience-centred": (
        # All of several have to be centred.
        RuleCase(
            story_of(RAIN, but(RAIN, id=1, text="wind in the trees", panning=-0.2)),
            (
                fatal(
                    "ambience-centred",
                    0,
                    1,
                    "turn 0, element 1: an ambience with panning -0.2; allowed is -0.1 to 0.1",
                ),
            ),
        ),
    ),
    "ambience-from-zero": (
        RuleCase(
            story_of(but(RAIN, start_time=0.5, duration=7.5), DOG),
            (
                fatal(
                    "ambience-from-zero",
                    0,
                    None,
                    "turn 0: the first ambience starts at 0.5 s; one has to start at 0 s",
                ),
            ),
        ),
    ),
    "ambience-outlasted": (
        # Of several that start at zero the longest counts; one that starts later does not.
        RuleCase(
            story_of(
                but(RAIN, duration=4),
                but(RAIN, id=1, text="wind in the trees", duration=6),
                but(RAIN, id=2, text="distant sea", start_time=1, duration=7),
                but(PIANO, start_time=0.5),
            ),
            (
                fatal(
                    "ambience-outlasted",
                    0,
                    2,
                    "turn 0, element 2: ends at 8 s, after the ambience 1, which ends at 6 s "
                    "and has to be the last",
                ),
                fatal(
                    "ambience-outlasted",
                    0,
                    3,
                    "turn 0, element 3: ends at 6.5 s, after the ambience 1, which ends at 6 s "
                    "and has to be the last",
                ),
            ),
        ),
    ),
    "loudness-range": (
        RuleCase(
            story_of(RAIN, but(DOG, loudness=-9.5)),
            (
                fatal(
                    "loudness-range",
                    0,
                    1,
                    "turn 0, element 1: loudness is -9.5 LUFS; allowed is -30 to -10 LUFS",
                ),
            ),
        ),
    ),
    "panning-range": (
        RuleCase(
            story_of(RAIN, DOG),
            (fatal("panning-range", 0, 1, "turn 0, element 1: panning is -0.5; allowed is -0.4 to 0.4"),),
            SceneLimits.model_validate({"panning": {"low": -0.4, "high": 0.4}}),
        ),
    ),
    "start-time-range": (
        RuleCase(
            story_of(RAIN, but(DOG, start_time=4.5)),
            (fatal("start-time-range", 0, 1, "turn 0, element 1: start_time is 4.5 s; allowed is 0 to 4 s"),),
        ),
    ),
    "duration-range": (
        RuleCase(
            story_of(RAIN, but(DOG, duration=0.1)),
            (fatal("duration-range", 0, 1, "turn 0, element 1: duration is 0.1 s; allowed is 0.2 to 8 s"),),
        ),
    ),
    "end-in-scene": (
        RuleCase(
            story_of(RAIN, DOG),
            (fatal("end-in-scene", 0, 0, "turn 0, element 0: ends at 8 s; the scene ends at 7.5 s"),),
            SceneLimits(duration_s=7.5),
        ),
    ),
    "text-empty": (
        RuleCase(
            with_turn(
                story_of(RAIN, but(DOG, text=" "), but(LINE, speaker="-")), 0, user="...", description=""
            ),
            (
                fatal("text-empty", 0, None, "turn 0: user is '...'; at least one letter or digit is needed"),
                fatal(
                    "text-empty", 0, None, "turn 0: description is ''; at least one letter or digit is needed"
                ),
                fatal(
                    "text-empty",
                    0,
                    1,
                    "turn 0, element 1: text is ' '; at least one letter or digit is needed",
                ),
                fatal(
                    "text-empty",
                    0,
                    2,
                    "turn 0, element 2: speaker is '-'; at least one letter or digit is needed",
                ),
            ),
        ),
    ),
    "text-too-long": (
        RuleCase(
            with_turn(
                story_of(RAIN, but(DOG, text="x" * 301), but(LINE, speaker="y" * 302)),
                0,
                user="z" * 601,
                description="w" * 1201,
            ),
            (
                fatal("text-too-long", 0, None, "turn 0: user has 601 characters; at most 600 are allowed"),
                fatal(
                    "text-too-long",
                    0,
                    None,
                    "turn 0: description has 1201 characters; at most 1200 are allowed",
                ),
                fatal(
                    "text-too-long",
                    0,
                    1,
                    "turn 0, element 1: text has 301 characters; at most 300 are allowed",
                ),
                fatal(
                    "text-too-long",
                    0,
                    2,
                    "turn 0, element 2: speaker has 302 characters; at most 300 are allowed",
                ),
            ),
        ),
    ),
    "text-control-characters": (
        RuleCase(
            with_turn(
                story_of(RAIN, but(DOG, text="a dog\x00")), 0, user="Two\nlines", description="abc\u202ed"
            ),
            (
                fatal(
                    "text-control-characters",
                    0,
                    None,
                    "turn 0: user has U+000A at character 3; no control characters are allowed",
                ),
                fatal(
                    "text-control-characters",
                    0,
                    None,
                    "turn 0: description has U+202E at character 3; no control characters are allowed",
                ),
                fatal(
                    "text-control-characters",
                    0,
                    1,
                    "turn 0, element 1: text has U+0000 at character 5; no control characters are allowed",
                ),
            ),
        ),
    ),
    "speech-too-fast": (
        RuleCase(
            story_of(RAIN, but(LINE, duration=0.9)),
            (
                fatal(
                    "speech-too-fast",
                    0,
                    2,
                    "turn 0, element 2: 5.56 words a second over 0.9 s; at most 5 can be spoken",
                ),
            ),
        ),
    ),
    "speech-too-slow": (
        RuleCase(
            story_of(RAIN, but(LINE, text="Hush!", duration=4)),
            (
                hq(
                    "speech-too-slow",
                    0,
                    2,
                    "turn 0, element 2: 0.25 words a second over 4 s; below 0.5 sounds stretched",
                ),
            ),
        ),
    ),
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
            panning("Bring the dog into the middle.", Change(id=1, panning=-0.7)),
            (
                hq(
                    "words-contradict-operation",
                    1,
                    1,
                    "turn 1, element 1: the request asks for centre, but panning goes from -0.5 to -0.7",
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
}
