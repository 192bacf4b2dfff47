"""The language of seeds: those that are surely in another one are marked, and a source of such is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from copilot.errors import UserError
from copilot.language import ENGLISH, get_primary, is_among, name_language, name_languages
from copilot.seed import Seed
from copilot.text.language_detection import find_foreign_language
from copilot.vocabulary import ForeignSeeds
from pipelines.seeds.spec import SeedSource
from pipelines.seeds.text_files import Starter

_MOST_FOREIGN = 0.5
"""With a larger share of foreign seeds, the source is another than was meant."""


def mark_foreign_seeds(
    seeds: Sequence[Seed], source: SeedSource, languages: Collection[str], foreign_seeds: ForeignSeeds
) -> tuple[Seed, ...]:
    """Return the seeds, with the language of those that are surely in none of the languages (none: any).

    Raises UserError if more than half are, and would be rejected. The sentences of the package are known to
    be English.
    """
    if not languages or (isinstance(source, Starter) and is_among(ENGLISH, languages)):
        return tuple(seeds)
    marked = tuple(mark_if_foreign(seed, languages, foreign_seeds) for seed in seeds)
    foreign = Counter(seed.foreign for seed in marked if seed.foreign)
    if foreign_seeds == "reject" and foreign.total() > _MOST_FOREIGN * len(marked):
        most = foreign.most_common(1)[0][0]
        share = f"{foreign.total():,} of {len(marked):,} seeds of {source.name}"
        raise UserError(
            f"{share} are not {name_languages(languages)} but mostly {name_language(most)}; give others, or "
            f"set `language` to {get_primary(most)} with a `designer` and a `tts` that know it",
            field="seeds",
        )
    return marked


def mark_if_foreign(seed: Seed, languages: Collection[str], foreign_seeds: ForeignSeeds) -> Seed:
    """Return the seed, with the language of its text if that is surely none of the languages (none: any).

    A request is never silent: a designer that cannot read it has nothing to do.
    """
    foreign = find_foreign_language(seed.text, languages) if languages else None
    if foreign is None:
        return seed
    return replace(seed, foreign=foreign, silent=foreign_seeds == "silent" and not seed.requests)
