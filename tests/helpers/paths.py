"""Paths of files of the repository, and of corpora that only some machines have."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
"""The repository."""

TESTS = ROOT / "tests"

LIBRISPEECH = TESTS / "data" / "librispeech"
"""Seventy lines of our own in LibriSpeech's layout."""

CORPORA_VARIABLE = "COPILOT_TEST_CORPORA"


def corpus(name: str) -> Path:
    """Return the folder of a full corpus below COPILOT_TEST_CORPORA; skip the test without it."""
    folder = os.environ.get(CORPORA_VARIABLE, "")
    if not folder:
        pytest.skip(f"extra test over a full corpus: set {CORPORA_VARIABLE} to a folder that holds {name}")
    path = Path(folder) / name
    if not path.is_dir():
        pytest.skip(f"extra test over a full corpus: {CORPORA_VARIABLE}={folder} does not hold {name}")
    return path
