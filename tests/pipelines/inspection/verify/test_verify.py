"""Verify: a whole run has no problems; each kind of damage is found, named, and the rest is still read."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.made_runs import a_run, a_sample
from helpers.watched_files import watch_files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copilot.arrow import REJECTS, SAMPLES, sample_row
from copilot.audio.pcm import decode_flac, encode_flac
from copilot.errors import UserError
from copilot.hashing import content_hash
from pipelines.cli.commands.verify import run_verify
from pipelines.inspection.verify import row as verify_row
from pipelines.inspection.verify.problem import Problem
from pipelines.inspection.verify.row import find_row_problems
from pipelines.inspection.verify.run import VerifyReport, verify
from pipelines.run.ledger import CommittedFile, name_entry
from pipelines.run.run import Run
from pipelines.storage.atomic import HashedFile

N_SAMPLES, N_REJECTS = 3, 1


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify") / "run"
    a_run(folder, n_samples=N_SAMPLES, n_rejects=N_REJECTS, per_shard=2)
    return folder


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def found(folder: Path) -> list[tuple[str, str, str, str]]:
    return [(p.kind, p.file, p.id, p.message) for p in verify(folder).problems]


# The entries' names come from their seeds: fixed by the made run.
FIRST, SECOND = name_entry(["test/0000", "test/0001", "test/bad-0000"]), name_entry(["test/0002"])
IDS = [content_hash([7, f"test/{k:04d}"])[:16] for k in range(N_SAMPLES)]


def edit_entry(run: Path, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    path = run / "ledger" / f"{name}.json"
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def edit_description(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = Run(run).describe()
    change(content)
    Run(run).write_description(content)


def shard_of(run: Path, name: str) -> str:
    """The path of an entry's file of samples, which is named by its content."""
    return next(file.path for file in Run(run).ledger.read(name).files if file.kind == "samples")


def rejects_of(run: Path, name: str) -> str:
    return next(file.path for file in Run(run).ledger.read(name).files if file.kind == "rejects")


def rewrite(run: Path, path: str, change: Callable[[list[dict[str, Any]]], None], schema=SAMPLES) -> None:
    """Replace a file by one with other rows, under its new name and in the ledger, as if it was made so."""
    rows = pq.read_table(run / path).to_pylist()
    change(rows)
    (run / path).unlink()
    file = HashedFile((run / path).parent)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), pa.PythonFile(file, mode="w"))
    name = f"{file.sha256[:16]}.parquet"
    file.publish(name)
    committed = CommittedFile(f"{Path(path).parent}/{name}", file.sha256, file.n_bytes, len(rows))

    def enter(entry: dict[str, Any]) -> None:
        entry["files"] = [asdict(committed) if named["path"] == path else named for named in entry["files"]]

    for name in Run(run).ledger.names():
        edit_entry(run, name, enter)


def test_files_are_named_by_their_content(run: Path) -> None:
    files = [file for entry in Run(run).ledger.entries() for file in entry.files]
    assert [Path(file.path).stem for file in files] == [file.sha256[:16] for file in files]


def test_a_whole_run_has_no_problems(run: Path) -> None:
    assert verify(run) == VerifyReport(
        run=str(run),
        problems=(),
        notes=(),
        n_planned=4,
        n_accounted=4,
        n_files=3,
        n_samples=3,
        n_rejects=1,
        n_in_depth=3,
        n_mixes=9,
        n_stems=12,
        audio_s=18.0,
    )
    assert repr(verify(run)) == (
        f"VerifyReport({run}: 4 of 4 seeds, 3 samples, 3 of them in depth: no problems)"
    )


@pytest.mark.parametrize(("keep", "n_mixes", "n_stems"), [("mixes", 3, 0), ("stems", 0, 4)])
def test_a_run_is_whole_with_only_the_audio_that_it_keeps(
    tmp_path: Path, keep: str, n_mixes: int, n_stems: int
) -> None:
    a_run(tmp_path / "run", n_samples=1, n_rejects=0, keep=keep)
    report = verify(tmp_path / "run")
    assert (report.problems, report.n_mixes, report.n_stems) == ((), n_mixes, n_stems)


def test_some_samples_are_read_in_depth_and_all_are_compared_with_the_ledger(
    run: Path,
) -> None:
    def break_mixes(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["mixes"][0]["bytes"] = b"no FLAC"

    rewrite(run, shard_of(run, FIRST), break_mixes)
    rewrite(run, shard_of(run, SECOND), break_mixes)
    for n_sampled in range(N_SAMPLES + 1):
        report = verify(run, n_sampled=n_sampled)
        assert report.n_in_depth == n_sampled
        assert [problem.kind for problem in report.problems] == ["mix-file"] * n_sampled
    edit_entry(run, FIRST, lambda entry: entry.update(accepted=["test/0000"]))
    kinds = [problem.kind for problem in verify(run, n_sampled=0).problems]
    assert kinds == ["incomplete", "file-seeds"]


def test_more_workers_find_the_same(run: Path) -> None:
    rewrite(run, shard_of(run, SECOND), lambda rows: rows[0].update(headroom_db=-0.5))
    (run / rejects_of(run, FIRST)).unlink()
    report = verify(run)
    assert len(report.problems) > 1
    assert verify(run, n_workers=2) == report


def test_a_folder_without_a_run_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no run\.json") as caught:
        verify(tmp_path)
    assert caught.value.field == "place"


# Damage to files


def test_a_flipped_byte_is_found_by_its_hash_and_in_the_rows_that_it_hits(run: Path) -> None:
    path = run / shard_of(run, FIRST)
    audio = pq.read_table(path)["mixes"][0][1]["bytes"].as_py()
    data = bytearray(path.read_bytes())
    data[data.index(audio) + len(audio) // 2] ^= 1
    path.write_bytes(data)
    (first, *_, message), *others = found(run)
    known = next(
        file.sha256 for file in Run(run).ledger.read(FIRST).files if file.path == shard_of(run, FIRST)
    )
    assert first == "file-hash"
    assert message == f"SHA-256 {hashlib.sha256(data).hexdigest()}; the ledger says {known}"
    # The mix is cut short where the decoder gives up, or it is not what its stems make.
    assert {(file, row_id) for _, file, row_id, _ in others} == {(shard_of(run, FIRST), IDS[0])}
    assert {kind for kind, *_ in others} <= {"mix-file", "mix-length", "remix", "null-test"}


def test_a_missing_file_is_found(run: Path) -> None:
    (run / shard_of(run, FIRST)).unlink()
    assert [problem[:3] for problem in found(run)] == [("file-missing", shard_of(run, FIRST), "")]


def test_a_truncated_file_is_found(run: Path) -> None:
    n_bytes = (run / shard_of(run, SECOND)).stat().st_size
    (run / shard_of(run, SECOND)).write_bytes((run / shard_of(run, SECOND)).read_bytes()[:1000])
    size, unreadable = found(run)
    assert size == ("file-size", shard_of(run, SECOND), "", f"1000 bytes; the ledger says {n_bytes}")
    assert unreadable[:3] == ("file-unreadable", shard_of(run, SECOND), "")
    assert unreadable[3].startswith("cannot be read as Parquet (")


def test_other_columns_are_found(run: Path) -> None:
    message = "its columns are not those of this version"
    rewrite(run, shard_of(run, SECOND), lambda rows: None, SAMPLES.remove_metadata())
    assert found(run) == [("file-schema", shard_of(run, SECOND), "", message)]
    rewrite(
        run, shard_of(run, SECOND), lambda rows: None, pa.schema(list(SAMPLES)[:5], metadata=SAMPLES.metadata)
    )
    assert found(run) == [("file-schema", shard_of(run, SECOND), "", message)]


def test_a_dropped_row_is_found(run: Path) -> None:
    n_rows = len(pq.read_table(run / shard_of(run, FIRST)))
    rewrite(run, shard_of(run, FIRST), lambda rows: rows.pop())
    edit_entry(run, FIRST, lambda entry: entry["files"][1].update(n_rows=n_rows))
    assert found(run) == [
        ("file-rows", shard_of(run, FIRST), "", "1 rows; the ledger says 2"),
        ("file-seeds", shard_of(run, FIRST), "", "lacks test/0001, which the ledger names"),
        ("ledger-counts", shard_of(run, FIRST), "", "{'hq': 1}; the ledger says {'hq': 2}"),
        ("ledger-counts", shard_of(run, FIRST), "", "6.000 s of mixes; the ledger says 12.000"),
    ]


def test_a_reject_under_another_reason_or_seed_is_found(run: Path) -> None:
    rewrite(
        run, rejects_of(run, FIRST), lambda rows: rows[0].update(reason="words", seed_id="test/else"), REJECTS
    )
    assert found(run) == [
        ("file-seeds", rejects_of(run, FIRST), "", "lacks test/bad-0000, which the ledger names"),
        ("file-seeds", rejects_of(run, FIRST), "", "holds test/else, which the ledger does not name"),
        (
            "ledger-counts",
            rejects_of(run, FIRST),
            "",
            "{'validate/words': 1}; the ledger says {'validate/one-ambience': 1}",
        ),
    ]


def test_stray_files_are_noted_and_harm_nothing(run: Path) -> None:
    shutil.copy(run / shard_of(run, FIRST), run / "shards" / "stray.parquet")
    (run / "ledger" / ".tmp-0").write_bytes(b"")
    report = verify(run)
    assert report.problems == ()
    assert report.notes == (
        "shards/stray.parquet: not in the ledger, so not part of the run",
        "ledger/.tmp-0: not in the ledger, so not part of the run",
    )


# Damage to the accounts


def test_a_damaged_entry_is_found_and_its_seeds_are_missing(run: Path) -> None:
    (run / "ledger" / f"{SECOND}.json").write_bytes(b"{")
    entry, incomplete = found(run)
    assert entry[:3] == ("ledger-entry", f"ledger/{SECOND}.json", "")
    assert "(Invalid JSON" in entry[3]
    assert incomplete == ("incomplete", "run.json", "", "3 of 4 seeds accounted for")


def test_an_edited_entry_is_found(run: Path) -> None:
    edit_entry(run, FIRST, lambda entry: entry.update(tiers={"hq": 1, "valid": 1}, audio_s=1.0))
    assert found(run) == [
        ("ledger-counts", shard_of(run, FIRST), "", "{'hq': 2}; the ledger says {'hq': 1, 'valid': 1}"),
        ("ledger-counts", shard_of(run, FIRST), "", "12.000 s of mixes; the ledger says 1.000"),
    ]


def test_an_entry_without_a_file_for_its_seeds_is_found(run: Path) -> None:
    edit_entry(run, SECOND, lambda entry: entry.update(files=[]))
    message = "names 0 files of samples for 1 seeds"
    assert found(run) == [("ledger-entry", f"ledger/{SECOND}.json", "", message)]


def test_an_entry_with_a_seed_of_an_entry_before_is_void_and_noted(run: Path) -> None:
    name, content = "f" * 16, b"by another writer"
    path = f"shards/{hashlib.sha256(content).hexdigest()[:16]}.parquet"
    (run / path).write_bytes(content)
    shutil.copy(run / f"ledger/{SECOND}.json", run / f"ledger/{name}.json")
    edit_entry(
        run, name, lambda e: (e.update(name=name, rejected=["test/new"]), e["files"][0].update(path=path))
    )
    report = verify(run)
    assert (report.problems, report.n_accounted, report.n_samples) == ((), 4, 3)
    void, stray = report.notes
    assert void.startswith(f"ledger/{name}.json: void")
    assert stray == f"{path}: not in the ledger, so not part of the run"
    assert Run(run).delete_leftovers() == [f"ledger/{name}.json", path]
    assert verify(run).notes == ()


def test_a_seed_that_an_entry_names_twice_is_found(run: Path) -> None:
    edit_entry(run, SECOND, lambda entry: entry.update(accepted=["test/0002"] * 2))
    kinds = {(kind, message) for kind, _, _, message in found(run)}
    assert ("seed-twice", "test/0002: accounted for 2 times") in kinds


def test_an_unfinished_run_is_reported_as_such(run: Path) -> None:
    (run / "ledger" / f"{FIRST}.json").unlink()
    assert found(run) == [("incomplete", "run.json", "", "1 of 4 seeds accounted for")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_seeds": 3}, "4 of 3 seeds accounted for, but they are not those of the run"),
        ({"seed_ids_sha256": "0"}, "4 of 4 seeds accounted for, but they are not those of the run"),
    ],
)
def test_seeds_that_were_not_planned_are_found(run: Path, change: dict[str, Any], message: str) -> None:
    edit_description(run, lambda content: content["plan"].update(change))
    assert found(run) == [("seeds-unplanned", "run.json", "", message)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"\xff garbage",
            "not JSON ('utf-8' codec can't decode byte 0xff in position 0: invalid start byte)",
        ),
        (b"[]", "not a JSON object"),
    ],
)
def test_garbage_in_the_description_is_found(run: Path, content: bytes, message: str) -> None:
    (run / "run.json").write_bytes(content)
    (problem,) = found(run)
    assert problem[:3] == ("run-description", "run.json", "")
    assert problem[3].startswith(f"{run / 'run.json'}: {message}")
    assert verify(run).n_planned is None


def test_a_description_without_a_plan_or_with_another_fingerprint_is_found(run: Path) -> None:
    edit_description(run, lambda content: content["fingerprint"].update(prompts={"story": "other"}))
    ((kind, file, _, message),) = found(run)
    assert (kind, file) == ("run-description", "run.json")
    assert message.startswith("the digest is ")
    edit_description(run, lambda content: content.pop("plan"))
    assert found(run) == [("run-description", "run.json", "", "plan: Field required")]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_bit_of_a_shard_is_a_problem_and_never_an_error(
    whole: Path, tmp_path: Path, data: st.DataObject
) -> None:
    run = Path(shutil.copytree(whole, tmp_path / "run", dirs_exist_ok=True))
    shard = run / data.draw(st.sampled_from([shard_of(run, SECOND), rejects_of(run, FIRST)]))
    content = bytearray(shard.read_bytes())
    # The footer, where damage does the most, is a small part: aim at it.
    position = data.draw(st.integers(1, 4096) | st.integers(1, len(content)))
    content[-min(position, len(content))] ^= 1 << data.draw(st.integers(0, 7))
    shard.write_bytes(content)
    assert verify(run, n_sampled=1).problems[0].kind == "file-hash"


# Damage to a sample, as if it had been written so


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return as_stored(sample_row(a_sample(0)))


def as_stored(row: dict[str, Any]) -> dict[str, Any]:
    return pa.Table.from_pylist([row], schema=SAMPLES).to_pylist()[0]


def problems_after(made: dict[str, Any], change: Callable[[dict[str, Any]], None]) -> list[Problem]:
    row = copy.deepcopy(made)
    change(row)
    return find_row_problems(row, "both")


def shifted(flac: bytes) -> bytes:
    """The same sound one sample later."""
    pcm, bits = decode_flac(flac)
    return encode_flac(np.roll(pcm, 1, axis=1), bits)


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Set a value by its path, such as `turns.0.elements.1.loudness`."""

    def change(row: Any) -> None:
        *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        for step in steps:
            row = row[step]
        row[last] = value(row[last]) if callable(value) else value

    return change


def test_a_whole_sample_has_no_problems(made: dict[str, Any]) -> None:
    assert find_row_problems(made, "both") == []
    assert find_row_problems(made, None) == []


@pytest.mark.parametrize(
    ("path", "value", "kind", "message"),
    [
        ("id", "0" * 16, "sample-id", f"the id is {'0' * 16}; that of the seed is {IDS[0]}"),
        ("tier", "valid", "tier", "the tier is valid; by its checks it is hq"),
        ("checks.0.passed", False, "check", "rule/made-up: 0, limit 0, but not passed"),
        ("checks.3.value", 0.5, "check", "loudness_error: 0.5, limit 0.1, but passed"),
        ("checks.3.value", float("nan"), "check", "loudness_error: nan, limit 0.1, but passed"),
        ("turns", [], "dialogue", "turns: Tuple should have at least 1 item after validation, not 0"),
        (
            "turns.0.elements.1.loudness",
            3.0,
            "dialogue",
            "turns.0.scene.elements.1.sfx.loudness: Input should be less than or equal to 0",
        ),
        ("turns.1.index", 2, "turn-index", "turn 1 has the index 2"),
        ("turns.1.changed", [], "edit-lists", "turn 1: changed is [], derived [2]"),
        ("turns.2.added", [3], "edit-lists", "turn 2: added is [3], derived [4]"),
        ("turns.0.duration_s", 3.0, "turn-duration", "turn 0: 3.0 s recorded, the scene lasts 2.0 s"),
        (
            "turns.1.operations.0.loudness",
            -13.0,
            "operations",
            "turn 1: the operations do not make the scene",
        ),
        (
            "turns.1.operations.0.id",
            9,
            "operations",
            "turn 1: change: there is no sound 9; alive are [1, 2, 3]",
        ),
        (
            "turns.1.operations.0.loudness",
            -99.0,
            "dialogue",
            "turns.1.operations.0.change.loudness: Input should be greater than or equal to -70",
        ),
        ("turns.0.elements.0.duration", 1e308, "turn-duration", "a scene lasts 1e+308 s"),
        ("mix_bits", 12, "mix-bits", "mix_bits is 12; expected 16 or 24"),
        ("mix_bits", 24, "mix-bits", "turn 0: 16 bits; mix_bits is 24"),
        ("headroom_db", float("nan"), "headroom", "headroom_db is nan; expected at most 0"),
        ("headroom_db", 1.0, "headroom", "headroom_db is 1.0; expected at most 0"),
        ("mixes", [], "mix-count", "0 mixes; expected 3"),
        ("stems.0.audio", None, "stem-audio", "stem 1: has no audio; the run keeps both"),
        ("stems.0.element_id", 7, "stem-set", "stems of elements [2, 3, 4, 7]; the scenes have [1, 2, 3, 4]"),
        ("stems.1.loudness_lufs", float("nan"), "stem-loudness", "stem 2: "),
        ("stems.1.loudness_lufs", lambda lufs: lufs + 0.02, "stem-loudness", "stem 2: "),
        ("stems.1.duration_s", 0.5, "stem-file", "stem 2: "),
        ("mixes.0.bytes", b"no FLAC", "mix-file", "turn 0: FLAC: "),
        ("stems.1.audio.bytes", b"", "stem-file", "stem 2: FLAC: "),
        (
            "mixes.0.bytes",
            encode_flac(np.zeros((2, 48_000), np.int32), 16),
            "mix-length",
            "turn 0: (2, 48000) samples; the scene has (2, 96000)",
        ),
        (
            "mixes.0.bytes",
            encode_flac(np.zeros((1, 96_000), np.int32), 16),
            "mix-length",
            "turn 0: (1, 96000) samples; the scene has (2, 96000)",
        ),
        ("stems.1.audio.bytes", shifted, "remix", "turn 0: "),
        ("turns", None, "null-value", "turns: null, but a value is required"),
        ("turns.1.operations", None, "null-value", "turns.operations: null, but a value is required"),
        ("turns.1.elements.0", None, "null-value", "turns.elements: null, but a value is required"),
        ("stems.2", None, "null-value", "stems: null, but a value is required"),
        ("mixes.1.bytes", None, "null-value", "mixes.bytes: null, but a value is required"),
        ("provenance", None, "null-value", "provenance: null, but a value is required"),
    ],
)
def test_each_problem_of_a_sample_is_named(
    made: dict[str, Any], path: str, value: Any, kind: str, message: str
) -> None:
    problems = problems_after(made, _set(path, value))
    assert any(problem.kind == kind and problem.message.startswith(message) for problem in problems), problems


def test_a_changed_loudness_is_missing_in_the_mix(made: dict[str, Any]) -> None:
    def change(row: dict[str, Any]) -> None:
        row["turns"][2]["elements"][1]["loudness"] = -11.0

    problems = problems_after(made, change)
    assert [problem.kind for problem in problems] == ["edit-lists", "operations", "remix", "null-test"]
    assert problems[0].message == "turn 2: changed is [], derived [2]"
    assert [problem.message[:7] for problem in problems] == ["turn 2:"] * 4


def test_a_mix_of_another_sample_is_found(made: dict[str, Any]) -> None:
    other = sample_row(a_sample(1))["mixes"][1]
    problems = problems_after(made, _set("mixes.1", other))
    assert [problem.kind for problem in problems] == ["remix", "null-test", "null-test"]
    assert [problem.message.split(":")[0] for problem in problems] == ["turn 1", "turn 1", "turn 2"]


@pytest.mark.parametrize("keep", ["both", "mixes"])
def test_the_null_test_detects_one_step_in_one_sample(keep: str) -> None:
    row = as_stored(sample_row(a_sample(0, keep=keep)))
    pcm, _ = decode_flac(row["mixes"][1]["bytes"])
    # Turn 1 edits the door, from 0.5 s to 1.1 s; at 1.5 s nothing is edited.
    pcm[1, 72_000] += 1
    row["mixes"][1]["bytes"] = encode_flac(pcm, 16)
    message = "turn 1: 1 steps of the grid remain of sounds that were not edited"
    assert Problem("null-test", message) in find_row_problems(row, keep)


def test_a_dialogue_is_held_against_the_published_schema(
    made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stricter = {"properties": {"seed_text": {"maxLength": 3}}}
    validator = verify_row.Draft202012Validator(stricter)
    monkeypatch.setattr(verify_row, "_load_validator", lambda: validator)
    assert find_row_problems(made, "both") == [
        Problem("dialogue-schema", "$.seed_text: 'line 0 of the test' is too long")
    ]


def test_missing_values_are_found(run: Path) -> None:
    rewrite(run, shard_of(run, SECOND), lambda rows: rows[0].update(id=None, tier=None, turns=None))
    assert found(run) == [
        ("null-value", shard_of(run, SECOND), "", "id, tier, turns: null, but a value is required"),
        ("ledger-counts", shard_of(run, SECOND), "", "{'None': 1}; the ledger says {'valid': 1}"),
        ("ledger-counts", shard_of(run, SECOND), "", "0.000 s of mixes; the ledger says 6.000"),
    ]


def test_a_problem_of_a_sample_is_reported_with_its_file_and_id(run: Path) -> None:
    rewrite(run, shard_of(run, SECOND), lambda rows: rows[0].update(tier="hq"))
    assert found(run) == [
        ("ledger-counts", shard_of(run, SECOND), "", "{'hq': 1}; the ledger says {'valid': 1}"),
        ("tier", shard_of(run, SECOND), IDS[2], "the tier is hq; by its checks it is valid"),
    ]


# What the command prints


def test_the_command_prints_a_summary_and_exits_with_zero(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_verify(str(run), n_sampled=None, n_workers=1, as_json=False) == 0
    assert capsys.readouterr().out == (
        f"{run}: 4 of 4 seeds accounted for\n"
        "  3 samples, 1 rejected, in 3 files\n"
        "  0.01 h of mixes\n"
        "  decoded and mixed again: 3 samples, 9 mixes, 12 stems\n"
        "no problems\n"
    )


def test_the_command_prints_problems_and_exits_with_one(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / shard_of(run, FIRST)).unlink()
    assert run_verify(str(run), n_sampled=None, n_workers=1, as_json=False) == 1
    assert f"1 problem: 1 file-missing\n  file-missing: {shard_of(run, FIRST)}: " in capsys.readouterr().out
    assert run_verify(str(run), n_sampled=0, n_workers=1, as_json=True) == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed["clean"] is False
    (problem,) = printed["problems"]
    assert problem.keys() == {"kind", "message", "file", "id"}
    assert (problem["kind"], problem["file"]) == ("file-missing", shard_of(run, FIRST))


def test_files_are_read_by_the_caller_alone(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of Arrow that still holds a buffer of Python's when Python exits aborts the process."""
    readers = watch_files(monkeypatch)
    assert verify(run).problems == ()
    assert readers == {threading.get_ident()}
