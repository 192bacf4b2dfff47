"""The work of one worker: records go through the stages, and come out committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from copilot.designers.contract import Usage
from copilot.errors import CopilotError, format_traceback
from pipelines.accounting.progress import Progress
from pipelines.accounting.render_stats import merge
from pipelines.accounting.stage_times import StageTimes, Stopwatch
from pipelines.execution.memory import keep_freed_memory
from pipelines.run.run import Run
from pipelines.run.shards import ShardWriter
from pipelines.stages.pipeline import build_stages
from pipelines.stages.record import Record
from pipelines.stages.render import RenderStage
from pipelines.stages.table import WRITE, PoolName
from pipelines.stages.worker_spec import RECORDS_AT_ONCE, WorkerSpec
from pipelines.stem_store import StemStore


class Worker:
    """The stages of a run, or of a part of it, constructed once, for any number of batches."""

    def __init__(self, order: WorkerSpec, pool: PoolName | None = None) -> None:
        keep_freed_memory()
        self._order = order
        self._store = StemStore(order.store, order.user)
        self._store.note_use()
        try:
            self._stages = build_stages(order, self._store, pool)
        except BaseException:
            self._store.close()
            raise

    def run_batch(
        self, records: Sequence[Record], report: Callable[[Progress], None], stopping: Callable[[], bool]
    ) -> None:
        """Make a batch and commit it as one entry of the ledger.

        Asked to stop, it finishes the records in hand and commits what there is.
        """
        with self.writing() as writer:
            for some in self.pieces(records):
                if stopping():
                    break
                report(self.make(some, writer))
            report(commit(writer))

    @contextmanager
    def writing(self) -> Iterator[ShardWriter]:
        """The files of one commit; what was not committed by the end is dropped."""
        writer = ShardWriter(Run(self._order.run, self._order.call))
        try:
            yield writer
        finally:
            writer.discard()

    def pieces(self, records: Sequence[Record]) -> Iterator[Sequence[Record]]:
        """The records in portions that are in the stages together."""
        at_once = self._order.equipment.at_once or RECORDS_AT_ONCE
        return (records[start : start + at_once] for start in range(0, len(records), at_once))

    def take(self, records: Sequence[Record]) -> None:
        """Lead records through the stages."""
        watch = Stopwatch()
        # One worker is one thread of work: BLAS threads beside it only wait for each other.
        with threadpool_limits(1):
            for stage in self._stages:
                with watch.timing(stage.name):
                    stage(records)
        renders = merge(stage.taken() for stage in self._stages if isinstance(stage, RenderStage))
        if records:
            records[0].times += watch.taken(renders)
        self._store.note_use()

    def make(self, records: Sequence[Record], writer: ShardWriter) -> Progress:
        """Lead records through the stages and into the files of a commit."""
        self.take(records)
        watch = Stopwatch()
        with watch.timing(WRITE):
            for record in records:
                _write(record, writer)
        progress = _progress(records, watch.taken())
        writer.add_renders(progress.times.renders)
        return progress

    def close(self) -> None:
        """Close every stage."""
        try:
            for stage in self._stages:
                stage.close()
        finally:
            self._store.close()


def commit(writer: ShardWriter) -> Progress:
    """Commit what was written, and tell what that took."""
    watch = Stopwatch()
    with watch.timing(WRITE):
        writer.commit()
    return Progress(times=watch.taken())


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
            record.refuse("write", "unexpected-error", format_traceback(error))
    if record.reject is not None:
        writer.add_reject(record.reject, record.account.usage)


def _progress(records: Sequence[Record], writing: StageTimes) -> Progress:
    samples = [record.sample for record in records if record.sample is not None]
    rejects = [record.reject for record in records if record.reject is not None]
    return Progress(
        accepted=len(samples),
        rejected=len(rejects),
        hq=sum(sample.tier == "hq" for sample in samples),
        audio_s=sum(turn.scene.duration_s for sample in samples for turn in sample.dialogue.turns),
        reasons=Counter(f"{reject.stage}/{reject.reason}" for reject in rejects),
        usage=sum((record.account.usage for record in records), Usage()),
        times=sum((record.times for record in records), writing),
    )
