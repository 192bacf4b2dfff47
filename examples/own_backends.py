"""Write a renderer and a designer, test both, and make a sample: python examples/own_backends.py."""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from copilot import Add, Change, Design, DesignerContext, DesignerInfo, Dialogue, Scene, Seed, SoundElement
from copilot import Turn, apply
from copilot.designers.testing import check_designer
from pipelines import RunConfig, make_sample
from renderers import RenderedSound, RendererInfo, RenderRequest
from renderers.testing import check_renderer


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
        return [RenderedSound(self.hum(request), rate_hz=48_000) for request in requests]

    def hum(self, request: RenderRequest) -> np.ndarray:
        times_s = np.arange(round(request.duration_s * 48_000)) / 48_000
        hz = np.random.default_rng(request.random_seed).uniform(100, 400)
        return (0.1 * np.sin(2 * np.pi * hz * times_s))[None].astype(np.float32)


@dataclass
class TwoHums:
    """A designer: a low hum, and a tone that moves from side to side."""

    context: DesignerContext

    info = DesignerInfo(summary="Two hums", licence="Apache-2.0", repeatable=True)
    name = "two-hums"

    def fingerprint(self) -> dict[str, str]:
        return {"designer": self.name, "version": "1"}

    def design(self, seed: Seed, run_seed: int) -> Design:
        mix = {"loudness": -25, "panning": 0, "start_time": 0, "duration": 4}
        low = SoundElement(id=0, role="ambience", text="a low hum", **mix)
        tone = SoundElement(id=1, role="effect", text="a high tone", **mix)
        turns, scene = [], Scene()
        for index in range(self.context.n_turns):
            side, panning = ("left", -0.7) if index % 2 else ("right", 0.7)
            edit = (Change(id=1, panning=panning),) if index else (Add(element=low), Add(element=tone))
            task, user = ("panning", f"Move the tone to the {side}.") if index else ("story", "Two hums.")
            scene = apply(scene, edit)
            heard = "A low hum and a high tone."
            turns.append(Turn(task=task, user=user, description=heard, operations=edit, scene=scene))
        return Design(Dialogue(seed_id=seed.id, seed_text=seed.text, turns=tuple(turns)))


# An installed package has these lines in its pyproject.toml: see docs/backends.md.
ENTRY_POINTS = (
    "[copilot.renderers]\nhum = own_backends:Hum\n[copilot.designers]\ntwo-hums = own_backends:TwoHums"
)

if __name__ == "__main__":
    check_renderer(Hum)
    check_designer(TwoHums)
    print("both keep their contracts")
    with tempfile.TemporaryDirectory() as folder:
        sys.path.append(folder)
        package = Path(folder, "own_backends-1.dist-info")
        package.mkdir()
        (package / "entry_points.txt").write_text(ENTRY_POINTS)
        config = RunConfig(seeds="starter", designer="two-hums", sfx="hum")
        print(make_sample("Two hums in the dark.", config))
