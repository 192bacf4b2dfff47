"""Stem stores behind URIs: the same stems, errors with the place in them, nothing half written."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import numpy as np
import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.registry import known_implementations

from copilot.errors import StorageError, UserError
from copilot.stem import SoundSpec, Stem, make_stem
from pipelines.stem_store import StemStore
from pipelines.storage import open_storage
from pipelines.storage.local import LocalStorage
from pipelines.storage.remote import _read_time


class ShelfFileSystem(LocalFileSystem):
    """Storage without whole uploads; `fails` names a method that breaks with an error of its own."""

    protocol = "shelf"
    fails = ""
    moved: list[tuple[str, str]] = []  # noqa: RUF012 - shared by all, as the storage is

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return LocalFileSystem._strip_protocol(str(path).removeprefix("shelf://"))

    def mv(self, path1, path2, **kwargs):
        if self.fails == "mv":
            raise RuntimeError("the shelf broke")
        self.moved.append((path1, path2))
        super().mv(path1, path2, **kwargs)

    def cat_file(self, path, **kwargs):
        if self.fails == "cat_file":
            raise RuntimeError("the shelf broke")
        return super().cat_file(path, **kwargs)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    fsspec.register_implementation("shelf", ShelfFileSystem, clobber=True)
    monkeypatch.setattr(ShelfFileSystem, "moved", [])
    return f"shelf://{tmp_path}/stems"


@pytest.fixture
def memory() -> Iterator[str]:
    uri = f"memory://{uuid.uuid4().hex}/stems"
    yield uri
    fsspec.filesystem("memory").rm(uri.rpartition("/")[0], recursive=True)


@pytest.fixture(scope="module")
def stem() -> Stem:
    noise = np.random.default_rng(0).standard_normal((2, 24_000)) * 0.1
    return make_stem(SoundSpec("sfx", "rain", 0.5, 0, {"backend": "noise"}), noise.astype(np.float32), 48_000)


def there_and_back(place: str, stem: Stem) -> None:
    store = StemStore(place)
    store.prepare()
    assert store.get(stem.info.key) is None
    store.put(stem)
    found = StemStore(place).get(stem.info.key)
    assert found is not None
    assert (found.info, found.flac) == (stem.info, stem.flac)
    np.testing.assert_array_equal(found.power, stem.power)


def test_an_object_store_gets_files_under_their_own_names(memory: str, stem: Stem) -> None:
    there_and_back(memory, stem)
    folder = f"{stem.info.key[:2]}/{stem.info.key[2:4]}"
    storage = open_storage(memory)
    assert storage.exists()
    assert sorted(storage.names()) == sorted([".writable", f"{stem.info.key[:2]}/"])
    names = [f"{folder}/{stem.info.key}{suffix}" for suffix in (".flac", ".json")]
    files = sorted(storage.files(stem.info.key[:2]), key=lambda file: file.name)
    assert [file.name for file in files] == names
    assert files[0].n_bytes == len(stem.flac)
    assert storage.files("ff" if folder[:2] != "ff" else "00") == []


def test_other_storage_gets_files_by_moving(shelf: str, stem: Stem) -> None:
    there_and_back(shelf, stem)
    assert [Path(path).suffix for _, path in ShelfFileSystem.moved] == ["", ".flac", ".json"]
    assert all(Path(path).name.startswith(".tmp-") for path, _ in ShelfFileSystem.moved)


def test_a_move_that_fails_leaves_nothing(
    shelf: str, tmp_path: Path, stem: Stem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ShelfFileSystem, "fails", "mv")
    name = f"{stem.info.key[:2]}/{stem.info.key[2:4]}/{stem.info.key}.flac"
    with pytest.raises(StorageError) as error:
        StemStore(shelf).put(stem)
    assert str(error.value) == f"{shelf}/{name}: cannot be written (the shelf broke)"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    with pytest.raises(UserError) as mistake:
        StemStore(shelf).prepare()
    assert mistake.value.field == "store"
    assert f"{shelf} cannot be written (the shelf broke)" in str(mistake.value)


def test_a_place_that_fails_is_not_a_miss(shelf: str, stem: Stem, monkeypatch: pytest.MonkeyPatch) -> None:
    store = StemStore(shelf)
    store.put(stem)
    monkeypatch.setattr(ShelfFileSystem, "fails", "cat_file")
    with pytest.raises(StorageError, match=r"\.json: cannot be read \(the shelf broke\)"):
        store.get(stem.info.key)
    assert (store.n_hits, store.n_misses) == (0, 0)


def test_a_file_uri_is_a_local_folder(tmp_path: Path, stem: Stem) -> None:
    there_and_back(f"file://{tmp_path}/with%20space", stem)
    assert isinstance(open_storage(f"file://{tmp_path}"), LocalStorage)
    assert StemStore(tmp_path / "with space").get(stem.info.key) is not None


def test_a_protocol_that_is_not_known_or_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"^nope://x: cannot be opened: Protocol not known: nope"):
        StemStore("nope://x")
    missing = {"class": "package_of_nobody.FileSystem", "err": "Install package_of_nobody to access far"}
    monkeypatch.setitem(known_implementations, "far", missing)
    with pytest.raises(UserError, match="far:// needs another package: Install package_of_nobody"):
        StemStore("far://x")


@pytest.mark.parametrize(
    "entry",
    [
        {"LastModified": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)},
        {"updated": "2026-01-02T03:04:05Z"},
        {"last_modified": None, "mtime": 1767323045},
        {"created": "2026-01-02T03:04:05"},
    ],
)
def test_the_time_of_a_file_in_every_form(entry: dict) -> None:
    assert _read_time(entry, 7.0) == 1767323045.0
    assert _read_time({"size": 1}, 7.0) == 7.0
