"""Mix: stems become one stereo mix a turn."""

from __future__ import annotations

from copilot.mix import mix_dialogue
from copilot.vocabulary import BitDepth
from pipelines.stages.record import Record
from pipelines.stages.stage import Stage


class MixStage(Stage):
    """Mixes every turn."""

    name = "mix"

    def __init__(self, bits: BitDepth) -> None:
        self._bits = bits

    def process(self, record: Record) -> None:
        """Give the record its mixes."""
        scenes = [turn.scene for turn in record.require_dialogue().turns]
        record.mix = mix_dialogue(scenes, record.stems, self._bits)
