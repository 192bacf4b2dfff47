"""`copilot lexicon`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from copilot.designers.contract import DesignerContext
from copilot.designers.scripted.designer import ScriptedDesigner, ScriptedSettings
from copilot.designers.scripted.lexicon import Lexicon
from copilot.designers.scripted.lexicon_data import LexiconError, load_lexicon
from copilot.designers.scripted.library_lexicon import write_lexicon
from copilot.designers.scripted.phrasing import Phrasebook
from copilot.designers.scripted.rehearsal import Rehearsal, rehearse
from copilot.errors import UserError
from pipelines.seeds import read_seeds
from pipelines.storage import expand_home
from renderers import registry
from renderers.contract import list_sounds

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


def write_library_lexicon(folder: str, out: Path, licences: str | None) -> None:
    """Write a lexicon for a library into a new file, and print how to use it. Raises UserError."""
    if out.suffix != ".json":
        raise UserError(f"{out}: give a name that ends in .json", field="out")
    if out.exists():
        raise UserError(f"{out}: exists, and may hold your changes; give another name", field="out")
    wanted = [name for name in (licences or "").split(",") if name.strip()]
    settings = {"licences": ",".join(wanted)} if wanted else {}
    with closing(registry.create(f"library:{expand_home(folder)}", "sfx", settings)) as library:
        parts = write_lexicon(list_sounds(library))
    n_captions = sum(len(family["anywhere"]) for family in parts["families"].values())
    try:
        out.write_text(json.dumps(parts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{out}: {error.strerror}", field="out") from error
    counts = f"{len(parts['settings'])} settings, {len(parts['families'])} families, {n_captions} captions"
    print(f"{out}: {counts}")
    print(f"check it: copilot lexicon check {shlex.quote(str(out))}")
    print(f"use it:   --designer scripted:{shlex.quote(str(out))} --sfx library:{shlex.quote(folder)}")


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
        "lines": sum(len(setting.lines) for setting in lexicon.settings),
        "exchanges": sum(len(setting.exchanges) for setting in lexicon.settings),
        "moods": len(lexicon.moods),
        "phrasings": sum(map(len, book.groups.values())),
    }


def _describe(shown: str, lexicon: Lexicon, book: Phrasebook, tried: Rehearsal) -> Iterator[str]:
    yield f"{shown}: {', '.join(f'{n:,} {name}' for name, n in _count(lexicon, book).items())}"
    yield f"  content {lexicon.content[:16]}, which is part of a run's fingerprint"
    yield f"  {tried.n_tried} dialogues tried: {tried.n_valid} valid, {tried.n_clean} without findings"
    for name, n in sorted(tried.findings.items(), key=lambda found: -found[1]):
        yield f"  {n} {name}, such as: {tried.examples[name]}"
