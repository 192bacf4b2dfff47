"""Dialogues whose frame or ambience breaks a rule."""

from __future__ import annotations

from copilot.edit import Add, Change, Remove, Replace
from copilot.scene import Scene, SceneLimits
from helpers.examples import (
    BELL,
    DOG,
    LINE,
    PIANO,
    RAIN,
    STORY,
    but,
    dialogue_of,
    good_dialogue,
    story_of,
    volume,
    with_turn,
)
from helpers.rule_case import RuleCase, fatal

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
            good_dialogue(),
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
                fatal(
                    "operation-does-nothing",
                    1,
                    4,
                    "turn 1, element 4: is the subject of two operations; one has to say it all",
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
                operations=(Change.model_construct(id=0, loudness=3.0),),
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
        # Without an ambience from zero the ground is the one that there is.
        RuleCase(
            story_of(but(RAIN, start_time=0.5, duration=5), PIANO),
            (
                fatal(
                    "ambience-from-zero",
                    0,
                    None,
                    "turn 0: the first ambience starts at 0.5 s; one has to start at 0 s",
                ),
                fatal(
                    "ambience-outlasted",
                    0,
                    3,
                    "turn 0, element 3: ends at 6.5 s, after the ambience 0, which ends at 5.5 s "
                    "and has to be the last",
                ),
            ),
        ),
    ),
}
