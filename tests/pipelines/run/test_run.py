"""The folder of a run: its configuration, its lock, and what a crash left behind."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import pytest
from helpers.made_runs import a_reject, a_run, committed_paths

from copilot.designers.llm.settings import LlmSettings
from copilot.errors import ConfigMismatchError, CorruptDataError, RunInUseError, UserError
from copilot.hashing import content_hash
from pipelines.config import RunConfig
from pipelines.fingerprint import Fingerprint
from pipelines.run.ledger import LedgerEntry
from pipelines.run.run import Run
from pipelines.run.shards import ShardWriter


def fingerprint(**settings: object) -> Fingerprint:
    config = RunConfig(seeds="text:seeds.txt", **settings)
    return Fingerprint(config=config, designer={"name": "test"}, renderers={"sfx": {"version": "1"}})


def test_a_run_describes_itself(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    assert not run.exists()
    run.open(fingerprint(run_seed=7).model_dump(mode="json"), versions={"audiocopilot": "0.1.0"})
    run.record_seeds(["text/b", "text/a"], {"n_blank": 1})
    content = run.describe()
    assert list(content) == ["digest", "fingerprint", "versions", "plan"]
    assert content["digest"] == fingerprint(run_seed=7).digest
    assert content["fingerprint"] == fingerprint(run_seed=7).model_dump(mode="json")
    assert content["versions"] == {"audiocopilot": "0.1.0"}
    assert content["plan"] == {
        "n_seeds": 2,
        "seed_ids_sha256": content_hash(["text/a", "text/b"]),
        "n_blank": 1,
    }


def test_a_run_resumes_under_its_own_fingerprint_and_stays_as_it_is(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.open(fingerprint().model_dump(mode="json"))
    run.record_seeds(["text/a"], {})
    before = (tmp_path / "run.json").read_bytes()
    run.open(fingerprint().model_dump(mode="json"))
    assert (tmp_path / "run.json").read_bytes() == before


def test_another_configuration_is_refused_with_every_difference(tmp_path: Path) -> None:
    Run(tmp_path).open(fingerprint(run_seed=7).model_dump(mode="json"))
    Run(tmp_path).ledger.add(LedgerEntry("0" * 16, (), ("text/a",), ()))
    with pytest.raises(ConfigMismatchError) as caught:
        Run(tmp_path).open(fingerprint(run_seed=8, keep="mixes").model_dump(mode="json"))
    assert str(caught.value).splitlines()[1:-1] == [
        "  `keep` is 'both' in the run, but 'mixes' was requested",
        "  `run_seed` is 7 in the run, but 8 was requested",
    ]
    assert (caught.value.exit_code, caught.value.field) == (2, None)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"run_seed": 8}, "run_seed"),
        ({"sfx_settings": {"steps": "5"}}, "sfx_settings"),
        ({"llm": LlmSettings(model="b")}, "llm.model"),
    ],
)
def test_one_setting_that_differs_is_the_field(tmp_path: Path, changed: dict[str, Any], field: str) -> None:
    config = {"run_seed": 7, "sfx_settings": {"steps": "4"}, "llm": LlmSettings(model="a")}
    Run(tmp_path).open(fingerprint(**config).model_dump(mode="json"))
    Run(tmp_path).ledger.add(LedgerEntry("0" * 16, (), ("text/a",), ()))
    with pytest.raises(ConfigMismatchError) as caught:
        Run(tmp_path).open(fingerprint(**config | changed).model_dump(mode="json"))
    assert caught.value.field == field
    assert f"`{field}`" in str(caught.value)


def test_a_refusal_shows_no_hashes(tmp_path: Path) -> None:
    known = fingerprint(run_seed=7).model_dump(mode="json")
    Run(tmp_path).open(known)
    Run(tmp_path).ledger.add(LedgerEntry("0" * 16, (), ("text/a",), ()))
    other = {
        **known,
        "designer": {"limits": "a hash"},
        "libraries": {**known["libraries"], "numpy": "1.0"},
        "renderers": {"sfx": {"index": "a hash", "model": "m"}},
        "schemas": dict.fromkeys(known["schemas"], "a hash"),
    }
    with pytest.raises(ConfigMismatchError) as caught:
        Run(tmp_path).open(other)
    numpy, designer, renderer, schemas = str(caught.value).splitlines()[1:-1]
    assert numpy == f"  numpy {known['libraries']['numpy']} made the run, 1.0 is installed here"
    assert ("schemas" in schemas, "designer" in designer, "`sfx`" in renderer) == (True, True, True)
    assert "a hash" not in str(caught.value)
    assert "renderers.sfx.index is None in the run, but 'a hash' was requested" in caught.value.differences
    with pytest.raises(ConfigMismatchError) as caught:
        Run(tmp_path).open(
            other | {"config": {**known["config"], "run_seed": 8}, "libraries": known["libraries"]}
        )
    setting, schemas = str(caught.value).splitlines()[1:-1]
    assert (setting, "schemas" in schemas) == ("  `run_seed` is 7 in the run, but 8 was requested", True)
    assert caught.value.field == "run_seed"


def test_a_run_that_has_committed_nothing_starts_again(tmp_path: Path) -> None:
    Run(tmp_path).open(fingerprint(run_seed=7).model_dump(mode="json"))
    Run(tmp_path).open(fingerprint(run_seed=8).model_dump(mode="json"))
    assert Run(tmp_path).describe()["fingerprint"]["config"]["run_seed"] == 8


def test_a_folder_without_a_run_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        Run(tmp_path / "none").describe()
    assert caught.value.field == "place"
    assert f"{tmp_path / 'none'}: " in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"{", "not JSON (Expecting property name"), (b"\xff", "not JSON ("), (b"7", "not a JSON object")],
)
def test_garbage_in_the_description_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(CorruptDataError) as caught:
        Run(tmp_path).describe()
    assert str(caught.value).startswith(f"{tmp_path / 'run.json'}: {message}")


def test_leftovers_of_a_crash_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = a_run(folder, n_samples=0, n_rejects=0)
    for number in (0, 1):
        writer = ShardWriter(run)
        writer.add_reject(a_reject(number))
        writer.commit()
    kept = committed_paths(run)
    first, second = run.ledger.entries()
    (folder / "ledger" / f"{second.name}.json").unlink()
    (folder / "shards").mkdir()
    left = {
        ".tmp-0",
        "shards/.tmp-1",
        f"shards/{'0' * 16}.parquet",
        "ledger/.tmp-2",
        second.files[0].path,
    }
    for name in (*left, "shards/mine.parquet"):
        (folder / name).write_bytes(b"")
    (folder / "shards" / ".folder").mkdir()
    (folder / "notes.txt").write_text("mine")
    assert set(run.delete_leftovers()) == left
    assert run.delete_leftovers() == []
    assert committed_paths(run) == kept - left
    assert (folder / first.files[0].path).exists()
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "shards/mine.parquet").exists()


def test_one_process_at_a_time_works_in_a_run(tmp_path: Path) -> None:
    with Run(tmp_path / "run").lock():
        with pytest.raises(RunInUseError) as caught, Run(tmp_path / "run").lock():
            pass
        assert f"{tmp_path / 'run'}: in use by process {os.getpid()}" in str(caught.value)
    with Run(tmp_path / "run").lock():
        pass


def test_a_run_waits_for_the_last_worker_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, waited = Run(tmp_path), []
    orphan = run.hold_worker_lock()
    orphan.__enter__()
    flock = fcntl.flock

    def noted(file, mode: int) -> None:
        try:
            flock(file, mode)
        except BlockingIOError:
            waited.append(Path(file.name).name)
            orphan.__exit__(None, None, None)
            raise

    monkeypatch.setattr(fcntl, "flock", noted)
    with run.lock():
        assert waited == [".workers.lock"]


def test_a_worker_that_stays_is_not_waited_for_forever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path)
    monkeypatch.setattr("pipelines.run.lock._ORPHAN_TIMEOUT_S", 0)
    with run.hold_worker_lock(), pytest.raises(RunInUseError) as caught, run.lock():
        pass
    assert str(caught.value).startswith(f"{tmp_path}: workers ")


def test_a_description_without_a_fingerprint_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(CorruptDataError, match=r"run\.json: has no fingerprint"):
        Run(tmp_path).open(fingerprint().model_dump(mode="json"))


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError) as caught, Run(tmp_path).lock():
        pass
    assert (caught.value.field, "thesis.txt" in str(caught.value)) == ("out", True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UserError) as caught, Run(path).lock():
            pass
        assert (caught.value.field, str(path) in str(caught.value)) == ("out", True)
