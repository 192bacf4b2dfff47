"""Speech that is longer than its slot: lengthened, spoken faster, both, or rejected, in every turn alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot.checks import run_audio_checks
from copilot.dialogue import Dialogue, Turn
from copilot.edit import Add, Change, Operation, apply
from copilot.errors import RowFault
from copilot.mix import mix_dialogue
from copilot.rules import check_dialogue
from copilot.scene import Scene, SceneLimits, SoundElement, SpeechElement
from copilot.speech_fit import FASTEST, fit_speech
from copilot.stem import SoundSpec, Stem, make_stem
from copilot.vocabulary import Word

LIMITS = SceneLimits()
RAIN = SoundElement(
    id=0, role="ambience", text="steady rain", loudness=-28, panning=0, start_time=0, duration=8
)


def line(element_id: int = 1, start_time: float = 2.0, duration: float = 2.0, speaker: str = "Anna"):
    return SpeechElement(
        id=element_id,
        text="Who is out there tonight?",
        speaker=speaker,
        gender="female",
        loudness=-18,
        panning=0.1,
        start_time=start_time,
        duration=duration,
    )


def dialogue(*lines: SpeechElement, edits: tuple[tuple[str, str, list[Operation]], ...] = ()) -> Dialogue:
    story = ("story", "Rain, and somebody speaks.", [Add(element=element) for element in (RAIN, *lines)])
    turns, scene = [], Scene()
    for task, user, operations in (story, *edits):
        scene = apply(scene, operations)
        turns.append(
            Turn(task=task, user=user, description="Rain.", operations=tuple(operations), scene=scene)
        )
    return Dialogue(seed_id="test/0", seed_text="rain", turns=tuple(turns))


def speech(seconds: float) -> Stem:
    """Make a stem of a harmonic tone that ends after `spoken_s`, then silence."""
    times = np.arange(round(seconds * 48_000)) / 48_000
    tone = sum(np.sin(2 * np.pi * 140 * k * times) / k for k in range(1, 12)) * 0.1
    audio = np.concatenate([tone, np.zeros(4_800)])[None].astype(np.float32)
    spec = SoundSpec("tts", "words", 2.0, 1, {"backend": "tone"})
    return make_stem(spec, audio, 48_000, words=(Word("who", 0.0, seconds),), detail={"voice": "v"})


def durations(fitted) -> list[float]:
    return [turn.scene.get(1).duration for turn in fitted.dialogue.turns]


def test_speech_that_fits_changes_nothing():
    made = dialogue(line())
    fitted = fit_speech(made, {1: speech(1.9)}, LIMITS)
    assert (fitted.dialogue, fitted.stems, fitted.notes) == (made, {}, ())


def test_the_slot_is_lengthened_in_every_turn_where_there_is_room():
    louder = ("volume", "Make the voice louder.", [Change(id=1, loudness=-12.0)])
    fitted = fit_speech(dialogue(line(), edits=(louder,)), {1: speech(2.5)}, LIMITS)
    assert (durations(fitted), fitted.stems) == ([2.5, 2.5], {})
    assert fitted.notes == ("lengthened: element 1 duration: 2 -> 2.5",)
    assert [turn.operations[-1].op for turn in fitted.dialogue.turns] == ["add", "change"]
    running = Scene()
    for turn in fitted.dialogue.turns:
        running = apply(running, turn.operations)
        assert running == turn.scene


def test_a_line_is_spoken_faster_where_the_next_begins():
    made = dialogue(line(), line(2, start_time=4.0, speaker="Berta"))
    fitted = fit_speech(made, {1: speech(2.1), 2: speech(1.5)}, LIMITS)
    assert fitted.dialogue == made
    stem = fitted.stems[1]
    assert fitted.notes == ("spoken-faster: element 1: by 1.061",)
    assert 1.9 < stem.info.speech_end_s <= 2.0
    assert stem.info.detail == {"voice": "v", "stretched": "1.061"}
    assert stem.info.words == (Word("who", 0.0, 2.1 / 1.061),)
    assert stem.info.key != speech(2.1).info.key


def test_both_where_neither_is_enough():
    made = dialogue(line(), line(2, start_time=4.2, speaker="Berta"))
    fitted = fit_speech(made, {1: speech(2.3), 2: speech(1.5)}, LIMITS)
    assert durations(fitted) == [2.2]
    assert fitted.stems[1].info.speech_end_s <= 2.2
    assert fitted.notes == (
        "spoken-faster: element 1: by 1.056",
        "lengthened: element 1 duration: 2 -> 2.2",
    )


@pytest.mark.parametrize(
    ("lines", "spoken_s"),
    [
        ([line(start_time=4.0, duration=3.0)], 4.5),
        ([line(), line(2, start_time=4.0)], 2.4),
    ],
)
def test_what_fits_in_no_way_is_rejected(lines, spoken_s):
    stems = {1: speech(spoken_s), 2: speech(1.0)}
    with pytest.raises(RowFault, match="element 1 ") as caught:
        fit_speech(dialogue(*lines), stems, LIMITS)
    assert caught.value.reason == "speech-too-long"


def test_the_turn_with_the_least_room_decides_for_all():
    later = ("open", "Let her speak later.", [Change(id=1, start_time=4.0)])
    made = dialogue(line(duration=3.8), edits=(later,))
    fitted = fit_speech(made, {1: speech(4.1)}, LIMITS)
    assert fitted.stems[1].info.speech_end_s <= 4.0
    assert len(set(durations(fitted))) == 1


def test_a_slot_is_not_lengthened_where_that_breaks_a_rule():
    shorter = ("open", "Give the voice less time.", [Change(id=1, duration=2.0)])
    made = dialogue(line(duration=3.0), edits=(shorter,))
    before = check_dialogue(made, LIMITS)
    # Lengthened to 3 s, the edit would change nothing.
    with pytest.raises(RowFault, match="speech-too-long"):
        fit_speech(made, {1: speech(3.0)}, LIMITS)
    fitted = fit_speech(made, {1: speech(2.5)}, LIMITS)
    assert durations(fitted) == [3.0, 2.5]
    assert check_dialogue(fitted.dialogue, LIMITS) == before


@settings(max_examples=25, deadline=None)
@given(
    spoken_s=st.floats(1.0, 5.0),
    start_s=st.floats(0, 4).map(lambda s: round(s, 2)),
    slot_s=st.floats(1, 4).map(lambda s: round(s, 2)),
    louder=st.booleans(),
)
def test_whatever_comes_of_it_fits_and_the_null_test_holds(spoken_s, start_s, slot_s, louder):
    edits = (("volume", "Make the voice louder.", [Change(id=1, loudness=-12.0)]),) if louder else ()
    made = dialogue(line(start_time=start_s, duration=slot_s), edits=edits)
    stems = {1: speech(spoken_s)}
    try:
        fitted = fit_speech(made, stems, LIMITS)
    except RowFault:
        assert spoken_s / FASTEST > min(8 - start_s, 8) - 0.05
        return
    known = {(v.rule, v.turn) for v in check_dialogue(made, LIMITS)}
    assert {(v.rule, v.turn) for v in check_dialogue(fitted.dialogue, LIMITS)} <= known
    spec = SoundSpec("sfx", "rain", 8.0, 1, {"backend": "noise"})
    noise = np.random.default_rng(0).standard_normal((1, 384_000)).astype(np.float32) * 0.1
    stems = {**stems, **fitted.stems, 0: make_stem(spec, noise, 48_000)}
    mix = mix_dialogue([turn.scene for turn in fitted.dialogue.turns], stems)
    checks = {check.name: check for check in run_audio_checks(fitted.dialogue, stems, mix)}
    assert checks["speech_overrun"].value == 0
    assert checks["null_residual"].passed
