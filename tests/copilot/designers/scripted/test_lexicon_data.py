"""A lexicon of a user: its forms, what is wrong with it, and the dialogues that it gives."""

from __future__ import annotations

import json
import pickle
import tomllib
from pathlib import Path

import pytest
from helpers.lexicons import SETTINGS, write_lexicon

from copilot.designers import registry, scripted
from copilot.designers.contract import DesignerContext
from copilot.designers.scripted.designer import ScriptedDesigner, ScriptedSettings
from copilot.designers.scripted.lexicon_data import Fault, LexiconError, load_lexicon
from copilot.designers.scripted.rehearsal import rehearse
from copilot.errors import RowFault, UserError
from copilot.seed import Seed

DATA = Path(scripted.__file__).parent / "data"
SEEDS = [Seed(f"text/{i}", f"THE FARMER CROSSED THE YARD {i} TIMES IN THE RAIN") for i in range(40)]
STEPS = [Seed(f"s/{i}", "NOBODY COULD SAY WHY") for i in range(40)]


def faults_of(path: Path) -> dict[str, str]:
    with pytest.raises(LexiconError) as caught:
        load_lexicon(path)
    assert caught.value.field == "designer"
    return {fault.place: fault.reason for fault in caught.value.faults}


def test_dialogues_are_made_of_the_lexicon(tmp_path):
    path = write_lexicon(tmp_path / "lexicon")
    designer = ScriptedDesigner(DesignerContext(), ScriptedSettings(lexicon=str(path)))
    captions = set(load_lexicon(path)[0].sounds())
    for seed in STEPS:
        story = designer.design(seed, 7).dialogue.turns[0]
        assert "in a farm yard" in story.description or "behind the barn" in story.description
        assert {e.text for e in story.scene.elements if e.tool == "sfx"} <= captions
    found = rehearse(designer, SEEDS)
    assert (found.n_tried, found.n_valid) == (40, 40)


def test_a_lexicon_is_the_target_of_the_designer(tmp_path):
    path = write_lexicon(tmp_path / "lexicon")
    given = registry.create(f"scripted:{path}", DesignerContext())
    assert registry.get_fingerprint(given) == registry.get_fingerprint(
        registry.create("scripted", DesignerContext(), {"lexicon": str(path)})
    )


def test_its_content_is_in_the_fingerprint(tmp_path):
    shipped = ScriptedDesigner().fingerprint()
    path = write_lexicon(tmp_path / "lexicon")
    own = ScriptedDesigner(DesignerContext(), ScriptedSettings(lexicon=str(path))).fingerprint()
    assert {name for name in own if own[name] != shipped[name]} == {"lexicon"}
    write_lexicon(path, SETTINGS.replace("a cow lowing", "two cows lowing"))
    other = ScriptedDesigner(DesignerContext(), ScriptedSettings(lexicon=str(path))).fingerprint()
    assert other["lexicon"] != own["lexicon"]


def test_one_file_holds_the_same_as_a_folder(tmp_path, monkeypatch):
    folder = write_lexicon(tmp_path / "lexicon")
    parts = {"settings": tomllib.loads(SETTINGS)}
    (tmp_path / "lexicon.json").write_text(json.dumps(parts))
    (tmp_path / "lexicon.toml").write_text(SETTINGS.replace("[yard", "[settings.yard"))
    monkeypatch.setenv("HOME", str(tmp_path))
    paths = (folder, tmp_path / "lexicon.json", tmp_path / "lexicon.toml", "~/lexicon.json")
    assert len({load_lexicon(path)[0].content for path in paths}) == 1
    assert load_lexicon(folder)[0].content != load_lexicon()[0].content


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('where = "open"', 'where = "roof"', "settings.yard.where"),
        ('where = "open"', 'where = "open"\nwheather = "fine"', "settings.yard.wheather"),
        ("dog = ", "dragon = ", "settings.yard.effects.dragon"),
        ('"Rain before noon.", ', "", "settings.yard.lines"),
        ('hammer = "someone hammering a fence post"\n', "", "settings.yard.effects"),
        ('farmer = "male"', 'farmer = "old"', "settings.yard.people.farmer"),
        (SETTINGS, "", "settings"),
    ],
)
def test_a_fault_has_its_place(tmp_path, old, new, place):
    assert place in faults_of(write_lexicon(tmp_path / "lexicon", SETTINGS.replace(old, new)))


def test_every_fault_is_listed(tmp_path):
    wrong = SETTINGS.replace("dog = ", "dragon = ").replace('"open"', '"roof"')
    assert set(faults_of(write_lexicon(tmp_path / "lexicon", wrong))) == {
        "settings.yard.where",
        "settings.yard.effects.dragon",
    }


def test_other_parts_are_checked_as_well(tmp_path):
    family = {
        "ask": "a bark",
        "one": ["the bark"],
        "anywhere": ["a bark"],
        "seconds": [1, 2],
        "lufs": [-20, -10],
    }
    content = {
        "families": {"dog": {**family, "repeats": False}},
        "phrasings": {"leads": ["Well."], "story": {"place": ["Go {nowhere}."]}},
        "moods": {},
    }
    (tmp_path / "lexicon.json").write_text(json.dumps(content))
    found = faults_of(tmp_path / "lexicon.json")
    assert {"families.dog", "phrasings", "settings.harbour", "settings.harbour.effects.gulls"} <= set(found)
    (tmp_path / "lexicon.json").write_text('{"setings": {}, "moods": []}')
    assert set(faults_of(tmp_path / "lexicon.json")) == {"setings", "moods"}


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b'{"a": 1'])
def test_a_file_that_cannot_be_read(tmp_path, content):
    (tmp_path / "lexicon.json").write_bytes(content)
    with pytest.raises(UserError) as caught:
        load_lexicon(tmp_path / "lexicon.json")
    assert caught.value.field == "designer"


def test_a_missing_path_and_an_empty_folder(tmp_path):
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(UserError) as caught:
            load_lexicon(path)
        assert caught.value.field == "designer"


def test_faults_travel_between_processes():
    error = LexiconError("x", (Fault("settings", "none"), Fault("moods", "none")))
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.faults, copy.field, str(copy)) == (error.faults, "designer", str(error))


def test_a_lexicon_without_music_and_with_few_sounds_rejects_seeds_not_runs(tmp_path):
    families = tomllib.loads((DATA / "families.toml").read_text(encoding="utf-8"))
    few = ("wind", "birdsong", "rooster", "cow", "dog", "door_creak", "pouring", "hammer")
    moods = {
        f"mood{n}": {
            "requests": ["Make it lonelier.", "Make it emptier.", "Make it sadder."],
            "feel": "lonely",
            "where": ["open"],
            "drop": [],
            "lower": ["effect", "speech"],
            "lift": ["ambience"],
        }
        for n in range(2)
    }
    content = {
        "families": {tag: families[tag] for tag in few},
        "settings": tomllib.loads(SETTINGS),
        "moods": moods,
    }
    (tmp_path / "lexicon.json").write_text(json.dumps(content))
    settings = ScriptedSettings(lexicon=str(tmp_path / "lexicon.json"))
    designer = ScriptedDesigner(DesignerContext(n_turns=5), settings)
    reasons = set()
    for seed in STEPS:
        try:
            dialogue = designer.design(seed, 7).dialogue
        except RowFault as fault:
            reasons.add(fault.reason)
            continue
        assert all(element.role != "music" for element in dialogue.elements())
    assert reasons <= {"lexicon-exhausted"}


MOOD = """
[calm]
requests = ["Calm it down.", "Make it calmer.", "Give me peace."]
feel = "calm"
where = ["open"]
drop = ["alive", "gunshot"]
lower = ["effect"]
lift = ["wind"]
bring = { stream = "a peaceful stream" }
"""


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('"alive", ', '"allive", ', "moods.calm.drop.allive"),
        ('lower = ["effect"]', 'lower = ["effects"]', "moods.calm.lower.effects"),
        ('lift = ["wind"]', 'lift = ["winds"]', "moods.calm.lift.winds"),
        ('stream = "a peaceful stream"', 'dog = "a friendly dog barking"', "moods.calm"),
        ('stream = "a peaceful stream"', 'wind = "somebody whistling in the wind"', "moods.calm"),
    ],
)
def test_a_mood_names_what_there_is_and_brings_nothing_that_it_drops(tmp_path, old, new, place):
    path = write_lexicon(tmp_path / "lexicon")
    moods = MOOD + MOOD.replace("[calm]", "[calmer]")
    (path / "moods.toml").write_text(moods)
    load_lexicon(path)
    (path / "moods.toml").write_text(moods.replace(old, new, 1))
    assert place in faults_of(path)


def test_traits_are_those_of_the_family_and_of_the_words(tmp_path):
    lexicon = load_lexicon()[0]
    assert lexicon.words.find_traits("a choir humming") == {"voices", "alive"}
    assert lexicon.words.find_traits("a lonely wind", ["day"]) == {"gloomy", "day"}
    path = write_lexicon(tmp_path / "lexicon", SETTINGS.replace("a cow lowing", "a weary cow lowing"))
    cow = load_lexicon(path)[0].sounds()["a weary cow lowing in the shed"]
    assert cow.traits == {"alive", "gloomy"}


def test_a_caption_that_no_name_fits_is_called_by_its_own_words(tmp_path):
    path = write_lexicon(tmp_path / "lexicon", SETTINGS.replace("a cow lowing", "a bull bellowing"))
    sounds = load_lexicon(path)[0].sounds()
    assert [name.text for name in sounds["a bull bellowing in the shed"].names] == [
        "the bull bellowing in the shed"
    ]
    assert sounds["a bull bellowing in the shed"].asks == ("a bull bellowing in the shed",)
    assert sounds["milk being poured into a can"].asks[-1] == "milk being poured into a can"
    assert "a drink being poured" not in sounds["milk being poured into a can"].asks


@pytest.mark.parametrize("manner", [{"share": 0}, {"takes": "cleverest"}, {"before": 2}, {"lowercase": True}])
def test_a_manner_is_checked(tmp_path, manner):
    parts = {"settings": tomllib.loads(SETTINGS)}
    shipped = tomllib.loads((DATA / "phrasings.toml").read_text(encoding="utf-8"))
    parts["phrasings"] = shipped | {"manners": {"odd": manner}}
    (tmp_path / "lexicon.json").write_text(json.dumps(parts))
    (place,) = faults_of(tmp_path / "lexicon.json")
    assert place == f"phrasings.manners.odd.{next(iter(manner))}"
