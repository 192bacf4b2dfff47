"""The sense of what users ask for, over 2,000 dialogues: each kind of nonsense occurs in none of them."""

import re
from collections import Counter

import pytest

from copilot.designers.contract import DesignerContext
from copilot.designers.scripted import ScriptedDesigner
from copilot.designers.scripted.lexicon import Lexicon, Mood
from copilot.designers.scripted.lexicon_data import load_lexicon
from copilot.designers.scripted.phrasing import Phrasebook
from copilot.designers.scripted.words import find_word_stems
from copilot.dialogue import Dialogue, Turn
from copilot.scene import Element, Scene, SceneLimits, SoundElement
from copilot.text.voices import holds_voices
from pipelines.seeds import read_seeds

N_DIALOGUES = 2000
QUIET_LUFS = SceneLimits().loudness_lufs.low + 3
"""Nothing below it is loud, and it has no room for a step that is heard."""

NO_VOICES = re.compile(
    r"\b(no (human )?voices|no speech|nobody|no one|(without|want|be) any (speech|voices|talking))\b",
    re.IGNORECASE,
)
QUOTED = re.compile(r'"[^"]*"')
COUNTS = re.compile(
    r"\b(once|twice|thrice|times|one|two|three|four|five|six|single|pair|couple|dozens?|\d+)\b", re.IGNORECASE
)


GRAMMAR = """
the a an some any few of that those this it them him her is are does do being by someone somebody something
with and to in on at through over from music left right sound noise
"""


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()[0]


@pytest.fixture(scope="module")
def book() -> Phrasebook:
    return load_lexicon()[1]


@pytest.fixture(scope="module")
def dialogues() -> list[Dialogue]:
    seeds = read_seeds("starter", None, 7).seeds
    pairs = [(seed, run_seed) for run_seed in range(7) for seed in seeds][:N_DIALOGUES]
    designer = ScriptedDesigner(DesignerContext(n_turns=4))
    return [designer.design(seed, run_seed).dialogue for seed, run_seed in pairs]


def find_moods(dialogues: list[Dialogue], lexicon: Lexicon) -> list[tuple[Mood, Scene, Turn]]:
    """Return each open turn with its mood and the scene before it."""
    asked = {request.rstrip(".").lower(): mood for mood in lexicon.moods for request in mood.requests}
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


def test_empty_and_calm_places_have_less_of_what_lives_and_what_runs(dialogues, lexicon):
    traits = {caption: sound.traits for caption, sound in lexicon.sounds().items()}
    found = [f for f in find_moods(dialogues, lexicon) if f[0].key in ("lonely", "abandoned", "peaceful")]
    assert len(found) > 150
    for mood, before, turn in found:
        for element in turn.scene.elements:
            old = before.get(element.id)
            assert mood.key != "peaceful" or old is None or element.loudness <= old.loudness
            if not traits.get(element.text, frozenset()).isdisjoint({"alive", "mechanical"}):
                assert old is not None, (turn.user, element.text)
                assert element.loudness <= max(old.loudness - 3, QUIET_LUFS), (turn.user, element)


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


def find_covered(texts: list[str], lexicon: Lexicon) -> frozenset[str]:
    """Return the stems of the words of texts, and of the words that are declared to be more general."""
    own = find_word_stems(" ".join(texts))
    general = [word for word, special in lexicon.words.general.items() if not own.isdisjoint(special)]
    return own | find_word_stems(" ".join(general))


def name_elements(elements: list[Element]) -> list[str]:
    """Return what may be named of elements: captions, and people with their voices."""
    return [e.text if isinstance(e, SoundElement) else f"{e.speaker}'s voice" for e in elements]


def test_what_a_request_names_is_what_comes_or_changes(dialogues, lexicon, book):
    sounds = lexicon.sounds().values()
    named = {text for s in sounds for text in (s.caption, *s.asks, *(name.text for name in s.names))}
    people = [person for setting in lexicon.settings for person in setting.people]
    phrasings = [phrasing.text for group in book.groups.values() for phrasing in group]
    frame = find_word_stems(" ".join((*phrasings, *book.greetings, *book.leads, *book.tails, GRAMMAR)))
    nouns = find_word_stems(" ".join((*named, *people))) - frame
    n_named = 0
    for dialogue in dialogues:
        for index, before, turn, edit in dialogue.transitions():
            if turn.task == "open":
                continue
            meant = [e for e in turn.scene.elements if e.id in (*edit.added, *edit.changed)]
            meant += [e for e in before.elements if e.id in edit.removed]
            texts = name_elements(meant)
            if index == 0:
                texts += [
                    place
                    for setting in lexicon.settings
                    for place in setting.places
                    if place.lower() in turn.user.lower()
                ]
            words = find_word_stems(QUOTED.sub("", turn.user)) & nouns
            n_named += bool(words)
            assert words <= find_covered(texts, lexicon), (turn.user, texts)
    assert n_named > 3000


def test_no_opener_is_above_two_percent(dialogues):
    requests = [turn.user for dialogue in dialogues for turn in dialogue.turns]
    openers = Counter(
        tuple(re.findall(r"[\w']+", QUOTED.sub("Q", request).lower())[:3]) for request in requests
    )
    assert max(openers.values()) / len(requests) < 0.02
    assert len(set(requests)) / len(requests) > 0.9


def test_no_request_has_a_colon(dialogues):
    requests = [QUOTED.sub("", turn.user) for dialogue in dialogues for turn in dialogue.turns]
    assert [request for request in requests if ":" in request or "[" in request or "{" in request] == []


def test_a_drink_is_no_turpentine(lexicon):
    asks = {sound.caption: sound.asks for sound in lexicon.sounds().values() if sound.tag == "pouring"}
    assert "a drink being poured" in asks["wine being poured"]
    assert "a drink being poured" not in asks["turpentine being poured"]
    assert asks["turpentine being poured"][-1] == "turpentine being poured"


def test_sounds_of_a_story_belong_into_its_place(dialogues, lexicon):
    setting_of = {place: setting for setting in lexicon.settings for place in setting.places}
    sounds = lexicon.sounds()
    for dialogue in dialogues:
        story = dialogue.turns[0]
        setting = next(setting for place, setting in setting_of.items() if f" {place}." in story.description)
        own = {sound.caption for sound in setting.sounds}
        for element in story.scene.elements:
            if isinstance(element, SoundElement) and element.text not in own:
                assert setting.where in sounds[element.text].family.where, (setting.key, element.text)


def test_there_is_one_piece_of_music_at_a_time(dialogues):
    scenes = [turn.scene for dialogue in dialogues for turn in dialogue.turns]
    assert max(sum(element.role == "music" for element in scene.elements) for scene in scenes) == 1


def test_what_was_just_asked_for_is_not_undone(dialogues):
    undone = edits = 0
    for dialogue in dialogues:
        wanted: set[int] = set()
        for index, _, turn, edit in dialogue.transitions():
            if index and turn.task in ("remove", "replace"):
                edits += 1
                undone += not wanted.isdisjoint(edit.removed)
            wanted = set(edit.added) if turn.task == "add" else set()
    assert undone / edits < 0.02
