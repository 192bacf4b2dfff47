"""Who uses a stem store, and what may be deleted from it."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

import fsspec
import numpy as np
import pytest
from helpers.stand_ins import BACKENDS, Command

from copilot.errors import UserError
from copilot.stem import SoundSpec, Stem, make_stem
from pipelines.cli.commands.stems import parse_age, parse_size, run_stems
from pipelines.config import RunConfig
from pipelines.fingerprint import Fingerprint
from pipelines.stages.worker_spec import ExecutionSettings, WorkerSpec
from pipelines.stem_store import StemStore
from pipelines.stem_store.pruning import KeptStem, Prunable, choose_prunable, find_use_start, remove, survey
from pipelines.stem_store.users import RunUse, UserNote, read_notes, sum_by_run, write_note
from pipelines.storage import open_storage

NOW = 2_000_000_000.0
DAY = 86_400.0


def a_stem(seed: int) -> Stem:
    noise = np.random.default_rng(seed).standard_normal((1, 4_800)) * 0.1
    spec = SoundSpec("sfx", "rain", 0.1, seed, {"backend": "noise"})
    return make_stem(spec, noise.astype(np.float32), 48_000)


STEMS = [a_stem(seed) for seed in range(4)]


def path_of(folder: Path, stem: Stem, suffix: str) -> Path:
    key = stem.info.key
    return folder / key[:2] / key[2:4] / f"{key}{suffix}"


def age(path: Path, days: float) -> None:
    os.utime(path, (NOW - days * DAY,) * 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four stems, used 40, 30, 20 and 10 days ago."""
    store = StemStore(tmp_path)
    for stem, days in zip(STEMS, (40, 30, 20, 10), strict=True):
        store.put(stem)
        for suffix in (".flac", ".json"):
            age(path_of(tmp_path, stem, suffix), days)
    return tmp_path


def kept(folder: Path) -> list[int]:
    """Which stems are there, by their index; fails where a pair is torn."""
    there = []
    for index, stem in enumerate(STEMS):
        pair = [path_of(folder, stem, suffix).exists() for suffix in (".flac", ".json")]
        assert pair in ([True, True], [False, False])
        there += [index] if pair[0] else []
    return there


def stems(folder: object, older_than: str | None = None, max_size: str | None = None, **more) -> int:
    options = {"dry_run": False, "as_json": False, **more}
    return run_stems(str(folder), older_than, max_size, clock=lambda: NOW, **options)


class TestUsers:
    def test_a_user_is_noted_renewed_and_ended(self, tmp_path):
        now = [NOW]
        store = StemStore(tmp_path, "demo.1234.0", clock=lambda: now[0])
        assert read_notes(open_storage(tmp_path)) == []
        store.get(STEMS[0].info.key)
        store.record_use()
        started = UserNote("demo.1234.0", NOW, NOW, NOW + 3600, 0, 1)
        assert read_notes(open_storage(tmp_path)) == [started]
        store.put(STEMS[0])
        store.get(STEMS[0].info.key)
        now[0] += 59
        store.record_use()
        assert read_notes(open_storage(tmp_path)) == [started]
        now[0] += 1
        store.record_use()
        renewed = UserNote("demo.1234.0", NOW, NOW + 60, NOW + 3660, 1, 1)
        assert read_notes(open_storage(tmp_path)) == [renewed]
        assert renewed.is_alive(NOW + 3659)
        assert not renewed.is_alive(NOW + 3660)
        now[0] += 1
        store.close()
        assert read_notes(open_storage(tmp_path)) == [UserNote("demo.1234.0", NOW, NOW + 61, NOW + 61, 1, 1)]

    def test_nobody_is_noted_without_a_name(self, tmp_path):
        store = StemStore(tmp_path)
        store.record_use()
        store.close()
        assert list(tmp_path.iterdir()) == []

    def test_users_of_a_run_are_added_up(self):
        notes = [
            UserNote("demo.1234.0", NOW, NOW + 5, NOW + 5, 3, 1),
            UserNote("demo.1234.1", NOW, NOW + 9, NOW + 3609, 2, 2),
            UserNote("other", NOW, NOW + 7, NOW + 7, 1, 0),
        ]
        ended = RunUse("other", 1, 0, NOW + 7, None)
        assert sum_by_run(notes, NOW + 9) == [RunUse("demo.1234", 5, 3, NOW + 9, NOW + 3609), ended]

    def test_the_first_counts_are_noted_at_once(self, tmp_path):
        now = [NOW]
        store = StemStore(tmp_path, "demo.1234.0-a", clock=lambda: now[0])
        store.record_use()
        store.get(STEMS[0].info.key)
        now[0] += 1
        store.record_use()
        noted = UserNote("demo.1234.0-a", NOW, NOW + 1, NOW + 3601, 0, 1)
        assert read_notes(open_storage(tmp_path)) == [noted]
        store.get(STEMS[0].info.key)
        store.record_use()
        assert read_notes(open_storage(tmp_path)) == [noted]

    def test_a_call_ends_and_adds_up_what_those_before_have_left(self, tmp_path):
        storage = open_storage(tmp_path)
        killed = [UserNote(f"demo.1234.{k}-a", NOW - 9, NOW - k, NOW + 3595, 3, k) for k in range(3)]
        other = UserNote("demo.5678.0-b", NOW - 90, NOW - 80, NOW - 80, 1, 1)
        stranger = UserNote("demo2.1234.0-a", NOW - 9, NOW - 5, NOW + 3595)
        for note in (*killed, other, stranger):
            write_note(storage, note)
        store = StemStore(tmp_path, "demo.5678.0-c", clock=lambda: NOW)
        store.end_earlier_users()
        before = [
            UserNote("demo.1234.earlier", NOW - 9, NOW, NOW, 9, 3),
            UserNote("demo.5678.earlier", NOW - 90, NOW - 80, NOW - 80, 1, 1),
            stranger,
        ]
        assert sorted(read_notes(storage), key=lambda note: note.user) == before
        store.record_use()
        store.close()
        StemStore(tmp_path, "demo.5678.0-d", clock=lambda: NOW + 1).end_earlier_users()
        before[1] = UserNote("demo.5678.earlier", NOW - 90, NOW, NOW, 1, 1)
        assert sorted(read_notes(storage), key=lambda note: note.user) == before

    def test_what_was_added_up_is_not_written_again(self, tmp_path, monkeypatch):
        storage = open_storage(tmp_path)
        sum_of_earlier = UserNote("demo.1234.earlier", NOW, NOW, NOW, 3, 1)
        write_note(storage, sum_of_earlier)
        store = StemStore(tmp_path, "demo.1234.0-b", clock=lambda: NOW)
        changes = []
        for method in ("write", "remove"):
            monkeypatch.setattr(store._storage, method, lambda *given, **_: changes.append(given))
        store.end_earlier_users()
        assert changes == []
        assert read_notes(storage) == [sum_of_earlier]

    def test_a_worker_reads_no_notes(self, tmp_path, monkeypatch):
        store = StemStore(tmp_path, "demo.1234.0-b", clock=lambda: NOW)
        for method in ("files", "read", "read_many"):
            monkeypatch.setattr(store._storage, method, None)
        store.record_use()
        assert read_notes(open_storage(tmp_path)) == [UserNote("demo.1234.0-b", NOW, NOW, NOW + 3600)]

    def test_a_run_that_goes_on_has_one_note_for_all_calls_before(self, tmp_path):
        (tmp_path / "seeds.txt").write_text("one line\nanother line\na third\n")
        out = tmp_path / "run"
        for num in ("1", "2", "3"):
            seeds = f"text:{tmp_path / 'seeds.txt'}"
            call = ("generate", "--seeds", seeds, "--num", num, "--out", str(out), "--workers", "1")
            assert Command(tmp_path, *call, *BACKENDS).wait().returncode == 0
        notes = read_notes(open_storage(out / "stems"))
        assert len({note.run for note in notes}) == 1
        assert sorted(note.user.rpartition(".")[2][:2] for note in notes) == ["0-", "ea"]

    def test_workers_of_a_call_differ_from_those_of_others(self, tmp_path):
        fingerprint = Fingerprint(config=RunConfig(seeds="starter"), designer={}, renderers={})
        calls = [
            WorkerSpec(str(tmp_path / name), fingerprint, ExecutionSettings()) for name in ("r", "r", "s/r")
        ]
        notes = [UserNote(c.for_worker(k).user or "", NOW, NOW, NOW) for c in calls for k in (0, 1)]
        assert len({note.name for note in notes}) == 6
        of_calls = [note.user.rpartition("-")[2] for note in notes]
        assert of_calls == [call.call for call in calls for _ in (0, 1)]
        assert len(set(of_calls)) == 3
        first, again, other = (note.run for note in notes[::2])
        assert first == again != other
        assert {notes[0].folder, notes[1].folder} == {notes[2].folder} != {notes[4].folder}
        assert first == f"{notes[0].folder}.{fingerprint.digest}"
        assert notes[0].folder.startswith("r-")

    def test_files_that_are_not_notes_are_skipped(self, tmp_path):
        (tmp_path / ".users").mkdir()
        for name, data in {"a": b"{", "b": b"[]", "c": b'{"user": "x"}', "d": b"\xff"}.items():
            (tmp_path / ".users" / name).write_bytes(data)
        assert read_notes(open_storage(tmp_path)) == []


class TestSurvey:
    def test_only_names_of_the_store_are_counted(self, folder):
        for name in ("my.flac", "ab/my.flac", "ab/cd/my.flac", "notes/ab/cd.json"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"mine")
            age(folder / name, 100)
        contents = survey(open_storage(folder), NOW)
        pairs = [[path_of(folder, stem, suffix) for suffix in (".flac", ".json")] for stem in STEMS]
        assert [stem.n_bytes for stem in contents.stems] == [sum(p.stat().st_size for p in q) for q in pairs]
        assert [stem.used_s for stem in contents.stems] == [NOW - days * DAY for days in (40, 30, 20, 10)]
        assert contents.strays == []
        stems(folder, "1m")
        assert kept(folder) == []
        assert (folder / "ab/cd/my.flac").exists()

    def test_rests_older_than_a_day_are_strays(self, folder):
        path_of(folder, STEMS[0], ".json").unlink()
        path_of(folder, STEMS[1], ".flac").unlink()
        temporary = path_of(folder, STEMS[2], ".json").with_name(f".tmp-{uuid.uuid4().hex}")
        fresh = temporary.with_name(f".tmp-{uuid.uuid4().hex}")
        for path, days in ((temporary, 1.01), (fresh, 0.99)):
            path.touch()
            age(path, days)
        contents = survey(open_storage(folder), NOW)
        expected = [path_of(folder, STEMS[0], ".flac"), path_of(folder, STEMS[1], ".json"), temporary]
        assert {folder / file.name for file in contents.strays} == set(expected)
        stems(folder, "52w")
        assert [path.exists() for path in [*expected, fresh]] == [False, False, False, True]
        assert kept(folder) == [2, 3]


class TestPrune:
    def test_by_age(self, folder):
        assert stems(folder, "25d") == 0
        assert kept(folder) == [2, 3]

    def test_by_size_the_longest_unused_first(self, folder):
        last = sum(path_of(folder, STEMS[3], suffix).stat().st_size for suffix in (".flac", ".json"))
        stems(folder, max_size=f"{last}B")
        assert kept(folder) == [3]

    def test_what_fits_stays(self, folder):
        stems(folder, max_size="1GB")
        assert kept(folder) == [0, 1, 2, 3]

    def test_a_dry_run_deletes_nothing(self, folder, capsys):
        stems(folder, "25d", dry_run=True, as_json=True)
        told = json.loads(capsys.readouterr().out)
        n_bytes = sum(stem.n_bytes for stem in survey(open_storage(folder), NOW).stems[:2])
        gone = {"dry_run": True, "stems": 2, "bytes": n_bytes, "strays": 0, "kept_in_use": 0}
        assert (told["stems"], told["pruned"]) == (4, gone)
        assert kept(folder) == [0, 1, 2, 3]

    def test_what_a_live_run_has_used_stays(self, folder, capsys):
        StemStore(folder, "demo.1234.0-a", clock=lambda: NOW - 25 * DAY).record_use()
        write_note(open_storage(folder), UserNote("demo.1234.1-a", NOW - 25 * DAY, NOW, NOW + 3600))
        stems(folder, "1h")
        assert kept(folder) == [2, 3]
        deleted, because = capsys.readouterr().out.splitlines()[-2:]
        assert deleted.startswith("deleted 2 stems, ")
        assert "; 2 stems, " in deleted
        assert because == "2 of them because a live run may use them"

    def test_a_user_that_is_not_alive_keeps_nothing(self, folder):
        write_note(open_storage(folder), UserNote("demo.1234.0", NOW - 25 * DAY, NOW, NOW))
        stems(folder, "1h")
        assert kept(folder) == []

    def test_a_hit_counts_as_use(self, folder):
        assert StemStore(folder).get(STEMS[0].info.key) is not None
        listed = survey(open_storage(folder), NOW).stems
        assert [stem.name[-64:] for stem in listed if stem.used_s < NOW - 5 * DAY][-1] == STEMS[3].info.key
        assert path_of(folder, STEMS[0], ".json").stat().st_mtime != NOW - 40 * DAY

    def test_what_is_used_after_the_listing_stays(self, folder):
        storage = open_storage(folder)
        going = choose_prunable(survey(storage, NOW), NOW, DAY, None, float("inf"))
        age(path_of(folder, STEMS[1], ".json"), 0)
        gone = remove(storage, going)
        assert [stem.name[-64:] for stem in gone.stems] == [STEMS[k].info.key for k in (0, 2, 3)]
        assert kept(folder) == [1]

    def test_a_stem_pruned_between_its_two_reads_is_a_miss(self, folder, monkeypatch):
        store = StemStore(folder)
        read = store._storage.read

        def pruned_in_between(name):
            data = read(name)
            path_of(folder, STEMS[0], ".json").unlink(missing_ok=True)
            path_of(folder, STEMS[0], ".flac").unlink(missing_ok=True)
            return data

        monkeypatch.setattr(store._storage, "read", pruned_in_between)
        assert store.get(STEMS[0].info.key) is None
        assert (store.n_hits, store.n_misses) == (0, 1)

    def test_old_notes_go_with_old_stems(self, folder):
        storage = open_storage(folder)
        old, new = (UserNote(f"r.{k}", NOW - 50 * DAY, NOW - k * DAY, NOW - k * DAY) for k in (26, 24))
        write_note(storage, old)
        write_note(storage, new)
        stems(folder, "25d")
        assert read_notes(storage) == [new]

    def test_the_clocks_of_machines_may_differ(self, tmp_path):
        notes = [UserNote("r.0", NOW - 100, NOW, NOW + 1), UserNote("r.1", NOW - 900, NOW, NOW)]
        assert find_use_start(open_storage(tmp_path), notes, NOW) == NOW - 400

    def test_stems_in_use_count_towards_the_size(self, folder):
        contents = survey(open_storage(folder), NOW)
        going = choose_prunable(contents, NOW, None, 0, NOW - 25 * DAY)
        assert going == Prunable(contents.stems[:2], [], 2)
        assert isinstance(going.stems[0], KeptStem)


def test_an_object_store_is_not_pruned_under_a_live_run():
    uri = f"memory://{uuid.uuid4().hex}/stems"
    store = StemStore(uri, "demo.1234.0", clock=lambda: NOW)
    store.put(STEMS[0])
    store.record_use()
    with pytest.raises(UserError) as refused:
        stems(uri, max_size="0B")
    for named in (uri, "demo.1234", "2033-05-18 04:33 UTC"):
        assert named in str(refused.value)
    assert store.get(STEMS[0].info.key) is not None
    store.close()
    stems(uri, max_size="0B")
    assert store.get(STEMS[0].info.key) is None
    fsspec.filesystem("memory").rm(uri.rpartition("/")[0], recursive=True)


def test_the_figures_are_shown(folder, capsys):
    write_note(open_storage(folder), UserNote("demo.1234.0", NOW, NOW, NOW + 3600, 30, 10))
    write_note(open_storage(folder), UserNote("past.5678.0", NOW, NOW - DAY, NOW - DAY, 0, 0))
    assert stems(folder) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{folder}: 4 stems, ")
    assert lines[1:] == [
        "  last used between 2033-04-08 03:33 UTC and 2033-05-08 03:33 UTC",
        "  run demo.1234: 30 hits (75%), 10 misses, counts as live until 04:33 UTC",
        "  run past.5678: 0 hits, 0 misses, last seen 2033-05-17 03:33 UTC",
    ]


def test_amounts():
    assert [parse_age(text) for text in ("30d", "12h", "45m", "2W", "0.5 d", None)] == [
        2_592_000, 43_200, 2_700, 1_209_600, 43_200, None,
    ]  # fmt: skip
    assert [parse_size(text) for text in ("500GB", "1.5tb", "2 MB", "10kB", "7B", None)] == [
        500 * 10**9, 1_500 * 10**9, 2 * 10**6, 10_000, 7, None,
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["30", "d", "30y", "-3d", "", "1e3d", "nand"])
def test_a_text_that_is_not_an_age(text):
    with pytest.raises(UserError) as wrong:
        parse_age(text)
    assert wrong.value.field == "older_than"


def test_mistakes(tmp_path):
    for text in ("5 X", "-5GB", "GB", ""):
        with pytest.raises(UserError) as wrong:
            parse_size(text)
        assert wrong.value.field == "max_size"
    with pytest.raises(UserError) as wrong:
        stems(tmp_path, dry_run=True)
    assert wrong.value.field == "dry_run"
    with pytest.raises(UserError, match=r"none: not found$"):
        stems(tmp_path / "none")


def test_a_place_that_is_not_a_store(folder, tmp_path_factory, capsys):
    run = tmp_path_factory.mktemp("run")
    assert stems(run) == 0
    assert capsys.readouterr().out == f"{run}: 0 stems, 0 bytes\n"
    (run / "notes.txt").touch()
    with pytest.raises(UserError) as stranger:
        stems(run, "1d")
    assert str(stranger.value).startswith(f"stem store {run}: not a stem store")
    (run / "run.json").touch()
    with pytest.raises(UserError) as elsewhere:
        stems(run)
    assert "`store`" in str(elsewhere.value)
    (run / "stems").mkdir()
    with pytest.raises(UserError) as inside:
        stems(run)
    assert str(inside.value).endswith(f"{run}/stems")
    (folder / "my notes.txt").touch()
    assert stems(folder) == 0
