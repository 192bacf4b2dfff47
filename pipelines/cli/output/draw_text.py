"""The account of a draw of seeds, for people and for scripts."""

from __future__ import annotations

from pipelines.seeds import SeedDraw

MAX_SHOWN_PROBLEMS = 10


def describe_draw(draw: SeedDraw, num: int | None) -> list[str]:
    """Return what the source lacks of `num` seeds, and which of its lines gave none, as lines."""
    lines = []
    if num is not None and num > draw.available:
        lines.append(f"--num {num}: only {draw.available} seeds are available; all are used")
    if draw.n_duplicates or draw.n_blank:
        lines.append(f"seeds: {draw.n_duplicates} duplicates and {draw.n_blank} blank lines left out")
    lines += [f"seeds: {problem}" for problem in draw.problems[:MAX_SHOWN_PROBLEMS]]
    if draw.n_problems > MAX_SHOWN_PROBLEMS:
        lines.append(f"seeds: {draw.n_problems - MAX_SHOWN_PROBLEMS} more lines cannot be read")
    return lines


def count_draw(draw: SeedDraw) -> dict[str, object]:
    """Return the counts of a draw by name, and the problems that it kept."""
    return {
        "available": draw.available,
        "drawn": len(draw.seeds),
        "duplicates": draw.n_duplicates,
        "blank": draw.n_blank,
        "unreadable": draw.n_problems,
        "problems": [str(problem) for problem in draw.problems],
    }
