import json

import pytest

from copilot.designers.llm.exchange import Reply
from copilot.designers.llm.forms import FormBook
from copilot.designers.llm.judge import CHECKS, GRAMMAR, judge_turns, report_no_verdict
from copilot.designers.llm.log import Log
from copilot.designers.llm.settings import LlmSettings
from copilot.dialogue import Dialogue, Turn
from copilot.edit import Add, Change, Remove, Replace, apply
from copilot.scene import Scene, SceneLimits, SoundElement

BOOK = FormBook(SceneLimits(), 2, LlmSettings(model="m"))


def sound(number, text, role="effect"):
    fields = {"loudness": -20, "panning": 0, "start_time": 0, "duration": 8}
    return SoundElement(id=number, role=role, text=text, **fields)


def dialogue(task, *operations):
    story = Scene(elements=(sound(0, "rain", "ambience"), sound(1, "a bell"), sound(2, "a dog")))
    turns = (
        Turn(
            task="story",
            user="a yard",
            description="d",
            operations=tuple(Add(element=element) for element in story.elements),
            scene=story,
        ),
        Turn(
            task=task,
            user="give me the bell louder",
            description="d",
            operations=operations,
            scene=apply(story, operations),
        ),
    )
    return Dialogue(seed_id="s", seed_text="t", turns=turns)


LOUDER = dialogue("volume", Change(id=1, loudness=-12))


def answer(*, names=True, does=True, leaves=False):
    content = {"names_edited_sound": names, "does_what_was_asked": does, "leaves_something_undone": leaves}
    return json.dumps(content)


def judge(case, *texts):
    asks, log, queue = [], Log(), list(texts)
    steps = judge_turns(case, BOOK, log)
    try:
        ask = next(steps)
        while True:
            asks.append(ask)
            ask = steps.send(Reply(queue.pop(0), "stop", generated_tokens=5))
    except StopIteration as done:
        return asks, {check.name: (check.value, check.passed) for check in done.value}, log


def test_the_judge_sees_the_request_the_scenes_and_what_was_done():
    asks, checks, log = judge(LOUDER, answer())
    assert checks == dict.fromkeys(CHECKS, (0.0, True))
    assert len(asks) == 1
    assert asks[0].grammar is GRAMMAR
    (message,) = asks[0].messages
    assert "give me the bell louder" in message.content
    assert "changed the effect 'a bell': loudness from -20.0 to -12.0" in message.content
    assert "loudness -20, panning 0" in message.content
    assert "loudness -12, panning 0" in message.content
    assert (log.usage(0).requests, log.usage(0).generated_tokens) == (1, 5)
    assert log.replies == (answer(),)


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        (answer(names=False), "judge/sound-not-named"),
        (answer(does=False), "judge/not-what-was-asked"),
        (answer(leaves=True), "judge/something-left-undone"),
    ],
)
def test_each_verdict_is_a_check_of_its_own(text, failed):
    _, checks, _ = judge(LOUDER, text)
    assert {name for name, (_, passed) in checks.items() if not passed} == {failed}
    assert checks[failed] == (1.0, False)


def test_an_open_request_need_not_name_a_sound():
    _, checks, _ = judge(dialogue("open", Change(id=1, loudness=-12)), answer(names=False))
    assert all(passed for _, passed in checks.values())


def test_the_other_operations_are_told_in_words():
    asks, _, _ = judge(
        dialogue(
            "open", Remove(id=1), Replace(id=2, element=sound(3, "a cat")), Add(element=sound(4, "wind"))
        ),
        answer(),
    )
    for told in ("removed the effect 'a bell'", "replaced the effect 'a dog' by the effect 'a cat'"):
        assert told in asks[0].messages[0].content
    assert "added the effect 'wind'" in asks[0].messages[0].content


def test_without_a_verdict_after_three_tries_the_turn_has_none():
    asks, checks, _ = judge(LOUDER, "well", "{}", answer().replace("true", "1"))
    assert len(asks) == 3
    assert {name for name, (_, passed) in checks.items() if not passed} == {"judge/no-verdict"}
    assert {check.name: check.value for check in report_no_verdict(LOUDER)} == {
        name: value for name, (value, _) in checks.items()
    }
