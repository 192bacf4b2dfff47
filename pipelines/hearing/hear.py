"""Listen to a run with models that hear: `hear_run`, behind `copilot hear`.

    hear_run("runs/demo", [ListenerSpec("recogniser", "faster-whisper:models/whisper-tiny")])

Answers and figures go beside the run, into its folder `heard/`, shard by shard: an interrupted call is
resumed, and a run that still grows is heard as far as it has come. Nothing of the run itself changes.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Protocol

from copilot.errors import CorruptDataError, UserError
from listeners.contract import Kind
from pipelines.execution.signals import interruptible
from pipelines.heard.figures import read_figures
from pipelines.heard.store import HeardStore, ListenerRecord, shard_name
from pipelines.hearing.ear import MOST_REMEMBERED, Ear, ListenerSpec
from pipelines.run.ledger import CommittedFile
from pipelines.run.reader import RunReader
from renderers.contract import RenderSettings


@dataclass(frozen=True, slots=True)
class HearingJob:
    """What a worker needs to listen: the run, the listeners with their records, and the device."""

    place: str
    listeners: tuple[tuple[ListenerSpec, ListenerRecord], ...]
    chosen: Mapping[Kind, str]
    device: str | None = None

    def open_ears(self, reader: RunReader, worker: int) -> list[Ear]:
        """Return the ears of a worker, loaded; they know answers of earlier shards and of the run's source.

        Raises as the registry of listeners, CorruptDataError for damaged answers.
        """
        settings = RenderSettings(device=self.device, worker=worker)
        own, source = HeardStore(reader.run), _find_source_store(reader)
        samples = _list_samples(reader) if source and self.listeners else frozenset()
        ears: list[Ear] = []
        try:
            for spec, record in self.listeners:
                ears.append(Ear.create(spec, record, settings))
                ears[-1].prepare()
                ears[-1].remember(islice(own.iterate_answers(record.key), MOST_REMEMBERED))
                if source:
                    of_source = source.iterate_answers(record.key)
                    ears[-1].remember(answer for answer in of_source if answer.sample_id in samples)
        except BaseException:
            for ear in ears:
                ear.close()
            raise
        return ears


def _find_source_store(reader: RunReader) -> HeardStore | None:
    """Return the store of the run that this one is a subset of, if it is still there."""
    source = reader.description.get("source")
    if not isinstance(source, str):
        return None
    try:
        return HeardStore(RunReader(source).run)
    except UserError:
        return None


def _list_samples(reader: RunReader) -> frozenset[str]:
    """Return the ids of the samples, without those of a shard that cannot be read: it is named when heard."""
    found: set[str] = set()
    for shard in reader.files("samples"):
        with suppress(CorruptDataError):
            found |= {row["id"] for row in reader.rows_of(shard, ["id"])}
    return frozenset(found)


class HearingExecutor(Protocol):
    """What has workers listen to shards, on this machine or on Ray."""

    def execute(
        self,
        job: HearingJob,
        shards: Sequence[CommittedFile],
        on_heard: Callable[[int], object],
        is_stopping: Callable[[], bool],
    ) -> list[str]:
        """Have all shards heard, and return one line for each that cannot be read.

        Raises CopilotError for a listener that cannot work.
        """
        ...


@dataclass(frozen=True, slots=True)
class HearResult:
    """The number of samples with figures, their mean figures, and the shards that cannot be read."""

    n_samples: int
    n_heard: int
    figures: Mapping[str, float] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()
    was_stopped: bool = False


def hear_run(
    place: str | Path,
    listeners: Sequence[ListenerSpec],
    *,
    executor: HearingExecutor,
    device: str | None = None,
    on_start: Callable[[int], object] = lambda _: None,
    on_heard: Callable[[int], object] = lambda _: None,
) -> HearResult:
    """Listen to the samples of a run, and write answers and figures beside it.

    The figures are from these listeners, and from earlier ones of other kinds. `on_start` receives the number
    of samples to hear, `on_heard` numbers of samples that were. Raises UserError without a run or a listener,
    and as the registry of listeners does; CorruptDataError for a damaged ledger.
    """
    if not listeners:
        raise UserError(
            "nothing to listen with; give `recogniser`, `detector`, `rater`, `scorer` or `embedder`"
        )
    kinds = [spec.kind for spec in listeners]
    if twice := {kind for kind in kinds if kinds.count(kind) > 1}:
        raise UserError("give one listener of a kind", field=twice.pop())
    reader = RunReader(place, field="run")
    store = HeardStore(reader.run)
    known = tuple((spec, spec.describe()) for spec in listeners)
    own: dict[Kind, str] = {record.kind: record.key for _, record in known}
    chosen: dict[Kind, str] = {**store.read_chosen(), **own}
    store.delete_leftovers(time.time())
    for _, record in known:
        store.add_listener(record)
    store.choose(chosen)
    unreadable: dict[str, None] = {}
    tried: set[tuple[str, frozenset[str]]] = set()
    with interruptible() as stopping:
        # A run that grows has more shards after each round, and another call may have chosen more kinds.
        while not stopping.is_set() and (shards := _list_waiting(reader, store, own, chosen, tried)):
            on_start(sum(shard.n_rows for shard in shards))
            tried |= {(shard.path, frozenset(chosen.values())) for shard in shards}
            needed = tuple(pair for pair in known if _is_needed(pair[1], shards, store))
            job = HearingJob(reader.place, needed, chosen, device)
            unreadable |= dict.fromkeys(executor.execute(job, shards, on_heard, stopping.is_set))
            chosen = {**store.read_chosen(), **own}
        was_stopped = stopping.is_set()
    return _summarise(reader, store, chosen, list(unreadable), was_stopped=was_stopped)


def _list_waiting(
    reader: RunReader,
    store: HeardStore,
    own: Mapping[Kind, str],
    chosen: Mapping[Kind, str],
    tried: set[tuple[str, frozenset[str]]],
) -> list[CommittedFile]:
    """Return the shards that lack answers of this call's listeners or figures, but those already tried.

    Figures alone do not tell: a call with a listener of another kind writes them too.
    """
    done = store.list_figured(chosen).intersection(*(store.list_done(key) for key in own.values()))
    listeners = frozenset(chosen.values())
    return [
        shard
        for shard in reader.files("samples")
        if shard_name(shard) not in done and (shard.path, listeners) not in tried
    ]


def _is_needed(record: ListenerRecord, shards: Sequence[CommittedFile], store: HeardStore) -> bool:
    """Return whether a listener has to hear any of these shards; if not, it need not be loaded."""
    return not {shard_name(shard) for shard in shards} <= store.list_done(record.key)


def _summarise(
    reader: RunReader,
    store: HeardStore,
    chosen: Mapping[Kind, str],
    unreadable: Sequence[str],
    *,
    was_stopped: bool,
) -> HearResult:
    sums: defaultdict[str, list[float]] = defaultdict(list)
    n_samples = n_heard = 0
    figured = store.list_figured(chosen)
    for shard in reader.files("samples"):
        n_samples += shard.n_rows
        if shard_name(shard) in figured and (table := store.read_figures(shard)) is not None:
            n_heard += table.num_rows
            for figures in read_figures(table).values():
                for name, value in figures.items():
                    sums[name].append(value)
    means = {name: fmean(values) for name, values in sorted(sums.items())}
    return HearResult(n_samples, n_heard, means, tuple(unreadable), was_stopped)
