"""`copilot stems`."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from copilot.errors import UserError
from copilot.units import Seconds
from pipelines.cli.output.sizes import size_text
from pipelines.stem_store.pruning import (
    Contents,
    Prunable,
    choose_prunable,
    find_use_start,
    remove,
    require_store,
    survey,
)
from pipelines.stem_store.users import RunUse, UserNote, read_notes, sum_by_run
from pipelines.storage import Storage, open_storage

_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Asked:
    older_than_s: Seconds | None
    max_bytes: int | None
    dry_run: bool

    @property
    def prunes(self) -> bool:
        return self.older_than_s is not None or self.max_bytes is not None


def run_stems(
    place: str,
    older_than: str | None,
    max_size: str | None,
    *,
    dry_run: bool,
    as_json: bool,
    clock: Callable[[], Seconds] = time.time,
) -> int:
    """Show what a stem store holds and who uses it, or prune it; return the exit code.

    Raises UserError where there is no store, StorageError.
    """
    asked = _Asked(parse_age(older_than), parse_size(max_size), dry_run)
    if dry_run and not asked.prunes:
        raise UserError("--dry-run: nothing is to be deleted; give --older-than or --max-size")
    storage = open_storage(place)
    require_store(storage)
    now_s = clock()
    notes = read_notes(storage)
    contents = survey(storage, now_s)
    pruned = _prune(storage, contents, notes, asked, now_s) if asked.prunes else None
    runs = sum_by_run(notes, now_s)
    if as_json:
        print(json.dumps(_figures(place, contents, runs, pruned, asked)))
    else:
        print("\n".join([*_lines(place, contents, runs), *_pruned_lines(contents, pruned, asked)]))
    return 0


def _prune(
    storage: Storage, contents: Contents, notes: Sequence[UserNote], asked: _Asked, now_s: Seconds
) -> Prunable:
    since_s = find_use_start(storage, notes, now_s)
    going = choose_prunable(contents, now_s, asked.older_than_s, asked.max_bytes, since_s)
    if asked.dry_run:
        return going
    old_s = asked.older_than_s
    forgotten = [n for n in notes if old_s is not None and max(n.seen_s, n.alive_until_s) < now_s - old_s]
    return remove(storage, going, forgotten)


def _figures(
    place: str, contents: Contents, runs: Sequence[RunUse], pruned: Prunable | None, asked: _Asked
) -> dict[str, object]:
    used = [stem.used_s for stem in contents.stems]
    told: dict[str, object] = {
        "place": place,
        "stems": len(contents.stems),
        "bytes": contents.n_bytes,
        "oldest_use_s": used[0] if used else None,
        "newest_use_s": used[-1] if used else None,
        "runs": [asdict(run) for run in runs],
    }
    if pruned is not None:
        told["pruned"] = {
            "dry_run": asked.dry_run,
            "stems": len(pruned.stems),
            "bytes": sum(stem.n_bytes for stem in pruned.stems),
            "strays": len(pruned.strays),
            "kept_in_use": pruned.n_in_use,
        }
    return told


def _lines(place: str, contents: Contents, runs: Sequence[RunUse]) -> Iterator[str]:
    yield f"{place}: {len(contents.stems):,} stems, {size_text(contents.n_bytes)}"
    if contents.stems:
        first, last = contents.stems[0].used_s, contents.stems[-1].used_s
        yield f"  used last between {_day(first)} and {_day(last)}"
    if contents.strays:
        yield f"  {len(contents.strays):,} files of writes that were interrupted"
    for run in runs:
        n_asked = run.hits + run.misses
        share = f" ({run.hits / n_asked:.0%})" if n_asked else ""
        if run.alive_until_s is None:
            seen = f"seen last {_day(run.seen_s)}"
        else:
            seen = f"alive, or killed: until {datetime.fromtimestamp(run.alive_until_s, UTC):%H:%M} UTC"
        yield f"  run {run.run}: {run.hits:,} hits{share}, {run.misses:,} misses, {seen}"


def _pruned_lines(contents: Contents, pruned: Prunable | None, asked: _Asked) -> Iterator[str]:
    if pruned is None:
        return
    n_bytes = sum(stem.n_bytes for stem in pruned.stems)
    done = "would delete" if asked.dry_run else "deleted"
    yield (
        f"{done} {len(pruned.stems):,} stems, {size_text(n_bytes)}, "
        f"and {len(pruned.strays):,} files of interrupted writes; "
        f"{len(contents.stems) - len(pruned.stems):,} stems, {size_text(contents.n_bytes - n_bytes)}, stay"
    )
    if pruned.n_in_use:
        yield f"{pruned.n_in_use:,} of them because a live run may use them"


def parse_age(text: str | None) -> Seconds | None:
    """Seconds of `30d`, `12h`, `45m` or `2w`; None for None. Raises UserError."""
    return None if text is None else _amount(text, _SECONDS, "--older-than", "m, h, d or w, such as 30d")


def parse_size(text: str | None) -> int | None:
    """Bytes of `500GB`, decimal; None for None. Raises UserError."""
    if text is None:
        return None
    return int(_amount(text, _BYTES, "--max-size", "B, kB, MB, GB or TB, such as 500GB"))


def _amount(text: str, units: dict[str, int], option: str, expected: str) -> float:
    match = _AMOUNT.fullmatch(text.strip().lower())
    if match is None or match[2] not in units:
        raise UserError(f"{option} {text}: expected a number and {expected}")
    return float(match[1]) * units[match[2]]


def _day(time_s: Seconds) -> str:
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d %H:%M} UTC"
