"""Runs of a user's own requests by the scripted designer."""

from __future__ import annotations

import json

from pipelines.config import RunConfig
from pipelines.continuation import continue_dialogue
from pipelines.execution.local import LocalExecutor
from pipelines.inspection.verify.run import verify
from pipelines.main_job import GenerateRequest, generate
from pipelines.run.open import open_run

ROWS = [
    {"id": "beach", "request": ["A beach with waves and gulls.", "Make the gulls much quieter, please!"]},
    {"id": "forest", "request": "A forest in the rain, with an owl."},
    {"id": "none", "request": "qwertz uiop"},
]


def test_a_run_of_requests_is_resumed_and_its_samples_are_continued(tmp_path):
    asked = tmp_path / "asked.jsonl"
    asked.write_text("\n".join(map(json.dumps, ROWS)))
    config = RunConfig(seeds=f"requests:{asked}#request", sfx="noise", tts="murmur", run_seed=7)
    generate(GenerateRequest(config=config, out=tmp_path / "whole"))
    for num in (1, None):
        generate(GenerateRequest(config=config, out=tmp_path / "run", num=num, executor=LocalExecutor(2)))
    run, whole = open_run(tmp_path / "run"), open_run(tmp_path / "whole")
    assert {s.id: (s.dialogue, s.mixes) for s in run} == {s.id: (s.dialogue, s.mixes) for s in whole}
    assert [(reject.stage, reject.reason) for reject in run.rejects()] == [
        ("design", "request-not-understood")
    ]
    beach, forest = (run[f"requests/asked.jsonl/{name}"] for name in ("beach", "forest"))
    assert [turn.user for turn in beach.dialogue.turns] == ROWS[0]["request"]
    assert (forest.dialogue.turns[0].user, len(forest.dialogue.turns)) == (ROWS[1]["request"], 3)
    assert verify(run.place).problems == ()
    continue_dialogue(run.place, beach.id, tmp_path / "more", ["Remove the gulls."])
    (more,) = open_run(tmp_path / "more")
    assert more.dialogue.turns[:2] == beach.dialogue.turns
    assert (more.dialogue.turns[2].task, more.mixes[:2]) == ("remove", beach.mixes)
