"""Who holds a run: one call at a time, on a disk and behind a URI, and nobody else commits."""

from __future__ import annotations

import json
import os
import platform
import threading
import uuid
from pathlib import Path

import pytest
from helpers.made_runs import a_reject

from copilot.errors import RunInUseError, StorageError
from pipelines.run import lock as holding
from pipelines.run.lock import LAPSE_S, LEASE, LeaseLock
from pipelines.run.run import Run
from pipelines.run.shards import ShardWriter
from pipelines.storage import open_storage

NOW_S = 1_800_000_000.0


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def uri(s3: str) -> str:
    return f"{s3}/{uuid.uuid4().hex}"


def lease_at(uri: str) -> dict[str, object]:
    return json.loads(open_storage(uri).read(LEASE))


def commit(run: Run, number: int = 0) -> None:
    writer = ShardWriter(run)
    try:
        writer.add_reject(a_reject(number))
        writer.commit()
    finally:
        writer.discard()


def test_a_run_behind_a_uri_tells_who_holds_it(uri: str) -> None:
    with Run(uri, clock=Clock()).locked("first"):
        expected = {"call": "first", "host": platform.node(), "pid": os.getpid(), "renewed_at_s": NOW_S}
        assert lease_at(uri) == expected
    assert open_storage(uri).read(LEASE) is None


def test_another_call_is_refused_as_long_as_the_hold_is_fresh(uri: str) -> None:
    clock = Clock()
    with Run(uri, clock=clock).locked("first"):
        clock.now_s += 30
        with pytest.raises(RunInUseError) as caught, Run(uri, clock=clock).locked("second"):
            pass
        assert str(caught.value) == (
            f"{uri}: in use by process {os.getpid()} on {platform.node()} (call first); "
            "wait until it is done, or stop it: if it was killed, its hold ends in 60 s"
        )
        assert lease_at(uri)["call"] == "first"


def test_a_hold_that_is_renewed_does_not_lapse(uri: str) -> None:
    clock = Clock()
    hold = LeaseLock(open_storage(uri), clock)
    with hold.held("first"):
        for _ in range(3):
            clock.now_s += LAPSE_S - 1
            assert hold.renew("first")
            with pytest.raises(RunInUseError, match="ends in 90 s"), Run(uri, clock=clock).locked("second"):
                pass


def test_a_hold_that_has_lapsed_is_taken_over_and_not_taken_back(uri: str) -> None:
    clock = Clock()
    hold = LeaseLock(open_storage(uri), clock)
    with hold.held("first"):
        clock.now_s += LAPSE_S
        second = Run(uri, "second", clock=clock)
        with second.locked():
            assert not hold.renew("first")
            assert lease_at(uri)["call"] == "second"
            with pytest.raises(RunInUseError) as caught:
                commit(Run(uri, "first"))
            assert str(caught.value) == (
                f"{uri}: another call has taken the run over; nothing of this batch was committed"
            )
            assert second.storage.files("rejects") == []
            commit(second)
    assert second.ledger.seed_ids() == {"test/bad-0000"}


def test_the_first_leaves_the_hold_of_the_second_alone(uri: str) -> None:
    clock = Clock()
    storage = open_storage(uri)
    first, second = LeaseLock(storage, clock).held("first"), LeaseLock(storage, clock).held("second")
    first.__enter__()
    clock.now_s += LAPSE_S
    second.__enter__()
    first.__exit__(None, None, None)
    assert lease_at(uri)["call"] == "second"
    second.__exit__(None, None, None)
    assert storage.read(LEASE) is None


def test_the_hold_is_renewed_while_the_work_goes_on(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    renewed = []
    monkeypatch.setattr(holding, "RENEW_S", 0.0)
    hold = LeaseLock(open_storage(uri), Clock())

    class Leaving:
        """The event of leaving, after three renewals, the first of which fails."""

        def wait(self, timeout: float) -> bool:
            return len(renewed) == 3

    def renew(call: str) -> bool:
        renewed.append(call)
        if len(renewed) == 1:
            raise StorageError("away for a moment")
        return True

    monkeypatch.setattr(hold, "renew", renew)
    hold._keep("first", Leaving())
    assert renewed == ["first"] * 3


def test_a_hold_that_is_lost_is_no_longer_renewed(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "RENEW_S", 0.0)
    storage = open_storage(uri)
    storage.create(LEASE, LeaseLock(storage)._written("second"))

    class Never:
        def wait(self, timeout: float) -> bool:
            return False

    LeaseLock(storage)._keep("first", Never())
    assert lease_at(uri)["call"] == "second"


@pytest.mark.parametrize("there", [None, b"", b"{"])
def test_a_hold_that_has_gone_is_made_again(uri: str, there: bytes | None) -> None:
    clock = Clock()
    storage = open_storage(uri)
    hold = LeaseLock(storage, clock)
    with hold.held("first"):
        storage.remove(LEASE)
        if there is not None:
            storage.write(LEASE, there)
        clock.now_s += 15
        assert hold.renew("first")
        assert (lease_at(uri)["call"], lease_at(uri)["renewed_at_s"]) == ("first", NOW_S + 15)
        with pytest.raises(RunInUseError, match="ends in 90 s"), Run(uri, clock=clock).locked("second"):
            pass
    assert storage.read(LEASE) is None


def test_a_hold_that_has_gone_is_left_to_whom_takes_it_first(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(uri)
    hold = LeaseLock(storage, Clock())
    create = storage.create

    def too_late(name: str, data: bytes) -> bool:
        open_storage(uri).write(LEASE, hold._written("second"))
        return create(name, data)

    monkeypatch.setattr(storage, "create", too_late)
    assert not hold.renew("first")
    assert lease_at(uri)["call"] == "second"


def test_a_call_that_is_over_commits_nothing_any_more(uri: str) -> None:
    run = Run(uri, "first")
    with run.locked():
        commit(run)
    with pytest.raises(RunInUseError) as caught:
        commit(run, 1)
    assert str(caught.value) == f"{uri}: no call holds the run any more; nothing of this batch was committed"
    commit(Run(uri), 2)
    assert run.ledger.seed_ids() == {"test/bad-0000", "test/bad-0002"}


def test_a_renewal_that_hangs_is_not_waited_for_and_its_hold_lapses(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "RENEW_S", 0.0)
    monkeypatch.setattr(holding, "_LEAVE_S", 0.0)
    hold = LeaseLock(open_storage(uri), Clock())
    hangs, goes_on, threads = threading.Event(), threading.Event(), []

    def renew(call: str) -> bool:
        threads.append(threading.current_thread())
        hangs.set()
        return not goes_on.wait()

    monkeypatch.setattr(hold, "renew", renew)
    with hold.held("first"):
        hangs.wait()
    assert lease_at(uri)["call"] == "first"
    goes_on.set()
    threads[0].join()


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b'{"call": "x"}'])
def test_garbage_in_the_place_of_a_hold_holds_nothing(uri: str, garbage: bytes) -> None:
    open_storage(uri).write(LEASE, garbage)
    with Run(uri).locked("first"):
        assert lease_at(uri)["call"] == "first"


def test_a_hold_whose_upload_was_answered_twice_is_ones_own(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(uri)
    create = storage.create

    def answered_late(name: str, data: bytes) -> bool:
        create(name, data)
        return create(name, data)

    monkeypatch.setattr(storage, "create", answered_late)
    with LeaseLock(storage).held("first"):
        assert lease_at(uri)["call"] == "first"


def test_a_local_folder_tells_the_call_that_holds_it(tmp_path: Path) -> None:
    first = Run(tmp_path, "first")
    first.write({})
    with first.locked():
        assert (tmp_path / ".lock").read_text() == f"{os.getpid()} first\n"
        commit(first)
    with pytest.raises(RunInUseError) as over:
        commit(first, 1)
    assert str(over.value) == (
        f"{tmp_path}: no call holds the run any more; nothing of this batch was committed"
    )
    with Run(tmp_path).locked("second"):
        with pytest.raises(RunInUseError, match="another call has taken the run over"):
            commit(first, 2)
        commit(Run(tmp_path, "second"), 3)
        commit(Run(tmp_path), 4)
    assert first.ledger.seed_ids() == {f"test/bad-000{k}" for k in (0, 3, 4)}
    assert not list(tmp_path.glob("*/.tmp-*"))


@pytest.mark.parametrize("content", ["", "4711"])
def test_a_lock_that_names_no_call_is_held_by_none(tmp_path: Path, content: str) -> None:
    (tmp_path / ".lock").write_text(content)
    with pytest.raises(RunInUseError, match="no call holds the run any more"):
        commit(Run(tmp_path, "first"))
    assert Run(tmp_path).ledger.names() == []


def test_a_folder_without_a_lock_cannot_tell_and_refuses_nobody(tmp_path: Path) -> None:
    commit(Run(tmp_path, "first"))
    assert Run(tmp_path).ledger.seed_ids() == {"test/bad-0000"}


def test_the_lock_of_a_killed_call_goes_on_naming_it(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("4711 first\n")
    commit(Run(tmp_path, "first"))
    assert Run(tmp_path).ledger.seed_ids() == {"test/bad-0000"}


def test_workers_behind_a_uri_need_no_lock(uri: str) -> None:
    run = Run(uri)
    with run.worked_on(), run.locked():
        pass
    assert run.storage.names() == []
