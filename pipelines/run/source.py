"""The source of a run's seeds: its seeds identify it, not the path that it was read from."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.run.reader import RunReader


def find_known_spec(place: str, spec: str, texts: Mapping[str, str]) -> str:
    """Return the run's own spec if `spec` names the same source at another path; else `spec`.

    The sources are the same if their kinds are, and all seeds of the run are among those that were drawn now,
    or the other way round, with the texts that the samples have. `texts` are those drawn now, by id.
    """
    reader = RunReader(place)
    known = reader.description.get("fingerprint", {}).get("config", {}).get("seeds", spec)
    if known == spec or _get_kind(known) != _get_kind(spec):
        return spec
    done = reader.run.ledger.seed_ids()
    if not (done <= texts.keys() or texts.keys() <= done):
        return spec
    rows = reader.rows("samples", ["seed_id", "seed_text"])
    same = all(texts.get(row["seed_id"], row["seed_text"]) == row["seed_text"] for row in rows)
    return str(known) if same else spec


def _get_kind(spec: object) -> str:
    return str(spec).partition(":")[0]
