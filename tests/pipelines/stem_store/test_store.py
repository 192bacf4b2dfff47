"""The stem store: a stem comes back as it was put, or not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from copilot.errors import UserError
from copilot.stem import SoundSpec, Stem, make_stem
from copilot.vocabulary import Word
from pipelines.stem_store import StemStore


def a_stem(seed: int = 0, *, n_channels: int = 1) -> Stem:
    spec = SoundSpec("tts", "who is there", 0.5, seed, {"backend": "noise"}, voice="anna", gender="female")
    noise = np.random.default_rng(seed).standard_normal((n_channels, 24_000)) * 0.1
    words = (Word("who", 0.0, 0.1), Word("is", 0.1, 0.25))
    return make_stem(spec, noise.astype(np.float32), 48_000, words=words, detail={"recipe": "noise"})


@pytest.fixture(scope="module")
def stem() -> Stem:
    return a_stem()


def path_of(folder: Path, stem: Stem, suffix: str) -> Path:
    key = stem.info.key
    return folder / key[:2] / key[2:4] / f"{key}{suffix}"


@pytest.mark.parametrize("n_channels", [1, 2])
def test_a_stem_comes_back_equal_in_everything(tmp_path: Path, n_channels: int) -> None:
    store, stem = StemStore(tmp_path), a_stem(n_channels=n_channels)
    assert store.get(stem.info.key) is None
    store.put(stem)
    found = store.get(stem.info.key)
    assert found is not None
    assert found.info == stem.info
    assert found.flac == stem.flac
    np.testing.assert_array_equal(found.pcm, stem.pcm)
    np.testing.assert_array_equal(found.power, stem.power)
    assert (store.n_hits, store.n_misses) == (1, 1)


def test_a_missing_stem_is_not_damage(tmp_path: Path, stem: Stem) -> None:
    store = StemStore(tmp_path)
    assert store.get(stem.info.key) is None
    store.put(stem)
    # The FLAC file comes first: a crash in between leaves it alone.
    path_of(tmp_path, stem, ".json").unlink()
    assert store.get(stem.info.key) is None
    store.put(stem)
    path_of(tmp_path, stem, ".flac").unlink()
    assert store.get(stem.info.key) is None
    assert (store.n_hits, store.n_misses) == (0, 3)


def _flip(data: bytes) -> bytes:
    return data[:-100] + bytes([data[-100] ^ 1]) + data[-99:]


def _edited(change: Callable[[dict], object]) -> Callable[[bytes], bytes]:
    def edit(data: bytes) -> bytes:
        known = json.loads(data)
        change(known)
        return json.dumps(known).encode()

    return edit


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        (".flac", _flip),
        (".flac", lambda data: data[:1000]),
        (".flac", lambda data: b""),
        (".json", lambda data: b""),
        (".json", lambda data: data[:-1]),
        (".json", lambda data: b"\xff\xfe"),
        (".json", lambda data: b"[]"),
        (".json", lambda data: b"{}"),
        (".json", _edited(lambda known: known.pop("sha256"))),
        (".json", _edited(lambda known: known.update(info="stem"))),
        (".json", _edited(lambda known: known["info"].update(key="0" * 64))),
        (".json", _edited(lambda known: known["info"].update(duration_s=0.25))),
        (".json", _edited(lambda known: known.pop("power"))),
        (".json", _edited(lambda known: known["power"][0].reverse())),
        (".json", _edited(lambda known: known["info"].update(words=7))),
        (".json", _edited(lambda known: known["info"].update(words=[7]))),
        (".json", _edited(lambda known: known["info"].update(unknown=7))),
        (".json", _edited(lambda known: known["info"].pop("loudness_lufs"))),
    ],
)
def test_a_damaged_stem_counts_as_missing_until_it_is_stored_again(
    tmp_path: Path, stem: Stem, suffix: str, damage: Callable[[bytes], bytes]
) -> None:
    store = StemStore(tmp_path)
    store.put(stem)
    path = path_of(tmp_path, stem, suffix)
    path.write_bytes(damage(path.read_bytes()))
    assert store.get(stem.info.key) is None
    assert (store.n_hits, store.n_misses) == (0, 1)
    store.put(stem)
    assert store.get(stem.info.key) is not None


def test_a_pair_of_two_stems_is_damaged(tmp_path: Path, stem: Stem) -> None:
    store, other = StemStore(tmp_path), a_stem(1)
    store.put(stem)
    store.put(other)
    path_of(tmp_path, stem, ".flac").write_bytes(path_of(tmp_path, other, ".flac").read_bytes())
    assert store.get(stem.info.key) is None
    assert store.get(other.info.key) is not None
    assert (store.n_hits, store.n_misses) == (1, 1)


def test_an_interrupted_put_leaves_no_stem_and_no_rest(
    tmp_path: Path, stem: Stem, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def interrupted(path: Path, target: Path) -> Path:
        if target.suffix == ".json":
            raise KeyboardInterrupt
        return replace(path, target)

    store = StemStore(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.put(stem)
    assert store.get(stem.info.key) is None
    assert [path for path in tmp_path.rglob("*") if path.name.startswith(".tmp-")] == []


def test_many_writers_of_one_key_leave_one_whole_stem(tmp_path: Path, stem: Stem) -> None:
    together, failures = threading.Barrier(8), []

    def work() -> None:
        store = StemStore(tmp_path)
        together.wait()
        for _ in range(10):
            store.put(stem)
            if (found := store.get(stem.info.key)) is None or found.flac != stem.flac:
                failures.append(found)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(path.suffix for path in tmp_path.rglob("*") if path.is_file()) == [".flac", ".json"]


def test_a_place_that_cannot_be_written_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"`store`: .*/file cannot be written \(.*\)"):
        StemStore(tmp_path / "file").prepare()
