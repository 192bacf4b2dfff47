"""What a turn costs after rendering, over FLAC encoding of the same audio alone.

    python benchmarks/turn_cost.py [SEEDS] [NUM]

Processor time of everything that follows a backend's answer (conform, quantise, measure, encode and store
stems; place, sum, measure, check, encode mixes; write and commit the shard), divided by the processor time
that libsndfile takes to encode the same stems and mixes. Designed to stay below 1.6.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from threadpoolctl import threadpool_limits

from copilot.audio.pcm import encode_flac
from copilot.sample import sample_id
from pipelines.assembly import WorkOrder, build_stages, take_fingerprint
from pipelines.config import RunConfig
from pipelines.memory import keep_freed_memory
from pipelines.record import Record
from pipelines.seeds import read_seeds
from pipelines.shards import ShardWriter
from pipelines.stages.render import RenderStage
from renderers.base import RenderedSound, RenderFailure, RenderRequest

_RECORDS_AT_ONCE = 4


class Recorded:
    """A renderer that gives the answers it gave before, in no time."""

    def __init__(self, renderer: object) -> None:
        self._renderer = renderer
        self._answers: dict[RenderRequest, RenderedSound | RenderFailure] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._renderer, name)

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Answer from memory; render what was never asked."""
        new = [request for request in requests if request not in self._answers]
        if new:
            self._answers |= dict(zip(new, self._renderer.render(new), strict=True))  # type: ignore[attr-defined]
        return [self._answers[request] for request in requests]


def main(spec: str = "starter", num: str = "24") -> None:
    """Print the ratio and what it is made of."""
    config = RunConfig(seeds=spec)
    seeds = read_seeds(spec, int(num), config.run_seed).seeds
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        keep_freed_memory()  # as a worker does
        out = Path(folder)
        stages = build_stages(WorkOrder(out, out / "stems", take_fingerprint(config)))
        for stage in stages:
            if isinstance(stage, RenderStage):
                stage._renderer = Recorded(stage._renderer)  # type: ignore[assignment]  # noqa: SLF001
        ours: dict[str, float] = {}
        theirs = 0.0
        writer = ShardWriter(out)
        for start in range(0, len(seeds), _RECORDS_AT_ONCE):
            records = [
                Record(seed, sample_id(0, seed.id)) for seed in seeds[start : start + _RECORDS_AT_ONCE]
            ]
            for stage in stages:
                again = [Record(r.seed, r.id, dialogue=r.dialogue, voices=r.voices) for r in records]
                if isinstance(stage, RenderStage):
                    stage(again)  # the backend's own time, and the sounds that it will answer with
                    stage._store.folder = out / f"stems-{start}-{stage.name}"  # noqa: SLF001
                began = time.process_time()
                stage(records)
                ours[stage.name] = ours.get(stage.name, 0.0) + time.process_time() - began
                if stage.name == "check":
                    theirs += _encoding_s(records)
            began = time.process_time()
            for record in records:
                if record.sample is not None:
                    writer.add_sample(record.sample)
            ours["write"] = ours.get("write", 0.0) + time.process_time() - began
        began = time.process_time()
        writer.commit()
        ours["write"] += time.process_time() - began
        for stage in stages:
            stage.close()
    for name in ("design", "validate", "cast"):
        ours.pop(name)
    print(f"after rendering, {len(seeds)} dialogues: {sum(ours.values()):.2f} s of processor time")
    for name, seconds in ours.items():
        print(f"  {name:14} {seconds:6.2f} s")
    print(f"FLAC encoding of the same stems and mixes alone: {theirs:.2f} s")
    print(f"ratio: {sum(ours.values()) / theirs:.2f} (at most 1.6)")


def _encoding_s(records: Sequence[Record]) -> float:
    began = time.process_time()
    for record in records:
        for stem in record.stems.values():
            encode_flac(stem.pcm, 24)
        for turn in record.mixed().turns:
            encode_flac(turn.pcm, 16)
    return time.process_time() - began


if __name__ == "__main__":
    main(*sys.argv[1:])
