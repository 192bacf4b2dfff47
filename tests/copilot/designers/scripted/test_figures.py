"""The scripted designer over some 2,500 dialogues: the shipped sentences, each with seven random seeds."""

from collections import Counter
from itertools import pairwise

import pytest

from copilot.designers.scripted import ScriptedDesigner
from copilot.designers.scripted.lexicon_data import load_lexicon
from copilot.designers.scripted.phrasing import Phrasebook
from copilot.dialogue import EDIT_TASKS, Dialogue
from copilot.edit import changed_fields
from copilot.hashing import content_hash
from copilot.masking import (
    GOOD_LEAD_LU,
    LEAST_LEAD_LU,
    list_judged_lines,
    list_lines,
    measure_share,
    predict_lead,
)
from copilot.rules import check_dialogue
from copilot.scene import Scene, SceneLimits
from copilot.seed import Seed
from pipelines.seeds import read_seeds

RUN_SEEDS = range(7)


@pytest.fixture(scope="module")
def drafts() -> list[tuple[Seed, int]]:
    """Each seed with each random seed."""
    seeds = read_seeds("starter", None, 7).seeds
    return [(seed, run_seed) for run_seed in RUN_SEEDS for seed in seeds]


@pytest.fixture(scope="module")
def drawn() -> Counter:
    return Counter()


@pytest.fixture(scope="module")
def dialogues(drafts, drawn) -> list[Dialogue]:
    """All dialogues; the phrasings that were drawn are counted on the way."""
    designer = ScriptedDesigner()
    with pytest.MonkeyPatch.context() as patch:
        draw = Phrasebook.draw

        def counted(book, dice, group, kinds, manner=None):
            phrasing = draw(book, dice, group, kinds, manner)
            drawn[group, phrasing.text] += 1
            return phrasing

        patch.setattr(Phrasebook, "draw", counted)
        return [designer.design(seed, run_seed).dialogue for seed, run_seed in drafts]


def captions(scene: Scene) -> frozenset[str]:
    return frozenset(element.text for element in scene.elements)


def edits(dialogues, task):
    return [
        (before, turn, edit)
        for dialogue in dialogues
        for _, before, turn, edit in dialogue.transitions()
        if turn.task == task
    ]


def test_all_are_clean(dialogues):
    assert len(dialogues) > 2500
    assert Counter(v.rule for d in dialogues for v in check_dialogue(d, SceneLimits())) == {}


def test_speech_lies_above_the_rest(dialogues):
    leads = [lead for d in dialogues for found in [list_judged_lines(d, predict_lead)] for lead in found]
    assert min(lead for _, _, lead in leads) > LEAST_LEAD_LU + 0.5
    stories = sorted(lead for index, _, lead in leads if index == 0)
    assert stories[0] > GOOD_LEAD_LU - 0.1
    assert 9 < stories[len(stories) // 2] < 11.5


def test_loud_sounds_are_heard_when_nobody_speaks(dialogues):
    louder = {True: 0, False: 0}
    for scene in (dialogue.turns[0].scene for dialogue in dialogues):
        lines = list_lines(scene)
        for effect in (e for e in scene.elements if lines and e.role == "effect"):
            covers = any(measure_share(effect, line) > 0 for line in lines)
            louder[covers] += effect.loudness > -18
    assert louder[True] == 0
    assert louder[False] > 300


def test_tasks_are_even(dialogues):
    tasks = Counter(turn.task for dialogue in dialogues for turn in dialogue.turns[1:])
    assert set(tasks) == set(EDIT_TASKS)
    assert all(abs(n / tasks.total() - 1 / 6) < 0.02 for n in tasks.values())


def test_half_speak(dialogues):
    speaking = [any(e.role == "speech" for t in d.turns for e in t.scene.elements) for d in dialogues]
    assert abs(sum(speaking) / len(speaking) - 0.5) < 0.02
    # Who may speak does so from the story on, and who may not never does.
    at_once = [any(e.role == "speech" for e in d.turns[0].scene.elements) for d in dialogues]
    assert at_once == speaking


def test_most_lines_are_the_seeds_own(dialogues):
    stories = [(d.seed_text.lower(), d.turns[0].scene) for d in dialogues]
    lines = [
        (e.text[:-1].lower(), text) for text, scene in stories for e in scene.elements if e.tool == "tts"
    ]
    own = [line in text for line, text in lines if "mr" not in line.split()]
    assert sum(own) / len(own) > 0.8


def test_scenes_are_distinct(dialogues):
    scenes = {
        content_hash([e.model_dump(exclude={"id"}) for e in d.turns[0].scene.elements]) for d in dialogues
    }
    assert len(scenes) == len(dialogues)


def test_no_two_stories_in_a_row_have_the_same_sounds(dialogues):
    stories = [captions(dialogue.turns[0].scene) for dialogue in dialogues]
    assert [i for i in range(1, len(stories)) if stories[i] == stories[i - 1]] == []
    assert len(set(stories)) > 2500


def test_no_phrasing_is_above_six_percent_of_its_task(dialogues, drawn):
    tasks = Counter(turn.task for dialogue in dialogues for turn in dialogue.turns)
    shares = {key: n / tasks[key[0]] for key, n in drawn.items() if key[0] in tasks}
    assert max(shares.values()) < 0.06
    moods = [request for mood in load_lexicon()[0].moods for request in mood.requests]
    asked = Counter(
        next(request for request in moods if request.rstrip(".").lower() in turn.user.lower())
        for _, turn, _ in edits(dialogues, "open")
    )
    assert max(asked.values()) / tasks["open"] < 0.05


def test_settings_are_spread(dialogues):
    place_of = {place: setting.key for setting in load_lexicon()[0].settings for place in setting.places}
    keys = Counter(
        next(key for place, key in place_of.items() if place in dialogue.turns[0].description)
        for dialogue in dialogues
    )
    assert len(keys) == len(load_lexicon()[0].settings)
    assert keys.most_common(1)[0][1] / len(dialogues) < 0.08


def test_nearly_every_caption_is_heard(dialogues):
    heard = {e.text for d in dialogues for t in d.turns for e in t.scene.elements}
    unheard = set(load_lexicon()[0].sounds()) - heard
    assert len(unheard) / len(load_lexicon()[0].sounds()) < 0.05


def test_ids_rise_from_one_and_return_never(dialogues):
    for dialogue in dialogues:
        new = [i for index in range(len(dialogue.turns)) for i in dialogue.edit(index).added]
        assert new == list(range(1, len(new) + 1))


def test_stories_are_laid_out_sensibly(dialogues):
    for dialogue in dialogues:
        scene = dialogue.turns[0].scene
        first = scene.get(1)
        assert first is not None
        assert (first.role, first.start_time, first.duration) == ("ambience", 0, 8)
        others = [e for e in scene.elements if e.role != "ambience"]
        assert 2 <= len(others) <= 6
        assert sum(e.role == "music" for e in others) <= 1


def test_levels_of_the_roles(dialogues):
    ranges = {"ambience": (-30, -24), "music": (-30, -22), "speech": (-14, -12), "effect": (-30, -11)}
    for dialogue in dialogues:
        for element in dialogue.turns[0].scene.elements:
            low, high = ranges[element.role]
            assert low <= element.loudness <= high, element


def test_nobody_talks_over_another_and_everybody_has_time(dialogues):
    for dialogue in dialogues:
        for turn in dialogue.turns:
            lines = sorted((e for e in turn.scene.elements if e.role == "speech"), key=lambda e: e.start_time)
            for line, following in pairwise(lines):
                assert line.end_time <= following.start_time + 1e-6
            for line in lines:
                words = len(line.text.split())
                assert line.duration >= max(words / 2.2, len(line.text) / 13) + 0.49
            assert len({line.speaker for line in lines}) == len(lines)


def test_volume_edits_are_heard(dialogues):
    for before, turn, edit in edits(dialogues, "volume"):
        (changed,) = edit.changed
        step = turn.scene.get(changed).loudness - before.get(changed).loudness
        assert 2.9 <= abs(step) <= 10.1
        assert changed_fields(before, turn.scene, changed) == {"loudness"}


def test_requested_decibels_are_given(dialogues):
    exact = [
        (before, turn, edit)
        for before, turn, edit in edits(dialogues, "volume")
        if " dB" in turn.user or "decibels" in turn.user
    ]
    assert len(exact) > 50
    for before, turn, edit in exact:
        (changed,) = edit.changed
        step = turn.scene.get(changed).loudness - before.get(changed).loudness
        assert f" {abs(step):.0f} d" in turn.user
        assert abs(abs(step) - round(abs(step))) < 1e-6


def test_panning_edits_are_heard(dialogues):
    for before, turn, edit in edits(dialogues, "panning"):
        (changed,) = edit.changed
        assert abs(turn.scene.get(changed).panning - before.get(changed).panning) >= 0.3 - 1e-9
        assert before.get(changed).role != "ambience"


def test_additions_stand_on_the_requested_side(dialogues):
    sides = {" left": -1, " right": 1}
    placed = 0
    for _, turn, edit in edits(dialogues, "add"):
        (added,) = edit.added
        for word, sign in sides.items():
            if f"the{word}" in turn.user.partition('"')[0]:
                placed += 1
                assert turn.scene.get(added).panning * sign >= 0.4
    assert placed > 20


def test_replacements_keep_role_and_place(dialogues):
    for before, turn, edit in edits(dialogues, "replace"):
        (gone,), (new,) = edit.removed, edit.added
        old, young = before.get(gone), turn.scene.get(new)
        assert (old.role, old.start_time, old.panning) == (young.role, young.start_time, young.panning)
        assert old.text != young.text


def test_moods_take_several_operations_of_several_kinds(dialogues):
    for _, turn, edit in edits(dialogues, "open"):
        assert len(turn.operations) >= 2
        assert len({operation.op for operation in turn.operations}) >= 2
        assert len(edit.touched) >= 2


def test_descriptions_name_every_sound(dialogues):
    for dialogue in dialogues[::10]:
        for turn in dialogue.turns:
            for element in turn.scene.elements:
                spoken = element.role == "speech"
                assert (element.speaker if spoken else element.text).lower() in turn.description.lower()


def test_dialogues_do_not_depend_on_their_neighbours(drafts, dialogues):
    designer = ScriptedDesigner()
    for i in (2500, 3, 1111):
        assert designer.design(*drafts[i]).dialogue == dialogues[i]
