"""Dialogues whose numbers, texts or speech break a rule."""

from __future__ import annotations

from copilot.edit import Add, Change, Remove
from copilot.scene import SceneLimits
from helpers.examples import BELL, DOG, LINE, PIANO, RAIN, STORY, but, dialogue_of, story_of, with_turn
from helpers.rule_case import RuleCase, fatal, hq

CASES: dict[str, tuple[RuleCase, ...]] = {
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
        # A fault that an edit makes is reported in that turn, and not again in the next.
        RuleCase(
            dialogue_of(
                STORY,
                ("volume", "Turn the dog up.", [Change(id=1, loudness=-9)]),
                ("remove", "No piano.", [Remove(id=3)]),
            ),
            (
                fatal(
                    "loudness-range",
                    1,
                    1,
                    "turn 1, element 1: loudness is -9.0 LUFS; allowed is -30 to -10 LUFS",
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
        # Nothing to say is no slow speech.
        RuleCase(
            story_of(RAIN, but(LINE, text="?!")),
            (
                fatal(
                    "text-empty",
                    0,
                    2,
                    "turn 0, element 2: text is '?!'; at least one letter or digit is needed",
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
    "speech-masked": (
        RuleCase(
            story_of(RAIN, but(DOG, loudness=-13, duration=3), but(PIANO, loudness=-14), LINE),
            (
                hq(
                    "speech-masked",
                    0,
                    2,
                    "turn 0, element 2: while it is spoken, all other sounds together lie 0.6 LU above it; "
                    "expected are 5 LU below it or more: "
                    "lower elements 1, 3 to -23 LUFS, or place them before or after the line",
                ),
            ),
        ),
        # The dog is new, and alone to be lowered; what it covers later is another matter.
        RuleCase(
            dialogue_of(
                ("story", "Someone waits.", [Add(element=e) for e in (RAIN, but(PIANO, loudness=-20), LINE)]),
                ("add", "Let a dog bark.", [Add(element=but(DOG, start_time=2, loudness=-12))]),
                ("add", "A bell, please.", [Add(element=but(BELL, loudness=-30))]),
            ),
            (
                hq(
                    "speech-masked",
                    1,
                    2,
                    "turn 1, element 2: while it is spoken, all other sounds together lie 0.3 LU below it; "
                    "expected are 5 LU below it or more: "
                    "lower element 1 to -23 LUFS, or place it before or after the line",
                ),
            ),
        ),
        # A new line over what the user made loud; another one for which even that is not enough.
        RuleCase(
            dialogue_of(
                ("story", "Rain falls.", [Add(element=but(RAIN, loudness=-28))]),
                ("volume", "Turn the rain up a lot.", [Change(id=0, loudness=-19)]),
                ("add", "Somebody calls.", [Add(element=but(LINE, loudness=-15))]),
            ),
            (
                hq(
                    "speech-masked",
                    2,
                    2,
                    "turn 2, element 2: while it is spoken, all other sounds together lie 4.0 LU below it; "
                    "expected are 5 LU below it or more: give it -12 LUFS",
                ),
            ),
        ),
        RuleCase(
            dialogue_of(
                ("story", "Rain falls.", [Add(element=but(RAIN, loudness=-28))]),
                ("volume", "Turn the rain up a lot.", [Change(id=0, loudness=-10)]),
                ("add", "Somebody calls.", [Add(element=but(LINE, loudness=-15))]),
            ),
            (
                hq(
                    "speech-masked",
                    2,
                    2,
                    "turn 2, element 2: while it is spoken, all other sounds together lie 5.0 LU above it; "
                    "expected are 5 LU below it or more: let it be heard at another time",
                ),
            ),
        ),
    ),
}
