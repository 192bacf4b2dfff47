"""Fit: every line of speech gets a slot that is long enough, or is spoken a little faster."""

from __future__ import annotations

from collections.abc import Collection

from copilot.dialogue import Dialogue
from copilot.errors import RowFault
from copilot.scene import SceneLimits
from copilot.seed import Continued
from copilot.speech_fit import fit_speech
from pipelines.stages.record import Record
from pipelines.stages.stage import Stage


class FitStage(Stage):
    """Fits rendered speech into the scene. Each change is recorded among the normalisations."""

    name = "fit-speech"

    def __init__(self, limits: SceneLimits) -> None:
        self._limits = limits

    def process(self, record: Record) -> None:
        """Fit the speech of one dialogue. Raises RowFault `speech-too-long`."""
        fitted = fit_speech(record.require_dialogue(), record.stems, self._limits)
        record.dialogue = fitted.dialogue
        record.stems.update(fitted.stems)
        record.normalised += fitted.notes
        if record.seed.continued is not None:
            _require_same_turns(record.seed.continued, fitted.dialogue, fitted.stems)


def _require_same_turns(continued: Continued, dialogue: Dialogue, changed_stems: Collection[int]) -> None:
    """Raise RowFault if a turn of the sample that is continued, or one of its sounds, is another now."""
    for index, (before, now) in enumerate(zip(continued.dialogue.turns, dialogue.turns, strict=False)):
        if (before.user, before.scene) != (now.user, now.scene):
            raise RowFault("old-turn-changed", f"turn {index}: its request or scene is not as it was")
    if changed := continued.stem_keys.keys() & set(changed_stems):
        raise RowFault("old-turn-changed", f"element {min(changed)}: it would have to be spoken faster")
