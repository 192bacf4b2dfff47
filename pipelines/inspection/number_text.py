"""Format numbers for people: loudness, panning, seconds."""

from __future__ import annotations


def format_panning(panning: float) -> str:
    """Format a panning as a mixing desk shows it: `L60`, `C`, `R100`."""
    percent = round(abs(panning) * 100)
    return f"{'L' if panning < 0 else 'R'}{percent}" if percent else "C"


def format_loudness(loudness_lufs: float) -> str:
    """Format a loudness in steps of 0.1, with a true minus sign and without trailing zeros."""
    return format_number(round(loudness_lufs, 1))


def format_number(value: float) -> str:
    """Format a number with a true minus sign and at most two decimals, without trailing zeros."""
    return f"{round(value, 2) + 0.0:g}".replace("-", "−")  # noqa: RUF001 - the true minus sign
