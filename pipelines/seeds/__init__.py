"""Read seeds: a spec names a source, its lines become seeds, and a draw chooses among them.

One bad line never stops a run: it is reported with file and line number, and the others are read.
"""

from pipelines.seeds.read import SeedDraw, read_seeds
from pipelines.seeds.records import SeedProblem
from pipelines.seeds.select import draw_seeds
from pipelines.seeds.spec import SPEC_FORMS, SeedSource, parse_spec

__all__ = ["SPEC_FORMS", "SeedDraw", "SeedProblem", "SeedSource", "draw_seeds", "parse_spec", "read_seeds"]
