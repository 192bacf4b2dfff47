import json
import shutil

import numpy as np
import pytest
import torch
from diffusers import StableAudioPipeline
from helpers.tiny_diffusion import (
    LONGEST_S,
    RATE_HZ,
    WINDOW_S,
    save_tiny_stable_audio,
    save_tiny_stable_audio_3,
)
from huggingface_hub import errors

from copilot.errors import UserError
from copilot.units import seconds_to_samples
from renderers import registry
from renderers.contract import BatchTooLargeError, RenderedSound, RenderFailure, RenderRequest, get_info
from renderers.stable_audio.diffusion import draw_noise
from renderers.stable_audio.renderer import (
    WINDOW_S as FULL_WINDOW_S,
)
from renderers.stable_audio.renderer import (
    StableAudioRenderer,
    StableAudioSettings,
    compute_decoder_reach,
)
from renderers.stable_audio.renderer_3 import StableAudio3Renderer, StableAudio3Settings
from renderers.testing import check_renderer
from renderers.torch_support import make_generators

ONE, THREE = "stable-audio", "stable-audio-3"
BOTH = pytest.mark.parametrize("kind", [ONE, THREE])

# Apart from what the whole window and the longest sound have in common, durations that no grid holds.
REQUESTS = [
    RenderRequest("a dog", 0.3, 11),
    RenderRequest("rain and low wind", 1.0, 12),
    RenderRequest("the door slams", 0.71234, 13),
]


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {
        ONE: save_tiny_stable_audio(folder / "one"),
        THREE: save_tiny_stable_audio_3(folder / "three"),
    }


@pytest.fixture
def make(models, monkeypatch):
    monkeypatch.setenv("COPILOT_DEVICE", "cpu")

    def made(kind, **settings):
        steps = {"steps": 3} | settings
        if kind == ONE:
            return StableAudioRenderer(StableAudioSettings(model=str(models[ONE]), **steps))
        return StableAudio3Renderer(StableAudio3Settings(model=str(models[THREE]), **steps))

    return made


def audio(renderer, *requests):
    answers = renderer.render(requests)
    assert all(isinstance(answer, RenderedSound) for answer in answers), answers
    return [answer.audio for answer in answers]


def difference(one, other):
    return float(np.abs(one - other).max())


@BOTH
def test_it_keeps_the_contract(models, monkeypatch, kind):
    monkeypatch.setenv("COPILOT_DEVICE", "cpu")
    renderer = StableAudioRenderer if kind == ONE else StableAudio3Renderer
    settings = {"model": str(models[kind]), "steps": 2}
    check_renderer(renderer, settings, durations_s=(0.2, 0.71234, 1.0), tolerance=1e-5)


@BOTH
def test_each_sound_is_stereo_of_exactly_the_requested_duration(make, kind):
    answers = make(kind).render(REQUESTS)
    for answer, request in zip(answers, REQUESTS, strict=True):
        assert answer.audio.shape == (2, seconds_to_samples(request.duration_s, RATE_HZ))
        assert answer.audio.dtype == np.float32
        assert answer.rate_hz == RATE_HZ
        assert answer.audio.flags.c_contiguous
        assert not np.array_equal(answer.audio[0], answer.audio[1])
        assert answer.audio.std() > 0.01


@BOTH
@pytest.mark.parametrize("guidance", [1.0, 5.0])
def test_a_sound_does_not_depend_on_its_batch(make, kind, guidance):
    renderer = make(kind, guidance=guidance, steps=8)
    together = audio(renderer, *REQUESTS)
    turned = audio(renderer, *reversed(REQUESTS))[::-1]
    for request, one, other in zip(REQUESTS, together, turned, strict=True):
        (alone,) = audio(renderer, request)
        assert difference(alone, one) <= 1e-5
        assert difference(one, other) <= 1e-5


def test_in_one_slot_a_sound_does_not_depend_on_its_batch(make):
    renderer = make(THREE, grid_s=2.0)
    together = audio(renderer, *REQUESTS)
    for request, one in zip(REQUESTS, together, strict=True):
        (alone,) = audio(renderer, request)
        assert difference(alone, one) <= 1e-5


@BOTH
def test_equal_seeds_give_equal_bytes_and_others_another_sound(make, kind):
    renderer = make(kind)
    same = [RenderRequest("rain", 0.5, seed) for seed in (1, 1, 2)]
    first, again, other = audio(renderer, *same)
    (anew,) = audio(make(kind), same[0])
    assert difference(first, again) <= 1e-5
    assert difference(first, other) > 0.01
    assert difference(first, anew) <= 1e-5
    assert audio(renderer, *same)[0].tobytes() == first.tobytes()


@BOTH
def test_global_randomness_is_neither_used_nor_touched(make, kind):
    renderer = make(kind)
    torch.manual_seed(1)
    (one,) = audio(renderer, REQUESTS[0])
    state = torch.get_rng_state()
    torch.manual_seed(2)
    before = torch.get_rng_state()
    (other,) = audio(renderer, REQUESTS[0])
    assert one.tobytes() == other.tobytes()
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(state, before)


@BOTH
def test_text_and_duration_are_heard(make, kind):
    renderer = make(kind)
    dog, rain, longer = audio(
        renderer,
        RenderRequest("a dog", 0.4, 5),
        RenderRequest("rain", 0.4, 5),
        RenderRequest("a dog", 1.0 if kind == ONE else 1.7, 5),
    )
    assert difference(dog, rain) > 1e-4
    assert difference(dog, longer[:, : dog.shape[1]]) > 1e-4


@BOTH
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_the_number_of_steps_is_that_of_the_setting(make, kind, steps, monkeypatch):
    renderer = make(kind, steps=steps)
    renderer.prepare()
    transformer, calls = renderer._pipe.transformer, []
    forward = transformer.forward
    monkeypatch.setattr(
        transformer, "forward", lambda given, *a, **k: calls.append(given.shape[0]) or forward(given, *a, **k)
    )
    audio(renderer, REQUESTS[0])
    assert calls == [2 if kind == ONE else 1] * steps


def test_a_distilled_model_takes_eight_steps_by_itself(make):
    renderer = make(THREE, steps=None)
    assert difference(audio(renderer, REQUESTS[0])[0], audio(make(THREE, steps=8), REQUESTS[0])[0]) <= 1e-5
    assert difference(audio(renderer, REQUESTS[0])[0], audio(make(THREE, steps=7), REQUESTS[0])[0]) > 1e-4


@pytest.mark.parametrize(
    ("guidance", "negative"), [(7.0, "low quality"), (7.0, ""), (1.0, "low quality")], ids=str
)
def test_it_is_the_sound_of_the_pipeline_itself_given_the_same_noise(make, guidance, negative):
    renderer = make(ONE, guidance=guidance, negative_prompt=negative, steps=6)
    request = RenderRequest("a bird", 0.6, 21)
    (ours,) = audio(renderer, request)

    pipe = renderer._pipe
    random = make_generators([request.random_seed])
    start = draw_noise(random, (4, 256), "cpu")
    set_timesteps = pipe.scheduler.set_timesteps

    def with_our_noise(*args, **kwargs):
        set_timesteps(*args, **kwargs)
        pipe.scheduler.noise_sampler = lambda *_: draw_noise(random, (4, 256), "cpu")

    pipe.scheduler.set_timesteps = with_our_noise
    theirs = pipe(
        [request.text],
        audio_end_in_s=request.duration_s,
        num_inference_steps=6,
        guidance_scale=guidance,
        negative_prompt=[negative] if negative else None,
        latents=start,
    ).audios[0]
    assert difference(ours, theirs.numpy()) <= 1e-5


def test_it_is_the_sound_of_the_third_pipeline_itself(make):
    renderer = make(THREE, guidance=3.0, negative_prompt="low quality")
    request = RenderRequest("a bird", 2.0, 21)
    (ours,) = audio(renderer, request)
    theirs = renderer._pipe(
        request.text,
        duration=request.duration_s,
        num_inference_steps=3,
        guidance_scale=3.0,
        negative_prompt="low quality",
        generator=make_generators([request.random_seed]),
    ).audios[0]
    assert difference(ours.clip(-1, 1), theirs.numpy()) <= 1e-5


def test_what_is_cut_before_decoding_is_not_missed(make):
    renderer = make(ONE)
    (ours,) = audio(renderer, REQUESTS[0])
    with torch.inference_mode():
        latents = renderer._denoise(REQUESTS[:1])
        whole = renderer._pipe.vae.decode(latents).sample[0].numpy()
    assert whole.shape[1] == seconds_to_samples(WINDOW_S, RATE_HZ)
    assert difference(ours, whole[:, : ours.shape[1]]) <= 1e-6


@pytest.mark.parametrize("ratios", [[2, 4, 4], [2, 4], [4, 2], [2, 2, 8]])
def test_the_reach_of_a_decoder_is_what_it_really_is(ratios):
    from diffusers import AutoencoderOobleck

    with pytest.warns(FutureWarning, match="weight_norm"):
        vae = AutoencoderOobleck(4, ratios, [1] * len(ratios), 4, 2, 2, 8_000)
    vae.requires_grad_(requires_grad=False)
    latents = torch.zeros(1, 2, 81, dtype=torch.float64, requires_grad=True)
    middle = 40
    samples = vae.double().decode(latents).sample[0, 0]
    first, last = middle * vae.hop_length, (middle + 1) * vae.hop_length - 1
    (heard,) = torch.autograd.grad(samples[first] + samples[last], latents)
    reached = torch.nonzero(heard.abs().sum((0, 1)))[:, 0]
    reach = max(middle - int(reached[0]), int(reached[-1]) - middle)
    assert reach <= compute_decoder_reach(ratios) <= reach + 1


def test_only_the_needed_latents_of_the_published_decoder_are_decoded():
    assert compute_decoder_reach([2, 4, 4, 8, 8]) == 10
    assert round(FULL_WINDOW_S, 2) == 47.55


@BOTH
@pytest.mark.parametrize(
    ("duration_s", "reason"),
    [(6.01, "too-long"), (0.0, "bad-duration"), (-1.0, "bad-duration"), (float("nan"), "bad-duration")],
)
def test_a_bad_request_fails_alone(make, kind, duration_s, reason):
    renderer = make(kind)
    bad = RenderRequest("rain", duration_s, 3)
    before, failure, after = renderer.render([REQUESTS[0], bad, REQUESTS[2]])
    assert isinstance(failure, RenderFailure)
    assert failure.reason == reason
    assert difference(before.audio, audio(renderer, REQUESTS[0])[0]) <= 1e-5
    assert difference(after.audio, audio(renderer, REQUESTS[2])[0]) <= 1e-5
    assert [answer.reason for answer in renderer.render([bad])] == [reason]


def test_the_longest_that_a_model_makes_is_made(make):
    for kind, longest_s in ((ONE, WINDOW_S), (THREE, LONGEST_S)):
        (sound,) = audio(make(kind, steps=1), RenderRequest("rain", longest_s, 1))
        assert sound.shape == (2, seconds_to_samples(longest_s, RATE_HZ))
    (failure,) = make(ONE).render([RenderRequest("rain", 1.03, 1)])
    assert failure == RenderFailure("too-long", "1.03 s; the model makes up to 1.02 s")


def test_sounds_are_made_in_slots_of_the_grid(make):
    def slots(grid_s, *durations_s):
        renderer = make(THREE, grid_s=grid_s, steps=1)
        answers = renderer.render([RenderRequest("rain", duration_s, 1) for duration_s in durations_s])
        return [answer.detail["generated_s"] for answer in answers]

    assert slots(1.0, 0.2, 1.0, 1.2, 3.0, 5.1) == ["1", "1", "2", "3", "6"]
    assert slots(0.1, 0.1 + 0.2, 0.7, 0.71) == ["0.3", "0.7", "0.8"]
    assert slots(4.0, 5.0) == ["6"]


def test_no_requests_give_no_answers(make):
    assert make(ONE).render([]) == []


@BOTH
def test_sound_that_is_not_finite_is_not_hidden(make, kind):
    renderer = make(kind)
    renderer.prepare()
    for weight in renderer._pipe.vae.decoder.parameters():
        weight.data.fill_(float("nan"))
        break
    (sound,) = audio(renderer, REQUESTS[0])
    assert np.isnan(sound).any()


@BOTH
def test_want_of_memory_is_a_batch_too_large(make, kind, monkeypatch):
    renderer = make(kind)
    renderer.prepare()

    def forward(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    with monkeypatch.context() as patch:
        patch.setattr(renderer._pipe.transformer, "forward", forward)
        with pytest.raises(BatchTooLargeError, match="Tried to allocate"):
            renderer.render(REQUESTS)
    assert len(audio(renderer, *REQUESTS)) == 3


@BOTH
def test_half_precision_keeps_the_decoder_and_the_samples_in_float32(make, kind):
    renderer = make(kind, dtype="bfloat16")
    (half,) = audio(renderer, REQUESTS[0])
    (full,) = audio(make(kind), REQUESTS[0])
    assert renderer._pipe.transformer.dtype == torch.bfloat16
    assert renderer._pipe.text_encoder.dtype == torch.bfloat16
    assert renderer._pipe.vae.dtype == torch.float32
    assert half.dtype == np.float32
    assert 0 < difference(half, full) < 0.1


@BOTH
def test_a_fingerprint_names_what_changes_the_sound(make, kind, models):
    told = make(kind, dtype="float32").fingerprint()
    assert told["backend"] == kind
    assert told["model"] == "folder"
    assert told["revision"].startswith("folder-")
    assert {"diffusers", "torch", "transformers", "sound"} <= told.keys()
    assert (told["steps"], told["dtype"]) == ("3", "float32")
    assert str(models[kind].parent) not in str(told)
    assert all(isinstance(value, str) for value in told.values())
    for setting in ({"steps": 4}, {"guidance": 2.0}, {"negative_prompt": "x"}, {"dtype": "bfloat16"}):
        assert make(kind, **setting).fingerprint() != make(kind).fingerprint()


@BOTH
def test_what_is_known_without_loading(make, kind):
    known = get_info(make(kind))
    assert known.extra == "stable-audio"
    assert known.isolated
    assert known.target == "model"
    assert known.model_licence == "Stability AI Community License"
    assert known.settings is not None
    assert known.settings().model == known.model
    assert make(kind).voices() == []


def test_the_registry_makes_one_from_a_folder(models):
    renderer = registry.create(f"stable-audio:{models[ONE]}", "sfx", {"steps": 2})
    assert isinstance(renderer, StableAudioRenderer)
    assert renderer.fingerprint()["steps"] == "2"
    with pytest.raises(UserError, match="steps"):
        registry.create(f"stable-audio:{models[ONE]}", "sfx", {"steps": 0})


def copied(models, tmp_path):
    return shutil.copytree(models[ONE], tmp_path / "model")


def refusal(folder):
    with pytest.raises(UserError) as caught:
        StableAudioRenderer(StableAudioSettings(model=str(folder))).prepare()
    return str(caught.value)


def test_models_that_cannot_be_loaded_say_what_to_do(models, tmp_path):
    assert "no such folder" in refusal(tmp_path / "nowhere")

    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "readme.txt").write_text("no model")
    assert "cannot be loaded as a StableAudioPipeline" in refusal(notes)

    assert "is a StableAudio3Pipeline; give a model saved as a StableAudioPipeline" in refusal(models[THREE])

    lacking = copied(models, tmp_path)
    weights = next((lacking / "transformer").glob("*.safetensors"))
    kept = weights.read_bytes()
    weights.unlink()
    assert "cannot be loaded" in refusal(lacking)
    weights.write_bytes(kept[: len(kept) // 2])
    assert "cannot be loaded" in refusal(lacking)
    weights.write_bytes(kept)
    index = lacking / "model_index.json"
    index.write_text(index.read_text().replace("CosineDPMSolver", "NoSuchSolver"))
    assert "cannot be loaded" in refusal(lacking)
    index.write_text(json.dumps(["no", "object"]))
    assert "cannot be loaded" in refusal(lacking)


def test_a_device_that_does_not_exist_is_a_users_mistake(make, monkeypatch):
    monkeypatch.setenv("COPILOT_DEVICE", "cuda:77")
    with pytest.raises(UserError, match="cuda:77 not found"):
        make(ONE).prepare()


def test_a_device_that_is_full_is_named(make, monkeypatch):
    from diffusers import DiffusionPipeline

    def to(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory.\nMore lines")

    monkeypatch.setattr(DiffusionPipeline, "to", to)
    with pytest.raises(
        UserError, match=r"cannot be moved to cpu: CUDA out of memory\.; choose another device"
    ):
        make(ONE).prepare()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (errors.GatedRepoError, "is gated; accept its licence at https://huggingface.co/owner/name"),
        (errors.RemoteEntryNotFoundError, "a form that is not supported"),
    ],
)
def test_a_repository_that_cannot_be_had_says_what_to_do(monkeypatch, kind, message):
    def load_config(*_, revision):
        assert revision == "0" * 40
        try:
            raise kind.__new__(kind)
        except errors.HfHubHTTPError:
            raise OSError("there was an error") from None

    monkeypatch.setattr(StableAudioPipeline, "load_config", load_config)
    renderer = StableAudioRenderer(StableAudioSettings(model="owner/name", revision="0" * 40))
    assert renderer.fingerprint()["model"] == "owner/name"
    assert renderer.fingerprint()["revision"] == "0" * 40
    with pytest.raises(UserError, match=f"model owner/name: .*{message}"):
        renderer.prepare()
