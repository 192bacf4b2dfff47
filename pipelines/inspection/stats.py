"""Statistics of a run, from its ledger and the metadata of its rows, without reading the audio.

Rows are counted batch by batch with Arrow. Memory does not grow with the audio, and hardly with the rows: it
holds counts by value, 8 bytes for each distinct scene or caption, and a bounded list of captions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from copilot.designers.account import Usage
from copilot.dialogue import Task
from copilot.units import Seconds
from copilot.vocabulary import Tier
from pipelines.heard.figures import read_figures
from pipelines.heard.store import HeardStore
from pipelines.inspection.streaming_stats import Distinct, DistinctCounter, Spread, SpreadCounter, TopCounter
from pipelines.run.reader import RunReader
from pipelines.run.totals import Totals

COLUMNS = (
    "tier",
    "turns.list.element.task",
    "turns.list.element.elements",
    "turns.list.element.duration_s",
    "stems.list.element.loudness_lufs",
    "headroom_db",
    "checks",
    "provenance.normalised",
)
"""The columns that are read of each sample."""

_N_TOP = 10
_REASON_CHARACTERS = 120
_SCENE_FIELDS = (
    "tool", "role", "text", "loudness", "panning", "start_time", "duration", "speaker", "gender", "emotion"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TaskStats:
    """Turns of one task: their number, their share of all turns, and the share of them in hq samples."""

    n: int
    share: float
    hq_share: float


@dataclass(frozen=True, slots=True)
class ElementStats:
    """Sounds of one role and tool: distinct in their dialogues, and occurrences over all scenes."""

    role: str
    tool: str
    n_sounds: int
    n_in_scenes: int


@dataclass(frozen=True, slots=True)
class CheckStats:
    """One check over all samples. More is worse, so the worst value is the highest."""

    n: int
    median: float
    worst: float
    share_passed: float


@dataclass(frozen=True, slots=True, repr=False)
class RunStats:
    """The statistics of a run. `reasons` counts rejects by `stage/reason`; hours are of mixes.

    `examples` has the detail of one reject for each reason: its last line, shortened.

    `asked_loudness_lufs` is over the elements of all scenes, `stem_loudness_lufs` over the stems as the
    backends gave them. Scenes are distinct if their elements differ in any field but the id. `top_captions`
    are exact for up to 100,000 distinct captions of sounds; beyond, rare ones may be undercounted. `heard`
    has the figures of what was heard in the samples so far.
    """

    n_seeds: int | None
    n_samples: int
    n_rejects: int
    tiers: Mapping[str, int]
    reasons: Mapping[str, int]
    examples: Mapping[str, str]
    tasks: Mapping[str, TaskStats]
    elements: tuple[ElementStats, ...]
    turn_duration_s: Spread
    story_hours: float
    edit_hours: float
    asked_loudness_lufs: Spread
    stem_loudness_lufs: Spread
    headroom_db: Spread
    checks: Mapping[str, CheckStats]
    heard: Mapping[str, Spread]
    n_normalisations: int
    n_normalised_samples: int
    stories: Distinct
    scenes: Distinct
    captions: Distinct
    top_captions: tuple[tuple[str, int], ...]
    sample_bytes: int
    reject_bytes: int
    usage: Usage

    def __repr__(self) -> str:
        """Count the samples, rejects and hours in one line."""
        tiers = ", ".join(f"{n} {tier}" for tier, n in self.tiers.items())
        return (
            f"RunStats({self.n_samples} samples ({tiers or 'none'}), {self.n_rejects} rejects, "
            f"{self.story_hours:.3f} h of stories, {self.edit_hours:.3f} h of edits)"
        )


def compute_stats(place: str | Path) -> RunStats:
    """Return the statistics of a run. Raises UserError if there is no run, CorruptDataError for damage."""
    reader = RunReader(place)
    count = _Counts()
    for batch in reader.batches("samples", COLUMNS):
        count.add(batch)
    totals = Totals.of_entries(reader.run.ledger.entries())
    return RunStats(
        n_seeds=reader.description.get("plan", {}).get("n_seeds"),
        n_samples=totals.accepted,
        n_rejects=totals.rejected,
        tiers=dict(sorted(totals.tiers.items())),
        reasons=totals.reasons,
        examples=_read_examples(reader, totals.reasons),
        tasks=count.task_stats(),
        elements=count.element_stats(),
        turn_duration_s=count.durations.spread(),
        story_hours=count.story_s / 3600,
        edit_hours=count.edit_s / 3600,
        asked_loudness_lufs=count.scene_loudness.spread(),
        stem_loudness_lufs=count.stem_loudness.spread(),
        headroom_db=count.headroom.spread(),
        checks={name: counter.stats() for name, counter in count.checks.items()},
        heard=_spread_heard(reader),
        n_normalisations=count.n_normalisations,
        n_normalised_samples=count.n_normalised_samples,
        stories=count.stories.result(),
        scenes=count.scenes.result(),
        captions=count.captions.result(),
        top_captions=count.top_captions.top(_N_TOP),
        sample_bytes=sum(file.n_bytes for file in reader.files("samples")),
        reject_bytes=sum(file.n_bytes for file in reader.files("rejects")),
        usage=totals.usage,
    )


def _spread_heard(reader: RunReader) -> dict[str, Spread]:
    """Return the spread of each figure of what was heard, by its name."""
    store = HeardStore(reader.run)
    counters: dict[str, SpreadCounter] = {}
    for shard in reader.files("samples"):
        figures: dict[str, list[float]] = {}
        for of_sample in read_figures(store.read_figures(shard)).values():
            for name, value in of_sample.items():
                figures.setdefault(name, []).append(value)
        for name, values in figures.items():
            counters.setdefault(name, SpreadCounter()).add(np.array(values))
    return {name: counter.spread() for name, counter in sorted(counters.items())}


def _read_examples(reader: RunReader, reasons: Collection[str]) -> dict[str, str]:
    """Return the detail of the first reject of each reason; reads until every reason has one."""
    found: dict[str, str] = {}
    if reasons:
        for batch in reader.batches("rejects", ("stage", "reason", "detail")):
            for row in batch.to_pylist():
                found.setdefault(f"{row['stage']}/{row['reason']}", _shorten_to_last_line(row["detail"]))
            if found.keys() >= set(reasons):
                break
    return found


def _shorten_to_last_line(detail: str) -> str:
    """Return the last line of a detail, shortened: of a traceback, the error itself."""
    line = (detail.strip().splitlines() or [""])[-1].strip()
    return line if len(line) <= _REASON_CHARACTERS else f"{line[: _REASON_CHARACTERS - 1]}…"


@dataclass(slots=True)
class _CheckCounter:
    values: SpreadCounter = field(default_factory=SpreadCounter)
    n_passed: int = 0

    def stats(self) -> CheckStats:
        spread = self.values.spread()
        return CheckStats(spread.n, spread.median or 0.0, spread.high or 0.0, self.n_passed / spread.n)


class _Counts:
    """All counts over the rows read so far."""

    def __init__(self) -> None:
        self.tasks: Counter[tuple[str, str]] = Counter()
        self.sounds: Counter[tuple[str, str]] = Counter()
        self.in_scenes: Counter[tuple[str, str]] = Counter()
        self.durations, self.scene_loudness, self.stem_loudness, self.headroom = (
            SpreadCounter(),
            SpreadCounter(),
            SpreadCounter(),
            SpreadCounter(),
        )
        self.story_s: Seconds = 0.0
        self.edit_s: Seconds = 0.0
        self.checks: dict[str, _CheckCounter] = {}
        self.n_normalisations = self.n_normalised_samples = 0
        self.stories, self.scenes, self.captions = DistinctCounter(), DistinctCounter(), DistinctCounter()
        self.top_captions = TopCounter()

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the rows of a batch."""
        turns, row_of_turn = _flatten(batch["turns"])
        elements, turn_of_element = _flatten(_field(turns, "elements"))
        stories = pc.equal(_field(turns, "task"), "story")
        self._add_turns(turns, stories, batch["tier"].take(row_of_turn))
        self._add_elements(elements, row_of_turn.take(turn_of_element))
        self._add_scenes(_join_scene_texts(elements, _field(turns, "elements")), stories)
        self.stem_loudness.add(_to_numbers(_field(_flatten(batch["stems"])[0], "loudness_lufs")))
        self.headroom.add(_to_numbers(batch["headroom_db"]))
        self._add_checks(_flatten(batch["checks"])[0])
        n_notes = _to_numbers(pc.list_value_length(_field(batch["provenance"], "normalised")))
        self.n_normalisations += int(n_notes.sum())
        self.n_normalised_samples += int(np.count_nonzero(n_notes))

    def _add_turns(self, turns: pa.Array, stories: pa.Array, tiers: pa.Array) -> None:
        self.tasks.update(zip(_field(turns, "task").to_pylist(), tiers.to_pylist(), strict=True))
        durations_s = _field(turns, "duration_s")
        self.durations.add(_to_numbers(durations_s))
        self.story_s += float(_to_numbers(durations_s.filter(stories)).sum())
        self.edit_s += float(_to_numbers(durations_s.filter(pc.invert(stories))).sum())

    def _add_elements(self, elements: pa.Array, row_of_element: pa.Array) -> None:
        kinds = list(zip(*(_field(elements, name).to_pylist() for name in ("role", "tool")), strict=True))
        self.in_scenes.update(kinds)
        self.scene_loudness.add(_to_numbers(_field(elements, "loudness")))
        # An id names one sound in the whole dialogue: its first occurrence is counted.
        names = zip(row_of_element.to_pylist(), _field(elements, "id").to_pylist(), strict=True)
        first = {name: index for index, name in reversed(list(enumerate(names)))}
        self.sounds.update(kinds[index] for index in first.values())
        texts = _field(elements, "text").to_pylist()
        captions = Counter(texts[index] for index in first.values() if kinds[index][1] == "sfx")
        self.captions.add(captions)
        self.top_captions.add(captions)

    def _add_scenes(self, texts: pa.Array, stories: pa.Array) -> None:
        self.scenes.add(Counter(texts.to_pylist()))
        self.stories.add(Counter(texts.filter(stories).to_pylist()))

    def _add_checks(self, checks: pa.Array) -> None:
        names = _field(checks, "name")
        for name in pc.unique(names).to_pylist():
            of_name = checks.filter(pc.equal(names, name))
            counter = self.checks.setdefault(name, _CheckCounter())
            counter.values.add(_to_numbers(_field(of_name, "value")))
            counter.n_passed += _field(of_name, "passed").true_count

    def task_stats(self) -> dict[str, TaskStats]:
        """Return statistics by task, in the order of `Task`."""
        n_turns = self.tasks.total()
        stats = {}
        for task in get_args(Task):
            n, n_hq = sum(self.tasks[task, tier] for tier in get_args(Tier)), self.tasks[task, "hq"]
            if n:
                stats[task] = TaskStats(n, n / n_turns, n_hq / n)
        return stats

    def element_stats(self) -> tuple[ElementStats, ...]:
        """Return statistics by role and tool, sorted."""
        return tuple(
            ElementStats(role, tool, self.sounds[role, tool], self.in_scenes[role, tool])
            for role, tool in sorted(self.in_scenes)
        )


def _flatten(lists: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return the items of all lists, and for each the index of its list."""
    return pc.list_flatten(lists), pc.list_parent_indices(lists)


def _field(structs: pa.Array, name: str) -> pa.Array:
    return pc.struct_field(structs, name)


def _to_numbers(values: pa.Array) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = values.to_numpy(zero_copy_only=False).astype(np.float64)
    return numbers


def _join_scene_texts(elements: pa.Array, lists: pa.Array) -> pa.Array:
    """Return one text for each scene, of all fields of its elements but their ids."""
    fields = [pc.fill_null(_field(elements, name).cast(pa.string()), "") for name in _SCENE_FIELDS]
    texts = pc.binary_join_element_wise(*fields, "\x1f")
    ends = np.cumsum(_to_numbers(pc.list_value_length(lists))).astype(np.int32)
    offsets = pa.array(np.concatenate(([0], ends)), type=pa.int32())
    return pc.binary_join(pa.ListArray.from_arrays(offsets, texts), "\x1e")
