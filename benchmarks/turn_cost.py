"""Measure the cost of a turn after rendering, over FLAC encoding of the same audio alone.

    python benchmarks/turn_cost.py [SEEDS] [NUM]

Two ratios of processor time, over libsndfile's FLAC encoding of the same audio alone, with its defaults:

- *a turn*: place, sum, measure, check, encode and write mixes of existing stems (`--keep mixes`), over the
  encoding of the mixes. This project's target is below 1.6.
- *all*: the same with stems kept, and with the steps that turn a backend's answers into stems (conform,
  quantise, measure, encode, store), over the encoding of stems and mixes.
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
from copilot.vocabulary import Keep
from pipelines.backends import compute_fingerprint
from pipelines.config import RunConfig
from pipelines.execution.memory import keep_freed_memory
from pipelines.run.run import Run
from pipelines.run.shards import ShardWriter
from pipelines.seeds import read_seeds
from pipelines.stages.pipeline import build_stages
from pipelines.stages.record import Record
from pipelines.stages.render import RenderStage
from pipelines.stages.stage import Stage
from pipelines.stages.worker_spec import RECORDS_AT_ONCE, ExecutionSettings, WorkerSpec
from pipelines.stem_store import StemStore
from renderers.contract import RenderedSound, Renderer, RenderFailure, RenderRequest

_WARM_UP = 2 * RECORDS_AT_ONCE
_RENDER = ("render-speech", "fit-speech", "render-sounds")
_TURN = ("mix", "check", "finish", "write")


class Rehearsed:
    """A renderer that renders in a rehearsal, and then answers in no time."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self.tool = renderer.tool
        self._answers: list[RenderedSound | RenderFailure] = []

    def rehearse(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Render for the next call and fail this one, so that nothing is stored."""
        self._answers = self._renderer.render(requests)
        return [RenderFailure("rehearsal", "")] * len(requests)

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Return the answers of the rehearsal."""
        return self._answers if requests else []


class Bench:
    """The stages of a worker, each with a clock around it."""

    def __init__(self, stages: Sequence[Stage], writer: ShardWriter) -> None:
        self._stages = stages
        self._writer = writer
        self.clear()

    def clear(self) -> None:
        """Set all times to zero."""
        self.ours: dict[str, float] = defaultdict(float)
        self.stems_s = self.mixes_s = 0.0

    def run(self, records: Sequence[Record]) -> None:
        """Run records through all stages, into the shard."""
        for stage in self._stages:
            if isinstance(stage, RenderStage):
                _rehearse(stage, records)
            self.timed(stage.name, lambda stage=stage: stage(records))
            if stage.name == "check":
                self.stems_s += _seconds(lambda: _encode_stems(records))
                self.mixes_s += _seconds(lambda: _encode_mixes(records))
        self.timed("write", lambda: [self._writer.add_sample(r.sample) for r in records if r.sample])

    def end(self) -> None:
        """Commit the shard."""
        self.timed("write", self._writer.commit)

    def timed(self, name: str, work: Callable[[], object]) -> None:
        """Add the processor time of some work under a name."""
        self.ours[name] += _seconds(work)


def _rehearse(stage: RenderStage, records: Sequence[Record]) -> None:
    work = stage._batch_renderer  # noqa: SLF001
    renderer = work._renderer  # noqa: SLF001
    copies = [Record(r.seed, r.id, dialogue=r.dialogue, voices=r.voices) for r in records]
    work._renderer = type("Rehearsal", (), {"render": renderer.rehearse})()  # noqa: SLF001
    stage(copies)
    work._renderer = renderer  # noqa: SLF001


def _encode_stems(records: Sequence[Record]) -> None:
    for stem in (stem for record in records for stem in record.stems.values()):
        _flac(stem.pcm.T.astype(np.int32, order="C") << 8, "PCM_24")


def _encode_mixes(records: Sequence[Record]) -> None:
    for turn in (turn for record in records for turn in record.require_mix().turns):
        _flac(turn.pcm.T.astype(np.int16, order="C"), "PCM_16")


def _flac(frames: np.ndarray, subtype: str) -> None:
    soundfile.write(io.BytesIO(), frames, SAMPLE_RATE_HZ, format="FLAC", subtype=subtype)


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def measure(spec: str, num: int, keep: Keep) -> Bench:
    """Run `num` dialogues through the stages, after some to warm up."""
    config = RunConfig(seeds=spec, keep=keep)
    seeds = read_seeds(spec, num + _WARM_UP, config.run_seed).seeds
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        out = Path(folder)
        stages = build_stages(
            WorkerSpec(str(out), compute_fingerprint(config), ExecutionSettings()), StemStore(out / "stems")
        )
        backends = [stage for stage in stages if isinstance(stage, RenderStage)]
        for stage in backends:
            stage._batch_renderer._renderer = Rehearsed(stage._renderer)  # type: ignore[assignment]  # noqa: SLF001
        bench = Bench(stages, ShardWriter(Run(out)))
        for start in range(0, len(seeds), RECORDS_AT_ONCE):
            if start == _WARM_UP:
                bench.clear()
            bench.run([Record(s, sample_id(0, s.id)) for s in seeds[start : start + RECORDS_AT_ONCE]])
        bench.end()
        for stage in backends:
            stage.close()
    return bench


def main(spec: str = "starter", num: str = "48") -> None:
    """Print the ratios and their parts."""
    keep_freed_memory()  # as a worker does
    turn, everything = measure(spec, int(num), "mixes"), measure(spec, int(num), "both")
    _print("a turn", turn, _TURN, turn.mixes_s)
    _print("all", everything, (*_RENDER, *_TURN), everything.stems_s + everything.mixes_s)


def _print(what: str, bench: Bench, stages: Sequence[str], encoding_s: float) -> None:
    total = sum(bench.ours[name] for name in stages)
    print(f"{what}: {total:.2f} s over {encoding_s:.2f} s of FLAC encoding: {total / encoding_s:.2f}")
    for name in stages:
        print(f"  {name:14} {bench.ours[name]:6.2f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
