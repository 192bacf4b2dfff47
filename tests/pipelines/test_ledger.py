"""The ledger: what is entered exists, once; what a crash left does not."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import a_reject

from copilot.errors import CorruptDataError
from pipelines.atomic import HashedFile
from pipelines.ledger import CommittedFile, Ledger, LedgerEntry
from pipelines.run import Run
from pipelines.shards import ShardWriter

ENTRY = LedgerEntry(
    name="0a",
    files=(
        CommittedFile("rejects/0a.parquet", "f" * 64, 7, 1),
        CommittedFile("shards/0a.parquet", "e" * 64, 9, 2),
    ),
    accepted=("text/b", "text/ä"),
    rejected=("text/a",),
    tiers={"hq": 1, "valid": 1},
    reasons={"validate/schema": 1},
    audio_s=16.5,
)


def test_an_entry_is_read_as_it_was_added(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    assert list(ledger.entries()) == []
    ledger.add(ENTRY)
    assert list(ledger.entries()) == [ENTRY]
    assert ledger.seed_ids() == {"text/a", "text/b", "text/ä"}
    assert ledger.paths() == {"rejects/0a.parquet", "shards/0a.parquet"}


def test_entries_come_in_the_order_of_their_names_and_unfinished_ones_not_at_all(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for name in ("b", "c", "a"):
        ledger.add(LedgerEntry(name, (), (), ()))
    (tmp_path / ".tmp-0.json").write_bytes(b"{")
    assert ledger.names() == [entry.name for entry in ledger.entries()] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "the file: Invalid JSON: EOF while parsing an object at line 1 column 1"),
        (b"", "the file: Invalid JSON: EOF while parsing a value at line 1 column 0"),
        (b"[]", "the file: Input should be an object"),
        (b'{"name": "a", "files": [], "accepted": []}', "rejected: Field required"),
        (
            b'{"name": "a", "files": [{"path": 5}], "accepted": [], "rejected": []}',
            "files.0.path: Input should be a valid string",
        ),
        (
            b'{"name": "a", "files": [], "accepted": "text/a", "rejected": []}',
            "accepted: Input should be a valid array",
        ),
    ],
)
def test_a_damaged_entry_is_named_with_what_to_do(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(CorruptDataError) as caught:
        Ledger(tmp_path).seed_ids()
    assert str(caught.value) == (
        f"{path}: not an entry of a ledger ({message}); move the file away, and its seeds are made anew"
    )


class Crash(BaseException):
    """The end of the process, after which nothing is cleaned up."""


@contextmanager
def crashing_at(step: str | None, nth: int) -> Iterator[None]:
    """Make the n-th call of a method of HashedFile the last thing that happens."""
    real, calls = getattr(HashedFile, step or "publish"), 0

    def crash(self, *args):
        nonlocal calls
        calls += 1
        if step is not None and calls == nth:
            raise Crash
        return real(self, *args)

    with pytest.MonkeyPatch.context() as patched:
        if step is not None:
            patched.setattr(HashedFile, step, crash)
            patched.setattr(HashedFile, "discard", lambda self: None)
        yield


STEPS = st.one_of(
    st.tuples(st.none(), st.just(0)),
    # Publishing comes twice a commit here: of the rejects, and of the entry.
    st.tuples(st.just("publish"), st.integers(1, 2)),
    st.tuples(st.just("write"), st.integers(1, 3)),
)


@settings(max_examples=25, deadline=None)
@given(actions=st.lists(st.tuples(st.integers(1, 3), STEPS, st.booleans()), max_size=5))
def test_after_any_crashes_and_sweeps_exactly_the_entered_seeds_are_there(
    actions: list[tuple[int, tuple[str | None, int], bool]],
) -> None:
    """Batches are committed or crash on the way; a sweep is what the next process begins with."""
    folder = Path(tempfile.mkdtemp())
    try:
        run, entered, next_seed = Run(folder), set(), 0
        for n_seeds, (step, nth), sweeps in actions:
            rejects = [a_reject(next_seed + k) for k in range(n_seeds)]
            next_seed += n_seeds
            writer = ShardWriter(folder)
            try:
                with crashing_at(step, nth):
                    for reject in rejects:
                        writer.add_reject(reject)
                    writer.commit()
                entered |= {reject.seed.id for reject in rejects}
            except Crash:
                pass
            if sweeps:
                run.sweep()
            assert run.ledger.seed_ids() == entered
        run.sweep()
        on_disk = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert on_disk == run.ledger.paths() | {f"ledger/{name}.json" for name in run.ledger.names()}
        counts = [seed_id for entry in run.ledger.entries() for seed_id in entry.seed_ids]
        assert sorted(counts) == sorted(entered)
    finally:
        shutil.rmtree(folder)


def test_an_entry_is_plain_json_that_small_tools_can_read(tmp_path: Path) -> None:
    Ledger(tmp_path).add(ENTRY)
    content = json.loads((tmp_path / "0a.json").read_bytes())
    assert content["files"][1] == {
        "path": "shards/0a.parquet",
        "sha256": "e" * 64,
        "n_bytes": 9,
        "n_rows": 2,
    }
    assert content["tiers"] == {"hq": 1, "valid": 1}
