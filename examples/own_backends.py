"""Write a renderer and a designer, test them, and make a run: python examples/own_backends.py [RUN]."""

import sys
import tempfile
from pathlib import Path

import numpy as np

from copilot import Add, Change, Design, DesignerContext, DesignerInfo, Dialogue, Scene, Seed, SoundElement
from copilot import Turn, apply
from copilot.designers.testing import check_designer
from pipelines import GenerateRequest, RunConfig, generate, open_run
from renderers import RenderedSound, RendererInfo, RenderRequest
from renderers.testing import check_renderer

RATE_HZ = 48_000


class Hum:
    """A renderer: a sine wave whose pitch follows the request's random seed."""

    info = RendererInfo(summary="A hum", licence="Apache-2.0")
    name, tool = "hum", "sfx"

    def fingerprint(self) -> dict[str, str]:
        return {"backend": self.name, "version": "1"}

    def prepare(self) -> None: ...  # load models here

    def close(self) -> None: ...  # release them here

    def voices(self) -> list:
        return []

    def render(self, requests: list[RenderRequest]) -> list[RenderedSound]:
        times_s = [np.arange(round(request.duration_s * RATE_HZ)) / RATE_HZ for request in requests]
        hz = [np.random.default_rng(request.random_seed).uniform(100, 400) for request in requests]
        waves = [0.1 * np.sin(2 * np.pi * f * t) for f, t in zip(hz, times_s, strict=True)]
        return [RenderedSound(wave[None].astype(np.float32), RATE_HZ) for wave in waves]


class TwoHums:
    """A designer: a low hum, and a tone that moves from side to side."""

    info = DesignerInfo(summary="Two hums", licence="Apache-2.0", repeatable=True)
    name = "two-hums"

    def __init__(self, context: DesignerContext) -> None:
        self.n_turns = context.n_turns

    def fingerprint(self) -> dict[str, str]:
        return {"designer": self.name, "version": "1"}

    def design(self, seed: Seed, run_seed: int) -> Design:
        mix = {"loudness": -25, "panning": 0, "start_time": 0, "duration": 4}
        low = SoundElement(id=0, role="ambience", text="a low hum", **mix)
        tone = SoundElement(id=1, role="effect", text="a high tone", **mix)
        steps = [("story", "A hum and a tone.", (Add(element=low), Add(element=tone)))]
        for side, panning in (("left", -0.7), ("right", 0.7)) * self.n_turns:
            steps.append(("panning", f"Move the tone to the {side}.", (Change(id=1, panning=panning),)))
        turns, scene = [], Scene()
        for task, user, edit in steps[: self.n_turns]:
            scene = apply(scene, edit)
            turns.append(
                Turn(task=task, user=user, description="A hum, a tone.", operations=edit, scene=scene)
            )
        return Design(Dialogue(seed_id=seed.id, seed_text=seed.text, turns=tuple(turns)))


# An installed package has these lines in its pyproject.toml: see docs/backends.md.
ENTRY_POINTS = (
    "[copilot.renderers]\nhum = own_backends:Hum\n[copilot.designers]\ntwo-hums = own_backends:TwoHums"
)

if __name__ == "__main__":
    check_renderer(Hum)
    check_designer(TwoHums)
    print("both keep their contracts")
    run = sys.argv[1] if len(sys.argv) > 1 else "own-run"
    with tempfile.TemporaryDirectory() as folder:
        sys.path.append(folder)
        Path(folder, "own_backends-1.dist-info").mkdir()
        Path(folder, "own_backends-1.dist-info", "entry_points.txt").write_text(ENTRY_POINTS)
        config = RunConfig(seeds="starter", designer="two-hums", sfx="hum")
        generate(GenerateRequest(config=config, out=run, num=3))
    for sample in open_run(run):
        print(sample, sample.dialogue.turns[1].user)
