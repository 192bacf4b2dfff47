"""Requests, dialogues, continued samples and recordings of a user's own are the same on Ray as here."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from helpers.recordings import write_sounds

from pipelines.run.open import open_run

RAIN = {
    "id": 1, "tool": "sfx", "role": "ambience", "text": "steady rain",
    "loudness": -28, "panning": 0, "start_time": 0, "duration": 8,
}  # fmt: skip
ASKED = ["A forest in the rain, with an owl and a barking dog.", "Make the dog louder."]
PROGRAM = """
import sys
from pipelines import GenerateRequest, LocalExecutor, RayExecutor, RaySettings, RunConfig
from pipelines import continue_dialogue, generate, open_run

if __name__ == "__main__":
    name, given, asked, recorded, out = sys.argv[1:]
    executor = LocalExecutor() if name == "local" else RayExecutor(RaySettings(cpus=2))
    sounds = {"sfx": "noise", "tts": "murmur", "run_seed": 7}
    config = RunConfig(designer=f"given:{given}", **sounds)
    generate(GenerateRequest(config=config, out=f"{out}/given", executor=executor))
    config = RunConfig(seeds=f"requests:{asked}#request", **sounds)
    generate(GenerateRequest(config=config, out=f"{out}/asked", executor=executor))
    chain = {**sounds, "sfx": f"library:{recorded},procedural", "captions": "library"}
    config = RunConfig(seeds="starter", **chain)
    generate(GenerateRequest(config=config, out=f"{out}/recorded", num=3, executor=executor))
    (sample_id,) = open_run(f"{out}/asked").ids()
    continue_dialogue(f"{out}/asked", sample_id, f"{out}/more", ["Remove the rain."], executor=executor)
"""


def content(place):
    run = open_run(place)
    samples = {sample.id: (sample.dialogue, sample.mixes) for sample in run}
    return samples, {(reject.seed.id, reject.stage, reject.reason) for reject in run.rejects()}


@pytest.mark.usefixtures("orders")
def test_what_users_bring_is_the_same_on_both_executors(tmp_path):
    recorded = write_sounds(tmp_path / "recorded")
    given, asked, program = (tmp_path / name for name in ("given.jsonl", "asked.jsonl", "program.py"))
    given.write_text("\n".join([json.dumps({"id": "a", "elements": [RAIN]}), "{oops"]))
    asked.write_text("\n".join(json.dumps({"request": row}) for row in (ASKED, "qwertz uiop")))
    program.write_text(PROGRAM)
    made = {}
    for name in ("local", "ray"):
        out = tmp_path / name
        done = subprocess.run(
            [sys.executable, program, name, given, asked, recorded, out],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        made[name] = [content(out / part) for part in ("given", "asked", "more", "recorded")]
    assert made["ray"] == made["local"]
    assert [len(samples) for samples, _ in made["local"]] == [1, 1, 1, 3]
    reasons = [{reason for _, _, reason in rejects} for _, rejects in made["local"]]
    assert reasons == [{"not-json"}, {"request-not-understood"}, set(), set()]
    backends = {
        stem.info.backend
        for sample in open_run(tmp_path / "ray" / "recorded")
        for stem in sample.stems
        if stem.info.tool == "sfx"
    }
    assert backends == {"library"}
