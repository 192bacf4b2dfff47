"""The sense of what users ask for, over 2,000 dialogues: each kind of nonsense occurs in none of them."""

import re

import pytest

from copilot.designers.contract import DesignerContext
from copilot.designers.scripted import ScriptedDesigner
from copilot.designers.scripted.lexicon import Lexicon, Mood
from copilot.designers.scripted.lexicon_data import load_lexicon
from copilot.dialogue import Dialogue, Turn
from copilot.scene import Element, Scene, SceneLimits, SoundElement
from copilot.text.voices import holds_voices
from pipelines.seeds import read_seeds

N_DIALOGUES = 2000
QUIET_LUFS = SceneLimits().loudness_lufs.low + 3
"""Nothing below it is loud, and it has no room for a step that is heard."""

NO_VOICES = re.compile(
    r"\b(no voices|nobody|no one|no dialogue|without any speech|no talking)\b", re.IGNORECASE
)
QUOTED = re.compile(r'"[^"]*"')
COUNTS = re.compile(
    r"\b(once|twice|thrice|times|one|two|three|four|five|six|single|pair|couple|dozens?|\d+)\b", re.IGNORECASE
)


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()[0]


@pytest.fixture(scope="module")
def dialogues() -> list[Dialogue]:
    seeds = read_seeds("starter", None, 7).seeds
    pairs = [(seed, run_seed) for run_seed in range(7) for seed in seeds][:N_DIALOGUES]
    designer = ScriptedDesigner(DesignerContext(n_turns=4))
    return [designer.design(seed, run_seed).dialogue for seed, run_seed in pairs]


def find_moods(dialogues: list[Dialogue], lexicon: Lexicon) -> list[tuple[Mood, Scene, Turn]]:
    """Return each open turn with its mood and the scene before it."""
    asked = {request.lower(): mood for mood in lexicon.moods for request in mood.requests}
    return [
        (next(mood for request, mood in asked.items() if request in turn.user.lower()), before, turn)
        for dialogue in dialogues
        for _, before, turn, _ in dialogue.transitions()
        if turn.task == "open"
    ]


def is_against(element: Element, mood: Mood, lexicon: Lexicon) -> bool:
    if not isinstance(element, SoundElement):
        return "speech" in mood.drop
    sound = lexicon.sounds()[element.text]
    return not {sound.tag, sound.role, *sound.traits}.isdisjoint(mood.drop)


def test_moods_act_in_their_direction(dialogues, lexicon):
    found = find_moods(dialogues, lexicon)
    assert len(found) > 800
    for mood, before, turn in found:
        for element in turn.scene.elements:
            if not is_against(element, mood, lexicon):
                continue
            old = before.get(element.id)
            assert old is not None, (turn.user, element.text)
            assert element.loudness <= max(old.loudness - 3, QUIET_LUFS), (turn.user, element)
            assert element.loudness <= old.loudness, (turn.user, element)


@pytest.mark.parametrize("key", ["lonely", "abandoned"])
def test_empty_places_lose_what_lives_and_what_runs(lexicon, key):
    mood = next(mood for mood in lexicon.moods if mood.key == key)
    assert {"alive", "mechanical"} <= set(mood.drop)
    for tag in ("crowd", "dog", "birdsong", "footsteps_stone", "traffic", "engine", "radio_static", "choir"):
        assert all(mood.opposes(sound.kinds) for sound in lexicon.anywhere[tag])


def test_calm_makes_nothing_louder(dialogues, lexicon):
    for mood, before, turn in find_moods(dialogues, lexicon):
        if mood.key == "peaceful":
            for element in turn.scene.elements:
                old = before.get(element.id)
                assert old is None or element.loudness <= old.loudness


def test_nobody_talks_means_no_voices_at_all(dialogues, lexicon):
    silent = [d for d in dialogues if NO_VOICES.search(QUOTED.sub("", d.turns[0].user))]
    assert len(silent) > 300
    for dialogue in silent:
        for element in dialogue.elements():
            assert element.role != "speech"
            assert not holds_voices(element.text), (dialogue.turns[0].user, element.text)
            assert "voices" not in lexicon.sounds()[element.text].traits, element.text


def test_the_lexicon_says_which_captions_hold_voices(lexicon):
    voiced = {sound.caption for sound in lexicon.sounds().values() if "voices" in sound.traits}
    tags = {"crowd", "cheer", "laughter", "whisper_crowd", "children_playing", "choir", "radio_static"}
    of_families = {sound.caption for sound in lexicon.sounds().values() if sound.tag in tags}
    assert voiced == of_families | {"a cheerful jazz combo from a kitchen radio"}
    assert {caption for caption in lexicon.sounds() if holds_voices(caption)} <= voiced


def test_captions_do_not_count(lexicon):
    assert [caption for caption in lexicon.sounds() if COUNTS.search(caption)] == []
