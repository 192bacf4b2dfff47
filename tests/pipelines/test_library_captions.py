"""Dialogues about the sounds of a library: what it lists, the lexicon of it, and runs of it alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from helpers.recordings import SOUNDS, write_sounds

from copilot.designers.contract import DesignerContext
from copilot.designers.scripted.designer import ScriptedDesigner, ScriptedSettings
from copilot.designers.scripted.lexicon_data import load_lexicon
from copilot.designers.scripted.library_lexicon import write_lexicon
from copilot.errors import UserError
from copilot.seed import Seed
from pipelines.backends import compute_fingerprint, create_designer
from pipelines.config import RunConfig
from pipelines.execution.local import LocalExecutor
from pipelines.main_job import GenerateRequest, generate
from pipelines.run.open import open_run
from renderers import registry
from renderers.contract import list_sounds
from renderers.library.index import read_index
from renderers.library.search import Search


@pytest.fixture(scope="module")
def sounds(tmp_path_factory) -> Path:
    return write_sounds(tmp_path_factory.mktemp("library") / "sounds")


def make_lexicon(folder: Path) -> dict:
    return write_lexicon(list_sounds(registry.create(f"library:{folder}", "sfx")))


def write_index(folder: Path, *rows: str) -> Path:
    """Write a library of noises, a second each, with an index of these rows: CAPTION,KIND."""
    noise = np.random.default_rng(1).standard_normal(16_000) * 0.1
    lines = ["file,caption,kind"]
    for number, row in enumerate(rows):
        sf.write(folder / f"{number}.wav", noise, 16_000)
        lines.append(f"{number}.wav,{row}")
    (folder / "index.csv").write_text("\n".join(lines))
    return folder


KINDS = [f"a {name} {deed},event" for name in ("cat", "goose", "horse", "pig", "lamb") for deed in ("calls",)]
DOGS = "the dogs barking"
SOME = ("steady rain on leaves,texture", "wind in trees,texture", *KINDS, "a piano melody,event")


def test_recordings_of_one_name_are_a_family(sounds):
    parts = make_lexicon(sounds)
    captions = [caption for family in parts["families"].values() for caption in family["anywhere"]]
    assert sorted(captions) == sorted(SOUNDS)


@pytest.mark.parametrize(
    ("row", "tag", "role", "names"),
    [
        ("steady rain on leaves,texture", "steady_rain", "ambience", ["the steady rain", "that steady rain"]),
        ("Two dogs barking in the distance,event", "dogs_barking", "effect", [DOGS, "those dogs barking"]),
        ("a piano melody,texture", "piano_melody", "music", ["the piano melody", "that piano melody"]),
        ("Sound of an old door. It closes.,event", "old_door", "effect", ["the old door", "that old door"]),
    ],
)  # fmt: skip
def test_a_caption_gives_role_and_names(tmp_path, row, tag, role, names):
    family = make_lexicon(write_index(tmp_path, *SOME, row))["families"][tag]
    assert family["role"] == role
    assert (family.get("one") or family.get("many")) == names
    assert all("loud" not in caption and "distance" not in caption for caption in family["anywhere"])


def test_every_caption_finds_a_recording(tmp_path):
    folder = write_index(tmp_path, *SOME, '"Two dogs, barking loudly in the distance",event')
    search = Search([recording.text for recording in read_index(folder).recordings])
    for family in make_lexicon(folder)["families"].values():
        assert all(search.find(caption) for caption in family["anywhere"])


def test_a_renderer_lists_what_its_members_have(sounds):
    own = list_sounds(registry.create(f"library:{sounds}", "sfx"))
    assert {sound.name: sound.role for sound in own}["dog bark"] == "effect"
    assert all(0 < sound.shortest_s <= sound.longest_s for sound in own)
    assert list_sounds(registry.create(f"library:{sounds},procedural", "sfx")) == own
    assert list_sounds(registry.create("procedural", "sfx")) == ()


@pytest.mark.parametrize("sfx", ["library:{}", "library:{},procedural"])
def test_scenes_are_made_of_the_library(sounds, tmp_path, sfx):
    config = RunConfig(seeds="starter", sfx=sfx.format(sounds), captions="library", speech_share=0)
    generate(GenerateRequest(config=config, out=tmp_path / "run", num=6, executor=LocalExecutor(2)))
    stems = [stem for sample in open_run(tmp_path / "run") for stem in sample.stems]
    assert len(stems) > 12
    assert all(stem.info.matched and stem.info.backend == "library" for stem in stems)


def test_the_library_is_part_of_the_fingerprint_and_own_captions_are_not(sounds):
    own = RunConfig(seeds="starter", sfx=f"library:{sounds}")
    of_library = own.model_copy(update={"captions": "library"})
    assert "captions" not in own.model_dump()
    first, second = (compute_fingerprint(config).designer["lexicon"] for config in (own, of_library))
    assert first != second


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sfx": "procedural"}, "captions"),
        ({"designer_settings": {"lexicon": "words.json"}}, "captions"),
        ({"designer": "given:dialogues.jsonl", "seeds": ""}, "captions"),
    ],
)
def test_captions_of_a_library_need_one_and_a_designer_that_takes_them(sounds, changes, field):
    values = {"seeds": "starter", "sfx": f"library:{sounds}", "captions": "library", **changes}
    with pytest.raises(UserError) as caught:
        create_designer(RunConfig(**values))
    assert caught.value.field == field


def test_a_library_of_many_kinds_has_several_settings(tmp_path):
    many = [
        f"a {a}{b} calls,event"
        for a in ("blue", "green", "red", "grey")
        for b in ("cat", "goose", "pig", "hen")
    ]
    (tmp_path / "library").mkdir()
    parts = make_lexicon(write_index(tmp_path / "library", *SOME, *many))
    assert len(parts["settings"]) == 2
    (tmp_path / "lexicon.json").write_text(json.dumps(parts))
    assert len(load_lexicon(tmp_path / "lexicon.json")[0].settings) == 2
    settings = ScriptedSettings(lexicon=str(tmp_path / "lexicon.json"))
    designer = ScriptedDesigner(DesignerContext(), settings)
    (called,) = {
        element.text
        for element in designer.design(Seed("a/1", "THERE CAME THE REDGOOSE"), 7).dialogue.elements()
        if element.text == "a redgoose calls"
    }
    assert called


@pytest.mark.parametrize("rows", [SOME[1:], SOME[:2], KINDS])
def test_a_library_that_is_too_small_is_refused(tmp_path, rows):
    with pytest.raises(UserError):
        make_lexicon(write_index(tmp_path, *rows))


def test_the_command_writes_a_lexicon_and_never_over_one(tmp_path, sounds, capsys, monkeypatch):
    from pipelines.cli.commands.lexicon import check_lexicon, write_library_lexicon

    out = tmp_path / "lexicon.json"
    write_library_lexicon(str(sounds), out, "CC0")
    assert check_lexicon(str(out), 3, as_json=True) in {0, 1}
    for wrong in (out, tmp_path / "lexicon.toml"):
        with pytest.raises(UserError) as caught:
            write_library_lexicon(str(sounds), wrong, None)
        assert caught.value.field == "out"
    with pytest.raises(UserError):
        write_library_lexicon(str(sounds), tmp_path / "other.json", "CC-BY")
