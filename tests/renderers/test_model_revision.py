from __future__ import annotations

from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import errors

from copilot.errors import UserError
from renderers.model_revision import find_model_revision, hash_model_file

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def raise_it(error: BaseException) -> None:
    raise error


def make_model(folder: Path, weights: bytes = b"\0" * (64 << 20), config: str = "{}") -> Path:
    (folder / "vae").mkdir(parents=True)
    (folder / "model_index.json").write_text(config)
    (folder / "vae" / "weights.safetensors").write_bytes(weights)
    return folder


def test_a_folder_is_known_by_its_content(tmp_path):
    one = find_model_revision(str(make_model(tmp_path / "one")), None)
    assert one == find_model_revision(str(make_model(tmp_path / "moved")), None)
    assert one.startswith("folder-")
    assert one != find_model_revision(str(make_model(tmp_path / "config", config="{ }")), None)
    weights = bytearray(64 << 20)
    weights[-1] = 1
    assert one != find_model_revision(str(make_model(tmp_path / "end", bytes(weights))), None)
    assert one != find_model_revision(str(make_model(tmp_path / "longer", bytes(65 << 20))), None)


def test_files_that_are_not_the_model_count_for_nothing(tmp_path):
    folder = make_model(tmp_path / "model", b"weights")
    before = find_model_revision(str(folder), None)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "lock").write_text("here")
    assert find_model_revision(str(folder), None) == before


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "nowhere", "a/b/c"])
def test_a_folder_that_does_not_exist_is_refused(name):
    with pytest.raises(UserError, match="no such folder"):
        find_model_revision(name, None)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="an empty folder"):
        find_model_revision(str(tmp_path), None)


def test_a_commit_is_its_own_revision():
    assert find_model_revision("owner/name", COMMIT) == COMMIT


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def answer(monkeypatch, error):
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: raise_it(error))


def test_the_hub_names_the_commit(monkeypatch, cache):
    asked = []

    def model_info(_, model, *, revision, timeout):
        asked.append((model, revision, timeout))
        return huggingface_hub.ModelInfo(id=model, sha=COMMIT)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    assert find_model_revision("owner/name", "v2") == COMMIT
    assert asked == [("owner/name", "v2", 10.0)]


def test_without_a_network_the_cache_knows_the_commit(monkeypatch, cache):
    answer(monkeypatch, ConnectionError("no route"))
    snapshot = cache / "models--owner--name" / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    refs = cache / "models--owner--name" / "refs"
    refs.mkdir()
    (refs / "main").write_text(COMMIT)
    assert find_model_revision("owner/name", None) == COMMIT
    with pytest.raises(UserError, match=r"model owner/name at revision v2: the hub does not answer"):
        find_model_revision("owner/name", "v2")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (errors.GatedRepoError, "accept its licence at https://huggingface.co/owner/name, then log in"),
        (errors.RepositoryNotFoundError, "no such repository on the hub; if it is private: hf auth login"),
        (errors.RevisionNotFoundError, "no such revision; give a branch, a tag or a commit"),
        (errors.HFValidationError, "neither a folder nor a hub's OWNER/NAME"),
        (errors.RemoteEntryNotFoundError, "has a form that is not supported; give one that is converted"),
        (errors.LocalEntryNotFoundError, "the hub does not answer"),
        (errors.OfflineModeIsEnabled, "on a machine with a network: hf download owner/name"),
    ],
)
def test_what_the_hub_refuses_says_what_to_do(monkeypatch, cache, kind, message):
    answer(monkeypatch, kind.__new__(kind))
    with pytest.raises(UserError, match=message):
        find_model_revision("owner/name", None)


def test_a_file_is_known_by_its_content(tmp_path):
    one, moved, other = (tmp_path / name for name in ("one.onnx", "moved.onnx", "other.onnx"))
    one.write_bytes(b"weights")
    moved.write_bytes(b"weights")
    other.write_bytes(b"WEIGHTS")
    assert hash_model_file(one) == hash_model_file(moved)
    assert hash_model_file(one) != hash_model_file(other)
    with pytest.raises(UserError):
        hash_model_file(tmp_path)
