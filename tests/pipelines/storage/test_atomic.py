"""Atomic files: the old content or the new, never a part, and a full disk by its name."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from copilot.errors import StorageError, StorageFullError
from pipelines.storage import atomic
from pipelines.storage.atomic import TEMPORARY_PREFIX, HashedFile, write_atomic

FULL = "{}: the disk is full ({})"


class Crash(BaseException):
    """Stands for the end of the process: no handler of the code under test may take it for an error."""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.bin"
    write_atomic(path, b"old")
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(path.parent) == ["file.bin"]


def test_a_file_counts_and_hashes_what_is_written(tmp_path: Path) -> None:
    file = HashedFile(tmp_path)
    assert [file.write(b"one"), file.write(b"three")] == [3, 5]
    assert (file.tell(), file.n_bytes) == (8, 8)
    assert file.sha256 == hashlib.sha256(b"onethree").hexdigest()
    assert not (tmp_path / "file.bin").exists()
    file.publish("file.bin")
    assert file.closed
    assert (tmp_path / "file.bin").read_bytes() == b"onethree"


def test_a_discarded_file_leaves_nothing(tmp_path: Path) -> None:
    file = HashedFile(tmp_path)
    file.write(b"one")
    file.discard()
    file.discard()
    assert names(tmp_path) == []


def test_discarding_a_published_file_leaves_it(tmp_path: Path) -> None:
    file = HashedFile(tmp_path)
    file.publish("file.bin")
    file.discard()
    assert names(tmp_path) == ["file.bin"]


@pytest.mark.parametrize(
    ("owner", "step", "nth", "content"),
    [
        (Path, "open", 1, b"old"),
        (os, "fsync", 1, b"old"),
        (Path, "replace", 1, b"old"),
        # From the renaming on it is the new content, whether or not the folder was synced.
        (os, "fsync", 2, b"new"),
    ],
)
def test_a_crash_at_any_step_leaves_the_old_content_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, step: str, nth: int, content: bytes
) -> None:
    path = tmp_path / "file.bin"
    write_atomic(path, b"old")
    real, calls = getattr(owner, step), 0

    def crash(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == nth:
            raise Crash
        return real(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(owner, step, crash)
        # Where a process is killed nothing is cleaned up.
        patched.setattr(HashedFile, "discard", lambda self: None)
        with pytest.raises(Crash):
            write_atomic(path, b"new")
    assert path.read_bytes() == content
    strangers = [name for name in names(tmp_path) if name != "file.bin"]
    assert all(name.startswith(TEMPORARY_PREFIX) for name in strangers)


def test_the_data_is_synced_before_it_gets_its_name_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    sync, replace = os.fsync, Path.replace

    def noted_sync(descriptor: int) -> None:
        steps.append(f"sync {'folder' if stat.S_ISDIR(os.fstat(descriptor).st_mode) else 'file'}")
        sync(descriptor)

    def noted_replace(path: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    write_atomic(tmp_path / "file.bin", b"new")
    assert steps == ["sync file", "rename", "sync folder"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_or_quota_is_named_and_the_old_content_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = tmp_path / "file.bin"
    write_atomic(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFullError) as caught:
        write_atomic(path, b"new")
    assert str(caught.value).startswith(FULL.format(tmp_path, os.strerror(number)))
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file.bin"]


def test_what_is_left_in_a_buffer_does_not_hide_that_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = HashedFile(tmp_path)

    class FullFile:
        """A buffered file on a full disk: every flush fails, that of closing too."""

        def write(self, data: bytes) -> int:
            return len(data)

        def flush(self) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        close = flush

    file._file.close()
    file._file = FullFile()
    monkeypatch.setattr(atomic, "HashedFile", lambda path: file)
    with pytest.raises(StorageFullError):
        write_atomic(tmp_path / "file.bin", b"new")
    assert names(tmp_path) == []


def test_another_error_of_the_disk_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(StorageError) as caught:
        write_atomic(tmp_path / "file.bin", b"new")
    assert not isinstance(caught.value, StorageFullError)
    assert str(caught.value).startswith(f"{tmp_path / 'file.bin'}: cannot be written (Input/output error)")


ON_A_SMALL_DISK = """
    import sys
    from pathlib import Path
    from copilot.errors import StorageError, StorageFullError
    from pipelines.storage.atomic import write_atomic
    from pipelines.run.ledger import Ledger
    from pipelines.run.run import Run
    from pipelines.run.shards import ShardWriter
    from pipelines.stem_store import StemStore
    from helpers.made_runs import a_reject, a_sample, stems_for

    disk = Path(sys.argv[1])
    run, sample = disk / "run", a_sample(0)
    stem = stems_for(sample.dialogue, 0)[1]
    folder = run / "stems" / stem.info.key[:2] / stem.info.key[2:4]

    def refused(action):
        try:
            action()
        except StorageFullError as error:
            print(str(error).replace(str(folder), "STEMS").replace(str(disk), "DISK"))

    def commit(add):
        writer = ShardWriter(Run(run))
        try:
            add(writer)
            writer.commit()
        finally:
            writer.discard()

    def rewrite():
        write_atomic(run / "run.json", bytes(2**20))

    def take():
        with Run(run).lock():
            pass

    write_atomic(run / "run.json", b"{}")
    commit(lambda writer: writer.add_reject(a_reject(0)))
    refused(lambda: commit(lambda writer: writer.add_sample(sample)))
    refused(rewrite)
    refused(lambda: StemStore(run / "stems").put(stem))
    with (disk / "ballast").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    refused(lambda: commit(lambda writer: writer.add_reject(a_reject(1))))
    refused(take)
    print(sorted(Run(run).ledger.seed_ids()), Run(run).describe())
    print(sorted(path.name for path in run.rglob(".tmp-*")))
    (disk / "ballast").unlink()
    commit(lambda writer: writer.add_reject(a_reject(1)))
    take()
    print(sorted(Run(run).ledger.seed_ids()))
"""


def test_a_disk_that_really_fills_up(tmp_path: Path) -> None:
    unshare = shutil.which("unshare") or "true"
    mount = 'mount -t tmpfs -o size=256k tmpfs "$1" && shift && exec "$@"'
    on_disk = [unshare, "-rm", "sh", "-c", mount, "sh", str(tmp_path)]
    if subprocess.run([*on_disk, "echo", "mounted"], check=False, capture_output=True).stdout != b"mounted\n":
        pytest.skip("no small file system can be mounted here: user namespaces are not permitted")
    ended = subprocess.run(
        [*on_disk, sys.executable, "-c", textwrap.dedent(ON_A_SMALL_DISK), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.stderr == ""
    refusals = [
        FULL.format(folder, "No space left on device")
        for folder in ("DISK/run/shards", "DISK/run", "STEMS", "DISK/run/rejects", "DISK/run")
    ]
    assert [line.partition(";")[0] for line in ended.stdout.splitlines()] == [
        *refusals,
        "['test/bad-0000'] {}",
        "[]",
        "['test/bad-0000', 'test/bad-0001']",
    ]
