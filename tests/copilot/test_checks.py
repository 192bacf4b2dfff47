"""Every check passes on a clean sample, and fails for the fault that it is named after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from copilot.checks import run_audio_checks
from copilot.dialogue import Dialogue, Turn
from copilot.edit import Add, Change, apply
from copilot.mix import DialogueMix, mix_dialogue
from copilot.scene import Scene, SoundElement, SpeechElement
from copilot.stem import SoundSpec, Stem, make_stem
from copilot.vocabulary import Check

RAIN = SoundElement(id=1, role="ambience", text="rain", loudness=-28, panning=0.1, start_time=0, duration=2)
VOICE = SpeechElement(
    id=2,
    text="who is there",
    speaker="woman",
    gender="female",
    loudness=-16,
    panning=-0.3,
    start_time=0.5,
    duration=1,
)


def dialogue() -> Dialogue:
    story = [Add(element=RAIN), Add(element=VOICE)]
    louder = [Change(id=2, loudness=-12.0)]
    scene = apply(Scene(), story)
    return Dialogue(
        seed_id="s",
        seed_text="who is there",
        turns=(
            Turn(task="story", user="u", description="d", operations=tuple(story), scene=scene),
            Turn(
                task="volume", user="u", description="d", operations=tuple(louder), scene=apply(scene, louder)
            ),
        ),
    )


def noise_stem(tool: str, duration_s: float, n_channels: int) -> Stem:
    sound = np.random.default_rng(n_channels).standard_normal((n_channels, round(duration_s * 48_000)))
    return make_stem(
        SoundSpec(tool, "x", 2.0 if tool == "sfx" else 1.0, 0, {}), (sound / 9).astype(np.float32), 48_000
    )


@pytest.fixture
def stems() -> dict[int, Stem]:
    return {1: noise_stem("sfx", 2.0, 2), 2: noise_stem("tts", 0.9, 1)}


@pytest.fixture
def mix(stems) -> DialogueMix:
    return mix_dialogue([turn.scene for turn in dialogue().turns], stems)


def run_checks(stems, mix) -> dict[str, Check]:
    return {check.name: check for check in run_audio_checks(dialogue(), stems, mix)}


def with_turn(mix: DialogueMix, index: int, **parts) -> DialogueMix:
    turns = list(mix.turns)
    turns[index] = replace(turns[index], **parts)
    return replace(mix, turns=tuple(turns))


def spoilt(mix: DialogueMix, spoil, *, index: int = 1) -> DialogueMix:
    """Return the mix with a sound in one turn that is not from any stem."""
    pcm = mix.turns[index].pcm.copy()
    spoil(pcm)
    return with_turn(mix, index, pcm=pcm)


def test_a_clean_sample_passes_everything(stems, mix):
    found = run_checks(stems, mix)
    assert [name for name, check in found.items() if not check.passed] == []
    assert found["null_residual"].value == -200.0
    assert found["loudness_error"].value < 0.01
    assert list(found) == [
        "null_residual",
        "stems_sum_to_mix",
        "loudness_error",
        "true_peak",
        "clipping",
        "silence",
        "sounds_inaudible",
        "tail_cut",
        "offset",
        "duration_error",
        "speech_overrun",
        "speech_to_background",
        "speech_masked_s",
        "captions_unmatched",
        "edit_audible/1",
    ]


def fill(value: int, start: int = 0, end: int | None = None):
    def spoil(pcm):
        pcm[:, start:end] = value

    return spoil


@pytest.mark.parametrize(
    ("name", "spoil", "value"),
    [
        ("null_residual", fill(20_000, 50, 51), None),
        ("stems_sum_to_mix", fill(20_000, 50, 51), None),
        ("true_peak", fill(32_000, 50, 90), None),
        ("clipping", fill(32_767, 50, 53), 6.0),
        ("silence", fill(0, 10_000, 60_000), 50_000 / 48_000),
        ("offset", lambda pcm: np.add(pcm, 200, out=pcm), None),
    ],
)
def test_a_fault_in_a_turn_fails_its_check(stems, mix, name, spoil, value):
    check = run_checks(stems, spoilt(mix, spoil))[name]
    assert not check.passed
    if value is not None:
        assert check.value == pytest.approx(value, abs=1e-4)


def test_a_sound_that_is_too_loud_fails(stems, mix):
    part = mix.turns[1].placed_stems[2]
    louder = replace(part, pcm=np.rint(part.pcm * 1.02))
    check = run_checks(stems, with_turn(mix, 1, placed_stems={**mix.turns[1].placed_stems, 2: louder}))[
        "loudness_error"
    ]
    assert check.value == pytest.approx(20 * np.log10(1.02), abs=0.01)
    assert not check.passed


def test_a_turn_that_is_too_short_fails(stems, mix):
    turn = mix.turns[1]
    cut = replace(turn, pcm=turn.pcm[:, :-4_800], unrounded=turn.unrounded[:, :-4_800])
    check = run_checks(stems, replace(mix, turns=(mix.turns[0], cut)))["duration_error"]
    assert (check.value, check.passed) == (0.1, False)


def test_a_sound_that_is_too_short_fails(stems, mix):
    stems[1] = noise_stem("sfx", 1.9, 2)
    assert run_checks(stems, mix)["duration_error"].value == pytest.approx(0.1)


def test_speech_past_its_slot_fails(stems):
    stems[2] = noise_stem("tts", 1.25, 1)
    mix = mix_dialogue([turn.scene for turn in dialogue().turns], stems)
    check = run_checks(stems, mix)["speech_overrun"]
    assert (check.value, check.passed) == (0.25, False)


def test_a_sound_that_is_cut_before_it_begins_fails(stems):
    lead_in = np.zeros((1, 48_000), dtype=np.float32)
    lead_in[:, 30_000:] = noise_stem("tts", 0.375, 1).audio
    stems[2] = make_stem(SoundSpec("tts", "x", 1.0, 0, {}), lead_in, 48_000)
    short = dialogue().model_dump()
    for turn in short["turns"]:
        turn["scene"]["elements"][1]["duration"] = 0.5
    cut = Dialogue.model_validate(short)
    mix = mix_dialogue([turn.scene for turn in cut.turns], stems)
    found = {check.name: check for check in run_audio_checks(cut, stems, mix)}
    assert found["sounds_inaudible"] == Check("sounds_inaudible", 2.0, 0.0)


def test_a_sound_that_is_cut_while_it_is_loud_fails(stems, mix):
    assert -60 < run_checks(stems, mix)["tail_cut"].value < -30
    part = mix.turns[1].placed_stems[2]
    cut = replace(part, pcm=part.pcm[:, : part.pcm.shape[1] // 2])
    check = run_checks(stems, with_turn(mix, 1, placed_stems={**mix.turns[1].placed_stems, 2: cut}))[
        "tail_cut"
    ]
    assert (check.value > -6, check.limit, check.passed) == (True, -30.0, False)


def test_a_sound_that_ends_with_its_turn_may_be_loud(stems):
    scene = Scene(elements=(RAIN,))
    turn = Turn(task="story", user="u", description="d", operations=(Add(element=RAIN),), scene=scene)
    alone = Dialogue(seed_id="s", seed_text="x", turns=(turn,))
    found = {c.name: c for c in run_audio_checks(alone, {1: stems[1]}, mix_dialogue([scene], stems))}
    assert found["tail_cut"].value == -200.0


def test_an_unmatched_caption_fails(stems, mix):
    stems[1] = replace(stems[1], info=replace(stems[1].info, matched=False))
    assert run_checks(stems, mix)["captions_unmatched"] == Check("captions_unmatched", 1.0, 0.0)


def test_an_edit_that_nobody_hears_fails(stems):
    rain, voice = RAIN.model_copy(update={"loudness": -12.0}), VOICE.model_copy(update={"loudness": -50.0})
    scene = apply(Scene(), [Add(element=rain), Add(element=voice)])
    edit = [Change(id=2, loudness=-45.0)]
    turns = (
        Turn(task="story", user="u", description="d", operations=(), scene=scene),
        Turn(task="volume", user="u", description="d", operations=tuple(edit), scene=apply(scene, edit)),
    )
    buried = Dialogue(seed_id="s", seed_text="x", turns=turns)
    mix = mix_dialogue([turn.scene for turn in turns], stems)
    found = {check.name: check for check in run_audio_checks(buried, stems, mix)}
    check = found["edit_audible/1"]
    assert (-0.1 < check.value < 0, check.limit, check.passed) == (True, -2.0, False)


def test_short_and_trimmed_sounds_have_no_loudness_error(stems):
    stems[2] = noise_stem("tts", 0.39, 1)
    mix = mix_dialogue([turn.scene for turn in dialogue().turns], stems)
    assert run_checks(stems, mix)["loudness_error"].value < 0.01
