"""What a turn costs after rendering, over FLAC encoding of the same audio alone.

    python benchmarks/turn_cost.py [SEEDS] [NUM]

Processor time of everything that follows a backend's answer (conform, quantise, measure, encode and store
stems; place, sum, measure, check, encode mixes; write and commit the shard), divided by the processor time
that libsndfile takes, as it comes, to encode the same stems and mixes. Meant to stay below 1.6.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
from threadpoolctl import threadpool_limits

from copilot.sample import sample_id
from copilot.units import SAMPLE_RATE_HZ
from pipelines.assembly import WorkOrder, build_stages, take_fingerprint
from pipelines.config import RunConfig
from pipelines.memory import keep_freed_memory
from pipelines.record import Record
from pipelines.seeds import read_seeds
from pipelines.shards import ShardWriter
from pipelines.stages.render import RenderStage
from pipelines.work import RECORDS_AT_ONCE
from renderers.base import RenderedSound, Renderer, RenderFailure, RenderRequest

_WARM_UP = 2 * RECORDS_AT_ONCE
_BEFORE_RENDERING = {"design", "validate", "cast"}


class Rehearsed:
    """A renderer that renders when told to rehearse, and then answers in no time."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self.tool = renderer.tool
        self._answers: list[RenderedSound | RenderFailure] = []

    def rehearse(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Render for the next call, and refuse this one, so that nothing is stored."""
        self._answers = self._renderer.render(requests)
        return [RenderFailure("rehearsal", "")] * len(requests)

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """The answers of the rehearsal."""
        return self._answers if requests else []


class Bench:
    """A worker's stages, with clocks around them."""

    def __init__(self, stages: Sequence[Callable], writer: ShardWriter) -> None:
        self._stages = stages
        self._writer = writer
        self.ours: dict[str, float] = defaultdict(float)
        self.theirs = 0.0

    def run(self, records: Sequence[Record]) -> None:
        """Take records through all stages, into the shard."""
        for stage in self._stages:
            if isinstance(stage, RenderStage):
                _rehearse(stage, records)
            self.timed(stage.name, lambda stage=stage: stage(records))
            if stage.name == "check":
                self.theirs += _seconds(lambda: _encode(records))
        self.timed("write", lambda: [self._writer.add_sample(r.sample) for r in records if r.sample])

    def timed(self, name: str, work: Callable[[], object]) -> None:
        """Add the processor time of some work under a name."""
        self.ours[name] += _seconds(work)


def _rehearse(stage: RenderStage, records: Sequence[Record]) -> None:
    renderer = stage._renderer  # noqa: SLF001
    copies = [Record(r.seed, r.id, dialogue=r.dialogue, voices=r.voices) for r in records]
    stage._renderer = type("Rehearsal", (), {"render": renderer.rehearse, "tool": renderer.tool})()  # noqa: SLF001
    stage(copies)
    stage._renderer = renderer  # noqa: SLF001


def _encode(records: Sequence[Record]) -> None:
    for record in records:
        for stem in record.stems.values():
            _flac(stem.pcm.T.astype(np.int32, order="C") << 8, "PCM_24")
        for turn in record.mixed().turns:
            _flac(turn.pcm.T.astype(np.int16, order="C"), "PCM_16")


def _flac(frames: np.ndarray, subtype: str) -> None:
    soundfile.write(io.BytesIO(), frames, SAMPLE_RATE_HZ, format="FLAC", subtype=subtype)


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def main(spec: str = "starter", num: str = "48") -> None:
    """Print the ratio and what it is made of."""
    keep_freed_memory()  # as a worker does
    config = RunConfig(seeds=spec)
    seeds = read_seeds(spec, int(num) + _WARM_UP, config.run_seed).seeds
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        out = Path(folder)
        stages = build_stages(WorkOrder(out, out / "stems", take_fingerprint(config)))
        for stage in stages:
            if isinstance(stage, RenderStage):
                stage._renderer = Rehearsed(stage._renderer)  # type: ignore[assignment]  # noqa: SLF001
        bench = Bench(stages, ShardWriter(out))
        for start in range(0, len(seeds), RECORDS_AT_ONCE):
            if start == _WARM_UP:
                bench.ours.clear()
                bench.theirs = 0.0
            bench.run([Record(s, sample_id(0, s.id)) for s in seeds[start : start + RECORDS_AT_ONCE]])
        bench.timed("write", bench._writer.commit)  # noqa: SLF001
        for stage in stages:
            if isinstance(stage, RenderStage):
                stage._renderer._renderer.close()  # type: ignore[attr-defined]  # noqa: SLF001
    ours = {name: seconds for name, seconds in bench.ours.items() if name not in _BEFORE_RENDERING}
    print(f"after rendering, {len(seeds) - _WARM_UP} dialogues: {sum(ours.values()):.2f} s of processor time")
    for name, seconds in ours.items():
        print(f"  {name:14} {seconds:6.2f} s")
    print(f"FLAC encoding of the same stems and mixes alone: {bench.theirs:.2f} s")
    print(f"ratio: {sum(ours.values()) / bench.theirs:.2f} (at most 1.6)")


if __name__ == "__main__":
    main(*sys.argv[1:])
