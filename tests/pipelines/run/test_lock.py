"""The lock of a run: one call at a time, in a folder and behind a URI, and nobody else commits."""

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
from pipelines.run import lock as lock_module
from pipelines.run.lock import EXPIRE_S, LEASE, LeaseLock
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


def test_the_lease_of_a_run_names_the_call_that_locked_it(uri: str) -> None:
    with Run(uri, clock=Clock()).lock("first"):
        expected = {"call": "first", "host": platform.node(), "pid": os.getpid(), "renewed_at_s": NOW_S}
        assert lease_at(uri) == expected
    assert open_storage(uri).read(LEASE) is None


def test_another_call_is_refused_until_the_lease_expires(uri: str) -> None:
    clock = Clock()
    with Run(uri, clock=clock).lock("first"):
        clock.now_s += 30
        with pytest.raises(RunInUseError) as caught, Run(uri, clock=clock).lock("second"):
            pass
        for named in (uri, f"process {os.getpid()} on {platform.node()} (call first)", "in 60 s"):
            assert named in str(caught.value)
        assert lease_at(uri)["call"] == "first"


def test_a_lease_that_is_renewed_does_not_expire(uri: str) -> None:
    clock = Clock()
    lock = LeaseLock(open_storage(uri), clock)
    with lock.acquire("first"):
        for _ in range(3):
            clock.now_s += EXPIRE_S - 1
            assert lock.renew("first")
            with pytest.raises(RunInUseError, match="in 90 s"), Run(uri, clock=clock).lock("second"):
                pass


def test_an_expired_lease_is_taken_over_and_not_taken_back(uri: str) -> None:
    clock = Clock()
    lock = LeaseLock(open_storage(uri), clock)
    with lock.acquire("first"):
        clock.now_s += EXPIRE_S
        second = Run(uri, "second", clock=clock)
        with second.lock():
            assert not lock.renew("first")
            assert lease_at(uri)["call"] == "second"
            with pytest.raises(RunInUseError) as caught:
                commit(Run(uri, "first"))
            assert str(caught.value).startswith(f"{uri}: ")
            assert "another process" in str(caught.value)
            assert second.storage.files("rejects") == []
            commit(second)
    assert second.ledger.seed_ids() == {"test/bad-0000"}


def test_the_first_call_leaves_the_lease_of_the_second_alone(uri: str) -> None:
    clock = Clock()
    storage = open_storage(uri)
    first, second = LeaseLock(storage, clock).acquire("first"), LeaseLock(storage, clock).acquire("second")
    first.__enter__()
    clock.now_s += EXPIRE_S
    second.__enter__()
    first.__exit__(None, None, None)
    assert lease_at(uri)["call"] == "second"
    second.__exit__(None, None, None)
    assert storage.read(LEASE) is None


def test_the_lease_is_renewed_until_the_lock_is_released(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    renewed = []
    monkeypatch.setattr(lock_module, "RENEW_S", 0.0)
    lock = LeaseLock(open_storage(uri), Clock())

    class Released:
        """An event that is set after three renewals, the first of which fails."""

        def wait(self, timeout: float) -> bool:
            return len(renewed) == 3

    def renew(call: str) -> bool:
        renewed.append(call)
        if len(renewed) == 1:
            raise StorageError("away for a moment")
        return True

    monkeypatch.setattr(lock, "renew", renew)
    lock._renew_until("first", Released())
    assert renewed == ["first"] * 3


def test_a_lost_lease_is_no_longer_renewed(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "RENEW_S", 0.0)
    storage = open_storage(uri)
    storage.create(LEASE, LeaseLock(storage)._encode_lease("second"))

    class Never:
        def wait(self, timeout: float) -> bool:
            return False

    LeaseLock(storage)._renew_until("first", Never())
    assert lease_at(uri)["call"] == "second"


@pytest.mark.parametrize("content", [None, b"", b"{"])
def test_a_lease_that_has_disappeared_is_created_again(uri: str, content: bytes | None) -> None:
    clock = Clock()
    storage = open_storage(uri)
    lock = LeaseLock(storage, clock)
    with lock.acquire("first"):
        storage.remove(LEASE)
        if content is not None:
            storage.write(LEASE, content)
        clock.now_s += 15
        assert lock.renew("first")
        assert (lease_at(uri)["call"], lease_at(uri)["renewed_at_s"]) == ("first", NOW_S + 15)
        with pytest.raises(RunInUseError, match="in 90 s"), Run(uri, clock=clock).lock("second"):
            pass
    assert storage.read(LEASE) is None


def test_a_lease_that_has_disappeared_goes_to_the_first_call_that_creates_it(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(uri)
    lock = LeaseLock(storage, Clock())
    create = storage.create

    def too_late(name: str, data: bytes) -> bool:
        open_storage(uri).write(LEASE, lock._encode_lease("second"))
        return create(name, data)

    monkeypatch.setattr(storage, "create", too_late)
    assert not lock.renew("first")
    assert lease_at(uri)["call"] == "second"


def test_a_call_that_has_ended_commits_nothing_any_more(uri: str) -> None:
    run = Run(uri, "first")
    with run.lock():
        commit(run)
    with pytest.raises(RunInUseError) as caught:
        commit(run, 1)
    assert str(caught.value).startswith(f"{uri}: ")
    assert "released" in str(caught.value)
    commit(Run(uri), 2)
    assert run.ledger.seed_ids() == {"test/bad-0000", "test/bad-0002"}


def test_a_renewal_that_hangs_is_not_waited_for_and_its_lease_stays(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_module, "RENEW_S", 0.0)
    monkeypatch.setattr(lock_module, "_JOIN_TIMEOUT_S", 0.0)
    lock = LeaseLock(open_storage(uri), Clock())
    hangs, goes_on, threads = threading.Event(), threading.Event(), []

    def renew(call: str) -> bool:
        threads.append(threading.current_thread())
        hangs.set()
        return not goes_on.wait()

    monkeypatch.setattr(lock, "renew", renew)
    with lock.acquire("first"):
        hangs.wait()
    assert lease_at(uri)["call"] == "first"
    goes_on.set()
    threads[0].join()


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b'{"call": "x"}'])
def test_a_damaged_lease_locks_nothing(uri: str, garbage: bytes) -> None:
    open_storage(uri).write(LEASE, garbage)
    with Run(uri).lock("first"):
        assert lease_at(uri)["call"] == "first"


def test_a_call_recognises_its_own_lease_after_an_upload_that_was_repeated(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(uri)
    create = storage.create

    def answered_late(name: str, data: bytes) -> bool:
        create(name, data)
        return create(name, data)

    monkeypatch.setattr(storage, "create", answered_late)
    with LeaseLock(storage).acquire("first"):
        assert lease_at(uri)["call"] == "first"


def test_the_lock_file_of_a_folder_names_the_call(tmp_path: Path) -> None:
    first = Run(tmp_path, "first")
    first.write_description({})
    with first.lock():
        assert (tmp_path / ".lock").read_text() == f"{os.getpid()} first\n"
        commit(first)
    with pytest.raises(RunInUseError) as over:
        commit(first, 1)
    assert str(over.value).startswith(f"{tmp_path}: ")
    assert "released" in str(over.value)
    with Run(tmp_path).lock("second"):
        with pytest.raises(RunInUseError, match="another process"):
            commit(first, 2)
        commit(Run(tmp_path, "second"), 3)
        commit(Run(tmp_path), 4)
    assert first.ledger.seed_ids() == {f"test/bad-000{k}" for k in (0, 3, 4)}
    assert not list(tmp_path.glob("*/.tmp-*"))


@pytest.mark.parametrize("content", ["", "4711"])
def test_a_lock_file_that_names_no_call_is_released(tmp_path: Path, content: str) -> None:
    (tmp_path / ".lock").write_text(content)
    with pytest.raises(RunInUseError, match="released"):
        commit(Run(tmp_path, "first"))
    assert Run(tmp_path).ledger.names() == []


def test_a_folder_without_a_lock_file_refuses_nobody(tmp_path: Path) -> None:
    commit(Run(tmp_path, "first"))
    assert Run(tmp_path).ledger.seed_ids() == {"test/bad-0000"}


def test_the_lock_file_of_a_killed_call_still_names_it(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("4711 first\n")
    commit(Run(tmp_path, "first"))
    assert Run(tmp_path).ledger.seed_ids() == {"test/bad-0000"}


def test_workers_behind_a_uri_need_no_lock(uri: str) -> None:
    run = Run(uri)
    with run.hold_worker_lock(), run.lock():
        pass
    assert run.storage.names() == []
