import json

import jsonschema
import pytest

from copilot.designers.llm.examples import ExampleBook
from copilot.designers.llm.grammar import GrammarBook
from copilot.designers.llm.replies import Builder, EditReply, StoryReply
from copilot.designers.llm.scales import Scales
from copilot.designers.llm.spread import Spread
from copilot.designers.scripted.dice import Dice
from copilot.dialogue import EDIT_TASKS, Dialogue
from copilot.frozen_model import Range
from copilot.rules import check_dialogue
from copilot.scene import SceneLimits
from copilot.seed import Seed

LIMITS = SceneLimits()
SEEDS = [Seed(f"test/{number}", f"Line {number} of a text") for number in range(60)]


def dice(seed, run_seed=7):
    return Dice("example", run_seed, seed.id)


def draw(seed, n_examples=2, run_seed=7, limits=LIMITS, *, speech=True):
    return ExampleBook(limits, Scales(limits)).draw_stories(dice(seed, run_seed), n_examples, speech=speech)


@pytest.mark.parametrize(
    "limits", [LIMITS, SceneLimits(duration_s=30, loudness_lufs=Range(low=-40, high=-12))]
)
@pytest.mark.parametrize("speech", [True, False])
def test_an_example_is_a_reply_that_the_grammar_allows(limits, speech):
    grammar = GrammarBook(limits).story(speech=speech)
    for seed in SEEDS[:20]:
        for example in draw(seed, limits=limits, speech=speech):
            assert "\n" not in example.text
            assert list(json.loads(example.text)) == list(grammar.schema["properties"])
            jsonschema.validate(json.loads(example.text), grammar.schema)


def test_an_example_makes_a_story_without_faults():
    scales = Scales(LIMITS)
    for seed in SEEDS[:20]:
        for example in draw(seed):
            reply = StoryReply.model_validate_json(example.text)
            turn = Builder(LIMITS, Spread(scales, 7, seed.id, 0)).build_story(reply)
            assert check_dialogue(Dialogue(seed_id=seed.id, seed_text=seed.text, turns=(turn,)), LIMITS) == ()


def test_no_two_seeds_see_the_same_examples():
    book = ExampleBook(LIMITS, Scales(LIMITS))
    texts = [example.text for seed in SEEDS for example in book.draw_stories(dice(seed), 2, speech=False)]
    assert len(set(texts)) == len(texts) == 2 * len(SEEDS)


def test_the_examples_of_a_seed_are_always_the_same():
    assert draw(SEEDS[0]) == draw(SEEDS[0])
    assert draw(SEEDS[0], run_seed=8) != draw(SEEDS[0])


def test_the_examples_of_a_seed_share_no_caption():
    for seed in SEEDS[:20]:
        first, second = draw(seed)
        assert not first.captions & second.captions


def test_speech_is_in_the_first_example_if_the_dialogue_may_have_it():
    for seed in SEEDS[:10]:
        assert any(sound.role == "speech" for sound in draw(seed)[0].reply.sounds)
        for example in draw(seed, speech=False):
            assert all(sound.role != "speech" for sound in example.reply.sounds)


def test_there_are_as_many_examples_as_wanted():
    assert [len(draw(SEEDS[0], n_examples)) for n_examples in range(5)] == [0, 1, 2, 3, 4]


def test_limits_that_the_scripted_designer_cannot_keep_give_no_examples():
    assert draw(SEEDS[0], limits=SceneLimits(n_elements=2)) == ()


@pytest.mark.parametrize("task", EDIT_TASKS)
def test_an_edit_has_examples_of_its_task(task):
    kinds = {"volume": {"change"}, "panning": {"change"}, "open": {"add", "remove", "change", "replace"}}
    book = ExampleBook(LIMITS, Scales(LIMITS))
    for seed in SEEDS[:5]:
        examples = book.draw_edits(task, dice(seed), 2)
        assert len(examples) == 2
        for example in examples:
            reply = EditReply.model_validate_json(example.text)
            assert {operation.op for operation in reply.operations} <= kinds.get(task, {task})
            assert task in {"add", "open"} or reply.operations[0].slot == 0
