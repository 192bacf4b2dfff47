"""Measure resuming: the time and memory to read which seeds a ledger accounts for.

    python benchmarks/ledger.py [--seeds N] [--commit N]

Makes a ledger of that size in a temporary folder, as workers write it, and reads it in a process of its own.
Prints seconds and peak memory beside this project's target for six million seeds: under a minute, under 2 GB.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

from copilot.hashing import content_hash
from pipelines.inspection.status import read_status
from pipelines.run.ledger import CommittedFile, Ledger, LedgerEntry

TARGET_S = 60.0
TARGET_BYTES = 2e9


def make(folder: Path, n_seeds: int, per_commit: int) -> None:
    run = {"digest": "0", "fingerprint": {}, "plan": {"n_seeds": n_seeds}}
    (folder / "run.json").write_text(json.dumps(run))
    (folder / "ledger").mkdir()
    for first in range(0, n_seeds, per_commit):
        ids = tuple(
            f"librispeech/{k % 9000}-{k}-{k % 97:04d}" for k in range(first, min(first + per_commit, n_seeds))
        )
        name = content_hash(ids[0])[:16]
        file = CommittedFile(f"shards/{name}.parquet", content_hash(name), 60_000_000, len(ids))
        entry = LedgerEntry(
            name, (file,), ids, (), {"hq": len(ids)}, {}, 24.0 * len(ids), committed_at_s=time.time()
        )
        (folder / "ledger" / f"{name}.json").write_text(json.dumps(asdict(entry), indent=1))


def read(folder: str) -> tuple[int, float, int]:
    """Return seeds found, seconds and peak bytes; called in a process of its own."""
    started = time.perf_counter()
    n_found = len(Ledger(Path(folder) / "ledger").seed_ids())
    seconds = time.perf_counter() - started
    unit = 1 if sys.platform == "darwin" else 1024
    return n_found, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=600_000)
    parser.add_argument("--commit", type=int, default=64, help="seeds in one commit")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), given.seeds, given.commit)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            n_found, seconds, n_bytes = pool.submit(read, folder).result()
        started = time.perf_counter()
        read_status(Path(folder))
        status_s = time.perf_counter() - started
    share = given.seeds / 6_000_000
    print(
        f"{n_found:,} seeds in {-(-given.seeds // given.commit):,} commits: read in {seconds:.1f} s "
        f"({seconds / (TARGET_S * share):.2f} of the target), peak memory {n_bytes / 1e9:.2f} GB; "
        f"copilot status {status_s:.1f} s"
    )
    print(f"target for 6,000,000: at most {TARGET_S:g} s and {TARGET_BYTES / 1e9:g} GB")


if __name__ == "__main__":
    main()
