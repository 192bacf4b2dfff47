"""A renderer behind another one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf

from copilot.errors import UserError
from copilot.stem import SoundSpec
from pipelines.stages.batch_renderer import BatchRenderer, SoundJob
from renderers import registry
from renderers.contract import (
    RendererInfo,
    RenderFailure,
    RenderRequest,
    RenderSettings,
    get_info,
    list_problems,
)
from renderers.fallback import FallbackRenderer
from renderers.library.renderer import LibraryRenderer
from renderers.procedural.renderer import ProceduralRenderer
from renderers.testing import NoiseRenderer, check_renderer

RAIN, BELL, UNKNOWN = (
    RenderRequest(text, 1.0, 5) for text in ("steady rain", "church bells ring", "a zorp zorps")
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    noise = np.random.default_rng(1).standard_normal(96_000) * 0.1
    sf.write(folder / "rain.wav", noise, 48_000)
    (folder / "index.csv").write_text("file,label\nrain.wav,rain\ngone.wav,sea\n")
    return folder


def create(folder, **settings):
    renderer = registry.create(f"library:{folder}", "sfx", settings)
    renderer.prepare()
    return renderer


def test_without_a_fallback_a_library_is_as_before(folder):
    renderer = create(folder)
    assert isinstance(renderer, LibraryRenderer)
    assert not any(name.startswith("fallback") for name in renderer.fingerprint())


def test_what_nothing_fits_is_rendered_by_the_fallback(folder):
    renderer, alone, behind = create(folder, fallback="procedural"), create(folder), ProceduralRenderer()
    answers = renderer.render([BELL, RAIN, UNKNOWN])
    assert [(one.backend, one.matched) for one in answers] == [
        ("procedural", True),
        ("", True),
        ("procedural", False),
    ]
    for one, other in zip(
        answers, [*behind.render([BELL]), *alone.render([RAIN]), *behind.render([UNKNOWN])], strict=True
    ):
        np.testing.assert_array_equal(one.audio, other.audio)
        assert one.detail == other.detail
    renderer.close()


def test_the_keys_hold_both_fingerprints(folder):
    first, second = create(folder).fingerprint(), ProceduralRenderer().fingerprint()
    renderer = create(folder, fallback="procedural")
    assert renderer.fingerprint() == {**first, **{f"fallback.{name}": text for name, text in second.items()}}
    assert renderer.fingerprint()["backend"] == "library"


def test_the_stem_names_the_backend_that_made_it(folder):
    renderer = create(folder, fallback="procedural")
    spec = SoundSpec("sfx", BELL.text, 1.0, 5, renderer.fingerprint())
    jobs = [SoundJob(replace(spec, text=text), None, 0) for text in (BELL.text, RAIN.text)]
    stems = BatchRenderer(renderer, lambda stem: None).render(jobs)
    assert [stem.info.backend for stem in stems] == ["procedural", "library"]
    assert stems[0].info.key == spec.key


def test_the_fallback_is_asked_in_one_batch_and_its_failures_are_kept(folder):
    class Behind(NoiseRenderer):
        info = RendererInfo(batch_s=8.0, least_s=2.0)

        def render(self, requests):
            asked.append([request.text for request in requests])
            return [RenderFailure("no-sound", "none"), *super().render(requests[1:])]

    asked = []
    renderer = FallbackRenderer(create(folder), Behind())
    failure, rain, sound = renderer.render([BELL, RAIN, UNKNOWN])
    assert asked == [[BELL.text, UNKNOWN.text]]
    assert failure == RenderFailure("no-sound", "none")
    assert (rain.backend, sound.backend) == ("", Behind.name)
    assert (get_info(renderer).batch_s, get_info(renderer).least_s) == (8.0, 2.0)


def test_problems_are_those_of_both(folder):
    behind = f"library:{folder}"
    assert len(list_problems(create(folder, fallback=behind))) == 2 * len(list_problems(create(folder)))


def test_the_fallback_has_settings_of_its_own(folder):
    renderer = create(
        folder, fallback="library", fallback_settings={"folder": str(folder), "fallback": "procedural"}
    )
    assert [one.backend for one in renderer.render([RAIN, BELL])] == ["", "procedural"]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"fallback": "nope"}, "sfx_settings"),
        ({"fallback": "espeak"}, "sfx_settings"),
        ({"fallback": "library"}, "sfx_settings"),
        ({"fallback": "procedural", "fallback_settings": {"x": "1"}}, "sfx_settings"),
    ],
)
def test_a_fallback_that_cannot_be_is_the_users_mistake(folder, settings, field):
    with pytest.raises(UserError) as caught:
        create(folder, **settings)
    assert caught.value.field == field


def test_a_model_behind_a_library_uses_the_device(folder):
    spec = f"library:{folder}"
    assert not registry.uses_device(spec, "sfx")
    assert not registry.uses_device(spec, "sfx", {"fallback": "procedural"})
    assert registry.uses_device(spec, "sfx", {"fallback": "stable-audio"})


def test_settings_of_the_place_reach_both(folder, monkeypatch):
    applied = []
    apply = registry.apply_render_settings

    def note(renderer, *others):
        applied.append((renderer.name, *others[:-1]))
        return apply(renderer, *others)

    monkeypatch.setattr(registry, "apply_render_settings", note)
    settings = {"fallback": "procedural", "licences": "CC0"}
    (folder / "cc0.csv").write_text("file,label,licence\nrain.wav,rain,CC0\n")
    settings["index"] = "cc0.csv"
    renderer = registry.create_for_rendering(
        f"library:{folder}", "sfx", settings, RenderSettings(device="cpu")
    )
    assert applied[1:] == [
        ("library", f"library:{folder}", "sfx", {"licences": "CC0", "index": "cc0.csv"}),
        ("procedural", "procedural", "sfx", {}),
    ]
    renderer.close()


def test_it_keeps_the_contract(folder):
    check_renderer(lambda: create(folder, fallback="procedural"), texts=[RAIN.text, BELL.text])
