"""Stages: one bad row is rejected with its reason, and the others of its batch live."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.made_runs import a_dialogue

from copilot.edit import Change, apply
from copilot.errors import CopilotError, StorageFullError
from copilot.hashing import derive_random_seed
from copilot.sample import CastVoice
from copilot.scene import SceneLimits
from copilot.seed import Seed
from pipelines.stages.check import CheckStage
from pipelines.stages.mix import MixStage
from pipelines.stages.record import Cast, Record
from pipelines.stages.render import RenderStage
from pipelines.stages.validate import ValidateStage
from pipelines.stem_store import StemStore
from renderers.contract import RenderedSound, RenderFailure, Voice
from renderers.testing import NoiseRenderer


def records(n: int = 3) -> list[Record]:
    seeds = [Seed(f"test/{k}", f"line {k}") for k in range(n)]
    made = [Record(seed, f"{k:016d}") for k, seed in enumerate(seeds)]
    for record in made:
        record.dialogue = a_dialogue(record.seed)
        known = CastVoice("woman", "berta", "gender-and-emotion")
        record.voices = {"woman": Cast(known, Voice("berta", "female"))}
    return made


class TestRender:
    class Counting(NoiseRenderer):
        """Remembers what it was asked, and has a fault for some texts."""

        def __init__(self) -> None:
            self.asked = []

        def render(self, requests):
            self.asked.append(list(requests))
            return [self.answer(request) for request in requests]

        def answer(self, request):
            return self.make_noise(request)

    def test_a_sound_is_rendered_once_at_its_longest_duration(self, tmp_path):
        renderer = self.Counting()
        (record,) = records(1)
        shorter = apply(record.dialogue.turns[0].scene, [Change(id=2, duration=0.3)])
        turns = [record.dialogue.turns[0].model_copy(update={"scene": shorter}), *record.dialogue.turns[1:]]
        record.dialogue = record.dialogue.model_copy(update={"turns": tuple(turns)})
        RenderStage(renderer, StemStore(tmp_path), 7)([record])
        (asked,) = renderer.asked
        assert [(request.text, request.duration_s) for request in asked] == [
            ("a door slams", 0.6),
            ("a small bell", 0.9),
            ("steady rain", 2.0),
        ]

    def test_what_the_store_has_is_not_rendered(self, tmp_path):
        first, second = self.Counting(), self.Counting()
        RenderStage(first, StemStore(tmp_path), 7)(records(2))
        again = records(2)
        RenderStage(second, StemStore(tmp_path), 7)(again)
        assert (len(first.asked), second.asked) == (1, [])
        assert [sorted(record.stems) for record in again] == [[1, 2, 4], [1, 2, 4]]

    def test_with_variants_dialogues_share_the_takes_of_a_caption(self, tmp_path):
        renderer = self.Counting()
        batch = records(12)
        RenderStage(renderer, StemStore(tmp_path), 7, variants=2)(batch)
        asked = [request for requests in renderer.asked for request in requests]
        assert sorted((request.text, request.duration_s) for request in asked) == [
            *[("a door slams", 1.0)] * 2,
            *[("a small bell", 1.0)] * 2,
            *[("steady rain", 2.0)] * 2,
        ]
        assert len({request.random_seed for request in asked}) == 6
        assert len({record.stems[2].info.key for record in batch}) == 2
        other = self.Counting()
        RenderStage(other, StemStore(tmp_path), 8, variants=2)(records(12))
        assert other.asked == []

    def test_every_sound_of_every_dialogue_has_a_seed_of_its_own(self, tmp_path):
        renderer = self.Counting()
        RenderStage(renderer, StemStore(tmp_path / "a"), 7)(records(2))
        RenderStage(renderer, StemStore(tmp_path / "b"), 8)(records(2))
        seeds = [request.random_seed for asked in renderer.asked for request in asked]
        assert len(set(seeds)) == len(seeds) == 12

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (RenderFailure("worker-died", "last words"), "worker-died"),
            (RenderedSound(np.zeros((3, 9_600), dtype=np.float32), 48_000), "stem-layout"),
        ],
    )
    def test_a_failed_sound_rejects_its_dialogue_alone(self, tmp_path, answer, reason):
        renderer, batch = self.Counting(), records(3)
        bad = derive_random_seed("sound", 7, batch[1].seed.id, 0, 2)
        renderer.answer = lambda request: (
            answer if request.random_seed == bad else renderer.make_noise(request)
        )
        RenderStage(renderer, StemStore(tmp_path), 7)(batch)
        assert [record.reject and record.reject.reason for record in batch] == [None, reason, None]
        assert batch[1].reject.stage == "render-sounds"
        assert batch[1].reject.detail.startswith("element 2 ('a door slams'): ")
        assert batch[1].stems == {}

    def test_a_backend_that_breaks_on_a_batch_is_asked_for_each_sound(self, tmp_path):
        renderer, batch = self.Counting(), records(3)

        def answer(request):
            if request.text == "a small bell" and request.random_seed == bad:
                raise IndexError("a bug in a backend")
            return renderer.make_noise(request)

        bad = derive_random_seed("sound", 7, batch[0].seed.id, 2, 4)
        renderer.answer = answer
        RenderStage(renderer, StemStore(tmp_path), 7)(batch)
        assert [record.reject and record.reject.reason for record in batch] == ["renderer-error", None, None]
        assert "IndexError: a bug in a backend" in batch[0].reject.detail

    def test_too_few_answers_end_the_run(self, tmp_path):
        renderer = self.Counting()
        renderer.render = lambda requests: []
        with pytest.raises(CopilotError, match="noise: gave 0 answers to 3 requests"):
            RenderStage(renderer, StemStore(tmp_path), 7)(records(1))

    def test_a_full_disk_ends_the_run(self, tmp_path, monkeypatch):
        def full(stem):
            raise StorageFullError("full")

        store = StemStore(tmp_path)
        monkeypatch.setattr(store, "put", full)
        stage = RenderStage(self.Counting(), store, 7)
        with pytest.raises(StorageFullError):
            stage(records(1))


class TestOrderOfStages:
    def test_a_stage_without_what_it_needs_rejects(self):
        bare = Record(Seed("test/1", "line"), "0" * 16)
        ValidateStage(SceneLimits())([bare])
        assert (bare.reject.stage, bare.reject.reason) == ("validate", "no-dialogue")
        (unmixed,) = records(1)
        CheckStage()([unmixed])
        assert (unmixed.reject.stage, unmixed.reject.reason) == ("check", "no-mix")

    def test_a_rejected_record_passes_untouched(self):
        (record,) = records(1)
        record.refuse("design", "because", "of a test")
        MixStage(16)([record])
        assert (record.reject.reason, record.mix) == ("because", None)

    def test_a_fatal_fault_is_the_reason(self):
        (record,) = records(1)
        ValidateStage(SceneLimits(element_duration_s={"low": 1.0, "high": 8}))([record])
        assert (record.reject.stage, record.reject.reason) == ("validate", "duration-range")
