"""Workers that listen on Ray: actors, to which this process hands shard after shard.

An actor that dies is replaced, and its shard given to another; a shard whose actor dies again and again ends
the call with its error, and what is written stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from copilot.errors import CopilotError, CorruptDataError, UserError
from copilot.units import Seconds
from pipelines.execution.ray.nodes import connect, list_nodes
from pipelines.hearing.ear import Ear
from pipelines.hearing.hear import HearingJob
from pipelines.hearing.shard import ShardHearing
from pipelines.planning.ray_settings import RaySettings
from pipelines.planning.resources import total
from pipelines.run.ledger import CommittedFile
from pipelines.run.reader import RunReader

_MOST_DEATHS = 3
_POLL_S: Seconds = 1.0
_CLOSING_S: Seconds = 10.0


class HearingWorker:
    """An actor: a worker with its listeners, which are loaded for its first shard."""

    def __init__(self, job: HearingJob, number: int) -> None:
        self._job = job
        self._number = number
        self._ears: list[Ear] = []
        self._hearing: ShardHearing | None = None

    def hear(self, shard: CommittedFile) -> CopilotError | None:
        """Hear a shard. Returns the error that this raises, since Ray would wrap it.

        A CorruptDataError is the shard's own; what keeps the listeners from opening is another CopilotError.
        """
        try:
            if self._hearing is None:
                self._hearing = self._open()
            self._hearing.hear(shard)
        except CopilotError as error:
            return error
        return None

    def _open(self) -> ShardHearing:
        try:
            reader = RunReader(self._job.place)
            self._ears = self._job.open_ears(reader, self._number)
        except CorruptDataError as error:
            raise CopilotError(str(error)) from error
        return ShardHearing(reader, self._ears, self._job.chosen)

    def close(self) -> None:
        """End the listeners."""
        for ear in self._ears:
            ear.close()


@dataclass(frozen=True, slots=True)
class RayHearing:
    """Listens in `n_workers` actors, each with this share of a cluster's processors and GPUs."""

    n_workers: int = 1
    settings: RaySettings = field(default_factory=RaySettings)
    cpus: float = 0.5
    gpus: float = 0.0

    def execute(
        self,
        job: HearingJob,
        shards: Sequence[CommittedFile],
        on_heard: Callable[[int], object],
        is_stopping: Callable[[], bool],
    ) -> list[str]:
        """Have all shards heard, and return one line for each that cannot be read.

        Raises UserError if the cluster has not enough processors or GPUs for the workers, CopilotError for a
        listener that cannot work or workers that die.
        """
        with connect(self.settings):
            n_workers = min(self.n_workers, len(shards))
            self._check_fits(n_workers)
            pool = _Pool(self, job, n_workers)
            try:
                return pool.hear_all(shards, on_heard, is_stopping)
            finally:
                pool.close()

    def _check_fits(self, n_workers: int) -> None:
        cluster = total(list_nodes())
        needed = (n_workers * self.cpus, n_workers * self.gpus)
        if needed[0] > cluster.cpus or needed[1] > cluster.gpus:
            raise UserError(
                f"{n_workers} workers need {needed[0]:g} CPUs and {needed[1]:g} GPUs, the cluster has "
                f"{cluster}; give fewer",
                field="n_workers",
            )


class _Pool:
    """The actors of one call, and what each is at."""

    def __init__(self, sizes: RayHearing, job: HearingJob, n_workers: int) -> None:
        self._sizes = sizes
        self._job = job
        self._actors = [self._start(number) for number in range(n_workers)]
        self._deaths: Counter[str] = Counter()

    def _start(self, number: int) -> Any:  # noqa: ANN401 - an actor of Ray
        import ray  # noqa: PLC0415 - an extra

        options = {"num_cpus": self._sizes.cpus, "num_gpus": self._sizes.gpus}
        return ray.remote(HearingWorker).options(**options).remote(self._job, number)

    def hear_all(
        self,
        shards: Sequence[CommittedFile],
        on_heard: Callable[[int], object],
        is_stopping: Callable[[], bool],
    ) -> list[str]:
        import ray  # noqa: PLC0415 - an extra

        waiting, unreadable = list(reversed(shards)), []
        at_work: dict[Any, tuple[int, CommittedFile]] = {}
        free = list(range(len(self._actors)))
        while at_work or (waiting and not is_stopping()):
            while free and waiting and not is_stopping():
                number, shard = free.pop(), waiting.pop()
                at_work[self._actors[number].hear.remote(shard)] = (number, shard)
            done, _ = ray.wait(list(at_work), timeout=_POLL_S)
            for handle in done:
                number, shard = at_work.pop(handle)
                free.append(number)
                try:
                    error = ray.get(handle)
                except ray.exceptions.RayActorError as death:
                    self._replace(number, shard, death)
                    waiting.append(shard)
                    continue
                if isinstance(error, CorruptDataError):
                    unreadable.append(str(error))
                elif error is not None:
                    raise error
                else:
                    on_heard(shard.n_rows)
        return sorted(unreadable)

    def close(self) -> None:
        """Let the actors end their listeners, as far as they live."""
        import ray  # noqa: PLC0415 - an extra

        ray.wait([a.close.remote() for a in self._actors], num_returns=len(self._actors), timeout=_CLOSING_S)

    def _replace(self, number: int, shard: CommittedFile, death: Exception) -> None:
        self._deaths[shard.path] += 1
        if self._deaths[shard.path] >= _MOST_DEATHS:
            raise CopilotError(
                f"{shard.path}: its worker died {_MOST_DEATHS} times ({death}); what was heard is kept, run "
                "the same command again to resume"
            ) from death
        self._actors[number] = self._start(number)
