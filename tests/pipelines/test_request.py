"""A request from Python: defaults, callbacks, and the limit of rejects."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from copilot.errors import ConfigMismatchError, TooManyRejectsError, UserError
from copilot.seed import Seed
from pipelines import GenerateRequest, LocalExecutor, RejectLimit, RunConfig, generate, open_run
from pipelines.accounting.progress import Progress
from pipelines.main_job import RunStart
from pipelines.options.run import RunOptions
from pipelines.stages.record import new_record


def request(folder: Path, *lines: str, **more) -> GenerateRequest:
    (folder / "seeds.txt").write_text("\n".join(lines) + "\n")
    config = RunConfig(seeds=f"text:{folder / 'seeds.txt'}", designer="stand-in", sfx="noise", tts="murmur")
    return GenerateRequest(config=config, out=folder / "run", **more)


def test_a_request_needs_a_configuration_and_a_place_alone(tmp_path):
    outcome = generate(request(tmp_path, "one", "two"))
    assert (outcome.totals.accepted, outcome.n_seeds, outcome.n_left) == (2, 2, 0)
    assert len(list(open_run(tmp_path / "run"))) == 2


def test_a_request_prints_in_two_lines(tmp_path):
    shown = repr(request(tmp_path, "one"))
    assert "RunConfig(seeds=" in shown
    assert len(shown) < 500


def test_the_default_executor_works_in_this_process():
    assert LocalExecutor() == LocalExecutor(n_workers=1)
    assert LocalExecutor().describe() == {"executor": "local", "workers": 1}


def test_callbacks_receive_the_start_and_all_progress(tmp_path):
    starts: list[RunStart] = []
    reports: list[Progress] = []
    lines = ("one", "this is refused", "three")
    generate(request(tmp_path, *lines, on_start=starts.append, on_progress=reports.append))
    assert [(start.n_done, start.n_todo) for start in starts] == [(0, 3)]
    assert len(repr(starts[0])) < 500
    assert sum(report.accepted for report in reports) == 2
    assert sum(report.rejected for report in reports) == 1


def test_a_source_at_another_path_is_the_same_source(tmp_path):
    first = request(tmp_path, "one", "two", "three")
    generate(replace(first, num=2))
    description = (tmp_path / "run" / "run.json").read_text()
    moved = tmp_path / "elsewhere" / "seeds.txt"
    moved.parent.mkdir()
    (tmp_path / "seeds.txt").rename(moved)
    again = replace(first, config=first.config.model_copy(update={"seeds": f"text:{moved}"}))
    assert generate(again).totals.accepted == 3
    known = json.loads(description)
    resumed = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (resumed["fingerprint"], resumed["digest"]) == (known["fingerprint"], known["digest"])


@pytest.mark.parametrize("row", [{"id": "a", "text": "another"}, {"id": "b", "text": "one"}])
def test_another_source_under_the_same_name_is_refused(tmp_path, row):
    for folder, content in (("old", {"id": "a", "text": "one"}), ("new", row)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.jsonl").write_text(json.dumps(content))
    old = RunConfig(
        seeds=f"jsonl:{tmp_path}/old/x.jsonl#text", designer="stand-in", sfx="noise", tts="murmur"
    )
    generate(GenerateRequest(config=old, out=tmp_path / "run"))
    new = old.model_copy(update={"seeds": f"jsonl:{tmp_path}/new/x.jsonl#text"})
    with pytest.raises(ConfigMismatchError) as caught:
        generate(GenerateRequest(config=new, out=tmp_path / "run"))
    assert caught.value.field == "seeds"


def test_dialogues_that_are_written_ahead_are_reported(tmp_path):
    states = []
    asked = request(tmp_path, "one", "two", on_design=states.append)
    ahead = asked.config.model_copy(update={"designer": "stand-in-ahead"})
    outcome = generate(GenerateRequest(config=ahead, out=asked.out, on_design=states.append))
    assert outcome.totals.accepted == 2
    assert states


def test_too_many_rejects_end_the_run_and_what_was_committed_stands(tmp_path):
    lines = ["this is refused", *(f"line {k} is refused" for k in range(30))]
    with pytest.raises(TooManyRejectsError, match="reject_limit"):
        generate(request(tmp_path, *lines, reject_limit=RejectLimit(share=0.5, after=4)))
    assert len(list(open_run(tmp_path / "run").rejects())) < len(lines)


@pytest.mark.parametrize(
    ("n_accepted", "n_rejected", "ends"), [(3, 0, False), (0, 3, False), (2, 2, False), (1, 3, True)]
)
def test_the_limit_counts_once_enough_seeds_are_done(n_accepted, n_rejected, ends):
    limit = RejectLimit(share=0.5, after=4)
    if ends:
        with pytest.raises(TooManyRejectsError):
            limit.check(n_accepted, {"design/refused": n_rejected})
    else:
        limit.check(n_accepted, {"design/refused": n_rejected})


@pytest.mark.parametrize(
    ("setting", "value"), [("sfx", "nope"), ("designer", "nope"), ("seeds", "nope:x"), ("n_turns", 9)]
)
def test_an_error_names_the_field(tmp_path, setting, value):
    wrong = request(tmp_path, "one").config.model_copy(update={setting: value})
    with pytest.raises(UserError) as caught:
        generate(GenerateRequest(config=wrong, out=tmp_path / "run"))
    assert caught.value.field == setting


@pytest.mark.parametrize("num", ["3", 0, -1, 1.5, True])
def test_a_number_of_seeds_is_a_whole_number_from_1(tmp_path, num):
    with pytest.raises(UserError) as caught:
        request(tmp_path, "one", num=num)
    assert caught.value.field == "num"


@pytest.mark.parametrize("n_workers", [0, -1, "2", True])
def test_a_number_of_workers_is_a_whole_number_from_1(n_workers):
    with pytest.raises(UserError) as caught:
        LocalExecutor(n_workers)
    assert caught.value.field == "n_workers"


def test_an_outcome_prints_in_a_line(tmp_path):
    shown = repr(generate(request(tmp_path, "one", "this is refused")))
    assert "1 rejected, 0 of 2 seeds left" in shown
    assert len(shown) < 120


def test_a_record_names_its_seed_and_what_was_made():
    record = new_record(Seed("test/1", "one line"), 7)
    assert repr(record) == f"Record('test/1', {record.id})"
    record.refuse("design", "refused", "no")
    assert repr(record) == f"Record('test/1', {record.id}, rejected: design/refused)"


def test_options_show_what_is_set_and_no_password():
    options = RunOptions(out="x", llm_url=["http://anna:secret@h/v1"], turns=2)
    assert repr(options) == "RunOptions(llm_url=('http://h/v1',), turns=2, out='x')"
    speech = RunOptions(out="x", tts_set=["url=http://anna:secret@h/v1"])
    assert repr(speech) == "RunOptions(tts_set=['url=http://h/v1'], out='x')"


def test_a_configuration_shows_no_password():
    url = "http://anna:secret@h/v1"
    config = RunConfig(seeds="starter", tts=f"speech-api:{url}", tts_settings={"judges": [{"url": url}]})
    shown = "tts='speech-api:http://h/v1', tts_settings={'judges': [{'url': 'http://h/v1'}]}"
    assert repr(config) == f"RunConfig(seeds='starter', {shown})"
    assert config.tts == f"speech-api:{url}"
