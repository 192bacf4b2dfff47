"""`copilot stems`."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from pydantic import ByteSize, TypeAdapter, ValidationError
from rich.filesize import decimal

from copilot.errors import UserError
from copilot.units import Seconds
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
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([mhdw])", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Request:
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
    """Print the content of a stem store and its use by runs, or prune it; return the exit code.

    Raises UserError if there is no store, StorageError.
    """
    request = _Request(parse_age(older_than), parse_size(max_size), dry_run)
    if dry_run and not request.prunes:
        raise UserError("needs `older_than` or `max_size`", field="dry_run")
    storage = open_storage(place)
    require_store(storage)
    now_s = clock()
    notes = read_notes(storage)
    contents = survey(storage, now_s)
    pruned = _prune(storage, contents, notes, request, now_s) if request.prunes else None
    runs = sum_by_run(notes, now_s)
    if as_json:
        print(json.dumps(_to_json(place, contents, runs, pruned, request)))
    else:
        print(
            "\n".join(
                [*_describe_store(place, contents, runs), *_describe_pruning(contents, pruned, request)]
            )
        )
    return 0


def _prune(
    storage: Storage, contents: Contents, notes: Sequence[UserNote], request: _Request, now_s: Seconds
) -> Prunable:
    since_s = find_use_start(storage, notes, now_s)
    removable = choose_prunable(contents, now_s, request.older_than_s, request.max_bytes, since_s)
    if request.dry_run:
        return removable
    old_s = request.older_than_s
    forgotten = [n for n in notes if old_s is not None and max(n.seen_s, n.alive_until_s) < now_s - old_s]
    return remove(storage, removable, forgotten)


def _to_json(
    place: str, contents: Contents, runs: Sequence[RunUse], pruned: Prunable | None, request: _Request
) -> dict[str, object]:
    used = [stem.used_s for stem in contents.stems]
    content: dict[str, object] = {
        "place": place,
        "stems": len(contents.stems),
        "bytes": contents.n_bytes,
        "oldest_use_s": used[0] if used else None,
        "newest_use_s": used[-1] if used else None,
        "runs": [asdict(run) for run in runs],
    }
    if pruned is not None:
        content["pruned"] = {
            "dry_run": request.dry_run,
            "stems": len(pruned.stems),
            "bytes": sum(stem.n_bytes for stem in pruned.stems),
            "strays": len(pruned.strays),
            "kept_in_use": pruned.n_in_use,
        }
    return content


def _describe_store(place: str, contents: Contents, runs: Sequence[RunUse]) -> Iterator[str]:
    yield f"{place}: {len(contents.stems):,} stems, {decimal(contents.n_bytes)}"
    if contents.stems:
        first, last = contents.stems[0].used_s, contents.stems[-1].used_s
        yield f"  last used between {_format_time(first)} and {_format_time(last)}"
    if contents.strays:
        yield f"  {len(contents.strays):,} files of interrupted writes"
    for run in runs:
        n_requests = run.hits + run.misses
        share = f" ({run.hits / n_requests:.0%})" if n_requests else ""
        if run.alive_until_s is None:
            seen = f"last seen {_format_time(run.seen_s)}"
        else:
            seen = f"counts as live until {datetime.fromtimestamp(run.alive_until_s, UTC):%H:%M} UTC"
        yield f"  run {run.run}: {run.hits:,} hits{share}, {run.misses:,} misses, {seen}"


def _describe_pruning(contents: Contents, pruned: Prunable | None, request: _Request) -> Iterator[str]:
    if pruned is None:
        return
    n_bytes = sum(stem.n_bytes for stem in pruned.stems)
    done = "would delete" if request.dry_run else "deleted"
    yield (
        f"{done} {len(pruned.stems):,} stems, {decimal(n_bytes)}, "
        f"and {len(pruned.strays):,} files of interrupted writes; "
        f"{len(contents.stems) - len(pruned.stems):,} stems, {decimal(contents.n_bytes - n_bytes)}, are kept"
    )
    if pruned.n_in_use:
        yield f"{pruned.n_in_use:,} of them because a live run may use them"


def parse_age(text: str | None) -> Seconds | None:
    """Return the seconds of `30d`, `12h`, `45m` or `2w`; None for None. Raises UserError."""
    if text is None:
        return None
    # Pydantic reads only the durations of ISO 8601, such as PT12H.
    match = _AGE.fullmatch(text.strip().lower())
    if match is None:
        raise UserError(f"{text}: expected a number and m, h, d or w, such as 30d", field="older_than")
    return float(match[1]) * _SECONDS[match[2]]


def parse_size(text: str | None) -> int | None:
    """Return the bytes of `500GB` (decimal) or `500GiB`; None for None. Raises UserError."""
    if text is None:
        return None
    try:
        return int(TypeAdapter(ByteSize).validate_python(text))
    except ValidationError as error:
        raise UserError(f"{text}: expected a number and a unit, such as 500GB", field="max_size") from error


def _format_time(time_s: Seconds) -> str:
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d %H:%M} UTC"
