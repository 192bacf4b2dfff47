"""Renderers in a chain: the first that has something fitting makes the sound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf

from copilot.errors import UserError
from copilot.stem import SoundSpec
from pipelines.stages.batch_renderer import BatchRenderer, SoundJob
from renderers import registry
from renderers.chain import ChainRenderer, parse_chain
from renderers.contract import (
    RendererInfo,
    RenderFailure,
    RenderRequest,
    RenderSettings,
    get_info,
    list_problems,
)
from renderers.library.renderer import LibraryRenderer
from renderers.procedural.renderer import SOUND_VERSION, ProceduralRenderer
from renderers.testing import NoiseRenderer, check_renderer

RAIN, BELL, SEA, UNKNOWN = (
    RenderRequest(text, 1.0, 5) for text in ("steady rain", "church bells ring", "the sea", "a zorp zorps")
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    noise = np.random.default_rng(1).standard_normal(96_000) * 0.1
    sf.write(folder / "rain.wav", noise, 48_000)
    (folder / "sea.wav").write_bytes(b"RIFF, and nothing else")
    (folder / "index.csv").write_text("file,label\nrain.wav,rain\ngone.wav,wind\nsea.wav,sea\n")
    (folder / "cc0.csv").write_text("file,label,licence\nrain.wav,rain,CC0\n")
    return folder


def create(folder, behind="procedural", **settings):
    renderer = registry.create(f"library:{folder},{behind}", "sfx", settings)
    renderer.prepare()
    return renderer


def test_one_renderer_is_no_chain(folder):
    renderer = registry.create(f"library:{folder}", "sfx")
    assert isinstance(renderer, LibraryRenderer)
    assert "backend" in renderer.fingerprint()


def test_the_first_that_fits_makes_the_sound(folder):
    renderer, behind = create(folder), ProceduralRenderer()
    answers = renderer.render([BELL, RAIN, UNKNOWN])
    assert [(one.backend, one.matched) for one in answers] == [
        ("procedural", True),
        ("library", True),
        ("procedural", False),
    ]
    alone = registry.create(f"library:{folder}", "sfx")
    for one, other in zip(
        answers, [*behind.render([BELL]), *alone.render([RAIN]), *behind.render([UNKNOWN])], strict=True
    ):
        np.testing.assert_array_equal(one.audio, other.audio)
        assert one.detail == other.detail
    renderer.close()


def test_the_order_decides(folder):
    renderer = registry.create(f" procedural , library:{folder}", "sfx")
    assert [one.backend for one in renderer.render([RAIN, BELL])] == ["procedural", "procedural"]


def test_a_member_that_fails_hands_the_request_on(folder):
    (sea,) = create(folder).render([SEA])
    assert (sea.backend, sea.matched) == ("procedural", True)
    assert sea.detail["passed_over"] == "library: bad-recording"


def test_the_fingerprint_holds_those_of_all_members(folder):
    first, second = registry.create(f"library:{folder}", "sfx").fingerprint(), ProceduralRenderer()
    assert create(folder).fingerprint() == {
        "backend": "library,procedural",
        **{f"library.{name}": text for name, text in first.items()},
        **{f"procedural.{name}": text for name, text in second.fingerprint().items()},
    }


def test_the_stem_names_the_backend_that_made_it_and_its_version(folder):
    renderer = create(folder)
    spec = SoundSpec("sfx", BELL.text, 1.0, 5, renderer.fingerprint())
    jobs = [SoundJob(replace(spec, text=text), None, 0) for text in (BELL.text, RAIN.text)]
    stems = BatchRenderer(renderer, lambda stem: None).render(jobs)
    assert [stem.info.backend for stem in stems] == ["procedural", "library"]
    assert stems[0].info.detail["backend_version"] == SOUND_VERSION
    assert stems[1].info.detail["backend_version"] == spec.backend["library.version"]
    assert stems[0].info.key == spec.key


def test_the_next_is_asked_in_one_batch_and_the_last_ones_answer_stands(folder):
    class Behind(NoiseRenderer):
        info = RendererInfo(batch_s=8.0, least_s=2.0)

        def render(self, requests):
            asked.append([request.text for request in requests])
            return [RenderFailure("no-sound", "none"), *super().render(requests[1:])]

    asked = []
    first = registry.create(f"library:{folder}", "sfx")
    renderer = ChainRenderer({"library": first, "noise": Behind()})
    failure, rain, sound = renderer.render([BELL, RAIN, UNKNOWN])
    assert asked == [[BELL.text, UNKNOWN.text]]
    assert failure == RenderFailure("no-sound", "none")
    assert (rain.backend, sound.backend) == ("library", "noise")
    assert (get_info(renderer).batch_s, get_info(renderer).least_s) == (8.0, 2.0)


def test_members_of_one_name_have_labels_of_their_own(folder):
    renderer = create(folder, f"library:{folder},procedural")
    assert list(renderer.members) == ["library", "library-2", "procedural"]
    assert len(list_problems(renderer)) == 2 * len(list_problems(renderer.members["library"])) > 0


def test_settings_go_to_the_member_of_the_name_or_number():
    spec = "library:A,library:B,worker:tones.py"
    given = {
        "library": {"licences": "CC0", "index": "a.csv"},
        "2": {"index": "b.csv"},
        "worker": {"options.level": "1", "python": "/usr/bin/python3"},
    }
    assert [(link.label, link.spec, link.settings) for link in parse_chain(spec, "sfx", given)] == [
        ("library", "library:A", {"licences": "CC0", "index": "a.csv"}),
        ("library-2", "library:B", {"licences": "CC0", "index": "b.csv"}),
        ("worker", "worker:tones.py", {"options": {"level": "1"}, "python": "/usr/bin/python3"}),
    ]


def test_speech_has_no_chain():
    (link,) = parse_chain("worker:speak.py a,b", "tts")
    assert link.spec == "worker:speak.py a,b"


@pytest.mark.parametrize(
    ("behind", "settings", "field"),
    [
        ("nope", {}, "sfx"),
        ("", {}, "sfx"),
        ("espeak", {}, "sfx"),
        ("library", {}, "sfx"),
        ("procedural", {"licences": "CC0"}, "sfx_settings"),
        ("procedural", {"stable-audio": {"steps": "5"}}, "sfx_settings"),
        ("procedural", {"procedural": {"x": "1"}}, "sfx_settings"),
        ("procedural", {"library": {"fallback": "procedural"}}, "sfx_settings"),
    ],
)
def test_a_chain_that_cannot_be_is_the_users_mistake(folder, behind, settings, field):
    with pytest.raises(UserError) as caught:
        create(folder, behind, **settings)
    assert caught.value.field == field


def test_a_model_in_a_chain_uses_the_device(folder):
    spec = f"library:{folder}"
    assert not registry.uses_device(spec, "sfx")
    assert not registry.uses_device(f"{spec},procedural", "sfx")
    assert registry.uses_device(f"{spec},stable-audio", "sfx")


def test_settings_of_the_place_reach_all_members(folder, monkeypatch):
    applied = []
    apply = registry.apply_render_settings

    def note(renderer, *others):
        applied.append((renderer.name, *others[:-1]))
        return apply(renderer, *others)

    monkeypatch.setattr(registry, "apply_render_settings", note)
    own = {"licences": "CC0", "index": "cc0.csv"}
    renderer = registry.create_for_rendering(
        f"library:{folder},procedural", "sfx", {"library": own}, RenderSettings(device="cpu")
    )
    assert applied[1:] == [
        ("library", f"library:{folder}", "sfx", own),
        ("procedural", "procedural", "sfx", {}),
    ]
    renderer.close()


def test_it_keeps_the_contract(folder):
    check_renderer(lambda: create(folder), texts=[RAIN.text, BELL.text])


def test_commas_between_quotes_belong_to_a_workers_command():
    links = parse_chain("worker:python -c 'f(1, 2)', library:/bob's sounds,procedural", "sfx")
    assert [link.spec for link in links] == [
        "worker:python -c 'f(1, 2)'",
        "library:/bob's sounds",
        "procedural",
    ]
