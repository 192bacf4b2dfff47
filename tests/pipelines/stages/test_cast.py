"""Casting: who speaks with which voice, and what shows it to a backend that clones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.made_runs import a_dialogue
from hypothesis import given
from hypothesis import strategies as st

from copilot.dialogue import Dialogue, Turn
from copilot.edit import Add
from copilot.hashing import draw
from copilot.sample import CastVoice
from copilot.scene import Scene, SpeechElement
from copilot.seed import Seed
from pipelines.stages.cast import CastStage
from pipelines.stages.record import Cast, Record
from renderers.contract import Reference, Voice, list_speakers
from renderers.espeak.renderer import EspeakRenderer
from renderers.voice_bank import VoiceBank

GENDERS = {"anna": "female", "berta": "female", "clara": "female", "dan": "male", "emil": "male"}
EMOTIONS = ("neutral", "sad", "angry")

Line = tuple[str, str]
"""Speaker and emotion."""


def dialogue_of(*turns: list[Line], seed_id: str = "test/1") -> Dialogue:
    """Each turn's lines replace those of the turn before it."""
    made, new_id = [], 0
    for lines in turns:
        elements = []
        for speaker, emotion in lines:
            elements.append(
                SpeechElement(
                    id=new_id,
                    text="hello there",
                    speaker=speaker,
                    gender=GENDERS[speaker.lower()],
                    emotion=emotion,
                    loudness=-20,
                    panning=0,
                    start_time=0,
                    duration=1,
                )
            )
            new_id += 1
        operations = tuple(Add(element=element) for element in elements)
        scene = Scene(elements=tuple(elements))
        made.append(Turn(task="story", user="", description="", operations=operations, scene=scene))
    return Dialogue(seed_id=seed_id, seed_text="", turns=tuple(made))


def cast(stage: CastStage, *turns: list[Line], seed_id: str = "test/1") -> dict[str, Cast]:
    record = Record(Seed(seed_id, ""), "0" * 16, dialogue=dialogue_of(*turns, seed_id=seed_id))
    stage([record])
    assert record.reject is None
    return dict(record.voices)


def reference(name: str, emotion: str) -> Reference:
    return Reference(Path("/bank", f"{name}.wav"), "some words", f"hash of {name}", emotion)


def bank_voice(name: str, gender: str, *emotions: str) -> Voice:
    references = tuple(reference(f"{name}-{k}", emotion) for k, emotion in enumerate(emotions))
    return Voice(name, gender, tuple(sorted(set(emotions))), references)


BANK = VoiceBank(
    (
        bank_voice("w1", "female", "neutral", "neutral", "sad"),
        bank_voice("w2", "female", "neutral"),
        bank_voice("w3", "female", "angry", "angry"),
        bank_voice("m1", "male", "neutral"),
    )
)
OWN = [Voice(name, name.split("-")[0], EMOTIONS) for name in ("female-a", "female-b", "male-a")]


class TestOwnVoices:
    VOICES = (Voice("a", "female", ("neutral",)), Voice("b", "female", ("fearful",)), Voice("c", "male"))

    def test_a_voice_has_gender_and_emotion(self):
        batch = [Record(Seed(f"test/{k}", ""), "0" * 16) for k in range(4)]
        for record in batch:
            record.dialogue = a_dialogue(record.seed)
        CastStage(self.VOICES, 7)(batch)
        known = CastVoice("woman", "b", "gender-and-emotion")
        assert [record.voices for record in batch] == [{"woman": Cast(known, self.VOICES[1])}] * 4

    def test_all_emotions_in_which_a_speaker_speaks_count(self):
        voices = [
            Voice("a", "female", ("neutral",)),
            Voice("b", "female", ("neutral", "sad")),
            Voice("c", "female", ("sad", "angry", "calm")),
        ]
        known = cast(CastStage(voices, 7), [("anna", "neutral")], [("anna", "sad")])["anna"].known
        assert known == CastVoice("anna", "b", "gender-and-emotion")

    @pytest.mark.parametrize("run_seed", range(6))
    def test_most_emotions_where_none_has_all(self, run_seed):
        voices = [Voice("a", "female", ("neutral",)), Voice("b", "female", ("neutral", "sad"))]
        lines = [("anna", "neutral"), ("anna", "sad"), ("anna", "angry")]
        assert cast(CastStage(voices, run_seed), lines)["anna"].known == CastVoice("anna", "b", "gender")

    def test_gender_goes_before_emotion(self):
        voices = [Voice("a", "female", ("neutral",)), Voice("b", "male", ("sad",))]
        assert cast(CastStage(voices, 7), [("anna", "sad")])["anna"].known == CastVoice("anna", "a", "gender")

    def test_another_voice_goes_before_emotion(self):
        voices = [Voice("a", "female", ("sad",)), Voice("b", "female", ("neutral",))]
        lines = cast(CastStage(voices, 7), [("anna", "sad"), ("berta", "sad")])
        assert [one.known for one in lines.values()] == [
            CastVoice("anna", "a", "gender-and-emotion"),
            CastVoice("berta", "b", "gender"),
        ]

    def test_no_voice_of_that_gender(self):
        record = Record(Seed("test/1", ""), "0" * 16, dialogue=dialogue_of([("anna", "sad")]))
        CastStage(self.VOICES[2:], 7)([record])
        assert (record.reject.stage, record.reject.reason) == ("cast", "no-voice")
        assert record.reject.detail == "the bank has no female voice for 'anna'"

    def test_a_name_is_one_speaker_however_it_is_written(self):
        lines = cast(CastStage(OWN, 7), [("Anna", "sad")], [("anna", "sad")])
        assert [(key, one.known.speaker) for key, one in lines.items()] == [("anna", "Anna")]

    @pytest.mark.parametrize("seed_id", [f"test/{k}" for k in range(5)])
    def test_espeak_draws_among_all_its_voices_of_the_gender(self, seed_id):
        voices = EspeakRenderer().voices()
        women = sorted(voice.name for voice in list_speakers(voices, "en") if voice.gender == "female")
        lines = cast(CastStage(voices, 7), [("anna", "sad"), ("berta", "calm")], seed_id=seed_id)
        first = draw(women, "voice", 7, seed_id, "anna")
        women.remove(first)
        second = draw(women, "voice", 7, seed_id, "berta")
        assert [lines[name].known.voice for name in ("anna", "berta")] == [first, second]

    def test_run_seed_dialogue_and_speaker_decide(self):
        voices = [Voice(f"v{k:02}", "female", ("sad",)) for k in range(40)]

        def drawn(run_seed: int, seed_id: str, speaker: str) -> str:
            return cast(CastStage(voices, run_seed), [(speaker, "sad")], seed_id=seed_id)[speaker].voice.name

        names = [drawn(1, "a", "anna"), drawn(2, "a", "anna"), drawn(1, "b", "anna"), drawn(1, "a", "berta")]
        assert len(set(names)) == 4
        assert drawn(1, "a", "anna") == names[0]


class TestLanguages:
    VOICES = (
        Voice("any", "female"),
        Voice("b", "female", languages=("pt-BR",)),
        Voice("g", "female", languages=("de", "en-US")),
        Voice("p", "female", languages=("pt",)),
    )

    @pytest.mark.parametrize(
        ("language", "names"),
        [
            ("en", {"g"}),
            ("de-AT", {"any", "g"}),
            ("pt", {"b", "p"}),
            ("pt-BR", {"b"}),
            ("pt-PT", {"any", "b", "p"}),
            ("fr", {"any"}),
        ],
    )
    def test_voices_of_a_language_and_region(self, language, names):
        assert {voice.name for voice in list_speakers(self.VOICES, language)} == names

    def test_a_speaker_gets_a_voice_of_the_language(self):
        stage = CastStage(EspeakRenderer().voices(), 7, language="de")
        lines = cast(stage, [("anna", "sad"), ("berta", "calm")])
        assert {one.known.voice.partition("+")[0] for one in lines.values()} == {"de"}

    def test_lines_in_another_language_are_not_spoken(self):
        def reject(text: str, language: str) -> str | None:
            dialogue = dialogue_of([("anna", "sad")])
            line = dialogue.turns[0].scene.elements[0].model_copy(update={"text": text})
            turn = dialogue.turns[0].model_copy(update={"scene": Scene(elements=(line,))})
            record = Record(
                Seed("test/1", ""), "0" * 16, dialogue=dialogue.model_copy(update={"turns": (turn,)})
            )
            CastStage(EspeakRenderer().voices(), 7, language=language, check_lines=True)([record])
            return record.reject.reason if record.reject else None

        german = "Der Regen hatte endlich aufgeh\u00f6rt."
        assert (reject(german, "en"), reject(german, "de"), reject("Oh, Emil!", "en")) == (
            "language",
            None,
            None,
        )

    def test_a_bank_is_represented_by_voices_of_the_language(self):
        lines = cast(CastStage(EspeakRenderer().voices(), 7, BANK, language="fr-CH"), [("anna", "sad")])
        assert lines["anna"].known.voice.startswith("fr-ch+")


class TestBank:
    def test_a_cloning_backend_gets_a_reference_for_each_emotion(self):
        one = cast(CastStage([], 7, BANK, clones=True), [("anna", "neutral")], [("anna", "sad")])["anna"]
        assert replace(one.known, recordings=()) == CastVoice("anna", "w1", "gender-and-emotion")
        assert {r.file for r in one.known.recordings} == {r.path.name for r in one.references.values()}
        assert one.voice == BANK.voices[0]
        assert one.references["sad"] == BANK.voices[0].references[2]
        assert one.references["neutral"] in BANK.voices[0].references[:2]

    def test_without_a_recording_of_the_emotion_a_neutral_one(self):
        lines = [("anna", "calm"), ("anna", "happy"), ("anna", "neutral"), ("anna", "sad")]
        for run_seed in range(6):
            one = cast(CastStage([], run_seed, BANK, clones=True), lines)["anna"]
            assert (one.known.voice, one.known.fits) == ("w1", "gender")
            calm, happy, neutral = (one.references[emotion] for emotion in ("calm", "happy", "neutral"))
            assert calm == happy == neutral

    def test_without_a_neutral_one_any(self):
        bank = VoiceBank((BANK.voices[2],))
        one = cast(CastStage([], 7, bank, clones=True), [("anna", "sad"), ("anna", "happy")])["anna"]
        assert replace(one.known, recordings=()) == CastVoice("anna", "w3", "gender")
        assert len(one.known.recordings) == 1
        assert one.references["sad"] == one.references["happy"]
        assert one.references["sad"] in BANK.voices[2].references

    def test_every_recording_has_its_turn(self):
        stages = [CastStage([], run_seed, VoiceBank(BANK.voices[:1]), clones=True) for run_seed in range(12)]
        drawn = {cast(stage, [("anna", "neutral")])["anna"].references["neutral"].sha256 for stage in stages}
        assert drawn == {"hash of w1-0", "hash of w1-1"}

    def test_a_backend_of_its_own_voices_represents_the_bank(self):
        clones, stands_in = CastStage([], 7, BANK, clones=True), CastStage(OWN, 7, BANK)
        represented = {"w1": "female-a", "w2": "female-b", "w3": "female-a", "m1": "male-a"}
        for k in range(8):
            turn = [("anna", "sad"), ("dan", "neutral"), ("berta", "neutral")]
            real, heard = (cast(stage, turn, seed_id=f"test/{k}") for stage in (clones, stands_in))
            for speaker in ("anna", "dan", "berta"):
                voice = real[speaker].known.voice
                fits = real[speaker].known.fits
                assert heard[speaker].known == CastVoice(speaker, represented[voice], fits, stands_for=voice)
                assert heard[speaker].voice.name == represented[voice]
                assert heard[speaker].references == {}

    def test_two_speakers_are_heard_in_two_voices_however_large_the_bank_is(self):
        bank = VoiceBank(tuple(Voice(f"w{k}", "female", ("neutral",)) for k in range(24)))
        stage = CastStage([Voice("a", "female"), Voice("b", "female")], 7, bank)
        for k in range(30):
            made = cast(stage, [("anna", "neutral"), ("berta", "neutral")], seed_id=f"test/{k}")
            assert {one.known.voice for one in made.values()} == {"a", "b"}

    def test_a_backend_without_a_voice_of_that_gender(self):
        record = Record(Seed("test/1", ""), "0" * 16, dialogue=dialogue_of([("dan", "sad")]))
        CastStage(OWN[:2], 7, BANK)([record])
        assert (record.reject.reason, record.reject.detail) == (
            "no-voice",
            "the backend has no male voice for 'dan'",
        )

    def test_the_banks_order_changes_nothing(self):
        turn = [("anna", "sad"), ("berta", "neutral"), ("dan", "sad")]
        turned = VoiceBank(BANK.voices[::-1])
        for own, clones in (([], True), (OWN, False)):
            assert cast(CastStage(own, 7, BANK, clones=clones), turn) == cast(
                CastStage(own[::-1], 7, turned, clones=clones), turn
            )


LINES = st.tuples(st.sampled_from(sorted(GENDERS)), st.sampled_from(EMOTIONS))
TURNS = st.lists(st.lists(LINES, min_size=1, max_size=6), min_size=1, max_size=3)
VOICES = st.dictionaries(
    st.text("abcxyz", min_size=1, max_size=3),
    st.tuples(st.sampled_from(["female", "male"]), st.sets(st.sampled_from(EMOTIONS), min_size=1)),
    max_size=8,
).map(
    lambda named: [
        bank_voice("w", "female", "neutral"),
        bank_voice("m", "male", "neutral"),
        *(bank_voice(name, gender, *sorted(emotions)) for name, (gender, emotions) in named.items()),
    ]
)


@given(VOICES, TURNS, st.integers(0, 5))
def test_two_speakers_have_two_voices_while_there_are_two(voices, turns, run_seed):
    lines = cast(CastStage([], run_seed, VoiceBank(tuple(voices)), clones=True), *turns)
    assert set(lines) == {speaker for turn in turns for speaker, _ in turn}
    for gender in ("female", "male"):
        drawn = [one.voice.name for name, one in lines.items() if GENDERS[name] == gender]
        there = sum(voice.gender == gender for voice in voices)
        assert len(set(drawn)) == min(len(drawn), there)
    for name, one in lines.items():
        assert one.voice.gender == GENDERS[name]
        emotions = {emotion for turn in turns for speaker, emotion in turn if speaker == name}
        assert (one.known.fits == "gender-and-emotion") == (emotions <= set(one.voice.emotions))
        assert set(one.references) == emotions
        assert set(one.references.values()) <= set(one.voice.references)


@given(VOICES, TURNS, st.integers(0, 5), st.randoms(use_true_random=False))
def test_only_who_speaks_first_matters_of_the_order_of_lines(voices, turns, run_seed, random):
    lines = [line for turn in turns for line in turn]
    speakers = list(dict.fromkeys(speaker for speaker, _ in lines))
    by_speaker = {name: [line for line in lines if line[0] == name] for name in speakers}
    for own in by_speaker.values():
        random.shuffle(own)
    rest = [line for own in by_speaker.values() for line in own[1:]]
    random.shuffle(rest)
    shuffled = [by_speaker[name][0] for name in speakers] + rest
    stage = CastStage([], run_seed, VoiceBank(tuple(voices)), clones=True)
    assert cast(stage, *turns) == cast(stage, shuffled)


@given(VOICES, TURNS, st.data())
def test_turns_that_come_later_change_no_voice_while_emotions_stay(voices, turns, data):
    more = data.draw(
        st.lists(st.sampled_from([line for turn in turns for line in turn]), min_size=1, max_size=4)
    )
    stage = CastStage([], 3, VoiceBank(tuple(voices)), clones=True)
    assert cast(stage, *turns) == cast(stage, *turns, more)
