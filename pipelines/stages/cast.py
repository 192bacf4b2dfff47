"""Cast: each speaker of a dialogue gets a voice, and keeps it in every turn."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from copilot.dialogue import Dialogue
from copilot.emotions import NEUTRAL
from copilot.errors import RowFault
from copilot.hashing import draw
from copilot.language import ENGLISH, name_language
from copilot.sample import CastVoice, Recording
from copilot.scene import SpeechElement
from copilot.text.language_detection import find_foreign_language
from pipelines.stages.record import Cast, Record
from pipelines.stages.stage import Stage
from renderers.contract import Reference, Voice, list_speakers
from renderers.voice_bank import VoiceBank


class CastStage(Stage):
    """Draws a voice for each speaker by (run seed, seed id, speaker).

    Candidates have the speaker's gender. Voices that are unused in the dialogue come first; of those, the
    ones that know most of the emotions in which the speaker speaks. Speakers are cast in the order in which
    they first speak. Speakers of a sample that is continued keep their voices.

    `voices` are the backend's own. With a bank, the bank's voices are cast. A backend that `clones` gets
    references; for another, each voice of the bank is represented by one of the backend's own. Only voices
    that speak the `language` are cast: those of its region, if it names one that some have. With
    `check_lines`, lines that are surely in another language are not spoken.
    """

    name = "cast"

    def __init__(
        self,
        voices: Sequence[Voice],
        run_seed: int,
        bank: VoiceBank | None = None,
        *,
        clones: bool = False,
        language: str = ENGLISH,
        check_lines: bool = False,
    ) -> None:
        own = _sort_by_name(list_speakers(voices, language))
        self._voices = _sort_by_name(list_speakers(bank.voices, language)) if bank else own
        self._stand_ins = _assign_stand_ins(self._voices, own) if bank and not clones else None
        self._run_seed = run_seed
        self._language = language
        self._check_lines = check_lines

    def process(self, record: Record) -> None:
        """Give every speaker a voice.

        Raises RowFault `no-voice` if none has the speaker's gender, `language` for lines in another language.
        """
        lines: dict[str, list[SpeechElement]] = {}
        for speech in _list_speech(record.require_dialogue()):
            lines.setdefault(speech.speaker_key, []).append(speech)
        if self._check_lines:
            self._require_language(lines)
        kept = record.seed.continued.voices if record.seed.continued else ()
        known = {cast.speaker.casefold(): cast for cast in kept}
        used = {cast.voice for cast in kept}
        cast: dict[str, Cast] = {}
        for key, spoken in lines.items():
            emotions = sorted({speech.emotion for speech in spoken})
            if key in known:
                voice = self._find(known[key])
            else:
                voice = self._draw(spoken[0], emotions, used, record.seed.id)
            cast[key] = self._cast(spoken[0], emotions, voice, record.seed.id)
            used.add(cast[key].known.voice)
        record.voices = cast

    def _find(self, known: CastVoice) -> Voice:
        """Return the voice that a speaker has in the sample that is continued."""
        name = known.stands_for or known.voice
        voice = next((voice for voice in self._voices if voice.name == name), None)
        if voice is None:
            raise RowFault(
                "no-voice", f"{known.speaker!r} has the voice {name!r}, which is not there any more"
            )
        return voice

    def _require_language(self, lines: Mapping[str, Sequence[SpeechElement]]) -> None:
        for spoken in lines.values():
            text = " ".join(dict.fromkeys(speech.text for speech in spoken))
            if foreign := find_foreign_language(text, (self._language,)):
                raise RowFault(
                    "language",
                    f"the lines of {spoken[0].speaker!r} are {name_language(foreign)}, and the voices "
                    f"{name_language(self._language)}",
                )

    def _draw(
        self, speech: SpeechElement, emotions: Sequence[str], used: Collection[str], seed_id: str
    ) -> Voice:
        of_gender = [voice for voice in self._voices if voice.gender == speech.gender]
        if not of_gender:
            raise RowFault("no-voice", f"the bank has no {speech.gender} voice for {speech.speaker!r}")
        free = [voice for voice in of_gender if self._get_heard_name(voice) not in used] or of_gender
        most = max(_count_known(voice, emotions) for voice in free)
        able = [voice for voice in free if _count_known(voice, emotions) == most]
        return draw(able, "voice", self._run_seed, seed_id, speech.speaker_key)

    def _get_heard_name(self, voice: Voice) -> str:
        """Return the name of the voice that will speak: several voices of a bank may share a stand-in."""
        speaks = voice if self._stand_ins is None else self._stand_ins.get(voice.name, voice)
        return speaks.name

    def _cast(self, speech: SpeechElement, emotions: Sequence[str], voice: Voice, seed_id: str) -> Cast:
        fits = _count_known(voice, emotions) == len(emotions)
        speaks, stands_for = voice, None
        if self._stand_ins is not None:
            stands_for = voice.name
            if stands_for not in self._stand_ins:
                raise RowFault("no-voice", f"the backend has no {voice.gender} voice for {speech.speaker!r}")
            speaks = self._stand_ins[stands_for]
        known = CastVoice(
            speaker=speech.speaker,
            voice=speaks.name,
            fits="gender-and-emotion" if fits else "gender",
            stands_for=stands_for,
        )
        if not speaks.references:
            return Cast(known, speaks)
        key = (self._run_seed, seed_id, speech.speaker_key)
        references = {emotion: _draw_reference(speaks, emotion, *key) for emotion in emotions}
        recordings = tuple(dict.fromkeys(Recording(r.path.name, r.licence) for r in references.values()))
        return Cast(replace(known, recordings=recordings), speaks, references)


def _sort_by_name(voices: Sequence[Voice]) -> list[Voice]:
    return sorted(voices, key=lambda voice: voice.name)


def _count_known(voice: Voice, emotions: Sequence[str]) -> int:
    return sum(emotion in voice.emotions for emotion in emotions)


def _draw_reference(voice: Voice, emotion: str, *key: str | int) -> Reference:
    """Draw a recording in the emotion, else a neutral one, else any. All that fall back share one."""
    for wanted in (emotion, NEUTRAL):
        if fitting := [reference for reference in voice.references if reference.emotion == wanted]:
            return draw(fitting, "reference", *key, wanted)
    return draw(voice.references, "reference", *key)


def _assign_stand_ins(cast: Sequence[Voice], own: Sequence[Voice]) -> Mapping[str, Voice]:
    """Return a voice of `own` with the same gender for each voice by name, in turn, if there is one."""
    assigned: dict[str, Voice] = {}
    for gender in {voice.gender for voice in cast}:
        able = [voice for voice in own if voice.gender == gender]
        of_gender = [voice for voice in cast if voice.gender == gender]
        if able:
            assigned |= {voice.name: able[k % len(able)] for k, voice in enumerate(of_gender)}
    return assigned


def _list_speech(dialogue: Dialogue) -> list[SpeechElement]:
    return [element for element in dialogue.elements() if isinstance(element, SpeechElement)]
