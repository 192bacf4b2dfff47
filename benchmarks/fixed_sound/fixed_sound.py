"""Renderers that return the same sound at no cost, as a package whose folder is in PYTHONPATH.

The sound repeats every four samples, so its FLAC is small; noise would fill the disk.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from renderers.contract import RenderedSound, RendererInfo, RenderFailure, RenderRequest, Tool, Voice

_RATE_HZ = 48_000
_LONGEST_S = 30
_TONE = np.tile(np.float32([0.2, 0.2, -0.2, -0.2]), _LONGEST_S * _RATE_HZ // 4)
_TONE.flags.writeable = False


class FixedSound:
    """Effects, music and ambience, all the same."""

    info = RendererInfo(summary="One tone for everything, for benchmarks")
    name = "fixed-sound"
    tool: Tool = "sfx"
    fill = 1.0

    def fingerprint(self) -> dict[str, str]:
        return {"backend": self.name, "version": "1"}

    def prepare(self) -> None:
        pass

    def voices(self) -> Sequence[Voice]:
        return ()

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        lengths = (round(request.duration_s * self.fill * _RATE_HZ) for request in requests)
        return [RenderedSound(_TONE[np.newaxis, :length], _RATE_HZ) for length in lengths]

    def close(self) -> None:
        pass


class FixedSpeech(FixedSound):
    """Speech that fills most of its slot."""

    name = "fixed-speech"
    tool: Tool = "tts"
    fill = 0.9

    def voices(self) -> Sequence[Voice]:
        return [Voice("anna", "female"), Voice("carl", "male")]
