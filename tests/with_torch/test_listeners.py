"""PE-A-Frame and CLAP with tiny random models: windows, frames, batches, failures. Not what they hear."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from helpers.tiny_hearing import save_tiny_clap, save_tiny_pe_a_frame

from copilot.errors import UserError
from listeners import create_for_hearing
from listeners.clap import ClapListener, ClapSettings
from listeners.contract import Clip, Detection, Embedding, HearingFailure, Scores
from listeners.pe_a_frame import PeAFrameListener, PeAFrameSettings
from listeners.testing import check_listener, make_clips
from renderers.contract import BatchTooLargeError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RATE_HZ = 48_000


@pytest.fixture(scope="module")
def frame_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pe-a-frame")
    save_tiny_pe_a_frame(folder)
    return folder


@pytest.fixture(scope="module", params=["unfused", "fused"])
def clap_folder(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    save_tiny_clap(folder, fused=request.param == "fused")
    return folder


def noise(seconds: float, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(round(seconds * RATE_HZ))).astype(np.float32)


def test_pe_a_frame_keeps_the_contract(frame_folder):
    check_listener(PeAFrameListener, {"model": str(frame_folder)}, kind="detector")


def test_pe_a_frame_hears_what_the_model_says(frame_folder):
    from transformers import PeAudioFrameLevelModel, PeAudioProcessor

    audio, captions = noise(1.0), ("a dog barks", "rain")
    listener = PeAFrameListener(PeAFrameSettings(model=str(frame_folder)))
    listener.prepare()
    [heard] = listener.hear([Clip(audio, captions)])
    model = PeAudioFrameLevelModel.from_pretrained(frame_folder).eval()
    processor = PeAudioProcessor.from_pretrained(frame_folder)
    with torch.inference_mode():
        sound = processor.feature_extractor([audio], sampling_rate=RATE_HZ, return_tensors="pt")
        words = processor.tokenizer(list(captions), padding=True, return_tensors="pt")
        logits = model(
            input_values=sound["input_values"],
            padding_mask=sound["padding_mask"],
            input_ids=words["input_ids"],
            attention_mask=words["attention_mask"],
        ).logits_audio_text
    expected = torch.sigmoid(logits[0]).numpy()
    assert isinstance(heard, Detection)
    assert (heard.probabilities.shape, heard.frame_s) == ((2, 25), 0.04)
    assert np.abs(heard.probabilities - expected).max() < 1e-6
    assert np.ptp(heard.probabilities) > 1e-3


def test_the_last_frame_of_a_detection_begins_inside_the_clip(frame_folder):
    listener = PeAFrameListener(PeAFrameSettings(model=str(frame_folder)))
    lengths = [1, 100, 1_920, 1_921, 5_000]
    heard = listener.hear([Clip(noise(1.0)[:length], ("rain",)) for length in lengths])
    assert [one.probabilities.shape for one in heard] == [(1, 1), (1, 1), (1, 1), (1, 2), (1, 3)]
    [nothing] = listener.hear([Clip(noise(0.1))])
    assert nothing.probabilities.shape == (0, 3)


@pytest.mark.parametrize("kind", ["scorer", "embedder"])
def test_clap_keeps_the_contract(clap_folder, kind):
    clips = make_clips(RATE_HZ, (1.0, 12.0))
    check_listener(ClapListener, {"model": str(clap_folder)}, kind=kind, clips=clips)


def test_clap_draws_no_crop_of_a_long_sound(clap_folder):
    one, other = noise(10.0, 1), noise(10.0, 2)
    listener = ClapListener(ClapSettings(model=str(clap_folder)), kind="embedder")
    np.random.seed(1)  # noqa: NPY002 - the generator that the library would draw from
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    both, first, second = listener.hear([Clip(np.concatenate([one, other])), Clip(one), Clip(other)])
    mean = first.vector.astype(np.float64) + second.vector
    assert np.abs(both.vector - mean / np.linalg.norm(mean)).max() < 1e-6
    assert np.linalg.norm(both.vector) == pytest.approx(1.0, abs=1e-6)
    fused = "fused" in clap_folder.name and "unfused" not in clap_folder.name
    # The fused form draws which sound it marks as long, and the mark is taken back.
    assert fused or (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_clap_scores_are_the_models_cosines(clap_folder):
    from transformers import ClapModel, ClapProcessor

    audio, captions = noise(2.0), ("a dog barks", "rain on a tin roof")
    listener = ClapListener(ClapSettings(model=str(clap_folder)))
    [heard] = listener.hear([Clip(audio, captions)])
    model, processor = (
        ClapModel.from_pretrained(clap_folder).eval(),
        ClapProcessor.from_pretrained(clap_folder),
    )
    with torch.inference_mode():
        sound = processor.feature_extractor(audio, sampling_rate=RATE_HZ, return_tensors="pt")
        words = processor.tokenizer(list(captions), padding=True, return_tensors="pt")
        text = model.get_text_features(**words).pooler_output
        sound_vector = model.get_audio_features(
            sound["input_features"], is_longer=torch.zeros(1, 1, dtype=torch.bool)
        ).pooler_output
    assert isinstance(heard, Scores)
    assert heard.values == pytest.approx((sound_vector @ text.T)[0].tolist(), abs=1e-5)
    assert len(set(heard.values)) == 2


def test_fingerprints_follow_the_weights_and_not_their_place(frame_folder, tmp_path):
    moved = shutil.copytree(frame_folder, tmp_path / "moved")
    other = tmp_path / "other"
    save_tiny_pe_a_frame(other, seed=1)
    one, again, changed = (
        PeAFrameListener(PeAFrameSettings(model=str(folder))).fingerprint()
        for folder in (frame_folder, moved, other)
    )
    assert one == again
    assert {name for name in one if one[name] != changed[name]} == {"revision"}


@pytest.mark.parametrize(
    ("listener", "settings", "kind"),
    [(PeAFrameListener, PeAFrameSettings, "detector"), (ClapListener, ClapSettings, "scorer")],
)
def test_weights_that_cannot_be_used_are_a_users_mistake(listener, settings, kind, tmp_path):
    clap, frame = tmp_path / "clap", tmp_path / "frame"
    save_tiny_clap(clap)
    save_tiny_pe_a_frame(frame)
    own, foreign = (frame, clap) if kind == "detector" else (clap, frame)
    with pytest.raises(UserError):
        listener(settings(model=str(tmp_path / "nowhere"))).fingerprint()
    (own / "config.json").write_text(json.dumps({"model_type": "bert"}))
    for folder in (foreign, own):
        with pytest.raises(UserError) as raised:
            listener(settings(model=str(folder))).prepare()
        assert raised.value.field == kind


def test_missing_weights_are_refused(frame_folder, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(frame_folder, tmp_path / "part")
    weights = load_file(folder / "model.safetensors")
    del weights["text_audio_logit_bias"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError) as raised:
        PeAFrameListener(PeAFrameSettings(model=str(folder))).prepare()
    assert raised.value.field == "detector"


def test_want_of_memory_is_the_batchs(frame_folder, monkeypatch):
    listener = PeAFrameListener(PeAFrameSettings(model=str(frame_folder)))
    listener.prepare()

    def refuse(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(listener._model, "get_audio_embeds", refuse)
    with pytest.raises(BatchTooLargeError):
        listener.hear([Clip(noise(0.1), ("rain",))])


def test_a_hosted_embedder_gives_the_same_vector(clap_folder):
    clip, ill = Clip(noise(0.5)), Clip(np.full(10, np.nan, np.float32))
    with_model = {"model": str(clap_folder)}
    hosted = create_for_hearing("clap", "embedder", with_model)
    try:
        heard, failure = hosted.hear([clip, ill])
    finally:
        hosted.close()
    [expected] = ClapListener(ClapSettings(**with_model), kind="embedder").hear([clip])
    assert isinstance(heard, Embedding)
    assert np.abs(heard.vector - expected.vector).max() < 1e-6
    assert failure == HearingFailure("audio-not-finite", "the sound holds NaN or infinity")
