"""Design: a seed becomes a dialogue."""

from __future__ import annotations

from copilot.designers.contract import AsyncDesigner, Design, Designer, DesignFault
from copilot.errors import RowFault
from copilot.language import name_language
from pipelines.stages.record import Record
from pipelines.stages.stage import Stage


class DesignStage(Stage):
    """Asks the designer for a dialogue."""

    name = "design"

    def __init__(self, designer: Designer, run_seed: int) -> None:
        self._designer = designer
        self._run_seed = run_seed

    def process(self, record: Record) -> None:
        """Give the record its dialogue and the account of it. Raises RowFault if the designer has none."""
        _require_language(record)
        try:
            _fill(record, self._designer.design(record.seed, self._run_seed))
        except DesignFault as fault:
            record.account = fault.account
            raise


class AsyncDesignStage(Stage):
    """Asks a designer that writes many dialogues at once, record by record, in its event loop."""

    name = "design"

    def __init__(self, designer: AsyncDesigner, run_seed: int) -> None:
        self._designer = designer
        self._run_seed = run_seed

    async def write(self, record: Record) -> None:
        """Give the record its dialogue and the account of it, or reject it.

        A record that has a dialogue or is rejected stays as it is. Raises CopilotError if the run cannot
        continue.
        """
        if record.reject is not None or record.dialogue is not None:
            return
        with self.reject_on_fault(record):
            _require_language(record)
            try:
                design = await self._designer.design_async(record.seed, self._run_seed)
                _fill(record, design)
                record.designed = design.dialogue
            except DesignFault as fault:
                record.account = fault.account
                raise


def _require_language(record: Record) -> None:
    """Raise RowFault `language` for a text in another language than the run's, unless it is to be silent."""
    foreign = record.seed.foreign
    if foreign and not record.seed.silent:
        raise RowFault(
            "language", f"the text of the seed is {name_language(foreign)}, not in the run's language"
        )


def _fill(record: Record, design: Design) -> None:
    record.dialogue, record.account = design.dialogue, design.account
    record.design_checks = design.checks
