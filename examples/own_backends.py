"""Write a renderer and a designer, test them against their contracts, and make a run with them.

    python examples/own_backends.py [RUN]

RUN is the folder of the run (default: own-run).
"""

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


class Hum:
    """A renderer: a hum whose pitch follows the request's random seed."""

    info = RendererInfo(summary="A hum", licence="Apache-2.0")
    name, tool = "hum", "sfx"

    def fingerprint(self) -> dict[str, str]:
        return {"backend": self.name, "version": "1"}

    def prepare(self) -> None: ...  # load models here

    def voices(self) -> list:
        return []

    def render(self, requests: list[RenderRequest]) -> list[RenderedSound]:
        return [RenderedSound(hum(request), 48_000) for request in requests]

    def close(self) -> None: ...  # release them here


def hum(request: RenderRequest) -> np.ndarray:
    """Return a sine wave, float32, (1, samples)."""
    times_s = np.arange(round(request.duration_s * 48_000)) / 48_000
    hz = np.random.default_rng(request.random_seed).uniform(100, 400)
    return (0.1 * np.sin(2 * np.pi * hz * times_s))[None].astype(np.float32)


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


if __name__ == "__main__":
    check_renderer(Hum)
    check_designer(TwoHums)
    print("both keep their contracts")
    out = sys.argv[1] if len(sys.argv) > 1 else "own-run"
    with tempfile.TemporaryDirectory() as folder:
        # An installed package has these entry points from its pyproject.toml: see docs/backends.md.
        info = Path(folder) / "own_backends-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-backends\nVersion: 1\n")
        entries = "[copilot.renderers]\nhum = own_backends:Hum\n[copilot.designers]\ntwo-hums = own_backends:TwoHums"
        (info / "entry_points.txt").write_text(entries)
        sys.path.append(folder)
        config = RunConfig(seeds="starter", designer="two-hums", sfx="hum")
        generate(GenerateRequest(config=config, out=out, num=3))
    for sample in open_run(out):
        print(sample, sample.dialogue.turns[1].user)
