"""A run as a collection of samples, for notebooks and training: read only, one sample in memory at a time.

    run = open_run("runs/demo")
    run                                   # Run runs/demo: 24 samples (24 hq), 0 rejected
    sample = run[run.ids()[0]]            # by sample id or seed id
    sample.audio(turn=2)                  # float32, (2, samples), 48 kHz
    for sample in run: ...

Finding a sample reads columns of ids, and then the row group of that sample alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from copilot.arrow import read_reject, read_sample
from copilot.errors import CorruptDataError, UserError
from copilot.sample import Reject, Sample
from pipelines.config import RunConfig
from pipelines.run.ledger import CommittedFile, LedgerEntry
from pipelines.run.reader import RunReader
from pipelines.run.totals import Totals

_N_CLOSE = 3
_N_COMPARED = 10_000
"""The ids that an unknown one is compared with: comparing takes about 10 microseconds each."""


class UnknownSampleError(UserError, KeyError):
    """A run has no sample of this id."""

    def __str__(self) -> str:
        """Return the message, of which KeyError would show the `repr`."""
        return str(self.args[0])


class _Position(NamedTuple):
    file: CommittedFile
    row_group: int
    row: int


class OpenRun:
    """The samples and rejects of a run, as its ledger names them when the run is opened.

    `len(run)` is the number of samples; iterating yields them in the ledger's order, with about 64 MB of
    audio in memory. The first `run[id]` or `run.ids()` reads all ids, about 0.3 kB of memory for each.
    """

    def __init__(self, place: str | Path) -> None:
        self._reader = RunReader(place)
        self.place = self._reader.place
        self._files: list[CommittedFile] = []
        self.totals = Totals.of_entries(self._collect_files())

    def _collect_files(self) -> Iterator[LedgerEntry]:
        for entry in self._reader.run.ledger.entries():
            self._files += entry.files
            yield entry

    def __repr__(self) -> str:
        """Name the run and count its samples and rejects."""
        tiers = ", ".join(f"{n} {tier}" for tier, n in sorted(self.totals.tiers.items()))
        n_samples = f"{len(self)} samples" + (f" ({tiers})" if tiers else "")
        return f"Run {self.place}: {n_samples}, {self.totals.rejected} rejected"

    def __len__(self) -> int:
        """Return the number of samples."""
        return self.totals.accepted

    def __iter__(self) -> Iterator[Sample]:
        """Yield the samples, one at a time. Raises CorruptDataError for a damaged file."""
        for file in self._files:
            if file.kind == "samples":
                yield from map(read_sample, self._reader.rows_of(file))

    def __contains__(self, sample_id: object) -> bool:
        """Return whether the run has a sample of this id or seed id."""
        return any(sample_id in positions for positions in self._index)

    def __getitem__(self, sample_id: str) -> Sample:
        """Return the sample of this id or seed id.

        Raises UnknownSampleError, a UserError and a KeyError, with the reason if the seed was rejected;
        TypeError for anything but a text.
        """
        if not isinstance(sample_id, str):
            raise TypeError(f"run[{sample_id!r}]: give an id, not a position; ids() lists the ids")
        for positions in self._index:
            if sample_id in positions:
                return read_sample(self._reader.row_at(*positions[sample_id]))
        raise UnknownSampleError(self._explain_missing(sample_id))

    def ids(self) -> list[str]:
        """Return the ids of all samples, in the ledger's order."""
        return list(self._index[0])

    def rejects(self) -> Iterator[Reject]:
        """Yield the rejected seeds, one at a time, each with its stage, reason and detail."""
        for file in self._files:
            if file.kind == "rejects":
                yield from map(read_reject, self._reader.rows_of(file))

    def describe(self) -> dict[str, Any]:
        """Return the content of `run.json`: fingerprint, versions, planned seeds and executor."""
        return dict(self._reader.description)

    @cached_property
    def config(self) -> RunConfig:
        """The configuration of the run. Raises CorruptDataError if this version cannot read it."""
        fingerprint = self._reader.description.get("fingerprint")
        content = fingerprint.get("config") if isinstance(fingerprint, dict) else None
        try:
            return RunConfig.model_validate(content)
        except ValidationError as error:
            raise CorruptDataError(
                f"{self.place}/run.json: not a configuration of this version; describe() returns it as it is"
            ) from error

    @cached_property
    def _index(self) -> tuple[dict[str, _Position], dict[str, _Position]]:
        """Positions by sample id, and by seed id."""
        by_id, by_seed_id = {}, {}
        for file in (file for file in self._files if file.kind == "samples"):
            for group, table in enumerate(self._reader.row_groups(file, ["id", "seed_id"])):
                for number, row in enumerate(table.to_pylist()):
                    by_id[row["id"]] = by_seed_id[row["seed_id"]] = _Position(file, group, number)
        return by_id, by_seed_id

    def _explain_missing(self, sample_id: str) -> str:
        if why := self._reader.explain_reject(sample_id):
            return why
        some = [known for positions in self._index for known in islice(positions, _N_COMPARED)]
        if close := get_close_matches(sample_id, some, _N_CLOSE):
            hint = f"close ids: {', '.join(close)}"
        else:
            hint = f"its ids include {', '.join(some[:_N_CLOSE])}" if some else "the run has no samples"
        return f"{sample_id}: not in {self.place}; {hint}"


def open_run(place: str | Path) -> OpenRun:
    """Open a run to read it, in a folder or behind a URI.

    Raises UserError if there is no run, CorruptDataError for a damaged ledger.
    """
    return OpenRun(place)
