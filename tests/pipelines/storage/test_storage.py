"""Storage: the same promises in a folder, in memory, by moving files, and on an object store."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import s3fs
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry, known_implementations
from helpers.made_runs import a_run

from copilot.errors import MissingExtraError, StorageError, StorageFullError
from pipelines.run.reader import RunReader
from pipelines.storage import Storage, is_uri, open_storage, resolve_place
from pipelines.storage import remote as remote_module
from pipelines.storage.atomic import HashedFile
from pipelines.storage.places import find_free_bytes


class CrateFileSystem(LocalFileSystem):
    """Storage without whole uploads."""

    protocol = "crate"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return LocalFileSystem._strip_protocol(str(path).removeprefix("crate://"))


@pytest.fixture(params=["folder", "crate", "memory", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    fsspec.register_implementation("crate", CrateFileSystem, clobber=True)
    name = uuid.uuid4().hex
    places = {
        "folder": lambda: str(tmp_path / "place"),
        "crate": lambda: f"crate://{tmp_path}/place",
        "memory": lambda: f"memory://{name}/place",
        "s3": lambda: f"{request.getfixturevalue('s3')}/{name}",
    }
    yield open_storage(places[request.param]())
    if request.param == "memory":
        fsspec.filesystem("memory").rm(name, recursive=True)


def write_new_file(storage: Storage, folder: str, name: str, data: bytes) -> HashedFile:
    file = storage.new_file(folder)
    try:
        file.write(data)
        file.publish(name)
    finally:
        file.discard()
    return file


def test_files_come_and_go(storage: Storage) -> None:
    assert (storage.names(), storage.files("a")) == ([], [])
    assert storage.read("a/b.txt") is None
    storage.write("a/b.txt", b"one")
    storage.write("a/b.txt", b"two", durable=True)
    storage.write("c.txt", b"")
    assert storage.read("a/b.txt") == b"two"
    assert sorted(storage.names()) == ["a/", "c.txt"]
    assert [(file.name, file.n_bytes) for file in storage.files("a")] == [("a/b.txt", 3)]
    assert storage.remove("a/b.txt")
    assert storage.files("a") == []


def test_a_file_is_made_once_by_many_at_once(storage: Storage) -> None:
    with ThreadPoolExecutor(1 if "crate" in storage.place or "memory" in storage.place else 8) as pool:
        contents = [f"writer {k}".encode() for k in range(8)]
        made = list(pool.map(lambda data: storage.create("a/entry.json", data), contents))
    assert made.count(True) == 1
    assert storage.read("a/entry.json") == contents[made.index(True)]
    assert [file.name for file in storage.files("a")] == ["a/entry.json"]


def test_a_large_file_appears_when_it_gets_its_name(storage: Storage) -> None:
    file = storage.new_file("shards")
    file.write(b"one")
    assert [file.name for file in storage.files("shards") if "/.tmp-" not in file.name] == []
    file.write(b"three")
    file.publish("x.bin")
    file.discard()
    assert [(file.name, file.n_bytes) for file in storage.files("shards")] == [("shards/x.bin", 8)]
    assert storage.read("shards/x.bin") == b"onethree"
    assert not file.temporary.exists()
    dropped = storage.new_file("shards")
    dropped.discard()
    assert not dropped.temporary.exists()
    assert len(storage.files("shards")) == 1


def test_many_small_files_are_read_in_order(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_module, "_N_AT_ONCE", 3)
    names = [f"{k}.txt" for k in (5, 3, 4, 1, 2, 0, 6)]
    for name in names[:-1]:
        storage.write(name, name.encode())
    assert list(storage.read_many(names)) == [
        *((name, name.encode()) for name in names[:-1]),
        ("6.txt", None),
    ]


def test_a_file_is_read_here_and_there(storage: Storage) -> None:
    data = bytes(range(256)) * 40_000
    storage.write("a.bin", data)
    with storage.open("a.bin") as file:
        assert file.seek(-5, os.SEEK_END) == len(data) - 5
        assert file.read() == data[-5:]
        file.seek(1000)
        assert (file.read(7), file.tell()) == (data[1000:1007], 1007)
        assert file.seekable()
        assert file.readable()
    with pytest.raises(FileNotFoundError):
        storage.open("b.bin")
    storage.write("b.bin", b"new")
    with storage.open("b.bin") as file:
        assert file.read() == b"new"


def test_parquet_columns_are_fetched_without_the_others(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = open_storage(f"{s3}/{uuid.uuid4().hex}")
    table = pa.table({"id": ["a", "b"], "audio": [os.urandom(8 * 2**20)] * 2})
    file = storage.new_file("shards")
    pq.write_table(table, pa.PythonFile(file, mode="w"), compression="none", use_dictionary=False)
    file.publish("x.parquet")
    fetched = []
    fetch = s3fs.core.S3File._fetch_range

    def noted(self, start: int, end: int) -> bytes:
        fetched.append(end - start)
        return fetch(self, start, end)

    monkeypatch.setattr(s3fs.core.S3File, "_fetch_range", noted)
    with storage.open("shards/x.parquet") as stream, pq.ParquetFile(stream) as parquet:
        assert parquet.read(columns=["id"]).to_pydict() == {"id": ["a", "b"]}
    assert 0 < sum(fetched) < 3 * 2**20
    assert file.n_bytes > 16 * 2**20


def test_a_run_on_an_object_store_is_read_as_a_folder_is(s3: str, tmp_path: Path) -> None:
    uri = f"{s3}/{uuid.uuid4().hex}"
    for place in (tmp_path / "run", uri):
        a_run(place, n_samples=2, n_rejects=1)
    there, here = RunReader(uri), RunReader(tmp_path / "run")
    assert there.place == uri
    assert list(there.rows("samples")) == list(here.rows("samples"))
    assert there.find("test/0001") == here.find("test/0001")


@pytest.mark.parametrize(
    ("error", "read", "made"),
    [
        # The answer to an upload was lost, and the next finds its own file.
        (OSError(errno.EINVAL, "At least one of the pre-conditions you specified did not hold"), b"x", False),
        # Two at the same moment, of whom neither has won.
        (OSError(errno.EBUSY, "conflict"), None, True),
    ],
)
def test_an_upload_whose_condition_fails_in_other_words(
    s3: str, monkeypatch: pytest.MonkeyPatch, error: OSError, read: bytes | None, made: bool
) -> None:
    storage = open_storage(f"{s3}/{uuid.uuid4().hex}")
    if read:
        storage.write("entry.json", read)
    pipe, errors = s3fs.S3FileSystem._pipe_file, [error]

    async def refused(self, path, data, **options):
        if errors and path.endswith("/entry.json"):
            raise errors.pop()
        return await pipe(self, path, data, **options)

    # The synchronous method is made of this one when the file system is.
    s3fs.S3FileSystem.clear_instance_cache()
    monkeypatch.setattr(s3fs.S3FileSystem, "_pipe_file", refused)
    storage = open_storage(storage.place)
    assert storage.create("entry.json", b"mine") is made
    assert storage.read("entry.json") == (read or b"mine")


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list]]:
    """What is uploaded to S3: `errors` are what conditional uploads fail with, else they are plain ones."""
    seen: dict[str, list] = {"names": [], "errors": []}
    pipe = s3fs.S3FileSystem._pipe_file

    async def noted(self, path, data, mode="overwrite", **options):
        seen["names"].append(path.rpartition("/")[2])
        if mode == "create" and seen["errors"]:
            raise seen["errors"][0]
        return await pipe(self, path, data, **options)

    # The synchronous method is made of this one when the file system is.
    s3fs.S3FileSystem.clear_instance_cache()
    monkeypatch.setattr(s3fs.S3FileSystem, "_pipe_file", noted)
    yield seen
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize("errors", [[], [OSError(errno.ENOSYS, "header")], [OSError(errno.EINVAL, "header")]])
def test_a_store_that_ignores_or_refuses_conditions_is_detected(
    s3: str, uploads: dict[str, list], errors: list[OSError]
) -> None:
    uploads["errors"] += errors
    uri = f"{s3}/{uuid.uuid4().hex}"
    made = [open_storage(uri).create("a.json", data) for data in (b"one", b"two")]
    assert made == [True, False]
    assert open_storage(uri).create("b.json", b"")
    assert open_storage(uri).read("a.json") == b"one"
    assert sorted(open_storage(uri).names()) == ["a.json", "b.json"]
    # Tried out once, by making one file twice unless the first was refused.
    tries = [name for name in uploads["names"] if name.startswith(".tmp-")]
    assert (len(tries), len(set(tries))) == (1 if errors else 2, 1)
    assert [name for name in uploads["names"] if name not in tries] == ["a.json", "b.json"]


def test_a_store_that_cannot_be_tried_out_is_tried_again(s3: str, uploads: dict[str, list]) -> None:
    storage = open_storage(f"{s3}/{uuid.uuid4().hex}")
    uploads["errors"].append(PermissionError(errno.EACCES, "nobody may"))
    with pytest.raises(StorageError, match="nobody may"):
        storage.create("a.json", b"one")
    uploads["errors"].clear()
    assert storage.create("a.json", b"one")


def test_only_what_is_known_to_have_conditions_is_relied_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Swallowing(MemoryFileSystem):
        """Takes the mode of an upload, and does not heed it."""

        protocol = "abfs"

        def pipe_file(self, path, value, mode="overwrite", **options):
            super().pipe_file(path, value, **options)

    monkeypatch.setitem(_registry, "abfs", Swallowing)
    storage = open_storage(f"abfs://{uuid.uuid4().hex}")
    assert [storage.create("a", b"one"), storage.create("a", b"two")] == [True, False]
    assert storage.read("a") == b"one"
    assert storage.names() == ["a"]
    storage.remove("a")


def test_a_missing_bucket_is_named(s3: str) -> None:
    del s3
    storage = open_storage("s3://nobody-has-this/run")
    assert storage.names() == []
    with pytest.raises(StorageError, match=r"^s3://nobody-has-this/run/a\.txt: cannot be written \("):
        storage.create("a.txt", b"")


def test_errors_while_a_file_is_read_are_the_projects_own(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = open_storage(f"{s3}/{uuid.uuid4().hex}")
    storage.write("a.bin", b"abc")

    def broken(self, start: int, end: int) -> bytes:
        raise RuntimeError("the line is dead")

    monkeypatch.setattr(s3fs.core.S3File, "_fetch_range", broken)
    with storage.open("a.bin") as file, pytest.raises(StorageError) as caught:
        file.read(1)
    assert str(caught.value) == f"{storage.place}/a.bin: cannot be read (the line is dead)"


def test_a_folder_without_links_makes_files_once_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    storage = open_storage(tmp_path)
    assert [storage.create("a", b"one"), storage.create("a", b"two")] == [True, False]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert storage.read("a") == b"one"


def test_a_full_disk_for_a_new_entry_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFullError):
        open_storage(tmp_path).create("a", b"one")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("uri", "extra"), [("s3://b/run", "s3"), ("gs://b/run", "gcs")])
def test_a_missing_extra_is_reported_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, uri: str, extra: str
) -> None:
    protocol = uri.partition(":")[0]
    monkeypatch.setitem(known_implementations, protocol, {"class": "nobodys.FileSystem", "err": "Install it"})
    monkeypatch.delitem(_registry, protocol, raising=False)
    with pytest.raises(MissingExtraError) as caught:
        open_storage(uri)
    assert (caught.value.what, caught.value.extra) == (uri, extra)


def test_places_in_all_their_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve_place("s3://bucket/run/") == "s3://bucket/run"
    assert resolve_place("runs/../run") == resolve_place(Path("run")) == str(tmp_path / "run")
    assert resolve_place(f"file://{tmp_path}/a%20b") == str(tmp_path / "a b")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert resolve_place("~/run") == str(tmp_path / "home" / "run")
    assert open_storage("~/run").place == str(tmp_path / "home" / "run")
    assert resolve_place("~nobody-of-this-name/run") == str(tmp_path / "~nobody-of-this-name" / "run")
    assert [is_uri(place) for place in ("s3://b", "file:///b", "b", Path("b"))] == [True, False, False, False]


def test_free_bytes_are_those_of_the_nearest_folder(tmp_path: Path) -> None:
    assert find_free_bytes("s3://bucket/run") is None
    assert find_free_bytes(tmp_path / "not" / "yet") > 0


def test_names_beside_each_other_are_no_part_of_a_folder(storage: Storage) -> None:
    write_new_file(storage, "shards", "a", b"1")
    storage.write("shards-old/b", b"2")
    assert [file.name for file in storage.files("shards")] == ["shards/a"]
