"""Read a source of seeds and draw from it.

Every line that was read is counted: n_read = available + n_duplicates + n_blank + n_problems.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from textwrap import shorten
from typing import Self

from copilot.errors import UserError
from copilot.seed import Seed
from copilot.vocabulary import ForeignSeeds
from pipelines.seeds.given import GivenFile
from pipelines.seeds.languages import mark_foreign_seeds
from pipelines.seeds.records import SeedProblem
from pipelines.seeds.select import SeedPool, draw_seeds
from pipelines.seeds.spec import SeedSource, parse_spec

MAX_PROBLEMS_KEPT = 100


@dataclass(frozen=True, slots=True)
class SeedDraw:
    """The seeds of a run, and counts of all lines that were read.

    `seeds` are in the order of the draw, distinct in id and, but for case, in text. `n_read` counts the
    lines or rows of the source, without a header. `n_problems` counts those that gave no seed, of which
    `problems` describes the first 100. `available` is the number of seeds to draw from.
    """

    seeds: tuple[Seed, ...] = field(repr=False)
    n_read: int
    n_blank: int
    n_duplicates: int
    problems: tuple[SeedProblem, ...] = field(repr=False)
    n_problems: int
    available: int

    @classmethod
    def of(cls, seeds: Sequence[Seed], num: int | None = None) -> Self:
        """Return the first `num` of the seeds (for None: all) as a draw, in their order."""
        return cls(
            seeds=tuple(seeds[:num]),
            n_read=len(seeds),
            n_blank=0,
            n_duplicates=0,
            problems=(),
            n_problems=0,
            available=len(seeds),
        )


def read_seeds(
    spec: str,
    num: int | None,
    run_seed: int,
    languages: Collection[str] = (),
    foreign_seeds: ForeignSeeds = "reject",
) -> SeedDraw:
    """Read the seeds that `spec` names, and draw `num` of them by the random seed (for None: all).

    Draws all if there are fewer than `num`. Seeds that are surely in none of the `languages`, if some are
    given as tags, are marked as foreign, and as silent if `foreign_seeds` are. Raises UserError for a bad
    spec, for a source that cannot be read, gives no seed at all or is mostly foreign, and for a `num` below
    1.
    """
    if num is not None and num < 1:
        raise UserError(f"cannot draw {num} seeds; give at least 1, or nothing for all", field="num")
    source = parse_spec(spec)
    if isinstance(source, GivenFile):
        return _take_first(source, num)
    n_read = n_blank = n_problems = 0
    problems: list[SeedProblem] = []
    with SeedPool() as pool:
        for reading in source.read():
            n_read += 1
            if reading is None:
                n_blank += 1
            elif isinstance(reading, Seed):
                pool.add(reading)
            else:
                n_problems += 1
                if len(problems) < MAX_PROBLEMS_KEPT:
                    problems.append(reading)
        if not len(pool):
            raise UserError(_explain_no_seed(source, n_blank, problems), field="seeds")
        n_duplicates = len(pool.drop_duplicates())
        clashes = pool.drop_clashes()
        n_problems += len(clashes)
        for row in clashes[: MAX_PROBLEMS_KEPT - len(problems)]:
            seed = pool.seed_at(row)
            what = f"the id {seed.id} stands for several texts; {shorten(seed.text, 60)!r} is dropped"
            problems.append(SeedProblem(source.name, None, what))
        return SeedDraw(
            seeds=mark_foreign_seeds(draw_seeds(pool, num, run_seed), source, languages, foreign_seeds),
            n_read=n_read,
            n_blank=n_blank,
            n_duplicates=n_duplicates,
            problems=tuple(problems),
            n_problems=n_problems,
            available=len(pool),
        )


def _take_first(source: GivenFile, num: int | None) -> SeedDraw:
    """Return the first `num` dialogues of a file: nothing is drawn, and a bad one becomes a reject later."""
    seeds = tuple(source.read())
    if not seeds:
        raise UserError(
            f"no dialogue in {source.name}: it is empty; expected {source.expects}", field="designer"
        )
    return SeedDraw.of(seeds, num)


def _explain_no_seed(source: SeedSource, n_blank: int, problems: list[SeedProblem]) -> str:
    if problems:
        found = f"every line has a problem, first {problems[0]}"
    elif n_blank:
        found = f"its lines are blank ({n_blank:,})"
    else:
        found = "it is empty"
    return f"no seed in {source.name}: {found}; expected {source.expects}"
