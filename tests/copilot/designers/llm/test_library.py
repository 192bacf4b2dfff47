"""The sounds of a library, as a language model is shown a part of them."""

from __future__ import annotations

from helpers.made_runs import a_dialogue

from copilot.designers.contract import DesignerContext
from copilot.designers.llm.forms import FormBook
from copilot.designers.llm.library import MOST_CHARS, SHOWN, draw_captions
from copilot.designers.llm.settings import LlmSettings
from copilot.library_sound import LibrarySound
from copilot.scene import SceneLimits
from copilot.seed import Continued, Seed
from pipelines.llm.designer import LlmDesigner

DOG = LibrarySound("dogs barking", ("dogs barking in a yard", "two dogs barking"), "effect", 1.0, 3.0)
RAIN = LibrarySound("rain", ("rain",), "ambience", 5.0, 8.0)
SEED = Seed("a/1", "IT WAS LATE")


def make_sounds(n: int, role: str, caption: str) -> list[LibrarySound]:
    return [LibrarySound(f"{role} {i}", (f"{caption} {i}",), role, 1.0, 2.0) for i in range(n)]


def make_book(*library: LibrarySound, mode: str = "turnwise") -> FormBook:
    return FormBook(SceneLimits(), 4, LlmSettings(model="m", mode=mode, examples=2), library=library)


def test_the_draw_follows_from_the_seed_alone():
    sounds = [*make_sounds(200, "effect", "a thing that rattles"), *make_sounds(50, "ambience", "a room")]
    drawn = draw_captions(sounds, 0, "a/1")
    assert drawn == draw_captions(sounds, 0, "a/1")
    assert drawn != draw_captions(sounds, 0, "a/2")
    assert {role: len(captions) for role, captions in drawn.items()} == {
        "effect": SHOWN["effect"],
        "ambience": SHOWN["ambience"],
    }


def test_each_role_has_some_even_if_captions_are_long():
    sounds = [sound for role in SHOWN for sound in make_sounds(60, role, "a sound that goes on and on " * 3)]
    drawn = draw_captions(sounds, 0, "a/1")
    assert set(drawn) == set(SHOWN)
    assert sum(len(caption) for captions in drawn.values() for caption in captions) <= MOST_CHARS


def test_one_caption_of_each_sound_is_shown():
    drawn = draw_captions([DOG, RAIN], 0, "a/1")
    assert drawn["ambience"] == ("rain",)
    assert len(drawn["effect"]) == 1
    assert drawn["effect"][0] in DOG.captions


def test_the_story_and_the_whole_dialogue_show_the_library_and_no_examples():
    for mode in ("turnwise", "whole"):
        forms = make_book(DOG, RAIN, mode=mode).start_dialogue(SEED, 0)
        form = forms.story() if mode == "turnwise" else forms.whole()
        assert "- ambience: rain\n" in form.request.content
        assert "dogs barking" in form.request.content
        assert form.examples == ()
    plain = make_book().start_dialogue(SEED, 0).story()
    assert "recordings" not in plain.request.content
    assert len(plain.examples) == 2


def test_later_turns_remember_it_and_those_of_a_continued_sample_show_it():
    forms = make_book(DOG, RAIN).start_dialogue(SEED, 0)
    story = forms.story()
    assert (story.remembered or story.request).content.count("- ambience: rain\n") == 1
    old = a_dialogue(Seed("s/1", "Someone comes in."))
    for seed, n_shown in ((Seed("s/1/x", old.seed_text, continued=Continued(old, {}, ())), 1), (SEED, 0)):
        again = make_book(DOG, RAIN).start_dialogue(seed, 0).edit(old, old.turns[-1].scene)
        assert again.request.content.count("- ambience: rain\n") == n_shown


def test_the_library_is_in_the_fingerprint():
    known = {
        library: LlmDesigner(DesignerContext(llm=LlmSettings(model="m"), library=library))
        .fingerprint()
        .get("library")
        for library in ((), (RAIN,), (DOG, RAIN))
    }
    assert known[()] is None
    assert len(set(known.values())) == 3
