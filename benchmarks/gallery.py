"""Draw the spectrogram of every procedural recipe on one sheet.

    python benchmarks/gallery.py OUT.png [NAME ...]

Textures have two channels; the left one is drawn. Frequency is logarithmic from 30 Hz to 20 kHz, level covers
the upper 80 dB. The waveform is drawn below each spectrogram.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from scipy import signal

from copilot.hashing import derive_rng
from copilot.units import SAMPLE_RATE_HZ, seconds_to_samples
from renderers.procedural.all_recipes import CATALOGUE
from renderers.procedural.dsp import Signal
from renderers.procedural.renderer import make_sound

mpl.use("Agg")
import matplotlib.pyplot as plt

DURATION_S = 8.0
COLUMNS = 8
LOW_HZ, HIGH_HZ = 30.0, 20_000.0
RANGE_DB = 80.0


def spectrogram(x: Signal) -> NDArray[np.float64]:
    """Return the level in dB below the loudest cell, shape (160 logarithmic bands, frames)."""
    hz, _, power = signal.spectrogram(x, SAMPLE_RATE_HZ, "hann", nperseg=2048, noverlap=1024)
    edges = np.geomspace(LOW_HZ, HIGH_HZ, 161)
    centres = np.sqrt(edges[:-1] * edges[1:])
    rows = np.stack([np.interp(centres, hz, frame) for frame in power.T], axis=1)
    level_db = 10.0 * np.log10(np.maximum(rows, 1e-20))
    return np.asarray(np.clip(level_db - level_db.max(), -RANGE_DB, 0.0))


def draw(path: Path, names: list[str]) -> None:
    n_rows = -(-len(names) // COLUMNS)
    figure, axes = plt.subplots(
        2 * n_rows,
        COLUMNS,
        figsize=(3.1 * COLUMNS, 2.5 * n_rows),
        height_ratios=[4, 1] * n_rows,
        squeeze=False,
    )
    for axis in axes.flat:
        axis.axis("off")
    for index, name in enumerate(names):
        recipe = CATALOGUE.recipes[name]
        audio = make_sound(recipe, derive_rng("gallery", name), seconds_to_samples(DURATION_S))
        top, bottom = (
            axes[index // COLUMNS * 2][index % COLUMNS],
            axes[index // COLUMNS * 2 + 1][index % COLUMNS],
        )
        top.imshow(
            spectrogram(audio[0]), origin="lower", aspect="auto", cmap="magma", vmin=-RANGE_DB, vmax=0.0
        )
        top.set_title(f"{name}{' (stereo)' if len(audio) == 2 else ''}", fontsize=9)
        blocks = audio[0][: len(audio[0]) // 800 * 800].reshape(-1, 800)
        bottom.fill_between(np.arange(len(blocks)), blocks.min(axis=1), blocks.max(axis=1), linewidth=0)
        bottom.set_xlim(0, len(blocks))
        bottom.set_ylim(-1, 1)
    figure.tight_layout(pad=0.4)
    figure.savefig(path, dpi=80)


def main() -> None:
    if len(sys.argv) < 2:
        raise SystemExit("gallery: no output file; call python benchmarks/gallery.py OUT.png [NAME ...]")
    path = Path(sys.argv[1])
    unknown = [name for name in sys.argv[2:] if name not in CATALOGUE.recipes]
    if unknown:
        raise SystemExit(
            f"gallery: unknown recipe: {', '.join(unknown)}; available: {', '.join(CATALOGUE.recipes)}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    names = sys.argv[2:] or list(CATALOGUE.recipes)
    draw(path, names)
    print(f"{path}: {len(names)} recipes, {DURATION_S:g} s each")


if __name__ == "__main__":
    main()
