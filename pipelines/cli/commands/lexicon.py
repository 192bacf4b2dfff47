"""`copilot lexicon`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from copilot.designers.contract import DesignerContext
from copilot.designers.scripted.designer import ScriptedDesigner, ScriptedSettings
from copilot.designers.scripted.lexicon import Lexicon
from copilot.designers.scripted.lexicon_data import LexiconError, load_lexicon
from copilot.designers.scripted.phrasing import Phrasebook
from copilot.designers.scripted.rehearsal import Rehearsal, rehearse
from pipelines.seeds import read_seeds

_MAX_SHOWN_FAULTS = 20


def check_lexicon(path: str | None, num: int, *, as_json: bool) -> int:
    """Check a lexicon (default: the shipped one) and print what it holds; return 1 if something is wrong.

    `num` dialogues are tried. Raises UserError for a lexicon that cannot be read.
    """
    shown = path or "the shipped lexicon"
    try:
        lexicon, book = load_lexicon(path)
    except LexiconError as error:
        if as_json:
            print(json.dumps({"path": shown, "faults": [asdict(fault) for fault in error.faults]}))
        else:
            print("\n".join(_describe_faults(shown, error)))
        return 1
    designer = ScriptedDesigner(DesignerContext(), ScriptedSettings(lexicon=path))
    tried = rehearse(designer, read_seeds("starter", num, 0).seeds)
    if as_json:
        counts = _count(lexicon, book)
        print(
            json.dumps({"path": shown, "faults": [], **counts, "content": lexicon.content, **asdict(tried)})
        )
    else:
        print("\n".join(_describe(shown, lexicon, book, tried)))
    return int(tried.n_valid < tried.n_tried)


def _describe_faults(shown: str, error: LexiconError) -> Iterator[str]:
    yield f"{shown}: {len(error.faults)} faults"
    for fault in error.faults[:_MAX_SHOWN_FAULTS]:
        yield f"  {fault}"
    if len(error.faults) > _MAX_SHOWN_FAULTS:
        yield f"  and {len(error.faults) - _MAX_SHOWN_FAULTS} more"


def _count(lexicon: Lexicon, book: Phrasebook) -> dict[str, int]:
    return {
        "settings": len(lexicon.settings),
        "families": len(lexicon.families),
        "captions": len(lexicon.sounds()),
        "moods": len(lexicon.moods),
        "phrasings": sum(map(len, book.groups.values())),
    }


def _describe(shown: str, lexicon: Lexicon, book: Phrasebook, tried: Rehearsal) -> Iterator[str]:
    yield f"{shown}: {', '.join(f'{n:,} {name}' for name, n in _count(lexicon, book).items())}"
    yield f"  content {lexicon.content[:16]}, which is part of a run's fingerprint"
    yield f"  {tried.n_tried} dialogues tried: {tried.n_valid} valid, {tried.n_clean} without findings"
    for name, n in tried.findings.most_common():
        yield f"  {n} {name}, such as: {tried.examples[name]}"
