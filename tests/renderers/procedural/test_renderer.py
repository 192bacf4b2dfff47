"""The procedural renderer: what it promises of every recipe, how captions find them, what adjectives do."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys

import numpy as np
import pytest
from helpers import measures
from hypothesis import given
from hypothesis import strategies as st

from copilot.hashing import derive_rng
from copilot.text.captions import tokenize
from copilot.text.word_stems import reduce_caption_word
from copilot.units import seconds_to_samples
from renderers.contract import RenderedSound, Renderer, RenderFailure, RenderRequest
from renderers.procedural import dsp
from renderers.procedural.all_recipes import CATALOGUE, NATURE, PEOPLE
from renderers.procedural.catalogue import Catalogue, Recipe
from renderers.procedural.modifiers import NEUTRAL, Modifiers, apply, parse
from renderers.procedural.renderer import SOUND_VERSION, ProceduralRenderer, make_sound

NAMES = list(CATALOGUE.recipes)
PEAK = 10 ** (-3 / 20)

CAPTIONS = [
    ("rain on a tin roof", "rain"),
    ("heavy rain pouring down outside the window", "rain"),
    ("a sudden downpour", "rain"),
    ("light rain falling on leaves", "drizzle"),
    ("a thin drizzle over the moor", "drizzle"),
    ("distant thunder", "thunder"),
    ("a crack of thunder right overhead", "thunder"),
    ("thunder rumbling over the hills while evening comes", "thunder"),
    ("wind howling through the trees", "wind"),
    ("a soft breeze in tall grass", "wind"),
    ("a howling blizzard", "snowstorm"),
    ("wind-driven snow against the shutters", "snowstorm"),
    ("leaves rustling in the wind", "leaves"),
    ("bushes rustling as something moves", "leaves"),
    ("waves crashing on a rocky shore", "surf"),
    ("gentle ocean waves", "surf"),
    ("small waves lapping against the hull", "surf"),
    ("a babbling brook", "stream"),
    ("a river flowing over stones", "stream"),
    ("a fountain in the courtyard", "stream"),
    ("the roar of a waterfall", "waterfall"),
    ("water dripping in a cave", "drips"),
    ("a leaky tap dripping slowly", "drips"),
    ("a big splash in a lake", "splash"),
    ("someone jumps into the water", "splash"),
    ("bubbles rising in a cauldron", "bubbles"),
    ("muffled underwater ambience", "underwater"),
    ("the rumble under the sea", "underwater"),
    ("crackling campfire", "fire"),
    ("a log fire crackling in a stone hearth", "fire"),
    ("a burning torch on the dungeon wall", "torch"),
    ("birds singing at dawn", "birdsong"),
    ("a robin chirping in the garden", "birdsong"),
    ("seagulls crying over the harbour", "gulls"),
    ("crows cawing above the field", "crow"),
    ("a raven croaks twice", "crow"),
    ("an owl hooting in the night", "owl"),
    ("crickets chirping on a summer night", "crickets"),
    ("cicadas droning in the heat", "cicadas"),
    ("bees buzzing around a hive", "bees"),
    ("frogs croaking by a pond", "frogs"),
    ("a dog barking in the distance", "dog"),
    ("a small puppy yapping", "dog"),
    ("a lone wolf howling at the moon", "wolf"),
    ("a cat meowing at the door", "cat"),
    ("cows mooing in a pasture", "cow"),
    ("a flock of sheep bleating", "sheep"),
    ("a rooster crowing at sunrise", "rooster"),
    ("horse hooves on cobblestones", "horse_hooves"),
    ("a horse galloping past", "horse_hooves"),
    ("a horse neighing nervously", "horse_neigh"),
    ("pigeons flapping their wings", "wings"),
    ("rats scurrying behind the wall", "rat_scurry"),
    ("a crowd murmuring in a large hall", "crowd"),
    ("chatter in a busy tavern", "crowd"),
    ("an audience applauding warmly", "applause"),
    ("polite applause in a small theatre", "applause"),
    ("a stadium crowd cheering", "cheer"),
    ("a woman laughing softly", "laughter"),
    ("a man coughing", "cough"),
    ("heavy breathing close by", "breathing"),
    ("a racing heartbeat", "heartbeat"),
    ("hushed voices whispering in the dark", "whisper_crowd"),
    ("children playing in a schoolyard", "children_playing"),
    ("slow footsteps on a stone floor", "footsteps_stone"),
    ("high heels clicking along a corridor", "footsteps_stone"),
    ("heavy boots on wooden stairs", "footsteps_wood"),
    ("footsteps on gravel", "footsteps_gravel"),
    ("gravel crunching under footsteps", "footsteps_gravel"),
    ("footsteps crunching through snow", "footsteps_snow"),
    ("steps over dry leaves and twigs", "footsteps_leaves"),
    ("boots splashing through puddles", "footsteps_water"),
    ("someone running down the street", "running"),
    ("hurried footsteps fleeing", "running"),
    ("someone runs up the wooden stairs", "running"),
    ("wooden door creaks open", "door_creak"),
    ("a door slams shut", "door_slam"),
    ("three knocks on the door", "knock"),
    ("keys jingling on a ring", "keys"),
    ("a key turning in a lock", "lock"),
    ("glasses clinking in a toast", "glass_clink"),
    ("a window pane shattering", "glass_break"),
    ("dishes clattering in the sink", "dishes"),
    ("cutlery scraping on plates", "cutlery"),
    ("bacon sizzling in a pan", "sizzle"),
    ("a pot of water boiling", "boiling"),
    ("a kettle whistling on the stove", "kettle"),
    ("tea being poured into a cup", "pouring"),
    ("paper crumpling", "paper"),
    ("a page turning in an old book", "page_turn"),
    ("a quill scratching on parchment", "writing"),
    ("coins dropped on a counter", "coins"),
    ("a broom sweeping the floor", "broom"),
    ("a light switch clicks", "switch_click"),
    ("a curtain drawn aside", "curtain"),
    ("a heavy thud upstairs", "thud"),
    ("a hammer striking a nail", "hammer"),
    ("a blacksmith striking an anvil", "anvil"),
    ("swords clashing", "sword"),
    ("chains rattling in a dungeon", "chains"),
    ("an axe chopping wood", "wood_chop"),
    ("floorboards creaking overhead", "wood_creak"),
    ("an explosion in the distance", "explosion"),
    ("a gunshot echoing in the hills", "gunshot"),
    ("a cannon firing", "cannon"),
    ("fireworks bursting over the city", "fireworks"),
    ("a grandfather clock ticking", "clock"),
    ("church bell over the square", "church_bell"),
    ("a large gong struck once", "gong"),
    ("wind chimes on a porch", "wind_chimes"),
    ("an old telephone ringing", "phone"),
    ("a fire alarm ringing", "alarm"),
    ("a police siren passing", "siren"),
    ("a ship's horn in the fog", "ship_horn"),
    ("an impatient car horn", "car_horn"),
    ("radio static between stations", "radio_static"),
    ("a sonar ping", "sonar"),
    ("an engine idling", "engine"),
    ("a car passing on a wet road", "car_pass"),
    ("busy city traffic", "traffic"),
    ("a train passing over the tracks", "train"),
    ("a motorcycle revving", "motorcycle"),
    ("a helicopter hovering overhead", "helicopter"),
    ("oars rowing through calm water", "rowing"),
    ("sails flapping in the wind", "sail"),
    ("typing on a keyboard", "typing"),
    ("an old typewriter", "typewriter"),
    ("a sewing machine running", "sewing_machine"),
    ("quiet room tone", "room_tone"),
    ("an electric buzz from a neon sign", "electric_buzz"),
    ("steam hissing from a pipe", "steam"),
    ("a windmill turning slowly", "windmill"),
]
MUSIC = [
    ("slow sustained strings", "strings"),
    ("a tender solo piano", "piano"),
    ("a warm synth pad", "pad"),
    ("a harp playing arpeggios", "harp"),
    ("a wooden flute playing a tune", "flute"),
    ("a church organ", "organ"),
    ("an acoustic guitar", "guitar"),
    ("a music box winding down", "music_box"),
    ("a brass fanfare", "brass"),
    ("a choir singing", "choir"),
    ("a dark bass drone", "bass_drone"),
    ("an accordion waltz", "accordion"),
    ("a solo violin playing a lament", "violin_solo"),
    ("a mellow jazz combo", "jazz_combo"),
    ("slow marching drums", "drums"),
    ("a hand drum tapping a pattern", "hand_drum"),
    ("a shaker keeping time", "shaker"),
    ("a tambourine jingling", "tambourine"),
    ("a timpani roll", "timpani"),
]


def render(caption, duration_s=1.0, seed=7):
    (sound,) = ProceduralRenderer().render([RenderRequest(caption, duration_s, seed)])
    return sound


def build(name, duration_s, seed=0, mods=NEUTRAL):
    return make_sound(CATALOGUE.recipes[name], derive_rng(name, seed), seconds_to_samples(duration_s), mods)


# The renderer


def test_it_is_a_renderer_of_sound_effects():
    renderer = ProceduralRenderer()
    renderer.prepare()
    assert isinstance(renderer, Renderer)
    assert (renderer.name, renderer.tool, list(renderer.voices())) == ("procedural", "sfx", [])
    known = renderer.fingerprint()
    assert (known["backend"], known["version"]) == ("procedural", SOUND_VERSION)
    assert known["numpy"] == np.__version__
    renderer.close()


def test_answers_in_order_and_says_which_recipe():
    sounds = ProceduralRenderer().render(
        [RenderRequest(c, 0.5, 1) for c in ("rain", "a dog barks", "thunder")]
    )
    assert [sound.detail["recipe"] for sound in sounds] == ["rain", "dog", "thunder"]
    assert all(sound.matched and sound.rate_hz == 48_000 for sound in sounds)


@pytest.mark.parametrize(
    "caption", ["the colour of a purple idea", "a baby in the meadow at night", "", "..."]
)
def test_what_nothing_fits_is_neutral_noise_and_says_so(caption):
    sound = render(caption)
    assert isinstance(sound, RenderedSound)
    assert (sound.matched, sound.detail) == (False, {"recipe": "neutral_noise"})
    assert sound.audio.shape == (2, 48_000)


@pytest.mark.parametrize("duration_s", [0.0, -1.0, math.nan, math.inf, 1e-6, 601.0])
def test_absurd_duration_fails_alone(duration_s):
    answers = ProceduralRenderer().render(
        [RenderRequest("rain", duration_s, 1), RenderRequest("rain", 0.5, 1)]
    )
    assert isinstance(answers[0], RenderFailure)
    assert answers[0].reason == "bad-duration"
    assert isinstance(answers[1], RenderedSound)


def test_broken_recipe_is_a_failure_with_its_name():
    silent = Recipe("silent", lambda rng, n, mods: np.zeros((1, n), np.float32), heads="silence")
    renderer = ProceduralRenderer(Catalogue([silent]))
    (answer,) = renderer.render([RenderRequest("silence", 1.0, 1)])
    assert answer == RenderFailure("bad-sound", "silent: audio: silent")


@given(st.text(max_size=60))
def test_no_caption_breaks_the_reading(caption):
    CATALOGUE.match(caption)
    assert isinstance(parse(caption), Modifiers)


def test_the_same_bytes_in_other_processes():
    code = (
        "import hashlib\n"
        "from renderers.contract import RenderRequest\n"
        "from renderers.procedural.renderer import ProceduralRenderer\n"
        "captions = ['distant rain', 'a crowd', 'a slow horse', 'heavy footsteps on gravel', 'small dog']\n"
        "sounds = ProceduralRenderer().render([RenderRequest(c, 0.7, 5) for c in captions])\n"
        "print(hashlib.sha256(b''.join(s.audio.tobytes() for s in sounds)).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(digests) == 1


# Every recipe


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_keeps_the_promises(name):
    for duration_s in (0.1, 1.0):
        audio = build(name, duration_s)
        assert audio.dtype == np.float32
        assert audio.shape == (
            2 if CATALOGUE.recipes[name].is_texture else len(audio),
            round(48_000 * duration_s),
        )
        assert np.isfinite(audio).all()
        assert np.max(np.abs(audio)) == pytest.approx(PEAK, abs=1e-3)
        assert np.max(np.abs(audio[:, [0, -1]])) < 1e-4
        assert np.max(np.abs(audio[:, :24])) < 0.1
        assert np.max(np.abs(audio[:, -24:])) < 0.1
        assert abs(float(audio.mean())) < 0.02
    again = build(name, 1.0)
    other = build(name, 1.0, seed=1)
    assert hashlib.sha256(again.tobytes()).digest() == hashlib.sha256(audio.tobytes()).digest()
    assert other.tobytes() != audio.tobytes()


def captions_of(keywords):
    for entry in keywords.split(","):
        yield " ".join(part.split("/")[0].strip() for part in entry.split("+"))


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_is_found_by_its_first_keyword(name):
    caption = next(captions_of(CATALOGUE.recipes[name].heads))
    assert CATALOGUE.match(caption).name == name


@pytest.mark.parametrize("name", [r.name for family in (*NATURE, *PEOPLE) for r in family.RECIPES])
def test_no_keyword_is_ruled_out_by_its_own_recipe(name):
    dead = [c for c in captions_of(CATALOGUE.recipes[name].heads) if name not in dict(CATALOGUE.scores(c))]
    assert dead == []


# Matching


@pytest.mark.parametrize(("caption", "name"), [*CAPTIONS, *MUSIC])
def test_caption_finds_its_recipe(caption, name):
    recipe = CATALOGUE.match(caption)
    assert (recipe.name if recipe else None) == name


def test_recipes_may_not_share_a_name_or_have_unreadable_keywords():
    recipe = Recipe("one", dsp.white, heads="one")
    with pytest.raises(ValueError, match=r"catalogue: recipes share a name: \['one'\]"):
        Catalogue([recipe, recipe])
    with pytest.raises(ValueError, match=r"keyword: 'two \+' has an empty part"):
        Catalogue([Recipe("two", dsp.white, heads="two +")])


def test_head_before_place_owner_and_qualifier():
    catalogue = Catalogue([Recipe(name, dsp.white, heads=name) for name in ("rain", "roof", "goat", "bell")])
    assert catalogue.match("rain on a roof").name == "rain"
    assert catalogue.match("a roof in the rain").name == "roof"
    assert catalogue.match("on the roof, rain").name == "rain"
    assert catalogue.match("a goat's bell").name == "bell"
    assert catalogue.match("a goat bell") is None
    assert catalogue.match("nothing of the kind") is None


@pytest.mark.parametrize(
    "words",
    [
        "crackle crackles crackling crackled",
        "wave waves waving waved",
        "clap claps clapping clapped",
        "cry cries crying cried",
        "leaf leaves",
        "hoof hooves hoofs",
        "splash splashes splashing",
        "bell bells",
    ],
)
def test_stems_join_what_captions_vary(words):
    assert len({reduce_caption_word(word) for word in words.split()}) == 1


def test_tokens_mark_owners():
    assert tokenize("The ship's horn, far") == ["the", "ship", "~", "horn", ",", "far"]


# Modifiers


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("heavy rain", Modifiers(intensity=1.0)),
        ("a dog barking in the distance", Modifiers(distance=1.0)),
        ("slow, muffled footsteps", Modifiers(tempo=-1.0, muffled=1.0)),
        ("a small bell up close", Modifiers(scale=-1.0, distance=-1.0)),
        ("a door closes", NEUTRAL),
        ("a church bell", NEUTRAL),
        ("a light switch", NEUTRAL),
        ("echoing steps in a vast cave", Modifiers(echo=1.0, scale=1.0)),
        ("", NEUTRAL),
    ],
)
def test_adjectives_become_figures(caption, expected):
    assert parse(caption) == expected


def pink(seed=0):
    return dsp.coloured_noise(derive_rng(seed), 96_000, dsp.PINK, 2)


def test_neutral_changes_nothing():
    assert np.array_equal(apply(pink(), NEUTRAL), pink())


def test_distance_takes_the_treble_and_muffling_more():
    plain, distant, muffled = (
        measures.band_share(apply(pink(), mods), 3000.0, 20_000.0)
        for mods in (NEUTRAL, Modifiers(distance=1.0), Modifiers(muffled=1.0))
    )
    assert distant < 0.4 * plain
    assert muffled < 0.02 * plain


def test_closeness_adds_treble_and_weight_adds_bass():
    treble = [
        measures.band_share(apply(pink(), m), 5000.0, 20_000.0) for m in (NEUTRAL, Modifiers(distance=-1.0))
    ]
    bass = [measures.band_share(apply(pink(), Modifiers(intensity=i)), 20.0, 200.0) for i in (-1.0, 0.0, 1.0)]
    assert treble[1] > 1.5 * treble[0]
    assert bass[0] < 0.75 * bass[1] < 0.75**2 * bass[2] * 1.1


def test_echo_and_distance_ring_on_after_the_sound():
    click = np.zeros((1, 48_000), np.float32)
    click[0, 100] = 1.0
    tails = [
        np.sum(np.square(apply(click, mods)[:, 4800:]))
        for mods in (NEUTRAL, Modifiers(echo=1.0), Modifiers(distance=1.0))
    ]
    assert tails[0] == 0.0
    assert min(tails[1:]) > 1e-6


# Finishing


def test_finish_refuses_what_is_not_a_sound():
    with pytest.raises(ValueError, match="audio: silent"):
        dsp.finish(np.zeros((1, 4800), np.float32))
    with pytest.raises(ValueError, match="audio: not finite"):
        dsp.finish(np.full((1, 4800), np.nan, np.float32))
    with pytest.raises(ValueError, match=r"audio: shape \(3, 10\)"):
        dsp.finish(np.zeros((3, 10), np.float32))


def test_finish_removes_offset_and_balances_channels():
    noise = pink() * np.array([[1.0], [0.25]], np.float32) + np.float32(0.5)
    out = dsp.finish(noise)
    rms = np.sqrt(np.mean(np.square(out, dtype=np.float64), axis=1))
    assert abs(float(out[:, 24_000:].mean())) < 1e-3
    assert rms[0] == pytest.approx(rms[1], rel=1e-4)
    assert float(np.max(np.abs(out))) == pytest.approx(PEAK, abs=1e-6)


def test_rare_peaks_stand_out_by_at_most_17_db():
    tone = dsp.mono(dsp.sine(500.0, 96_000))
    spike = tone.copy()
    spike[0, 20_000] = 30.0
    tamed = dsp.tame(spike)
    assert 20 * np.log10(np.max(np.abs(tamed)) / dsp.level_rms(tone)) == pytest.approx(17.0, abs=0.5)
    assert np.array_equal(np.delete(tamed, 20_000, axis=1), np.delete(tone, 20_000, axis=1))
