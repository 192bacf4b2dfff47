from __future__ import annotations

import os

import pytest

from renderers.worker import folders as worker_folders
from renderers.worker.folders import create_batch_folder, delete_stale


@pytest.fixture(autouse=True)
def shared(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def make_folder(path, age_s: float = 1e6):
    path.mkdir()
    (path / "0.wav").write_bytes(b"sound")
    aged(path, age_s)
    return path


def aged(path, age_s: float) -> None:
    then = path.stat().st_mtime - age_s
    os.utime(path, (then, then))


def test_a_folder_is_there_as_long_as_its_batch():
    with create_batch_folder() as folder:
        (folder / "0.wav").write_bytes(b"sound")
    assert not folder.exists()


def test_what_is_left_behind_is_deleted_and_nothing_else(shared):
    stale, other = make_folder(shared / "audiocopilot-batch-x"), make_folder(shared / "another-batch-x")
    fresh = make_folder(shared / "audiocopilot-batch-y", age_s=0)
    with create_batch_folder() as held:
        aged(held, 1e6)
        delete_stale()
        assert held.is_dir()
    assert not stale.exists()
    assert other.is_dir()
    assert fresh.is_dir()


def test_a_link_is_not_followed(shared):
    target = make_folder(shared / "target")
    (shared / "audiocopilot-batch-link").symlink_to(target)
    delete_stale()
    assert (target / "0.wav").is_file()


def test_a_folder_that_disappears_meanwhile_does_not_matter(shared, monkeypatch):
    folder = make_folder(shared / "audiocopilot-batch-x")

    def gone(found):
        found.rename(shared / "gone")
        raise FileNotFoundError(found)

    monkeypatch.setattr(worker_folders, "_delete_unlocked", gone)
    delete_stale()
    assert not folder.exists()
