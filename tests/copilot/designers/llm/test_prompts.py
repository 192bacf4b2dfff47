"""The prompts: each renders, says the published ranges, and has a hash of all that it is made of."""

from __future__ import annotations

import re

import pytest
from helpers.paths import ROOT

from copilot.designers.llm.aims import Aim
from copilot.designers.llm.prompts import PromptError, PromptLibrary
from copilot.designers.llm.scales import Scales
from copilot.dialogue import EDIT_TASKS
from copilot.errors import UserError
from copilot.frozen_model import Range
from copilot.scene import SceneLimits, SoundElement

FOLDER = ROOT / "prompts"
SOURCES = {str(path.relative_to(FOLDER)): path.read_text() for path in FOLDER.rglob("*.md")}
LIBRARY = PromptLibrary.load()

RAIN = {
    "slot": 0,
    "role": "effect",
    "text": "rain on slates",
    "loudness": -20.5,
    "panning": -0.3,
    "start_time": 1.0,
    "duration": 2.25,
}
LINE = {**RAIN, "slot": 1, "role": "speech", "speaker": "Mara", "gender": "female", "emotion": "calm"}
LINE |= {"text": "Come inside."}
RAIN_SOUND = SoundElement(id=4, **{name: RAIN[name] for name in SoundElement.model_fields if name in RAIN})
AIMS = {
    "remove": Aim(RAIN_SOUND),
    "replace": Aim(RAIN_SOUND),
    "volume": Aim(RAIN_SOUND, "loudness", "louder", (-16, -15, -14), -15),
    "panning": Aim(RAIN_SOUND, "panning", "right", (0.2, 0.3), 0.3),
}
VALUES = {
    "limits": SceneLimits(),
    "steps": Scales(SceneLimits()).steps,
    "aim": AIMS["volume"],
    "time_step": 0.25,
    "n_turns": 3,
    "max_line_words": 12,
    "own_request": None,
    "past_turns": (),
    "library": {},
    "seed_text": "He went {{ out }}.",
    "min_sounds": 3,
    "max_sounds": 7,
    "examples": ['{"description":"Rain, and over it a bell."}'],
    "schema": None,
    "task": "volume",
    "tasks": EDIT_TASKS,
    "sounds": [RAIN, LINE],
    "max_operations": 2,
    "earlier": ["text-empty: user is '...'"],
    "n_refused": 2,
    "shows_reply": True,
    "faults": ["sounds[0].panning: input should be at most 1, not 2"],
    "request": "Hush the rain.",
    "language": "German",
    "before": [RAIN],
    "edits": ["the rain is softer"],
    "after": [RAIN, LINE],
}
SYSTEMS = ("turnwise-sounds", "turnwise-speech", "whole-sounds", "whole-speech")


def rendered(name: str, library: PromptLibrary = LIBRARY, **values) -> str:
    known = VALUES | values
    return library.render(name, **{variable: known[variable] for variable in library.get(name).variables})


def prompt(body: str, variables: str = "") -> str:
    return f'+++\nname = "p"\npurpose = "A test."\nmode = "both"\nvariables = [{variables}]\n+++\n{body}'


def test_these_are_the_prompts():
    assert LIBRARY.names() == (
        *("correction", "edit", "judge", "language", "story"),
        *("turnwise-sounds", "turnwise-speech", "whole", "whole-sounds", "whole-speech"),
    )
    assert {name: LIBRARY.get(name).mode for name in LIBRARY.names()} == {
        "correction": "both",
        "edit": "turnwise",
        "judge": "judge",
        "language": "language",
        "story": "turnwise",
        "turnwise-sounds": "turnwise",
        "turnwise-speech": "turnwise",
        "whole": "whole",
        "whole-sounds": "whole",
        "whole-speech": "whole",
    }


@pytest.mark.parametrize("name", LIBRARY.names())
def test_every_prompt_renders(name):
    text = rendered(name)
    assert text == text.strip()
    assert "{%" not in text
    assert "\n\n\n" not in text


@pytest.mark.parametrize("name", LIBRARY.names())
def test_every_variable_of_a_header_is_used(name):
    files = [f"{name}.md", *re.findall(r"parts/[\w-]+\.md", SOURCES[f"{name}.md"])]
    bodies = " ".join(SOURCES[file].split("+++")[-1] for file in files)
    assert [v for v in LIBRARY.get(name).variables if not re.search(rf"\b{v}\b", bodies)] == []


@pytest.mark.parametrize("name", LIBRARY.names())
def test_a_missing_and_an_unknown_variable_are_named(name):
    values = {variable: VALUES[variable] for variable in LIBRARY.get(name).variables}
    missing = next(iter(values))
    with pytest.raises(PromptError, match=f"prompt {name}: {missing} is missing; it is rendered with"):
        LIBRARY.render(name, **{n: value for n, value in values.items() if n != missing})
    with pytest.raises(PromptError, match=f"prompt {name}: mood is not one of its variables"):
        LIBRARY.render(name, **values, mood="sad")


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_published_ranges_come_from_the_limits(name):
    usual = rendered(name)
    assert all(span in usual for span in ("-30 to -10", "-30 to -26", "-0.1 to 0.1", "0 to 4", "0.25 to 8"))
    wide = SceneLimits(
        duration_s=30,
        n_elements=17,
        loudness_lufs=Range(low=-42, high=-12),
        start_time_s=Range(low=0, high=25),
        element_duration_s=Range(low=0.5, high=30),
    )
    other = rendered(name, limits=wide, steps=Scales(wide).steps)
    spans = ("-42 to -12", "-42 to -36", "0 to 25", "0.5 to 30", "at most 17 sounds", "30 seconds of stereo")
    assert [span for span in spans if span not in other] == []
    assert re.search(r"-30\b|-10\b|\b4\b", other) is None


def test_no_template_types_a_range():
    figures = {
        path: found for path, text in SOURCES.items() if (found := re.findall(r"(?<![\w.(\[])-\d+", text))
    }
    assert figures == {}


@pytest.mark.parametrize("name", SYSTEMS)
def test_speech_is_spoken_of_where_there_is_speech(name):
    text = rendered(name)
    assert ("fearful" in text, "2 to 12 words" in text, '"speaker"' in text) == (("speech" in name),) * 3
    assert ("Nobody says a word" in text) == ("sounds" in name)


OFFERS = {
    "add": ['"op":"add"'],
    "remove": ['"op":"remove"'],
    "volume": ['"op":"change","slot":0,"loudness"'],
    "panning": ['"op":"change","slot":0,"panning"'],
    "replace": ['"op":"replace"'],
}
SHIFTS = ['"op":"change","slot":0,"start_time"', '"op":"change","slot":0,"duration"']
EVERY_OFFER = {offer for offers in OFFERS.values() for offer in offers} | set(SHIFTS)


@pytest.mark.parametrize("task", EDIT_TASKS)
def test_an_edit_offers_the_operations_of_its_task_alone(task):
    text = rendered("edit", task=task, aim=AIMS.get(task))
    offered = {offer for offer in EVERY_OFFER if offer in text}
    assert offered == (EVERY_OFFER if task == "open" else set(OFFERS[task]))


def test_an_aim_is_in_the_prompt():
    louder = rendered("edit", aim=AIMS["volume"])
    assert "wants slot 0 louder: rain on slates." in louder
    assert "-20.5 now, becomes -16 to -14." in louder
    right = rendered("edit", task="panning", aim=AIMS["panning"])
    assert "wants slot 0 further right" in right
    assert "-0.3 now, becomes 0.2 to 0.3." in right
    assert "wants slot 0 gone: rain on slates." in rendered("edit", task="remove", aim=AIMS["remove"])
    line = rendered("edit", task="replace", aim=AIMS["replace"], sounds=[LINE, RAIN])
    assert "wants Mara to say something else in slot 0" in line


@pytest.mark.parametrize("name", LIBRARY.names())
def test_no_form_has_a_placeholder_that_may_be_copied(name):
    assert re.search(r'"caption"|"request"|:number|"who"|"words"', rendered(name)) is None


def test_an_edit_shows_each_sound_by_its_slot():
    text = rendered("edit", aim=AIMS["volume"])
    assert (
        "- slot 0: effect, rain on slates; loudness -20.5, panning -0.3, start_time 1, duration 2.25\n"
        in text
    )
    assert "- slot 1: speech, Mara (female, calm) says: Come inside.; loudness" in text


def test_a_whole_dialogue_lists_its_edits_in_order():
    found = re.findall(r"`(edit_\d)` \((\w+)\)", rendered("whole"))
    assert found == [(f"edit_{index}", task) for index, task in enumerate(EDIT_TASKS, start=1)]


@pytest.mark.parametrize("name", ["story", "edit", "whole", "correction", "judge"])
def test_a_schema_comes_after_all_else_but_examples_and_the_seed(name):
    schema = '{"type":"object"}'
    text = rendered(name, schema=schema, examples=[])
    seed = rendered(name, examples=[]).partition("Below is a seed")
    block = f"```json\n{schema}\n```"
    assert "```" not in rendered(name)
    assert text.startswith(seed[0].rstrip())
    assert text.endswith(f"{block}\n\n{seed[1]}{seed[2]}" if seed[1] else block)


def test_a_second_correction_differs_from_the_first():
    faults = {"faults": ["text-empty: user is '...'"], "shows_reply": False}
    once, twice = (rendered("correction", n_refused=n, earlier=[], **faults) for n in (1, 2))
    again = rendered("correction", n_refused=2, earlier=["text-loops: user"], **faults)
    assert len({once, twice, again}) == 3
    assert all("text-empty: user is '...'" in text for text in (once, twice, again))
    assert "text-loops: user" in again
    assert "```" not in rendered("correction", schema="{}", n_refused=1, earlier=[], **faults)


def test_what_is_shared_comes_before_the_seed():
    one, other = (rendered("story", seed_text=seed) for seed in ("The sea.", "A mill."))
    assert one.endswith("\nSeed: The sea.")
    assert one.removesuffix("The sea.") == other.removesuffix("A mill.")


def test_a_seed_is_text_and_no_template():
    assert "Seed: He went {{ out }}." in rendered("story")


def test_a_hash_covers_the_parts_of_a_prompt_and_nothing_else():
    before = PromptLibrary(SOURCES).hashes()
    assert before == LIBRARY.hashes()
    part = "parts/with-speech.md"
    after = PromptLibrary({**SOURCES, part: SOURCES[part] + "More.\n"}).hashes()
    assert {name for name in before if before[name] != after[name]} == {"turnwise-speech", "whole-speech"}
    nested = {
        "p.md": prompt('{% include "parts/a.md" %}'),
        "parts/a.md": '{% include "parts/b.md" %}',
        "parts/b.md": "one",
    }
    changed = nested | {"parts/b.md": "two"}
    assert PromptLibrary(nested).hashes() != PromptLibrary(changed).hashes()
    assert PromptLibrary(changed).render("p") == "two"


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"p.md": "no header"}, "prompt p.md: has no header"),
        ({"p.md": "+++\nname = p\n+++\n"}, "prompt p.md: header: Invalid value"),
        ({"p.md": '+++\nname = "p"\n+++\n'}, "prompt p.md: header: purpose: field required"),
        ({"q.md": prompt("x")}, "prompt q.md: its header names it p; call the file p.md"),
        ({"p.md": prompt("{% if %}")}, "prompt p.md: Expected an expression"),
        ({"p.md": prompt('{% include "a" %}')}, "prompt p.md: includes a; include a part by its path"),
        (
            {"p.md": prompt('{% include "parts/a.md" %}'), "parts/a.md": '{% include "parts/a.md" %}'},
            "prompt parts/a.md: includes itself",
        ),
    ],
)
def test_a_wrong_template_is_named(sources, message):
    with pytest.raises(PromptError, match=f"^{re.escape(message)}"):
        PromptLibrary(sources)


def test_a_variable_that_the_header_does_not_name_is_an_error():
    library = PromptLibrary({"p.md": prompt("{{ mood }}")})
    with pytest.raises(PromptError, match="prompt p: 'mood' is undefined; name it in the header"):
        library.render("p")


def test_an_unknown_prompt_is_the_users_mistake():
    with pytest.raises(UserError, match=r"unknown prompt .sonnet.; available: correction, edit"):
        LIBRARY.get("sonnet")
