from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.made_runs import a_run

from copilot.errors import CopilotError, UserError
from pipelines.heard.figures import read_figures
from pipelines.heard.store import HeardStore
from pipelines.hearing.ear import ListenerSpec
from pipelines.hearing.hear import hear_run
from pipelines.hearing.local import LocalHearing
from pipelines.inspection.stats import compute_stats
from pipelines.inspection.subset.filter import filter_run
from pipelines.run.reader import RunReader

RECOGNISER = ListenerSpec("recogniser", "short-memory")
DETECTOR = ListenerSpec("detector", "length")
ALL = (
    RECOGNISER,
    DETECTOR,
    ListenerSpec("rater", "level"),
    ListenerSpec("scorer", "pleased"),
    ListenerSpec("embedder", "two-numbers"),
)
LOCAL = LocalHearing()


def figures_of(place: Path) -> dict[str, dict[str, float]]:
    reader = RunReader(place)
    store = HeardStore(reader.run)
    return {
        sample_id: figures
        for shard in reader.files("samples")
        for sample_id, figures in read_figures(store.read_figures(shard)).items()
    }


def files_of(place: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in sorted((place / "heard").rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def heard(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("heard") / "run"
    a_run(folder)
    hear_run(folder, ALL, executor=LOCAL)
    return folder


def test_every_sample_has_the_figures_of_all_listeners(heard):
    found = figures_of(heard)
    assert len(found) == 6
    for figures in found.values():
        # In mixes "is" is heard as "was"; turn 2 has no voice, and three words are heard there.
        assert figures["wer"] == 0
        assert figures["wer_mix"] == pytest.approx(1 / 3)
        assert figures["words_elsewhere"] == 3
        assert figures["presence_min"] == pytest.approx(len("steady rain") / 20 / 2)
        assert figures["score"] == 0.25
        assert figures["rating_ovr"] > 0
        assert figures["failures"] == 0


def test_an_embedder_keeps_a_vector_of_each_mix(heard):
    store = HeardStore(RunReader(heard).run)
    answers = list(store.iterate_answers(store.read_chosen()["embedder"]))
    assert [answer.turn for answer in answers] == [0, 1, 2] * 6
    assert {len(answer.content.vector or ()) for answer in answers} == {2}


def test_nothing_of_the_run_itself_changes(heard, tmp_path):
    a_run(tmp_path / "same")
    theirs = {path.name for path in (tmp_path / "same" / "shards").iterdir()}
    assert {path.name for path in (heard / "shards").iterdir()} == theirs


def test_the_same_call_again_hears_nothing(heard):
    before = files_of(heard)
    counts: list[int] = []
    hear_run(heard, ALL, executor=LOCAL, on_start=counts.append)
    assert counts == []
    assert files_of(heard) == before


def test_workers_at_once_write_the_same(heard, tmp_path):
    a_run(tmp_path / "run")
    hear_run(tmp_path / "run", ALL, executor=LocalHearing(2))
    assert files_of(tmp_path / "run") == files_of(heard)


def test_a_deleted_file_is_made_again_and_no_other(heard, tmp_path):
    a_run(tmp_path / "run")
    hear_run(tmp_path / "run", [RECOGNISER], executor=LOCAL)
    before = files_of(tmp_path / "run")
    gone = next(path for path in (tmp_path / "run" / "heard").glob("recogniser-*/*.parquet"))
    figures = next(path for path in (tmp_path / "run" / "heard").glob(f"figures-*/{gone.name}"))
    gone.unlink()
    figures.unlink()
    counts: list[int] = []
    hear_run(tmp_path / "run", [RECOGNISER], executor=LOCAL, on_start=counts.append)
    assert counts == [3]
    assert files_of(tmp_path / "run") == before


def test_another_kind_of_listener_adds_its_figures(tmp_path):
    a_run(tmp_path / "run")
    hear_run(tmp_path / "run", [RECOGNISER], executor=LOCAL)
    result = hear_run(tmp_path / "run", [DETECTOR], executor=LOCAL)
    assert result.n_heard == result.n_samples == 6
    assert {"wer", "presence"} <= set(result.figures)


def test_a_run_that_grows_is_heard_further(tmp_path):
    a_run(tmp_path / "run", n_samples=3)
    assert hear_run(tmp_path / "run", [RECOGNISER], executor=LOCAL).n_heard == 3
    a_run(tmp_path / "run", n_samples=6)
    assert hear_run(tmp_path / "run", [RECOGNISER], executor=LOCAL).n_heard == 6


@pytest.mark.parametrize(("keep", "stem_reason"), [("mixes", "not-kept"), ("stems", None)])
def test_runs_that_keep_a_part_of_the_audio(tmp_path, keep, stem_reason):
    a_run(tmp_path / "run", n_samples=1, keep=keep)
    hear_run(tmp_path / "run", [RECOGNISER], executor=LOCAL)
    store = HeardStore(RunReader(tmp_path / "run").run)
    answers = list(store.iterate_answers(store.read_chosen()["recogniser"]))
    assert [answer.content.reason for answer in answers] == [stem_reason, None, None, None]


def damage_stem(run: Path) -> None:
    """Break the FLAC file of the voice of each first sample of a shard, in place."""
    for path in (run / "shards").glob("*.parquet"):
        table = pq.read_table(path)
        rows = table.to_pylist()
        rows[0]["stems"][2]["audio"]["bytes"] = b"fLaC, but broken"
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)


def test_a_corrupt_stem_is_a_row_with_a_reason(tmp_path):
    a_run(tmp_path / "run", n_samples=2)
    damage_stem(tmp_path / "run")
    result = hear_run(tmp_path / "run", [RECOGNISER], executor=LOCAL)
    store = HeardStore(RunReader(tmp_path / "run").run)
    answers = list(store.iterate_answers(store.read_chosen()["recogniser"]))
    assert [answer.content.reason for answer in answers] == ["corrupt-audio", *[None] * 7]
    assert (result.n_heard, result.figures["failures"]) == (2, 0.5)


def test_a_shard_that_cannot_be_read_is_named_and_the_others_are_heard(tmp_path):
    a_run(tmp_path / "run")
    broken = min((tmp_path / "run" / "shards").iterdir())
    broken.write_bytes(b"PAR1")
    result = hear_run(tmp_path / "run", [RECOGNISER], executor=LOCAL)
    assert result.n_heard == 3
    assert len(result.unreadable) == 1
    assert broken.name in result.unreadable[0]


@pytest.mark.parametrize(("fault", "reason"), [("dies", "worker-died"), ("fails", "too-loud")])
def test_a_listener_that_dies_or_fails_costs_the_sound(tmp_path, fault, reason):
    a_run(tmp_path / "run", n_samples=1)
    hear_run(
        tmp_path / "run", [ListenerSpec("recogniser", "fails-at-mixes", {"fault": fault})], executor=LOCAL
    )
    store = HeardStore(RunReader(tmp_path / "run").run)
    answers = list(store.iterate_answers(store.read_chosen()["recogniser"]))
    assert [answer.content.reason for answer in answers] == [None, *[reason] * 3]


def test_a_listener_that_cannot_load_ends_the_call(tmp_path):
    a_run(tmp_path / "run", n_samples=1)
    with pytest.raises(CopilotError, match="no ears"):
        hear_run(
            tmp_path / "run",
            [ListenerSpec("recogniser", "fails-at-mixes", {"fault": "deaf"})],
            executor=LocalHearing(2),
        )


def test_a_recogniser_that_hears_nothing_misses_every_word(tmp_path):
    a_run(tmp_path / "run", n_samples=1)
    listener = ListenerSpec("recogniser", "fails-at-mixes", {"fault": "silent"})
    result = hear_run(tmp_path / "run", [listener], executor=LOCAL)
    assert (result.figures["wer"], result.figures["wer_mix"]) == (0, 1)


@pytest.mark.parametrize(
    ("listeners", "field"),
    [
        ([], None),
        ([RECOGNISER, ListenerSpec("recogniser", "fails-at-mixes")], "recogniser"),
        ([ListenerSpec("recogniser", "nobody")], "recogniser"),
        ([ListenerSpec("recogniser", "length")], "recogniser"),
        ([ListenerSpec("recogniser", "fails-at-mixes", {"loudness": 3})], "recogniser_settings"),
    ],
)
def test_a_wrong_choice_of_listeners_is_refused_before_anything_is_written(tmp_path, listeners, field):
    a_run(tmp_path / "run", n_samples=1)
    with pytest.raises(UserError) as caught:
        hear_run(tmp_path / "run", listeners, executor=LOCAL)
    assert caught.value.field == field
    assert not (tmp_path / "run" / "heard").exists()


def test_a_place_without_a_run_is_refused(tmp_path):
    with pytest.raises(UserError) as caught:
        hear_run(tmp_path, [RECOGNISER], executor=LOCAL)
    assert caught.value.field == "run"


def test_samples_are_filtered_by_what_was_heard(heard, tmp_path):
    best = max(figures["rating_ovr"] for figures in figures_of(heard).values())
    condition = f"heard.wer < 0.1 and heard.rating_ovr >= {best!r}"
    done = filter_run(heard, tmp_path / "best", where=condition)
    assert done.n_copied == 1


def test_a_subset_does_not_hear_again_what_its_source_has(heard, tmp_path):
    filter_run(heard, tmp_path / "hq", tier="hq")
    record = next((heard / "heard").glob("recogniser-*"))
    same = ListenerSpec("recogniser", "short-memory")
    hear_run(tmp_path / "hq", [same], executor=LOCAL)
    mine = {
        answer.key: answer.content
        for answer in HeardStore(RunReader(tmp_path / "hq").run).iterate_answers(record.name)
    }
    theirs = {
        answer.key: answer.content for answer in HeardStore(RunReader(heard).run).iterate_answers(record.name)
    }
    assert mine.items() <= theirs.items()


@pytest.mark.parametrize("condition", ["heard.werr < 1", "heard.wer < 1"])
def test_a_condition_on_what_nobody_heard_is_refused(heard, tmp_path, condition):
    run = heard
    if condition == "heard.wer < 1":
        run = tmp_path / "silent"
        a_run(run, n_samples=1)
    with pytest.raises(UserError) as caught:
        filter_run(run, tmp_path / "out", where=condition)
    assert caught.value.field == "where"
    assert not (tmp_path / "out").exists()


def test_statistics_know_what_was_heard(heard):
    spread = compute_stats(heard).heard["wer_mix"]
    assert (spread.n, spread.low) == (6, pytest.approx(1 / 3))


def test_damaged_records_are_named(heard, tmp_path):
    a_run(tmp_path / "run", n_samples=1)
    hear_run(tmp_path / "run", [RECOGNISER], executor=LOCAL)
    (tmp_path / "run" / "heard" / "figures.json").write_text(json.dumps([1]))
    with pytest.raises(CopilotError, match=r"figures\.json"):
        compute_stats(tmp_path / "run")
