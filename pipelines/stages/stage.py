"""A stage: a callable class, constructed once per worker, which processes batches of records.

It never raises for one bad row: the row is rejected with the stage, a reason and a detail, and passes the
later stages untouched. A fault of the whole run (a full disk, a missing backend) ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from copilot.errors import CopilotError, RowFault, format_traceback
from pipelines.stages.record import Record, not_rejected


class Stage:
    """Base of the stages. A subclass names itself and overrides `process`, or `process_batch`."""

    name: str

    def __call__(self, records: Sequence[Record]) -> Sequence[Record]:
        """Process the records that are not rejected; return all, in their order."""
        self.process_batch(not_rejected(records))
        return records

    def process_batch(self, records: Sequence[Record]) -> None:
        """Process a batch, row by row."""
        for record in records:
            with self.reject_on_fault(record):
                self.process(record)

    @contextmanager
    def reject_on_fault(self, record: Record) -> Iterator[None]:
        """Reject the row if the work inside fails. Raises CopilotError if the whole run cannot continue."""
        try:
            yield
        except RowFault as fault:
            record.refuse(self.name, fault.reason, fault.detail)
        except (CopilotError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - one bad row must not stop a run of millions
            record.refuse(self.name, "unexpected-error", format_traceback(error))

    def process(self, record: Record) -> None:
        """Process one row. Raises RowFault to reject it."""
        raise TypeError(
            f"{type(self).__name__} cannot process {record.seed.id}: override `process` or `process_batch`"
        )

    def close(self) -> None:
        """Release the resources of the stage."""
