"""Numbers as people read them: loudness, panning, seconds."""

from __future__ import annotations


def panning_text(panning: float) -> str:
    """A panning as a mixing desk shows it: `L60`, `C`, `R100`."""
    percent = round(abs(panning) * 100)
    return f"{'L' if panning < 0 else 'R'}{percent}" if percent else "C"


def loudness_text(loudness_lufs: float) -> str:
    """A loudness in steps of 0.1, with a true minus sign and no needless zero."""
    return number_text(round(loudness_lufs, 1))


def number_text(value: float) -> str:
    """A number with a true minus sign, at most two decimals, and no needless zero."""
    return f"{round(value, 2) + 0.0:g}".replace("-", "−")  # noqa: RUF001 - the true minus sign
