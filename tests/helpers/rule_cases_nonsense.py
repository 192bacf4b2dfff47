"""Dialogues with texts that no person would write."""

from __future__ import annotations

from copilot.edit import Add, Change
from helpers.examples import BELL, DOG, LINE, RAIN, STORY, but, dialogue_of, story_of, with_turn
from helpers.rule_case import RuleCase, fatal, hq

_OTHER_SCRIPT = "has letters of another script (cjk); use Latin letters"

CASES: dict[str, tuple[RuleCase, ...]] = {
    "text-glued": (
        RuleCase(
            with_turn(
                story_of(RAIN, but(DOG, text="the kind of.soundthatmakesyoufeelunsafe.")),
                0,
                user="The wind whispersSoftlyintheWind, please.",
            ),
            (
                fatal(
                    "text-glued",
                    0,
                    None,
                    "turn 0: user has 'whispersSoftlyintheWind,'; words have spaces between them",
                ),
                fatal(
                    "text-glued",
                    0,
                    1,
                    "turn 0, element 1: text has 'of.soundthatmakesyoufeelunsafe.'; "
                    "words have spaces between them",
                ),
            ),
        ),
    ),
    "text-foreign-script": (
        RuleCase(
            story_of(RAIN, but(DOG, text="a dog \u53eb")),
            (fatal("text-foreign-script", 0, 1, f"turn 0, element 1: text {_OTHER_SCRIPT}"),),
        ),
    ),
    "text-loops": (
        RuleCase(
            with_turn(
                story_of(RAIN, but(DOG, text="I'd.I'd,I'd bark")), 0, description="The smallfan's's's's hums."
            ),
            (
                hq("text-loops", 0, None, 'turn 0: description says "\'s" again and again; say it once'),
                hq("text-loops", 0, 1, 'turn 0, element 1: text says "I\'d" again and again; say it once'),
            ),
        ),
        RuleCase(
            with_turn(
                story_of(RAIN), 0, description="A chair falls over. A chair falls over. A chair falls over."
            ),
            (
                hq(
                    "text-loops",
                    0,
                    None,
                    "turn 0: description says 'A chair falls over' again and again; say it once",
                ),
            ),
        ),
    ),
    "text-says-nothing": (
        RuleCase(
            with_turn(
                story_of(RAIN, but(DOG, text="caption"), but(DOG, id=2, text="effect or music")),
                0,
                user="the_",
                description="the whole soundscape",
            ),
            (
                fatal(
                    "text-says-nothing",
                    0,
                    None,
                    "turn 0: user is 'the_', which says nothing; say it in words of its own",
                ),
                fatal(
                    "text-says-nothing",
                    0,
                    None,
                    "turn 0: description is 'the whole soundscape', which says nothing; "
                    "say it in words of its own",
                ),
                fatal(
                    "text-says-nothing",
                    0,
                    1,
                    "turn 0, element 1: text is 'caption', which says nothing; say what is heard",
                ),
                fatal(
                    "text-says-nothing",
                    0,
                    2,
                    "turn 0, element 2: text is 'effect or music', which says nothing; say what is heard",
                ),
            ),
        ),
    ),
    "caption-repeated": (
        # Reported for the new sound, and not again when something else of it changes.
        RuleCase(
            dialogue_of(
                STORY,
                ("add", "One more dog.", [Add(element=but(DOG, id=5, text="The dog, barking"))]),
                ("volume", "Turn the dogs down.", [Change(id=5, loudness=-20), Change(id=1, loudness=-20)]),
            ),
            (
                fatal(
                    "caption-repeated",
                    1,
                    5,
                    "turn 1, element 5: text is that of element 1, 'a dog barking'; "
                    "every sound has a caption of its own",
                ),
            ),
        ),
    ),
    "request-repeated": (
        RuleCase(
            dialogue_of(
                STORY,
                ("volume", "Turn the rain up.", [Change(id=0, loudness=-25)]),
                ("volume", "turn the rain up", [Change(id=0, loudness=-22)]),
            ),
            (
                fatal(
                    "request-repeated",
                    2,
                    None,
                    "turn 2: user is the request of the turn before; the user asks for something new",
                ),
            ),
        ),
    ),
    "description-copied": (
        RuleCase(
            with_turn(story_of(RAIN, DOG), 0, description="SOMEONE WAITS FOR A VISITOR"),
            (
                fatal(
                    "description-copied",
                    0,
                    None,
                    "turn 0: description is the request; it tells what is heard",
                ),
            ),
        ),
        RuleCase(
            with_turn(story_of(RAIN, DOG), 0, description="Waiting"),
            (
                fatal(
                    "description-copied", 0, None, "turn 0: description is the seed; it tells what is heard"
                ),
            ),
        ),
        RuleCase(
            with_turn(
                dialogue_of(STORY, ("add", "Ring a bell.", [Add(element=BELL)])),
                1,
                description="Rain falls on a quiet house while somebody waits.",
            ),
            (
                fatal(
                    "description-copied",
                    1,
                    None,
                    "turn 1: description is that of the turn before, but sounds came or went",
                ),
            ),
        ),
    ),
    "seed-quoted": (
        RuleCase(
            story_of(RAIN, but(DOG, text="he moved uneasily and his dog barks")).model_copy(
                update={"seed_text": "HE MOVED UNEASILY AND HIS CHAIR CREAKED"}
            ),
            (
                hq(
                    "seed-quoted",
                    0,
                    1,
                    "turn 0, element 1: text quotes the seed ('he moved uneasily and his'); "
                    "say it in words of its own",
                ),
            ),
        ),
        # In quotation marks a request may cite it.
        RuleCase(
            dialogue_of(
                (
                    "story",
                    'Here is my text: "He moved uneasily and his chair creaked".',
                    [Add(element=RAIN), Add(element=DOG)],
                ),
                ("volume", "He moved uneasily and his dog: up.", [Change(id=1, loudness=-14)]),
            ).model_copy(update={"seed_text": "HE MOVED UNEASILY AND HIS CHAIR CREAKED"}),
            (
                hq(
                    "seed-quoted",
                    1,
                    None,
                    "turn 1: user quotes the seed ('he moved uneasily and his'); say it in words of its own",
                ),
            ),
        ),
    ),
    "voices-unwanted": (
        RuleCase(
            dialogue_of(
                ("story", "A rainy street where nobody talks.", [Add(element=RAIN), Add(element=DOG)]),
                ("add", "Bring in the church.", [Add(element=but(BELL, text="a choir singing"))]),
                ("add", "Let Anna say something.", [Add(element=LINE)]),
            ),
            (
                hq(
                    "voices-unwanted",
                    1,
                    4,
                    "turn 1, element 4: 'a choir singing' has voices, and the user wants none; "
                    "choose a sound without people",
                ),
            ),
        ),
    ),
}
