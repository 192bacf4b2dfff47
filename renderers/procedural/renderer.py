"""Sound effects without weights: synthesised from (caption, duration, seed), the same bytes each time.

The words of a caption select a recipe. A caption that no recipe fits gets neutral noise, and
`matched=False`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np

from copilot.hashing import derive_rng
from copilot.units import SAMPLE_RATE_HZ, Audio, seconds_to_samples
from renderers.contract import RenderedSound, RendererInfo, RenderFailure, RenderRequest, Tool, Voice
from renderers.endings import end_in_quiet
from renderers.procedural import dsp, modifiers
from renderers.procedural.all_recipes import CATALOGUE
from renderers.procedural.catalogue import Catalogue, Recipe

SOUND_VERSION = "2"
"""Raised by hand whenever a recipe, modifier or keyword changes what is heard; part of every stem's key."""

LONGEST_S = 600.0
FALLBACK = "neutral_noise"


class ProceduralRenderer:
    """The built-in backend for sound effects, ambience and music."""

    info = RendererInfo(
        summary="Sounds synthesised from their captions by rules, without weights", licence="Apache-2.0"
    )
    name: str = "procedural"
    tool: Tool = "sfx"

    def __init__(self, catalogue: Catalogue = CATALOGUE) -> None:
        self._catalogue = catalogue

    def fingerprint(self) -> dict[str, str]:
        """Return the backend, the version of its sounds, and those of the libraries that compute them."""
        libraries = {package: version(package) for package in ("numpy", "scipy", "pedalboard")}
        return {"backend": self.name, "version": SOUND_VERSION, **libraries}

    def prepare(self) -> None:
        """Load nothing."""

    def voices(self) -> Sequence[Voice]:
        """Return no voices: this backend does not speak."""
        return ()

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Return one sound per request, exactly as long as requested; a failure for a bad duration."""
        return [self._render_one(request) for request in requests]

    def close(self) -> None:
        """Release nothing."""

    def _render_one(self, request: RenderRequest) -> RenderedSound | RenderFailure:
        if not 0.0 < request.duration_s <= LONGEST_S or seconds_to_samples(request.duration_s) == 0:
            detail = f"{request.duration_s} s is not a duration above 0 and up to {LONGEST_S:g} s"
            return RenderFailure("bad-duration", detail)
        n_samples = seconds_to_samples(request.duration_s)
        recipe = self._catalogue.match(request.text)
        name = recipe.name if recipe else FALLBACK
        rng = derive_rng("procedural", name, request.text, n_samples, request.random_seed)
        try:
            audio = make_sound(recipe, rng, n_samples, modifiers.parse(request.text))
        except ValueError as error:
            return RenderFailure("bad-sound", f"{name}: {error}")
        return RenderedSound(audio, SAMPLE_RATE_HZ, matched=recipe is not None, detail={"recipe": name})


def neutral_noise(rng: np.random.Generator, n_samples: int, mods: modifiers.Modifiers) -> Audio:
    """Return soft, steady noise that stands for an unknown sound; the modifiers are ignored."""
    del mods
    return dsp.coloured_noise(
        rng, n_samples, ((60.0, -12.0), (200.0, 0.0), (1000.0, -6.0), (12_000.0, -36.0)), 2
    )


def make_sound(
    recipe: Recipe | None,
    rng: np.random.Generator,
    n_samples: int,
    mods: modifiers.Modifiers = modifiers.NEUTRAL,
) -> Audio:
    """Return a finished sound: the recipe, its modifiers, and clean edges. No recipe: neutral noise.

    An event that would be cut off at the end is left out.
    """
    function = recipe.make if recipe else neutral_noise
    sound = modifiers.apply(function(rng, n_samples, mods), mods)
    return dsp.finish(end_in_quiet(sound, SAMPLE_RATE_HZ))
