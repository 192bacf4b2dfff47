"""Windows of a fixed length over sounds of any length, for models that hear only such windows.

The last window ends with the sound. A sound that is shorter than a window is repeated until it fills it.
Needs NumPy alone: the ready scripts of `listeners.worker` load this file in other Pythons.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def cut_windows(audio: NDArray[np.float32], length: int, hop: int, grid: int = 1) -> list[tuple[int, int]]:
    """Return the first sample of each window, and the number of its samples that are in the sound.

    Windows begin at multiples of `hop`, and the last one ends with the sound; with a `grid`, at the next
    multiple of it, so that frames of that many samples of all windows lie on one another.
    """
    last = math.ceil(max(audio.size - length, 0) / grid) * grid
    starts = [*range(0, last, hop), last]
    return [(start, min(length, audio.size - start)) for start in starts]


def fill_window(audio: NDArray[np.float32], start: int, length: int) -> NDArray[np.float32]:
    """Return the window of `length` samples at `start`; a sound that ends in it begins again from there."""
    window: NDArray[np.float32] = np.resize(audio[start : start + length], length)
    return window


def merge_frames(
    windows: list[tuple[int, NDArray[np.float32]]], n_samples: int, frame: int
) -> NDArray[np.float32]:
    """Return the highest value of each frame over all windows, shape (captions, frames).

    `windows` holds the first sample of each, a multiple of `frame`, and its values, (captions, frames of the
    window). Frames that begin after the end of the sound are left out.
    """
    n_captions = windows[0][1].shape[0]
    merged = np.zeros((n_captions, math.ceil(n_samples / frame)), np.float32)
    for start, values in windows:
        part = merged[:, start // frame :][:, : values.shape[1]]
        np.maximum(part, values[:, : part.shape[1]], out=part)
    return merged
