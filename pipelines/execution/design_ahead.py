"""Dialogues written ahead by a language model, while workers render those before.

They are written in an event loop in a thread of its own, as many at once as the designer wants, and handed
out in the order in which they become ready. At most the designer's concurrency and a buffer are in memory: if
no batch is taken, no seed is started. Leaving the context waits only a few seconds, even if a request hangs.
However it ends, `unfinished` holds the dialogues that were written and not committed.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from copilot.designers.account import Usage
from copilot.designers.contract import AsyncDesigner
from copilot.seed import Seed
from copilot.units import Seconds
from pipelines.execution.supply import compute_batch_size
from pipelines.stages.design import AsyncDesignStage
from pipelines.stages.record import Record, new_record
from pipelines.stages.worker_spec import RECORDS_AT_ONCE

READY_FOR_S: Seconds = 30.0
"""Limit on the time that ready records wait before they go out as a smaller batch."""

_SECONDS_BETWEEN_POLLS = 3.0


@dataclass(frozen=True, slots=True)
class DesignStatus:
    """Counts of the dialogues that are being written, and of those that are ready for a worker.

    `load` is the server's load in words; it is empty if the designer does not report it. `usage` is the use
    of the language model so far, for all dialogues that were begun; None if the designer does not report it.
    """

    n_writing: int
    n_ready: int
    load: str
    usage: Usage | None = None


class DesignAhead:
    """A `Supply` of records with dialogues. A context manager: its thread runs inside the `with` block.

    The buffer holds a batch for each worker. An error that ends designing is kept until `check` is called, so
    that the dialogues before it can be handed out.
    """

    def __init__(
        self,
        designer: AsyncDesigner,
        seeds: Sequence[Seed],
        run_seed: int,
        n_workers: int,
        *,
        at_once: int = RECORDS_AT_ONCE,
        drafts: Mapping[str, Record] | None = None,
        clock: Callable[[], Seconds] = time.monotonic,
        grace_s: Seconds = 5.0,
    ) -> None:
        """`drafts` are records that have their dialogues already, by seed id: they are ready at once."""
        self._designer = designer
        self._stage = AsyncDesignStage(designer, run_seed)
        self._run_seed = run_seed
        self._n_workers = n_workers
        self._at_once = at_once
        self._size = compute_batch_size(len(seeds), n_workers, at_once)
        self._clock = clock
        self._grace_s = grace_s
        # The loop's thread appends to `_ready`, the driver's thread takes from its other end.
        drafts = drafts or {}
        self._seeds = deque(seed for seed in seeds if seed.id not in drafts)
        self._ready: deque[tuple[Record, Seconds]] = deque((record, clock()) for record in drafts.values())
        self._handed_out: dict[str, Record] = {}
        self._n_writing = 0
        self._load = ""
        self._usage: Usage | None = None
        room = designer.concurrency + self._size * n_workers - len(drafts)
        self._room = asyncio.Semaphore(max(0, room))
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
        # A thread that hangs is left behind, with its loop: it ends with the process.
        if self.wait(self._grace_s):
            self._loop.close()

    @property
    def exhausted(self) -> bool:
        """True if no record is ready, and none will be."""
        return self._stopped or (self._over and not self._ready)

    @property
    def state(self) -> DesignStatus:
        """The state of the work, for a display."""
        return DesignStatus(self._n_writing, len(self._ready), self._load, self._usage)

    @property
    def unfinished(self) -> Sequence[Record]:
        """The records whose dialogues are written and were not committed. Valid when the context was left."""
        # Copied in one step: a thread that was left behind may still append.
        return [*self._handed_out.values(), *(record for record, _ in tuple(self._ready))]

    def next_batch(self) -> Sequence[Record]:
        """Return a batch if one is ready, else nothing.

        Batches are full until the last seed is started; then they get smaller, so that all workers end
        together. They are also smaller if a record has been ready for `READY_FOR_S`.
        """
        if self._stopped:
            return ()
        # Read before the records are counted: none is appended after it.
        over = self._over
        n_ready = len(self._ready)
        size = self._size
        if over or not self._seeds:
            n_left = n_ready + self._n_writing
            size = max(self._at_once, min(size, -(-n_left // self._n_workers)))
        if n_ready < size and not over and not self._has_waited():
            return ()
        batch = self._hand_out(min(size, n_ready))
        self._handed_out |= {record.seed.id: record for record in batch}
        return batch

    def pop_ready(self) -> Sequence[Record]:
        """Return all records that are ready, however few, and forget them."""
        return () if self._stopped else self._hand_out(len(self._ready))

    def _hand_out(self, n: int) -> Sequence[Record]:
        batch = [self._ready.popleft()[0] for _ in range(n)]
        self._loop.call_soon_threadsafe(self._make_room, n)
        return batch

    def _has_waited(self) -> bool:
        return bool(self._ready) and self._clock() - self._ready[0][1] > READY_FOR_S

    def note_committed(self, records: Sequence[Record]) -> None:
        """Record that records which were handed out are committed."""
        for record in records:
            del self._handed_out[record.seed.id]

    def stop(self) -> None:
        """Stop writing, and hand out no further record."""
        if not self._stopped:
            self._stopped = True
            self._loop.call_soon_threadsafe(self._work.cancel)

    def wait(self, timeout_s: Seconds) -> bool:
        """Wait up to `timeout_s` for the thread to end; return whether it has."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def check(self) -> None:
        """Raise the error that ended designing before all seeds were designed, if there is one."""
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
            polling = asyncio.create_task(self._poll())
            try:
                async with asyncio.TaskGroup() as writers:
                    for _ in range(min(self._designer.concurrency, len(self._seeds))):
                        writers.create_task(self._write())
            except ExceptionGroup as group:
                self._failure = group.exceptions[0]
            finally:
                # Set before the designer is closed, so that nothing waits for that.
                self._over = True
                polling.cancel()
                await asyncio.wait([polling])

    async def _write(self) -> None:
        while self._seeds:
            await self._room.acquire()
            if not self._seeds:
                # Others have started the last seed: wake the next writer that waits for room, to end it.
                self._room.release()
                return
            record = new_record(self._seeds.popleft(), self._run_seed)
            self._n_writing += 1
            try:
                await self._stage.write(record)
                self._ready.append((record, self._clock()))
            finally:
                self._n_writing -= 1

    async def _poll(self) -> None:
        # Both are optional: a designer of another package need not report them.
        count_usage = getattr(self._designer, "count_usage", None)
        measure_load = getattr(self._designer, "server_load", None)
        while True:
            if count_usage is not None:
                self._usage = count_usage()
            if measure_load is not None:
                self._load = await measure_load() or ""
            await asyncio.sleep(_SECONDS_BETWEEN_POLLS)

    def _make_room(self, n: int) -> None:
        for _ in range(n):
            self._room.release()
