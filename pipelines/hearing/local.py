"""Workers that listen on this machine: threads, each with listeners in processes of their own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from copilot.errors import CorruptDataError, UserError
from pipelines.hearing.ear import Ear
from pipelines.hearing.hear import HearingJob
from pipelines.hearing.shard import ShardHearing, StoppedError
from pipelines.run.ledger import CommittedFile
from pipelines.run.reader import RunReader


@dataclass(frozen=True, slots=True)
class LocalHearing:
    """Listens with `n_workers` at once. Raises UserError unless that is a whole number from 1."""

    n_workers: int = 1

    def __post_init__(self) -> None:
        if type(self.n_workers) is not int or self.n_workers < 1:
            raise UserError(f"{self.n_workers!r}; give a whole number, at least 1", field="n_workers")

    def execute(
        self,
        job: HearingJob,
        shards: Sequence[CommittedFile],
        on_heard: Callable[[int], object],
        is_stopping: Callable[[], bool],
    ) -> list[str]:
        """Have all shards heard, and return one line for each that cannot be read.

        Raises CopilotError for a listener that cannot work; the shards that are done stay.
        """
        waiting: queue.SimpleQueue[CommittedFile] = queue.SimpleQueue()
        for shard in shards:
            waiting.put(shard)
        failed = threading.Event()
        unreadable: list[str] = []

        def work(number: int) -> None:
            ears: list[Ear] = []
            try:
                reader = RunReader(job.place)
                ears = job.open_ears(reader, number)
                hearing = ShardHearing(reader, ears, job.chosen)
                while not failed.is_set() and not is_stopping():
                    try:
                        hearing.hear(waiting.get_nowait(), on_heard, lambda: failed.is_set() or is_stopping())
                    except CorruptDataError as error:
                        unreadable.append(str(error))
                    except (queue.Empty, StoppedError):
                        return
            except BaseException:
                failed.set()
                raise
            finally:
                for ear in ears:
                    ear.close()

        n_workers = min(self.n_workers, len(shards))
        with ThreadPoolExecutor(n_workers, "copilot-hearing") as threads:
            for future in [threads.submit(work, number) for number in range(n_workers)]:
                future.result()
        return sorted(unreadable)
