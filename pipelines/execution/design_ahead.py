"""Where a run's batches come from: fresh seeds, or dialogues that are written ahead by a language model.

Dialogues are written in an event loop in a thread of its own, as many at once as the designer wants, and
handed out in the order in which they get ready. No more than the designer's concurrency and the buffer are
held at any time: where nobody takes batches, no seed is begun. Leaving never waits long, whatever hangs.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from copilot.designers.contract import AsyncDesigner
from copilot.seed import Seed
from copilot.units import Seconds
from pipelines.execution.supply import batch_size
from pipelines.stages.design import AsyncDesignStage
from pipelines.stages.record import Record, new_record
from pipelines.stages.worker_spec import RECORDS_AT_ONCE

READY_FOR_S: Seconds = 30.0
"""How long some records lie ready while a worker is idle, before they go out as a smaller batch."""

_SECONDS_BETWEEN_LOADS = 3.0


@dataclass(frozen=True, slots=True)
class DesignStatus:
    """Dialogues that are being written, and those that no worker has taken yet; the server's load in words.

    The load is empty where the designer tells nothing of it.
    """

    n_writing: int
    n_ready: int
    load: str


class DesignAhead:
    """A `Supply` of records with dialogues. A context manager: its thread works from entering to leaving.

    The buffer holds a batch for each worker. What ends designing early is kept until `check` is called, so
    that what was designed before can be handed out.
    """

    def __init__(
        self,
        designer: AsyncDesigner,
        seeds: Sequence[Seed],
        run_seed: int,
        n_workers: int,
        *,
        at_once: int = RECORDS_AT_ONCE,
        clock: Callable[[], Seconds] = time.monotonic,
        grace_s: Seconds = 5.0,
    ) -> None:
        self._designer = designer
        self._stage = AsyncDesignStage(designer, run_seed)
        self._run_seed = run_seed
        self._n_workers = n_workers
        self._at_once = at_once
        self._size = batch_size(len(seeds), n_workers, at_once)
        self._clock = clock
        self._grace_s = grace_s
        # Of the loop's thread, which appends to what the driver's thread takes from the other end.
        self._seeds = deque(seeds)
        self._ready: deque[tuple[Record, Seconds]] = deque()
        self._n_writing = 0
        self._load = ""
        self._room = asyncio.Semaphore(designer.concurrency + self._size * n_workers)
        self._stopped = False
        self._over = False
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._work = self._loop.create_task(self._design_all())
        self._thread = threading.Thread(target=self._run, name="copilot-design", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()
        self._thread.join(self._grace_s)
        # A thread that hangs is left behind, with its loop: it ends with the process.
        if not self._thread.is_alive():
            self._loop.close()

    @property
    def exhausted(self) -> bool:
        """Whether nothing is ready, and nothing is being written or ever will be."""
        return self._stopped or (self._over and not self._ready)

    @property
    def state(self) -> DesignStatus:
        """What is going on, for a display."""
        return DesignStatus(self._n_writing, len(self._ready), self._load)

    def next_batch(self) -> Sequence[Record]:
        """Return a batch if one is ready, else nothing.

        Full, as long as there are seeds that nobody has begun; then in pieces, so that all workers end
        together. Smaller too where records have been ready for `READY_FOR_S`.
        """
        if self._stopped:
            return ()
        # Asked before anything is counted: nothing is appended after it.
        over = self._over
        n_ready = len(self._ready)
        size = self._size
        if over or not self._seeds:
            n_left = n_ready + self._n_writing
            size = max(self._at_once, min(size, -(-n_left // self._n_workers)))
        if n_ready < size and not over and not self._kept_waiting():
            return ()
        return self._hand_out(min(size, n_ready))

    def pop_ready(self) -> Sequence[Record]:
        """Return all records that are ready, however few."""
        return () if self._stopped else self._hand_out(len(self._ready))

    def _hand_out(self, n: int) -> Sequence[Record]:
        batch = [self._ready.popleft()[0] for _ in range(n)]
        self._loop.call_soon_threadsafe(self._make_room, n)
        return batch

    def _kept_waiting(self) -> bool:
        if len(self._ready) < self._at_once:
            return False
        _, since = self._ready[self._at_once - 1]
        return self._clock() - since > READY_FOR_S

    def stop(self) -> None:
        """Write no further, and drop what was not taken."""
        if not self._stopped:
            self._stopped = True
            self._loop.call_soon_threadsafe(self._work.cancel)

    def check(self) -> None:
        """Raise what has ended designing before all seeds were designed, if anything has."""
        if self._failure:
            raise self._failure

    def _run(self) -> None:
        self._loop.run_until_complete(asyncio.wait([self._work]))
        if not self._work.cancelled():
            self._failure = self._failure or self._work.exception()
        self._over = True
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())

    async def _design_all(self) -> None:
        async with self._designer:
            watching = asyncio.create_task(self._watch())
            try:
                async with asyncio.TaskGroup() as writers:
                    for _ in range(min(self._designer.concurrency, len(self._seeds))):
                        writers.create_task(self._write())
            except ExceptionGroup as group:
                self._failure = group.exceptions[0]
            finally:
                # Said before anything is closed: nobody has to wait for that.
                self._over = True
                watching.cancel()
                await asyncio.wait([watching])

    async def _write(self) -> None:
        while self._seeds:
            await self._room.acquire()
            if not self._seeds:
                # Others have begun the last, and may be waiting for room to learn of it.
                self._room.release()
                return
            record = new_record(self._seeds.popleft(), self._run_seed)
            self._n_writing += 1
            try:
                await self._stage.write(record)
                self._ready.append((record, self._clock()))
            finally:
                self._n_writing -= 1

    async def _watch(self) -> None:
        while True:
            self._load = await self._designer.server_load() or ""
            await asyncio.sleep(_SECONDS_BETWEEN_LOADS)

    def _make_room(self, n_taken: int) -> None:
        for _ in range(n_taken):
            self._room.release()
