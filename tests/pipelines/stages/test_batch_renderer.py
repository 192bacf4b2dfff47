"""Sounds from a backend: batches, want of memory, second tries, and what is counted."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from copilot.errors import CopilotError, RowFault, StorageFullError
from copilot.hashing import derive_random_seed
from copilot.seed import Seed
from copilot.stem import SoundSpec, Stem
from copilot.vocabulary import Word
from pipelines.accounting.render_stats import RenderTally, merge
from pipelines.stages.batch_renderer import BatchRenderer, SoundJob
from pipelines.stages.record import Record
from renderers.contract import BatchTooLargeError, Reference, RenderedSound, RendererInfo, RenderFailure
from renderers.testing import NoiseRenderer

BACKEND = {"backend": "noise", "version": "1"}


def job_of(spec: SoundSpec) -> SoundJob:
    return SoundJob(spec, Record(Seed("test/1", "line"), "0" * 16), 1)


def jobs(*durations_s: float) -> list[SoundJob]:
    return [job_of(SoundSpec("sfx", f"sound {k}", s, k, BACKEND)) for k, s in enumerate(durations_s)]


class Backend(NoiseRenderer):
    """Noise in batches of 8 s; remembers what it was asked."""

    info = RendererInfo(batch_s=8.0)

    def __init__(self, most: int = 99) -> None:
        self.asked: list[list[str]] = []
        self._most = most

    def render(self, requests):
        self.asked.append([request.text.removeprefix("sound ") for request in requests])
        if len(requests) > self._most:
            raise BatchTooLargeError(f"{len(requests)} do not fit")
        return [self.answer(request) for request in requests]

    def answer(self, request):
        return self.make_noise(request)


def rendering(backend, **settings) -> BatchRenderer:
    return BatchRenderer(backend, lambda stem: None, **settings)


def test_requests_come_in_batches_of_about_equal_length_and_stems_in_the_order_asked():
    backend, kept = Backend(), []
    made = BatchRenderer(backend, kept.append).render(jobs(8, 1, 2, 1))
    assert backend.asked == [["1", "3", "2"], ["0"]]
    assert [stem.info.asked_duration_s for stem in made] == [8, 1, 2, 1]
    assert {stem.info.key for stem in kept} == {stem.info.key for stem in made}


def test_a_batch_that_does_not_fit_is_halved_and_the_budget_stays_smaller():
    backend = Backend(most=2)
    work = rendering(backend, batch_s=4.0)
    assert all(isinstance(stem, Stem) for stem in work.render(jobs(1, 1, 1, 1)))
    assert backend.asked == [["0", "1", "2", "3"], ["0", "1"], ["2", "3"]]
    backend.asked.clear()
    work.render(jobs(1, 1, 1, 1))
    assert backend.asked == [["0", "1"], ["2", "3"]]


def test_one_that_does_not_fit_alone_fails_and_the_budget_stays():
    backend = Backend()
    real = backend.render

    def render(requests):
        if any(request.duration_s > 5 for request in requests):
            raise BatchTooLargeError("8 GiB wanted")
        return real(requests)

    backend.render = render
    work = rendering(backend, batch_s=100)
    made = work.render(jobs(1, 6, 2))
    assert [isinstance(one, Stem) for one in made] == [True, False, True]
    assert (made[1].reason, made[1].detail) == ("out-of-memory", "8 GiB wanted")
    backend.asked.clear()
    work.render(jobs(1, 2, 1, 3))
    assert backend.asked == [["0", "2", "1", "3"]]


def test_want_of_this_machines_memory_halves_the_batch_too():
    backend = Backend()
    real = backend.render

    def render(requests):
        if len(requests) > 1:
            raise MemoryError
        return real(requests)

    backend.render = render
    assert all(isinstance(stem, Stem) for stem in rendering(backend).render(jobs(1, 1, 1)))


def test_a_backend_that_breaks_on_a_batch_is_asked_for_each():
    backend = Backend()
    real = backend.render

    def render(requests):
        if any(request.text == "sound 1" for request in requests):
            backend.asked.append(["broke"])
            raise IndexError("a bug")
        return real(requests)

    backend.render = render
    made = rendering(backend).render(jobs(1, 1, 1))
    assert backend.asked == [["broke"], ["0"], ["broke"], ["2"]]
    assert [isinstance(one, Stem) for one in made] == [True, False, True]
    assert made[1].reason == "renderer-error"
    assert "IndexError: a bug" in made[1].detail


SILENCE = np.zeros((1, 48_000), np.float32)
NOISE = np.random.default_rng(3).standard_normal((1, 48_000)).astype(np.float32)


@pytest.mark.parametrize(
    ("audio", "reason"),
    [
        (SILENCE, "stem-silent"),
        (np.full((1, 48_000), np.nan, np.float32), "stem-not-finite"),
        (np.clip(NOISE * 50, -1, 1), "stem-clipped"),
        (NOISE[:, :20_000], "stem-too-short"),
    ],
)
class TestWhatIsNoSound:
    def test_is_asked_for_once_more_with_another_seed(self, audio, reason):
        backend = Backend()
        seeds = []

        def answer(request):
            seeds.append(request.random_seed)
            return RenderedSound(audio, 48_000) if len(seeds) == 1 else backend.make_noise(request)

        backend.answer = answer
        (stem,) = rendering(backend).render(jobs(1))
        assert seeds == [0, derive_random_seed("again", 0)]
        assert (stem.info.key, stem.info.detail) == (jobs(1)[0].spec.key, {"again_after": reason})

    def test_is_given_up_after_that(self, audio, reason):
        backend = Backend()
        backend.answer = lambda request: RenderedSound(audio, 48_000)
        work = rendering(backend)
        (fault,) = work.render(jobs(1))
        assert fault.reason == reason
        assert fault.detail.endswith(" (with another seed as well)")
        tally = work.pop_tally()
        assert (len(backend.asked), tally.retried, tally.failures, tally.stems) == (2, 1, {reason: 1}, 0)


def test_a_failure_of_the_backend_is_not_tried_again():
    backend = Backend()
    backend.answer = lambda request: RenderFailure("worker-died", "last words")
    (fault,) = rendering(backend).render(jobs(1))
    assert (fault.reason, fault.detail, len(backend.asked)) == ("worker-died", "last words", 1)


def test_what_cannot_be_kept_ends_the_run():
    def full(stem):
        raise StorageFullError("the disk is full")

    with pytest.raises(StorageFullError):
        BatchRenderer(Backend(), full).render(jobs(1, 2))


def test_what_was_rendered_before_the_run_ends_is_kept():
    backend, kept, broken = Backend(), [], threading.Event()
    real = backend.render

    def render(requests):
        if not backend.asked:
            return real(requests)
        broken.set()
        raise CopilotError("the licence has run out")

    def keep(stem):
        assert broken.wait(60)
        kept.append(stem)

    backend.render = render
    with pytest.raises(CopilotError, match="the licence has run out"):
        BatchRenderer(backend, keep).render(jobs(4, 4, 8))
    assert [stem.info.asked_duration_s for stem in kept] == [4, 4]


def test_too_few_answers_end_the_run():
    backend = Backend()
    backend.render = lambda requests: []
    with pytest.raises(CopilotError, match="noise: gave 0 answers to 1 requests"):
        rendering(backend).render(jobs(1))


def test_what_is_counted():
    work = rendering(Backend())
    work.render(jobs(8, 1, 2, 1))
    tally = work.pop_tally()
    assert tally.render_s > 0
    assert replace(tally, render_s=0) == RenderTally(stems=4, audio_s=12.0, batches=2, fill=6 / 8 + 1)
    assert (tally.mean_fill, work.pop_tally()) == (0.875, RenderTally())


def test_tallies_add_up_by_backend():
    one = {"noise": RenderTally(stems=2, hits=1, audio_s=4, render_s=1, failures={"stem-silent": 1})}
    other = {
        "noise": RenderTally(stems=1, audio_s=2, render_s=2, failures={"stem-silent": 2}),
        "x": RenderTally(),
    }
    total = merge((one, other))
    assert total["noise"] == RenderTally(3, 0, 1, 6, 3, failures={"stem-silent": 3})
    assert (total["noise"].realtime_factor, total["x"].realtime_factor, total["x"].mean_fill) == (
        0.5,
        None,
        None,
    )


def test_an_answer_that_is_no_sound_at_all_fails_alone():
    backend = Backend()
    backend.answer = lambda request: (
        RenderedSound("nonsense", 48_000) if request.random_seed == 0 else backend.make_noise(request)
    )
    made = rendering(backend).render(jobs(1, 1))
    assert isinstance(made[0], RowFault)
    assert made[0].reason == "unexpected-error"
    assert isinstance(made[1], Stem)


@pytest.mark.parametrize(
    "told",
    [
        {"detail": {"steps": np.int64(24)}},
        {"detail": {1: "x"}},
        {"words": (Word("who", 0.0, float("nan")),)},
        {"words": (Word("who", 0.5, 0.2),)},
    ],
)
def test_what_no_row_can_hold_fails_alone(told):
    backend = Backend()

    def answer(request):
        sound = backend.make_noise(request)
        return replace(sound, **told) if request.random_seed == 0 else sound

    backend.answer = answer
    made = rendering(backend).render(jobs(1, 1))
    assert (made[0].reason, isinstance(made[1], Stem)) == ("bad-answer", True)


def test_speech_that_stops_at_once_is_no_speech():
    backend = Backend()
    spec = SoundSpec("tts", "we will meet by the old gate before the rain begins tonight", 4.0, 1, BACKEND)
    (fault,) = rendering(backend).render([job_of(replace(spec, duration_s=0.5))])
    assert fault.reason == "stem-too-short"
    assert isinstance(rendering(backend).render([job_of(spec)])[0], Stem)


def test_speech_that_does_not_stop_is_requested_once_more():
    backend = Backend()
    spec = SoundSpec("tts", "three short words", 60.0, 1, BACKEND)
    (fault,) = rendering(backend).render([job_of(spec)])
    assert fault.reason == "stem-too-long"
    assert backend.asked == [["three short words"]] * 2


def test_what_shows_the_voice_is_in_the_key():
    reference = Reference(Path("/bank/a.wav"), "Hello there.", "0" * 64)
    assert reference.content == replace(reference, path=Path("/moved/b.wav"), licence="CC0").content
    others = [
        replace(reference, **other)
        for other in ({"transcript": "Hello."}, {"emotion": "sad"}, {"sha256": "1"})
    ]
    assert len({one.content for one in (reference, *others)}) == 4


class TestABackendThatIsBroken:
    @staticmethod
    def broken(request):
        raise ValueError("boom")

    def test_ends_the_run_after_many_failures_in_a_row(self):
        backend = Backend()
        backend.answer = self.broken
        work = rendering(backend)
        assert len(work.render(jobs(*[1] * 24))) == 24
        with pytest.raises(CopilotError, match=r"noise: failed 25 times in a row.*(?s:.)*ValueError: boom"):
            work.render(jobs(1))

    def test_a_sound_in_between_is_a_sign_of_life(self):
        backend = Backend()
        work = rendering(backend)
        for _ in range(3):
            backend.answer = self.broken
            work.render(jobs(*[1] * 24))
            backend.answer = backend.make_noise
            (made,) = work.render(jobs(1))
            assert isinstance(made, Stem)

    def test_what_concerns_the_requests_never_ends_the_run(self):
        backend = Backend()
        backend.answer = lambda request: RenderFailure("too-long", "60 s")
        assert len(rendering(backend).render(jobs(*[1] * 50))) == 50
