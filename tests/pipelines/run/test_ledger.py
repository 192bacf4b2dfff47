"""The ledger: an entered commit exists, once; files that a crash left do not."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.made_runs import a_reject, committed_paths
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot.errors import CorruptDataError
from pipelines.run.ledger import CommittedFile, Ledger, LedgerEntry, name_entry
from pipelines.run.run import Run
from pipelines.run.shards import ShardWriter
from pipelines.storage.atomic import HashedFile

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
    assert [file.kind for file in ENTRY.files] == ["rejects", "samples"]


def test_entries_come_in_the_order_of_their_names_and_unfinished_ones_not_at_all(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for name in ("b", "c", "a"):
        ledger.add(LedgerEntry(name, (), (), ()))
    (tmp_path / ".tmp-0.json").write_bytes(b"{")
    assert ledger.names() == [entry.name for entry in ledger.entries()] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "Invalid JSON: EOF while parsing an object at line 1 column 1"),
        (b"", "Invalid JSON: EOF while parsing a value at line 1 column 0"),
        (b"[]", "Input should be an object"),
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
    assert f"{path}: " in str(caught.value)
    assert f"({message})" in str(caught.value)


class Crash(BaseException):
    """The end of the process, after which nothing is cleaned up."""


@contextmanager
def crashing_at(step: str | None, nth: int) -> Iterator[None]:
    """Make the n-th call of a method of HashedFile the last thing that happens."""
    real, calls = getattr(HashedFile, step or "publish"), 0

    def crash(self, *args: object):
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
    st.tuples(st.just("publish"), st.just(1)),
    st.tuples(st.just("publish_new"), st.just(1)),
    st.tuples(st.just("write"), st.integers(1, 3)),
)


@settings(max_examples=25, deadline=None)
@given(actions=st.lists(st.tuples(st.integers(1, 3), STEPS, st.booleans()), max_size=5))
def test_after_any_crashes_exactly_the_entered_seeds_exist(
    actions: list[tuple[int, tuple[str | None, int], bool]],
) -> None:
    """Batches are committed or crash on the way; the next process starts by deleting what is left over."""
    folder = Path(tempfile.mkdtemp())
    try:
        run, entered, next_seed = Run(folder), set(), 0
        for n_seeds, (step, nth), deletes in actions:
            rejects = [a_reject(next_seed + k) for k in range(n_seeds)]
            next_seed += n_seeds
            writer = ShardWriter(run)
            try:
                with crashing_at(step, nth):
                    for reject in rejects:
                        writer.add_reject(reject)
                    writer.commit()
                entered |= {reject.seed.id for reject in rejects}
            except Crash:
                pass
            if deletes:
                run.delete_leftovers()
            assert run.ledger.seed_ids() == entered
        run.delete_leftovers()
        on_disk = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert on_disk == committed_paths(run) | {f"ledger/{name}.json" for name in run.ledger.names()}
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


@pytest.fixture(params=["folder", "uri"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return (
        str(tmp_path) if request.param == "folder" else f"{request.getfixturevalue('s3')}/{uuid.uuid4().hex}"
    )


def commit(run: Run, *numbers: int, detail: str = "") -> LedgerEntry:
    writer = ShardWriter(run)
    for number in numbers:
        writer.add_reject(replace(a_reject(number), detail=detail))
    entry = writer.commit()
    assert entry is not None
    return entry


def test_the_same_seeds_by_two_writers_are_entered_once(place: str) -> None:
    run = Run(place)
    first = commit(run, 0, 1, detail="first")
    # As another writer, and as the same writer whose answer was lost: the order of seeds does not matter.
    again = commit(Run(place), 1, 0, detail="second")
    assert again == first == run.ledger.read(first.name)
    assert run.ledger.seed_ids() == {"test/bad-0000", "test/bad-0001"}
    assert [file.name for file in run.storage.files("rejects")] == [first.files[0].path]


def test_the_very_same_commit_twice_keeps_its_files(place: str) -> None:
    run = Run(place)
    first = commit(run, 0)
    assert commit(run, 0) == first
    assert [file.name for file in run.storage.files("rejects")] == [first.files[0].path]


def test_entries_that_share_a_seed_count_it_once(place: str) -> None:
    run = Run(place)
    entries = [commit(run, 0, 1), commit(run, 1, 2), commit(run, 2, 3), commit(run, 4)]
    entries.sort(key=lambda entry: entry.name)
    expected: list[LedgerEntry] = []
    for entry in entries:
        if not any(set(entry.seed_ids) & set(valid.seed_ids) for valid in expected):
            expected.append(entry)
    assert list(run.ledger.entries()) == expected
    seeds = [seed_id for entry in expected for seed_id in entry.seed_ids]
    assert len(seeds) == len(set(seeds)) < 7
    assert run.ledger.seed_ids() == set(seeds)
    assert committed_paths(run) == {file.path for entry in expected for file in entry.files}
    void = [entry for entry in entries if entry not in expected]
    assert [entry.name for entry, is_valid in run.ledger.judge() if not is_valid] == [e.name for e in void]
    gone = {f"ledger/{entry.name}.json" for entry in void} | {e.files[0].path for e in void}
    assert set(run.delete_leftovers()) == gone
    assert list(run.ledger.entries()) == expected
    assert run.delete_leftovers() == []


@settings(max_examples=50)
@given(batches=st.lists(st.sets(st.integers(0, 5), min_size=1, max_size=3), max_size=8))
def test_the_rule_is_the_same_by_ids_and_by_hashes(batches: list[set[int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(folder)
        for batch in batches:
            ids = tuple(f"text/{number}" for number in batch)
            ledger.add(LedgerEntry(name_entry(ids), (), ids, ()))
        entries = list(ledger.entries())
        counted = [seed_id for entry in entries for seed_id in entry.seed_ids]
        assert len(counted) == len(set(counted))
        assert ledger.seed_ids() == set(counted)
        # A void entry shares a seed with a valid one; deleted or not, the others stay as they are.
        for entry, is_valid in list(ledger.judge()):
            if not is_valid:
                assert not set(counted).isdisjoint(entry.seed_ids)
                ledger.remove(entry.name)
        assert list(ledger.entries()) == entries


def test_ids_of_one_hash_are_not_taken_for_one_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.run.ledger.hash", lambda text: 7, raising=False)
    ledger = Ledger(tmp_path)
    for name in "abc":
        ledger.add(LedgerEntry(name, (), (f"text/{name}",), ()))
    ledger.add(LedgerEntry("d", (), ("text/c",), ()))
    assert [(entry.name, is_valid) for entry, is_valid in ledger.judge()] == [
        ("a", True), ("b", True), ("c", True), ("d", False)
    ]  # fmt: skip


def test_files_that_killed_writers_left_on_remote_storage_are_deleted_after_a_day(s3: str) -> None:
    uri = f"{s3}/{uuid.uuid4().hex}"
    run = Run(uri)
    kept = commit(run, 0).files[0].path
    left = f"shards/{'0' * 16}.parquet"
    run.storage.write(left, b"half a file")
    run.storage.write("shards/mine.parquet", b"mine")
    assert run.delete_leftovers() == []
    day_s = 86_400
    assert Run(uri, clock=lambda: time.time() + day_s + 60).delete_leftovers() == [left]
    assert {file.name for folder in ("shards", "rejects") for file in run.storage.files(folder)} == {
        kept,
        "shards/mine.parquet",
    }


def test_a_damaged_entry_is_reported_to_the_callback(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.add(ENTRY)
    (tmp_path / "0b.json").write_bytes(b"{")
    damaged: list[str] = []
    assert list(ledger.judge(lambda name, error: damaged.append(name))) == [(ENTRY, True)]
    assert damaged == ["0b"]
