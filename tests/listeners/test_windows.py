from __future__ import annotations

import numpy as np
import pytest

from listeners.windows import cut_windows, fill_window, merge_frames


@pytest.mark.parametrize(
    ("n_samples", "grid", "windows"),
    [
        (4, 1, [(0, 4)]),
        (10, 1, [(0, 10)]),
        (11, 1, [(0, 10), (1, 10)]),
        (20, 1, [(0, 10), (5, 10), (10, 10)]),
        (23, 1, [(0, 10), (5, 10), (10, 10), (13, 10)]),
        (23, 5, [(0, 10), (5, 10), (10, 10), (15, 8)]),
    ],
)
def test_windows_cover_the_sound_and_the_last_one_ends_with_it(n_samples, grid, windows):
    assert cut_windows(np.zeros(n_samples, np.float32), 10, 5, grid) == windows


def test_a_short_sound_is_repeated():
    audio = np.arange(4, dtype=np.float32)
    assert fill_window(audio, 0, 10).tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    assert fill_window(audio, 2, 3).tolist() == [2, 3, 2]
    assert fill_window(audio, 1, 2).tolist() == [1, 2]


def test_frames_of_windows_are_merged_and_those_after_the_end_left_out():
    first = np.array([[0.1, 0.9, 0.2, 0.3]], np.float32)
    second = np.array([[0.5, 0.1, 0.4, 1.0]], np.float32)
    merged = merge_frames([(0, first), (20, second)], 50, 10)
    assert merged.tolist() == [[np.float32(value) for value in (0.1, 0.9, 0.5, 0.3, 0.4)]]
    assert merge_frames([(0, first)], 11, 10).shape == (1, 2)
