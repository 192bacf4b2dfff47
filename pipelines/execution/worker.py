"""The work of one worker: run records through the stages, and commit them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from copilot.designers.account import Usage
from copilot.errors import CopilotError, format_traceback
from pipelines.accounting.progress import Progress
from pipelines.accounting.render_stats import merge
from pipelines.accounting.stage_times import StageTimes, Stopwatch
from pipelines.backends import Backends
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
    """The stages of a run, or of one pool of it, constructed once, for any number of batches."""

    def __init__(
        self, spec: WorkerSpec, pool: PoolName | None = None, backends: Backends | None = None
    ) -> None:
        keep_freed_memory()
        self._spec = spec
        self._store = StemStore(spec.store, spec.user)
        self._store.record_use()
        try:
            self._stages = build_stages(spec, self._store, pool, backends)
        except BaseException:
            self._store.close()
            raise

    def process_and_commit(
        self,
        records: Sequence[Record],
        on_progress: Callable[[Progress], None],
        is_stopping: Callable[[], bool],
    ) -> int:
        """Process a batch and commit it as one entry of the ledger; return how many records it committed.

        When the run is stopping, it finishes the records in hand and commits those that are done.
        """
        n_done = 0
        with self.open_writer() as writer:
            for chunk in self.cut_chunks(records):
                if is_stopping():
                    break
                on_progress(self.process_and_write(chunk, writer))
                n_done += len(chunk)
            on_progress(commit(writer))
        return n_done

    @contextmanager
    def open_writer(self) -> Iterator[ShardWriter]:
        """Open the files of one commit; they are dropped at the end unless they were committed."""
        writer = ShardWriter(Run(self._spec.run, self._spec.call))
        try:
            yield writer
        finally:
            writer.discard()

    def cut_chunks(self, records: Sequence[Record]) -> Iterator[Sequence[Record]]:
        """Cut records into chunks that go through the stages together."""
        at_once = self._spec.settings.at_once or RECORDS_AT_ONCE
        return (records[start : start + at_once] for start in range(0, len(records), at_once))

    def run_stages(self, records: Sequence[Record]) -> None:
        """Run every stage on the records."""
        stopwatch = Stopwatch()
        # One worker is one thread of work: further BLAS threads would only wait for each other.
        with threadpool_limits(1):
            for stage in self._stages:
                with stopwatch.timing(stage.name):
                    stage(records)
        renders = merge(stage.pop_stats() for stage in self._stages if isinstance(stage, RenderStage))
        if records:
            records[0].times += stopwatch.times(renders)
        self._store.record_use()

    def process_and_write(self, records: Sequence[Record], writer: ShardWriter) -> Progress:
        """Run the stages on records, and write their samples or rejects into the files of a commit."""
        self.run_stages(records)
        stopwatch = Stopwatch()
        with stopwatch.timing(WRITE):
            for record in records:
                _write(record, writer)
        progress = _sum_progress(records, stopwatch.times())
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
    """Commit the files of a writer; return the time that it took."""
    stopwatch = Stopwatch()
    with stopwatch.timing(WRITE):
        writer.commit()
    return Progress(times=stopwatch.times())


def _write(record: Record, writer: ShardWriter) -> None:
    if record.reject is None and record.sample is None:
        record.refuse("finish", "no-sample", "no stage finished the record")
    if record.sample is not None:
        try:
            writer.add_sample(record.sample)
        except (CopilotError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - a sample that cannot be a row is a reject; the others live
            record.dialogue = None
            record.refuse("write", "unexpected-error", format_traceback(error))
    if record.reject is not None:
        writer.add_reject(record.reject, record.account.usage)


def _sum_progress(records: Sequence[Record], writing: StageTimes) -> Progress:
    samples = [record.sample for record in records if record.sample is not None]
    rejects = [record.reject for record in records if record.reject is not None]
    return Progress(
        accepted=len(samples),
        rejected=len(rejects),
        hq=sum(sample.tier == "hq" for sample in samples),
        audio_s=sum(sample.duration_s for sample in samples),
        reasons=Counter(f"{reject.stage}/{reject.reason}" for reject in rejects),
        usage=sum((record.account.usage for record in records), Usage()),
        times=sum((record.times for record in records), writing),
    )
