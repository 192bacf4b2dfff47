"""The work of one worker: records go through the stages, and come out committed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from threadpoolctl import threadpool_limits

from copilot.design import Usage
from copilot.errors import CopilotError
from pipelines.assembly import build_stages
from pipelines.memory import keep_freed_memory
from pipelines.order import WorkOrder
from pipelines.record import Record
from pipelines.renders import Renders, added
from pipelines.shards import ShardWriter
from pipelines.stage import explained
from pipelines.stages.render import RenderStage
from pipelines.stem_store import StemStore


@dataclass(frozen=True, slots=True)
class Progress:
    """What happened since the last report: counts, seconds of audio, processor seconds by stage.

    `usage` is what was asked of a language model, for accepted and rejected alike; `renders` what each
    backend rendered.
    """

    accepted: int = 0
    rejected: int = 0
    hq: int = 0
    audio_s: float = 0.0
    usage: Usage = field(default_factory=Usage)
    stage_cpu_s: Mapping[str, float] = field(default_factory=dict)
    renders: Renders = field(default_factory=dict)


class Worker:
    """The stages of a run, constructed once, for any number of batches."""

    def __init__(self, order: WorkOrder) -> None:
        keep_freed_memory()
        self._order = order
        self._store = StemStore(order.store, order.user)
        self._store.note_use()
        try:
            self._stages = build_stages(order, self._store)
        except BaseException:
            self._store.close()
            raise

    def run_batch(
        self, records: Sequence[Record], report: Callable[[Progress], None], stopping: Callable[[], bool]
    ) -> None:
        """Make a batch and commit it as one entry of the ledger.

        Asked to stop, it finishes the records in hand and commits what there is.
        """
        writer = ShardWriter(self._order.run)
        try:
            # One worker is one thread of work: BLAS threads beside it only wait for each other.
            with threadpool_limits(1):
                self._make_all(records, writer, report, stopping)
            started = time.process_time()
            writer.commit()
            report(Progress(stage_cpu_s={"write": time.process_time() - started}))
        finally:
            writer.discard()

    def _make_all(
        self,
        records: Sequence[Record],
        writer: ShardWriter,
        report: Callable[[Progress], None],
        stopping: Callable[[], bool],
    ) -> None:
        for start in range(0, len(records), self._order.equipment.at_once):
            if stopping():
                break
            progress = self._make(records[start : start + self._order.equipment.at_once], writer)
            writer.add_renders(progress.renders)
            report(progress)
            self._store.note_use()

    def _make(self, records: Sequence[Record], writer: ShardWriter) -> Progress:
        cpu_s: dict[str, float] = {}
        for stage in self._stages:
            started = time.process_time()
            records = stage(records)
            cpu_s[stage.name] = time.process_time() - started
        started = time.process_time()
        for record in records:
            _write(record, writer)
        cpu_s["write"] = time.process_time() - started
        renders = added(stage.taken() for stage in self._stages if isinstance(stage, RenderStage))
        return _progress(records, cpu_s, renders)

    def close(self) -> None:
        """Close every stage."""
        try:
            for stage in self._stages:
                stage.close()
        finally:
            self._store.close()


def _write(record: Record, writer: ShardWriter) -> None:
    if record.reject is None and record.sample is None:
        record.refuse("finish", "no-sample", "no stage finished the record")
    if record.sample is not None:
        try:
            writer.add_sample(record.sample)
        except (CopilotError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - what cannot be a row is a reject, and the others live
            record.dialogue = None
            record.refuse("write", "unexpected-error", explained(error))
    if record.reject is not None:
        writer.add_reject(record.reject, record.account.usage)


def _progress(records: Sequence[Record], cpu_s: Mapping[str, float], renders: Renders) -> Progress:
    samples = [record.sample for record in records if record.sample is not None]
    return Progress(
        accepted=len(samples),
        rejected=len(records) - len(samples),
        hq=sum(sample.tier == "hq" for sample in samples),
        usage=sum((record.account.usage for record in records), Usage()),
        audio_s=sum(turn.scene.duration_s for sample in samples for turn in sample.dialogue.turns),
        stage_cpu_s=cpu_s,
        renders=renders,
    )
