"""The lexicon and the phrasings as shipped: enough of everything, and names that mean one sound."""

import re

import pytest

from copilot.designers.contract import DesignerContext
from copilot.designers.scripted import ScriptedDesigner
from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.draft import get_naming, make_speaker_naming
from copilot.designers.scripted.lexicon import Lexicon
from copilot.designers.scripted.lexicon_data import load_lexicon
from copilot.designers.scripted.manners import expand
from copilot.designers.scripted.phrasing import Phrasebook, fill, join_list, make_name_slots
from copilot.rules.request_targets import find_targets
from copilot.rules.requests import read_level, read_side, read_wish
from copilot.scene import Scene, SceneLimits, SoundElement
from copilot.seed import Seed

MIXING = re.compile(r"\b(left|right|loud|quiet|soft|faint|volume|centre|center|middle|background)\w*")


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()[0]


@pytest.fixture(scope="module")
def designer() -> ScriptedDesigner:
    return ScriptedDesigner()


@pytest.fixture(scope="module")
def book() -> Phrasebook:
    return load_lexicon()[1]


def test_there_is_enough_of_everything(lexicon):
    assert len(lexicon.settings) >= 50
    assert len(lexicon.sounds()) >= 800
    assert len(lexicon.families) >= 140
    assert len(lexicon.moods) >= 15
    for setting in lexicon.settings:
        assert len(setting.ambiences) >= 2, setting.key
        assert len(setting.effects) >= 6, setting.key
        assert len(setting.music) >= 2, setting.key


def test_every_setting_suits_several_moods(lexicon):
    few = {s.key for s in lexicon.settings if sum(mood.suits(s) for mood in lexicon.moods) < 8}
    assert few == set()


def test_every_mood_brings_something_wherever_it_suits(lexicon):
    bare = {
        (mood.key, where)
        for mood in lexicon.moods
        for where in mood.where
        if not any(where in sound.family.where for sound in mood.bring)
    }
    assert bare == set()


def test_captions_are_distinct_short_and_free_of_mixing(lexicon):
    captions = [s.caption for setting in lexicon.settings for s in setting.sounds]
    captions += [s.caption for mood in lexicon.moods for s in mood.bring + mood.music]
    captions += [s.caption for sounds in lexicon.anywhere.values() for s in sounds]
    assert len(captions) == len(set(captions))
    assert [c for c in captions if MIXING.search(c) or "," in c or not 8 <= len(c) <= 80] == []


def test_sounds_of_a_setting_are_told_apart_by_name(lexicon):
    """Most of a setting fits into one scene together; a few share a word and never meet."""
    for setting in lexicon.settings:
        for sound in setting.effects:
            clashing = [s for s in setting.effects if s is not sound and s.naming.clashes(sound.naming)]
            assert len(clashing) <= 2, (setting.key, sound.caption)


def test_speakers_are_told_apart_by_name(lexicon):
    for setting in lexicon.settings:
        first, second = map(make_speaker_naming, list(setting.people)[:2])
        assert not (first.names - {"voic"}) & second.names, setting.key


def test_music_is_also_called_the_music(lexicon):
    first, second = lexicon.settings[0].music
    assert get_naming(first).clashes(get_naming(second))


def test_every_task_has_enough_phrasings(book, lexicon):
    counts = {
        task: len(book.groups[task]) for task in ("story", "add", "remove", "volume", "panning", "replace")
    }
    assert min(counts.values()) >= 30
    assert sum(len(mood.requests) for mood in lexicon.moods) >= 60
    texts = [p.text for group in book.groups.values() for p in group]
    texts += [request for mood in lexicon.moods for request in mood.requests]
    assert len(texts) == len(set(texts))


def test_no_word_of_a_phrasing_names_a_sound(book, lexicon):
    """So that a request names the sounds that are filled in, and no other."""
    everything = " ".join((*lexicon.sounds(), *(p for s in lexicon.settings for p in s.people)))
    scene = Scene(
        elements=(
            SoundElement(
                id=1, role="effect", text=everything, loudness=-20, panning=0, start_time=0, duration=1
            ),
        )
    )
    groups = [book.groups[group] for group in ("remove", "volume", "panning", "replace")]
    around = [*book.leads, *book.tails]
    texts = [re.sub(r"\{\w+\}", "zzz", text) for text in (*around, *(p.text for g in groups for p in g))]
    written = {expand(text, Dice(n)) for text in texts for n in range(40)}
    assert sorted(text for text in written if find_targets(text, scene).certain) == []


def test_names_agree_with_their_verbs(lexicon, book):
    gulls = lexicon.anywhere["gulls"][0].names[0]
    text = fill(
        "{Name} {is} too near and {does} not fit; take {it} out, no more {bare}", **make_name_slots(gulls)
    )
    assert text == "The gulls are too near and do not fit; take them out, no more gulls"
    clock = lexicon.anywhere["clock"][0].names[1]
    assert fill("{Name} {is} {bare}", **make_name_slots(clock)) == "That ticking is ticking"
    assert join_list(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("word", "tag"),
    [
        ("BELLS", "church_bell"),
        ("BELL", "church_bell"),
        ("SEA", "surf"),
        ("WAVES", "surf"),
        ("HORSE", "horse_hooves"),
        ("GALLOPED", "horse_hooves"),
        ("FIRE", "fire"),
        ("HEARTH", "fire"),
        ("RAIN", "rain"),
        ("THUNDER", "thunder"),
        ("WIND", "wind"),
        ("CLOCK", "clock"),
        ("DOG", "dog"),
        ("WOLF", "wolf"),
        ("OWL", "owl"),
        ("BIRDS", "birdsong"),
        ("SWORD", "sword"),
        ("GUN", "gunshot"),
        ("CANNON", "cannon"),
        ("TRAIN", "train"),
        ("DOOR", "door_creak"),
        ("KNOCKED", "knock"),
        ("LAUGHED", "laughter"),
        ("WHISPERED", "whisper_crowd"),
        ("APPLAUSE", "applause"),
        ("CROWD", "crowd"),
        ("COINS", "coins"),
        ("CHAINS", "chains"),
        ("PIANO", "piano"),
        ("HARP", "harp"),
        ("TRUMPET", "brass"),
        ("DRUMS", "drums"),
        ("VIOLIN", "violin_solo"),
        ("SHEEP", "sheep"),
        ("CATTLE", "cow"),
        ("TELEPHONE", "phone"),
        ("KETTLE", "kettle"),
        ("BROOK", "stream"),
        ("WATERFALL", "waterfall"),
        ("FOOTSTEPS", "footsteps_stone"),
        ("STAIRS", "footsteps_wood"),
        ("HAMMER", "hammer"),
        ("AXE", "wood_chop"),
        ("HEART", "heartbeat"),
    ],
)
def test_a_seed_with_bells_has_bells(lexicon, designer, word, tag):
    tags = {caption: sound.tag for caption, sound in lexicon.sounds().items()}
    for i in range(8):
        dialogue = designer.design(
            Seed(f"{word}/{i}", f"AND THEN SUDDENLY THERE WAS THE {word} AGAIN"), i
        ).dialogue
        heard = {tags.get(element.text) for element in dialogue.turns[0].scene.elements}
        assert tag in heard, dialogue.turns[0].scene


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("THE FISHERMAN TIED HIS BOAT TO THE QUAY IN THE HARBOUR", "harbour"),
        ("THE JUDGE ASKED THE JURY FOR THEIR VERDICT", "court"),
        ("THEY PRAYED BEFORE THE ALTAR WITH THE BISHOP", "cathedral"),
        ("SHE WORKED AT THE LOOM IN THE KITCHEN BY THE STOVE", "kitchen"),
        ("THE SOLDIERS OF THE REGIMENT WENT INTO BATTLE", "battlefield"),
        ("THE BLACKSMITH STOOD AT HIS FORGE", "smithy"),
    ],
)
def test_words_choose_the_setting(lexicon, designer, text, key):
    places = next(setting.places for setting in lexicon.settings if setting.key == key)
    for i in range(5):
        description = designer.design(Seed(f"s/{i}", text), i).dialogue.turns[0].description
        assert any(place in description for place in places)


def test_seeds_that_call_for_nothing_are_spread_over_all_settings(lexicon):
    designer = ScriptedDesigner(DesignerContext(n_turns=1))
    place_of = {place: setting.key for setting in lexicon.settings for place in setting.places}
    counts = dict.fromkeys(place_of.values(), 0)
    for i in range(1500):
        description = (
            designer.design(Seed(f"t/{i}", "NOBODY COULD SAY WHY THAT WAS SO"), 7)
            .dialogue.turns[0]
            .description
        )
        counts[next(key for place, key in place_of.items() if place in description)] += 1
    assert min(counts.values()) >= 10
    assert max(counts.values()) <= 60


def test_dice_draw_alike_and_by_weight():
    dice, again = Dice(1, "a"), Dice(1, "a")
    assert [dice.pick("abc") for _ in range(9)] == [again.pick("abc") for _ in range(9)]
    assert dice.shuffle(range(9)) == again.shuffle(range(9))
    assert sorted(Dice(2).shuffle("edcba")) == list("abcde")
    drawn = [Dice(3, i).pick_weighted({"often": 3.0, "never": 0.0, "seldom": 1.0}) for i in range(1000)]
    assert drawn.count("never") == 0
    assert 700 <= drawn.count("often") <= 800


def test_all_texts_keep_the_published_limits(lexicon, book):
    limits = SceneLimits()
    longest = max(map(len, lexicon.sounds()))
    assert longest <= limits.text_chars
    assert all(len(p.text) + 2 * longest <= limits.user_chars for g in book.groups.values() for p in g)


def test_what_stands_around_a_request_asks_for_nothing(book):
    texts = [expand(text, Dice(n)) for text in (*book.leads, *book.tails) for n in range(60)]
    assert {text for text in texts if read_level(text) or read_side(text) or read_wish(text)} == set()
