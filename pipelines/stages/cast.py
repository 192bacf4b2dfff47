"""Cast: each speaker of a dialogue gets a voice, and keeps it in every turn."""

from __future__ import annotations

from collections.abc import Sequence

from copilot.content import draw
from copilot.dialogue import Dialogue
from copilot.errors import RowFault
from copilot.scene import SpeechElement
from pipelines.record import Record
from pipelines.stage import Stage
from renderers.base import Voice


class CastStage(Stage):
    """Draws voices by (run seed, seed id, speaker), of the speaker's gender, different while there are."""

    name = "cast"

    def __init__(self, voices: Sequence[Voice], run_seed: int) -> None:
        self._voices = sorted(voices, key=lambda voice: voice.name)
        self._run_seed = run_seed

    def process(self, record: Record) -> None:
        """Give every speaker a voice. Raises RowFault `no-voice` where the bank has none of that gender."""
        cast: dict[str, str] = {}
        for speech in _spoken(record.designed()):
            if speech.speaker_key not in cast:
                cast[speech.speaker_key] = self._voice_for(speech, set(cast.values()), record.seed.id)
        record.voices = cast

    def _voice_for(self, speech: SpeechElement, taken: set[str], seed_id: str) -> str:
        of_gender = [voice for voice in self._voices if voice.gender == speech.gender]
        if not of_gender:
            raise RowFault("no-voice", f"the bank has no {speech.gender} voice for {speech.speaker!r}")
        able = [voice for voice in of_gender if speech.emotion in voice.emotions] or of_gender
        free = [voice for voice in able if voice.name not in taken] or able
        return draw(free, "voice", self._run_seed, seed_id, speech.speaker_key).name


def _spoken(dialogue: Dialogue) -> list[SpeechElement]:
    elements = (element for turn in dialogue.turns for element in turn.scene.sounds())
    return [element for element in elements if isinstance(element, SpeechElement)]
