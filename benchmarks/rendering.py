"""Measure the code around a model: the time of the render stage over the time inside the model's call.

    python benchmarks/rendering.py [--batches N] [--batch N] [--seconds S]

The model is a stand-in that takes 200 ms a batch and returns noise, stereo at 44.1 kHz; while it works, the
processor is free, as it is beside a GPU. The stage cuts the batches, resamples, trims, measures, encodes and
stores the sounds. No sound is in the store beforehand. This project's target for the ratio is at most 1.05.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from copilot.dialogue import Dialogue, Turn
from copilot.edit import Add
from copilot.scene import Scene, SoundElement
from copilot.seed import Seed
from pipelines.stages.record import Record
from pipelines.stages.render import RenderStage
from pipelines.stem_store import StemStore
from renderers.contract import RenderedSound, RendererInfo, RenderFailure, RenderRequest, Tool, Voice

CALL_S = 0.2
RATE_HZ = 44_100
TARGET = 1.05


class Model:
    """A renderer that waits, and returns noise that was made beforehand."""

    name = "model"
    tool: Tool = "sfx"

    def __init__(self, batch_s: float) -> None:
        self.info = RendererInfo(batch_s=batch_s)
        self._noise = np.random.default_rng(0).standard_normal((2, 10 * RATE_HZ)).astype(np.float32) * 0.1

    def fingerprint(self) -> dict[str, str]:
        return {"backend": self.name, "version": "1"}

    def prepare(self) -> None:
        pass

    def voices(self) -> Sequence[Voice]:
        return ()

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        time.sleep(CALL_S)
        return [
            RenderedSound(self._noise[:, : round(request.duration_s * RATE_HZ)], RATE_HZ)
            for request in requests
        ]

    def close(self) -> None:
        pass


def record(number: int, n_sounds: int, seconds: float) -> Record:
    seed = Seed(f"bench/{number}", "a line")
    sounds = tuple(
        SoundElement(
            id=k, role="effect", text=f"sound {k}", loudness=-20, panning=0, start_time=0, duration=seconds
        )
        for k in range(n_sounds)
    )
    scene = Scene(elements=sounds)
    adds = tuple(Add(element=sound) for sound in sounds)
    turn = Turn(task="story", user="Sounds.", description="Sounds.", operations=adds, scene=scene)
    return Record(
        seed,
        f"{number:016x}",
        Dialogue(seed_id=seed.id, seed_text=seed.text, turns=(turn,)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--batches", type=int, default=50)
    parser.add_argument("--batch", type=int, default=8, help="sounds in a batch")
    parser.add_argument("--seconds", type=float, default=4.0, help="duration of each sound")
    given = parser.parse_args()
    records = [record(number, given.batch, given.seconds) for number in range(given.batches)]
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):  # as in a worker
        stage = RenderStage(Model(given.batch * given.seconds), StemStore(Path(folder)), 0)
        started, cpu_s = time.perf_counter(), time.process_time()
        stage(records)
        stage_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_s
        tally = stage.pop_stats()["model"]
    print(
        f"{tally.batches} batches of {given.batch} x {given.seconds:g} s, {CALL_S:g} s each in the model: "
        f"stage over model {stage_s / tally.render_s:.3f} (target: at most {TARGET}), "
        f"{1000 * cpu_s / tally.stems:.1f} ms of processor time a stem"
    )


if __name__ == "__main__":
    main()
