"""VibeVoice with a tiny random model: batches, seeds, bounds, failures. Not what it sounds like."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from helpers.tiny_vibevoice import save_tiny_vibevoice

from copilot.errors import UserError
from renderers.contract import (
    BatchTooLargeError,
    Reference,
    RenderedSound,
    RenderFailure,
    RenderRequest,
    get_info,
)
from renderers.testing import check_renderer
from renderers.vibevoice.renderer import VibeVoiceRenderer, VibeVoiceSettings

# torch's arrays do not know NumPy's newest protocol yet; diffusers' scheduler meets that.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

STEPS = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vibevoice")
    save_tiny_vibevoice(folder)
    return folder


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A voice of 1 s at 24 kHz, mono, and one of 2.1 s at 44.1 kHz, stereo."""
    folder = tmp_path_factory.mktemp("voices")
    noise = np.random.default_rng(1)
    for name, rate_hz, seconds, channels in (("a", 24_000, 1.0, 1), ("b", 44_100, 2.1, 2)):
        sound = 0.1 * noise.standard_normal((int(rate_hz * seconds), channels))
        soundfile.write(folder / f"{name}.wav", sound, rate_hz)
    return folder


@pytest.fixture(scope="module")
def requests(recordings):
    def one(text: str, seed: int, name: str) -> RenderRequest:
        path = recordings / f"{name}.wav"
        reference = Reference(path, "some words", f"hash of {name}", emotion="calm", licence="CC0")
        return RenderRequest(text, 2.0, seed, voice=name, reference=reference)

    return [
        one("Good morning.", 1, "a"),
        one("The ferry leaves at nine, and it does not wait for anybody.", 2, "b"),
        one("Run!", 3, "a"),
    ]


@pytest.fixture(scope="module")
def renderer(folder):
    renderer = make(folder)
    renderer.prepare()
    yield renderer
    renderer.close()


def make(folder, **settings) -> VibeVoiceRenderer:
    given = {"model": str(folder), "diffusion_steps": STEPS, "dtype": "float32", **settings}
    return VibeVoiceRenderer(VibeVoiceSettings(**given))


def heard(renderer, requests) -> list[np.ndarray]:
    answers = renderer.render(requests)
    assert [type(answer) for answer in answers] == [RenderedSound] * len(requests), answers
    return [answer.audio for answer in answers]


def test_it_keeps_the_contract(folder):
    settings = {"model": str(folder), "diffusion_steps": STEPS, "dtype": "float32"}
    check_renderer(VibeVoiceRenderer, settings, durations_s=(0.5, 2.0), tolerance=1e-4)


def test_a_batch_is_answered_in_order_with_mono_at_the_rate_of_the_model(renderer, requests):
    answers = renderer.render(requests)
    for answer, name in zip(answers, "aba", strict=True):
        assert answer.rate_hz == 24_000
        assert answer.audio.dtype == np.float32
        assert answer.audio.shape[0] == 1
        assert answer.audio.shape[1] % 3200 == 0
        assert 6 * 3200 <= answer.audio.shape[1] <= 12 * 3200
        assert 0.005 < answer.audio.std() < 0.3
        assert answer.detail == {"reference": f"hash of {name}", "emotion": "calm", "licence": "CC0"}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_sound(renderer, requests):
    first, again = heard(renderer, requests), heard(renderer, requests)
    other = heard(renderer, [replace(request, random_seed=request.random_seed + 10) for request in requests])
    assert [sound.tobytes() for sound in first] == [sound.tobytes() for sound in again]
    for one, two in zip(first, other, strict=True):
        n = min(one.shape[1], two.shape[1])
        assert np.abs(one[:, :n] - two[:, :n]).max() > 0.01


def test_an_item_sounds_alone_as_it_does_in_its_batch(renderer, requests):
    """But for rounding, which each frame hears in those before it: 1.2e-5 measured, at a level of 0.06."""
    together = heard(renderer, requests)
    alone = [heard(renderer, [request])[0] for request in requests]
    turned = heard(renderer, requests[::-1])[::-1]
    for one, two, three in zip(together, alone, turned, strict=True):
        assert one.shape == two.shape == three.shape
        assert np.abs(one - two).max() <= 1e-4
        assert np.abs(one - three).max() <= 1e-4


def test_what_the_others_of_a_batch_say_is_not_heard(renderer, requests):
    """Beside others of the same lengths the arithmetic is the same, to the bit."""
    others = [
        replace(
            request,
            text=request.text.translate(str.maketrans("aeiou", "eioua")),
            random_seed=request.random_seed + 50,
        )
        for request in requests
    ]
    together = heard(renderer, requests)
    for row, before in enumerate(together):
        mixed = [*others[:row], requests[row], *others[row + 1 :]]
        assert heard(renderer, mixed)[row].tobytes() == before.tobytes()


def test_the_global_random_state_is_neither_used_nor_changed(renderer, requests):
    before = heard(renderer, requests[:1])[0]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        state = torch.get_rng_state()
        assert heard(renderer, requests[:1])[0].tobytes() == before.tobytes()
        assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("setting", [{"diffusion_steps": STEPS + 1}, {"guidance": 2.0}])
def test_a_setting_changes_the_sound_and_the_fingerprint(renderer, folder, requests, setting):
    other = make(folder, **setting)
    one, two = heard(renderer, requests[:1])[0], heard(other, requests[:1])[0]
    n = min(one.shape[1], two.shape[1])
    assert np.abs(one[:, :n] - two[:, :n]).max() > 1e-3
    assert other.fingerprint() != renderer.fingerprint()


def test_text_and_recording_are_heard(renderer, requests, recordings):
    plain = heard(renderer, requests[:1])[0]
    reference = replace(requests[0].reference, path=recordings / "b.wav")
    for changed in (replace(requests[0], text="Good evening."), replace(requests[0], reference=reference)):
        sound = heard(renderer, [changed])[0]
        n = min(sound.shape[1], plain.shape[1])
        assert np.abs(sound[:, :n] - plain[:, :n]).max() > 1e-3


def test_names_of_control_tokens_in_a_text_are_read_as_text(renderer, requests):
    heard(renderer, [replace(requests[0], text="<|vision_pad|> and <|vision_end|>"), requests[1]])


def test_bad_requests_fail_with_a_reason_and_the_others_live(renderer, requests, tmp_path):
    (tmp_path / "words.wav").write_text("not a sound")
    soundfile.write(tmp_path / "silence.wav", np.zeros(24_000), 24_000)
    references = [
        replace(requests[0].reference, path=tmp_path / name)
        for name in ("none.wav", "words.wav", "silence.wav")
    ]
    bad = [
        replace(requests[0], reference=None),
        *(replace(requests[0], reference=reference) for reference in references),
        replace(requests[0], text=" ... "),
        replace(requests[0], duration_s=float("nan")),
    ]
    answers = renderer.render([*bad, requests[1]])
    assert [answer.reason for answer in answers[:-1]] == [
        "no-reference",
        "reference-unreadable",
        "reference-unreadable",
        "reference-unreadable",
        "no-speech",
        "bad-duration",
    ]
    assert str(tmp_path / "none.wav") in answers[1].detail
    alone = heard(renderer, [requests[1]])[0]
    assert isinstance(answers[-1], RenderedSound)
    assert answers[-1].audio.tobytes() == alone.tobytes()


def test_a_batch_of_bad_requests_does_not_reach_the_model(renderer, requests, monkeypatch):
    monkeypatch.setattr(renderer, "_model", None)
    monkeypatch.setattr(renderer, "prepare", lambda: None)
    assert renderer.render([replace(requests[0], reference=None)])[0].reason == "no-reference"


def test_speech_without_an_end_is_cut_off_and_fails(tmp_path, requests):
    save_tiny_vibevoice(tmp_path, ends_after=1000)
    short = replace(requests[0], text="Hm.", duration_s=0.5)
    answers = make(tmp_path).render([short, replace(short, duration_s=1.0)])
    assert [(answer.reason, answer.detail) for answer in answers] == [
        ("speech-runaway", "no end after 2.6 s, with 0.5 s of room"),
        ("speech-runaway", "no end after 3.0 s, with 1 s of room"),
    ]


def test_no_speech_is_longer_than_the_setting_allows(folder, requests):
    answer = make(folder, longest_s=0.5).render(requests[:1])[0]
    assert answer == RenderFailure("speech-runaway", "no end after 0.5 s, with 2 s of room")


def test_a_bound_of_one_item_does_not_touch_the_others(renderer, requests, monkeypatch):
    plain = heard(renderer, requests)
    bound_s = renderer._compute_bound_s
    monkeypatch.setattr(
        renderer, "_compute_bound_s", lambda request: 0.4 if request.random_seed == 1 else bound_s(request)
    )
    answers = renderer.render(requests)
    assert answers[0].reason == "speech-runaway"
    for answer, before in zip(answers[1:], plain[1:], strict=True):
        assert answer.audio.tobytes() == before.tobytes()


def test_want_of_memory_asks_for_a_smaller_batch(renderer, requests, monkeypatch):
    def full(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(renderer._model, "generate", full)
    with pytest.raises(BatchTooLargeError, match="Tried to allocate"):
        renderer.render(requests)


def test_the_fingerprint_holds_the_model_by_its_content_and_loads_nothing(folder, tmp_path):
    told = make(folder)
    fingerprint = told.fingerprint()
    assert told._model is None
    assert set(fingerprint) == {
        "backend", "sound", "model", "revision", "diffusion_steps", "guidance", "dtype", "longest_s",
        "diffusers", "torch", "transformers",
    }  # fmt: skip
    assert fingerprint["model"] == "folder"
    assert str(folder) not in json.dumps(fingerprint)
    save_tiny_vibevoice(tmp_path, seed=1)
    assert make(tmp_path).fingerprint()["revision"] != fingerprint["revision"]


def test_the_settings_tell_what_the_contract_asks(folder):
    known = get_info(VibeVoiceRenderer)
    assert known.clones
    assert known.isolated
    assert known.settings is VibeVoiceSettings
    assert known.target in VibeVoiceSettings.model_fields
    assert make(folder).voices() == []


def test_a_folder_that_does_not_exist_is_the_users_mistake(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        make(tmp_path / "none").prepare()


def test_a_model_of_another_kind_is_the_users_mistake(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "qwen2"}')
    with pytest.raises(UserError, match="is a qwen2; give a vibevoice, such as vibevoice/VibeVoice"):
        make(tmp_path).prepare()


def test_the_layout_of_the_first_release_is_recognised(tmp_path):
    config = {"model_type": "vibevoice", "acoustic_tokenizer_config": {}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="has the layout of VibeVoice's own code; give one that transformers"):
        make(tmp_path).prepare()


def copied(folder, target) -> None:
    for file in folder.iterdir():
        os.link(file, target / file.name)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("model.safetensors", "cannot be loaded"),
        ("tokenizer.json", "tokenizer and model do not belong together; copy or download it again"),
        ("chat_template.jinja", "has no chat template; copy or download it again"),
        ("config.json", "has no config.json that names a kind of model; give a vibevoice"),
    ],
)
def test_a_missing_file_is_named(folder, tmp_path, name, told):
    copied(folder, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match=f"model {tmp_path}: {told}"):
        make(tmp_path).prepare()


def test_missing_weights_are_not_made_up(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    copied(folder, tmp_path)
    weights = load_file(folder / "model.safetensors")
    del weights["lm_head.weight"]
    (tmp_path / "model.safetensors").unlink()
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match=r"1 weights are missing \(lm_head.weight\); copy or"):
        make(tmp_path).prepare()


def test_a_device_that_does_not_exist_is_the_users_mistake(folder, monkeypatch):
    monkeypatch.setenv("COPILOT_DEVICE", "cuda:77")
    with pytest.raises(UserError, match="cuda:77"):
        make(folder).prepare()
