"""Speech is synthesised, heard by Whisper tiny.en and rated by DNSMOS, all with their real weights."""

from __future__ import annotations

import re

import numpy as np
import pytest

from copilot.errors import UserError
from listeners import create_for_hearing
from listeners.contract import Clip, HearingFailure, Transcript
from listeners.dnsmos import DnsmosListener, DnsmosSettings
from listeners.faster_whisper import (
    FasterWhisperListener,
    FasterWhisperSettings,
    WhisperEncoderListener,
    WhisperEncoderSettings,
)
from listeners.testing import check_listener, make_clips

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def recogniser(whisper):
    listener = FasterWhisperListener(FasterWhisperSettings(model=str(whisper)))
    listener.prepare()
    return listener


@pytest.fixture(scope="module")
def encoder(whisper):
    listener = WhisperEncoderListener(WhisperEncoderSettings(model=str(whisper)))
    listener.prepare()
    return listener


@pytest.fixture(scope="module")
def rater():
    listener = DnsmosListener()
    listener.prepare()
    return listener


def add_noise(audio, snr_db: float, seed: int = 1):
    noise = np.random.default_rng(seed).standard_normal(audio.size)
    level = np.sqrt(np.mean(audio**2, dtype=np.float64)) * 10 ** (-snr_db / 20)
    return (audio + level * noise).astype(np.float32)


def split_words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def count_errors(spoken: list[str], heard: list[str]) -> int:
    """Return the least number of words to insert, delete or replace."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(spoken, 1):
        diagonal, row[0] = row[0], number
        for column, other in enumerate(heard, 1):
            diagonal, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, diagonal + (word != other)),
            )
    return row[-1]


def error_rate(recogniser, lines, snr_db: float | None = None) -> float:
    heard = recogniser.hear(
        [Clip(line.audio if snr_db is None else add_noise(line.audio, snr_db)) for line in lines]
    )
    spoken = [split_words(line.text) for line in lines]
    errors = sum(count_errors(words, split_words(one.text)) for words, one in zip(spoken, heard, strict=True))
    return errors / sum(map(len, spoken))


def test_what_is_spoken_is_what_is_heard_and_noise_hides_it(recogniser, lines):
    clean, noisy = error_rate(recogniser, lines), error_rate(recogniser, lines, snr_db=-5.0)
    assert clean < 0.15
    assert noisy > clean + 0.1


def test_words_have_the_times_at_which_they_are_spoken(recogniser, lines):
    for first, second in zip(lines[::2], lines[1::2], strict=True):
        silence = np.zeros(3 * RATE_HZ // 2, np.float32)
        clip = np.concatenate([silence, first.audio, silence, second.audio, silence])
        [heard] = recogniser.hear([Clip(clip)])
        starts_s = np.cumsum([1.5, first.audio.size / RATE_HZ + 1.5])
        for line, start_s in zip((first, second), starts_s, strict=True):
            end_s = start_s + line.audio.size / RATE_HZ
            words = [word for word in heard.words if start_s - 0.75 < word.start_s < end_s + 0.75]
            assert len(words) == len(line.text.split())
            assert words[0].start_s == pytest.approx(start_s, abs=0.2)
            assert words[-1].end_s == pytest.approx(end_s, abs=0.25)


def test_words_are_in_order_inside_the_clip_and_have_probabilities(recogniser, lines):
    for line, heard in zip(lines, recogniser.hear([Clip(line.audio) for line in lines]), strict=True):
        times_s = [time_s for word in heard.words for time_s in (word.start_s, word.end_s)]
        assert 0 <= min(times_s) <= max(times_s) <= line.audio.size / RATE_HZ
        assert [word.start_s for word in heard.words] == sorted(word.start_s for word in heard.words)
        assert all(0 < word.probability <= 1 for word in heard.words)
        assert " ".join(word.text for word in heard.words) == heard.text


def test_nobody_speaks_in_silence_and_noise(recogniser):
    noise = 0.1 * np.random.default_rng(1).standard_normal(5 * RATE_HZ)
    sounds = (np.zeros(2 * RATE_HZ), noise, np.zeros(1))
    clips = [Clip(sound.astype(np.float32)) for sound in sounds]
    assert recogniser.hear(clips) == [Transcript("")] * 3


def make_short_clips(lines) -> list[Clip]:
    return [Clip(lines[1].audio), Clip(lines[3].audio)]


def test_the_recogniser_keeps_the_contract(whisper, lines):
    check_listener(
        FasterWhisperListener, {"model": str(whisper)}, kind="recogniser", clips=make_short_clips(lines)
    )


def test_the_encoder_keeps_the_contract(whisper, lines):
    check_listener(
        WhisperEncoderListener, {"model": str(whisper)}, kind="embedder", clips=make_short_clips(lines)
    )


def test_the_rater_keeps_the_contract():
    check_listener(DnsmosListener, kind="rater", clips=make_clips(RATE_HZ, (1.0, 9.5)))


def test_noise_lowers_the_rating(rater, lines):
    clean = rater.hear([Clip(line.audio) for line in lines])
    noisy = rater.hear([Clip(add_noise(line.audio, -5.0)) for line in lines])
    for before, after in zip(clean, noisy, strict=True):
        assert before.values["ovr"] > 2.5
        assert before.values["ovr"] - after.values["ovr"] > 1.0
        assert before.values["bak"] - after.values["bak"] > 1.5


def test_a_rating_follows_the_published_polynomials(rater, lines):
    """Speech of exactly one window, rated by the model's own session."""
    audio = np.resize(lines[0].audio, 144_160)
    [[[sig, bak, ovr]]] = rater._model.run(None, {"input_1": audio[None]})
    [heard] = rater.hear([Clip(audio)])
    assert heard.values["sig"] == pytest.approx(-0.08397278 * sig**2 + 1.22083953 * sig + 0.0052439)
    assert heard.values["bak"] == pytest.approx(-0.13166888 * bak**2 + 1.60915514 * bak - 0.39604546)
    assert heard.values["ovr"] == pytest.approx(-0.06766283 * ovr**2 + 1.11546468 * ovr + 0.04602535)
    assert rater.hear([Clip(lines[0].audio)]) == [heard]


def test_a_long_clip_is_rated_by_windows_of_a_second_apart(rater, lines):
    audio = np.concatenate([line.audio for line in lines])[: 12 * RATE_HZ]
    starts = [0, RATE_HZ, 2 * RATE_HZ, audio.size - 144_160]
    parts = rater.hear([Clip(audio[start : start + 144_160]) for start in starts])
    [heard] = rater.hear([Clip(audio)])
    assert heard.values["ovr"] == pytest.approx(np.mean([part.values["ovr"] for part in parts]))


def test_vectors_of_noisy_speech_are_further_away_than_those_of_other_lines(encoder, lines):
    def centre(clips):
        return np.mean([heard.vector for heard in encoder.hear(clips)], axis=0)

    clean = [Clip(line.audio) for line in lines]
    noisy = [Clip(add_noise(line.audio, 0.0)) for line in lines]
    among = np.linalg.norm(centre(clean[:4]) - centre(clean[4:]))
    assert np.linalg.norm(centre(clean) - centre(noisy)) > 1.5 * among


def test_the_silence_after_a_clip_is_not_in_its_vector(encoder, lines):
    [heard] = encoder.hear([Clip(lines[0].audio)])
    features = encoder._model.feature_extractor(lines[0].audio)
    padded = np.pad(features, ((0, 0), (0, 3_000 - features.shape[1])))
    frames = np.asarray(encoder._model.encode(padded))[0]
    n_frames = -(-lines[0].audio.size // 320)
    assert np.abs(heard.vector - frames[:n_frames].mean(axis=0)).max() < 1e-4
    [long] = encoder.hear([Clip(np.resize(lines[0].audio, 31 * RATE_HZ))])
    assert long.vector.shape == heard.vector.shape


def test_a_hosted_recogniser_hears_the_same(recogniser, whisper, lines):
    clips = [Clip(lines[3].audio), Clip(np.full(99, np.nan, np.float32))]
    hosted = create_for_hearing("faster-whisper", "recogniser", {"model": str(whisper)})
    try:
        heard, failure = hosted.hear(clips)
    finally:
        hosted.close()
    assert heard == recogniser.hear(clips[:1])[0]
    assert failure == HearingFailure("audio-not-finite", "the sound holds NaN or infinity")


def test_fingerprints_follow_weights_and_settings(whisper):
    def known(**settings):
        return FasterWhisperListener(FasterWhisperSettings(model=str(whisper), **settings)).fingerprint()

    one, other = known(), known(compute_type="float32")
    assert {name for name in one if one[name] != other[name]} == {"compute_type"}
    assert DnsmosListener().fingerprint()["revision"].startswith("file-")


def test_weights_of_another_kind_are_a_users_mistake(tmp_path, whisper):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError) as raised:
        FasterWhisperListener(FasterWhisperSettings(model=str(tmp_path))).prepare()
    assert raised.value.field == "recogniser"
    with pytest.raises(UserError) as raised:
        DnsmosListener(DnsmosSettings(model=str(whisper / "model.bin"))).prepare()
    assert raised.value.field == "rater"
