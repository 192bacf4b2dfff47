"""Design: a seed becomes a dialogue."""

from __future__ import annotations

from copilot.design import Designer
from pipelines.record import Record
from pipelines.stage import Stage


class DesignStage(Stage):
    """Asks the designer for a dialogue."""

    name = "design"

    def __init__(self, designer: Designer, run_seed: int) -> None:
        self._designer = designer
        self._run_seed = run_seed

    def process(self, record: Record) -> None:
        """Give the record its dialogue. Raises RowFault where the designer has none."""
        record.dialogue = self._designer.design(record.seed, self._run_seed)
