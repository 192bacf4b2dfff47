"""Fit: every line of speech gets a slot that is long enough, or is spoken a little faster."""

from __future__ import annotations

from copilot.scene import SceneLimits
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
