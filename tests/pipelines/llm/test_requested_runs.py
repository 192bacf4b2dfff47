"""Runs of a user's own requests, and continued samples, with a language model on a server."""

from __future__ import annotations

import json

import pytest
from helpers.fake_llm import serving

from copilot.designers.llm.service import LlmService
from copilot.designers.llm.settings import LlmSettings
from copilot.errors import UserError
from pipelines.backends import create_designer
from pipelines.config import RunConfig
from pipelines.continuation import continue_dialogue
from pipelines.main_job import GenerateRequest, generate
from pipelines.run.open import open_run

ASKED = ["A beach with waves and gulls.", "Make the gulls quieter, by 6 dB!"]


def test_requests_stay_word_for_word_and_the_sample_is_continued(tmp_path):
    asked = tmp_path / "asked.jsonl"
    asked.write_text(json.dumps({"id": "a", "request": ASKED}))
    config = RunConfig(
        seeds=f"requests:{asked}#request",
        designer="llm",
        llm=LlmSettings(model="tiny"),
        sfx="noise",
        tts="murmur",
    )
    with serving() as server:
        service = LlmService(urls=(server.url,))
        generate(GenerateRequest(config=config, out=tmp_path / "run", service=service))
        (sample,) = open_run(tmp_path / "run")
        continue_dialogue(tmp_path / "run", sample.id, tmp_path / "more", ["Lonelier."], service=service)
        continue_dialogue(tmp_path / "run", sample.id, tmp_path / "free", n_turns=2, service=service)
    (more,), (free,) = open_run(tmp_path / "more"), open_run(tmp_path / "free")
    assert [turn.user for turn in sample.dialogue.turns] == ASKED
    assert [turn.user for turn in more.dialogue.turns] == [*ASKED, "Lonelier."]
    assert len(free.dialogue.turns) == 4
    for new in (more, free):
        assert new.dialogue.turns[:2] == sample.dialogue.turns
        stems = {stem.element_id: (stem.info.key, stem.flac) for stem in new.stems}
        assert {s.element_id: stems[s.element_id] for s in sample.stems} == {
            s.element_id: (s.info.key, s.flac) for s in sample.stems
        }
    assert more.provenance.designer == "llm"


def test_whole_dialogues_have_no_turn_for_a_request():
    settings = LlmSettings(model="tiny", mode="whole")
    with pytest.raises(UserError) as caught:
        create_designer(RunConfig(seeds="requests:a.txt", designer="llm", llm=settings))
    assert caught.value.field == "llm.mode"
