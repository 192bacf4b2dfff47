"""The faster decoder of the files of stems."""

from __future__ import annotations

import numpy as np
import pytest

from copilot.audio import stem_flac
from copilot.audio.pcm import encode_flac
from copilot.errors import CorruptDataError


def test_every_sample_of_the_grid_is_decoded_exactly() -> None:
    whole = np.arange(-(2**23), 2**23, dtype=np.float32).reshape(2, -1)
    assert stem_flac._pedalboard_is_exact()
    for start in range(0, 2**23, 2**21):
        part = whole[:, start : start + 2**21]
        np.testing.assert_array_equal(stem_flac.decode_whole(encode_flac(part, 24)), part)


def test_another_scale_of_the_decoder_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    pcm = np.arange(-50_000, 50_000, dtype=np.float32).reshape(2, -1)
    monkeypatch.setattr(stem_flac, "_HIGHEST", np.float32(2**23))
    stem_flac._pedalboard_is_exact.cache_clear()
    try:
        assert not stem_flac._pedalboard_is_exact()
        np.testing.assert_array_equal(stem_flac.decode_whole(encode_flac(pcm, 24)), pcm)
        with pytest.raises(CorruptDataError, match="16 bits; expected 24"):
            stem_flac.decode_whole(encode_flac(np.zeros((1, 100), dtype=np.float32), 16))
    finally:
        stem_flac._pedalboard_is_exact.cache_clear()


@pytest.mark.parametrize("data", [b"", b"fLaC", b"not FLAC at all"])
def test_what_is_no_flac_is_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptDataError, match="FLAC: "):
        stem_flac.decode_whole(data)
