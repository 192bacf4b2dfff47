"""Measure every procedural recipe: seconds of sound made per second of processor time.

    python benchmarks/recipes.py [SECONDS]

Prints a line for each recipe, slowest first, then the median and the worst.
"""

from __future__ import annotations

import statistics
import sys
import time

from renderers.contract import RenderFailure, RenderRequest
from renderers.procedural.all_recipes import CATALOGUE
from renderers.procedural.catalogue import Recipe
from renderers.procedural.renderer import ProceduralRenderer


def real_time_factor(caption: str, duration_s: float, n_runs: int = 3) -> float:
    renderer = ProceduralRenderer()
    times_s = []
    for seed in range(n_runs + 1):
        start_s = time.process_time()
        (sound,) = renderer.render([RenderRequest(caption, duration_s, seed)])
        times_s.append(time.process_time() - start_s)
        if isinstance(sound, RenderFailure):
            raise SystemExit(f"{caption}: {sound.detail}")
    # The first run fills the caches that every worker fills once.
    return duration_s / statistics.median(times_s[1:])


def caption_for(recipe: Recipe) -> str:
    """Return a caption that selects the recipe: its first keyword, with the first of all alternatives."""
    return " ".join(part.split("/")[0].strip() for part in recipe.heads.split(",")[0].split("+"))


def main() -> None:
    duration_s = float(sys.argv[1]) if len(sys.argv) > 1 else 8.0
    factors = {
        name: real_time_factor(caption_for(recipe), duration_s) for name, recipe in CATALOGUE.recipes.items()
    }
    for name, factor in sorted(factors.items(), key=lambda item: item[1]):
        print(f"{name:20s} {factor:8.0f} x real time")
    slowest = min(factors, key=factors.__getitem__)
    print(f"{len(factors)} recipes at {duration_s:g} s")
    print(f"median {statistics.median(factors.values()):.0f} x, worst {factors[slowest]:.0f} x ({slowest})")


if __name__ == "__main__":
    main()
