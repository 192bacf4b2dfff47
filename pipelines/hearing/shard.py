"""Listening to one shard of a run: answers of each listener, then the figures of its samples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from copilot.arrow import read_sample
from copilot.errors import CopilotError
from copilot.sample import Sample
from listeners.contract import Kind
from pipelines.heard.answers import Answer
from pipelines.heard.store import HeardStore, shard_name
from pipelines.hearing.ear import Ear
from pipelines.hearing.measure import measure_sample
from pipelines.hearing.sounds import SampleSounds
from pipelines.run.ledger import CommittedFile
from pipelines.run.reader import RunReader

_BySample = dict[str, list[Answer]]


class StoppedError(CopilotError):
    """Hearing was asked to stop in the middle of a shard; what was written stands."""


class ShardHearing:
    """A run with the listeners that hear it, and those that its figures are from, by kind."""

    def __init__(self, reader: RunReader, ears: Sequence[Ear], chosen: Mapping[Kind, str]) -> None:
        self._reader = reader
        self._store = HeardStore(reader.run)
        self._ears = {ear.record.kind: ear for ear in ears}
        self._chosen = chosen

    def hear(
        self,
        shard: CommittedFile,
        on_heard: Callable[[int], object] = lambda _: None,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Write what is missing of a shard: the answers of each listener, and the figures from all of them.

        `on_heard` receives numbers of samples. Raises StoppedError if `is_stopping` before a row group,
        CorruptDataError for a shard that cannot be read, CopilotError for a listener that cannot work.
        """
        answers: dict[Kind, _BySample] = {}
        waiting: dict[Kind, Ear] = {}
        for kind, key in self._chosen.items():
            if self._store.has_answers(key, shard):
                answers[kind] = _group(self._store.read_answers(key, shard_name(shard)))
            elif kind in self._ears:
                answers[kind], waiting[kind] = {}, self._ears[kind]
        rows = []
        for table in self._reader.row_groups(shard):
            if is_stopping():
                raise StoppedError(f"{shard.path}: stopped")
            samples = [read_sample(row) for row in table.to_pylist()]
            for kind, heard in _hear_samples(samples, waiting).items():
                answers[kind] |= heard
            for sample in samples:
                of_sample = {kind: found.get(sample.id, []) for kind, found in answers.items()}
                rows.append(measure_sample(sample, of_sample))
            on_heard(len(samples))
        for kind, ear in waiting.items():
            every = [answer for of_sample in answers[kind].values() for answer in of_sample]
            self._store.write_answers(ear.record.key, shard, every)
        self._store.write_figures(self._chosen, shard, rows)
        if any(
            kind not in answers and self._store.has_answers(key, shard) for kind, key in self._chosen.items()
        ):
            # Another call has heard this shard meanwhile.
            self.hear(shard)


def _hear_samples(samples: Sequence[Sample], ears: Mapping[Kind, Ear]) -> dict[Kind, _BySample]:
    if not ears:
        return {}
    sounds = [SampleSounds(sample) for sample in samples]
    return {
        kind: _group(ear.hear([sound for one in sounds for sound in one.select(kind)]))
        for kind, ear in ears.items()
    }


def _group(answers: Iterable[Answer]) -> _BySample:
    found: defaultdict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        found[answer.sample_id].append(answer)
    return dict(found)
