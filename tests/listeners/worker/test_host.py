from __future__ import annotations

import numpy as np
import pytest
from helpers import odd_listener

from copilot.errors import CopilotError, UserError
from listeners import registry
from listeners.contract import (
    ANSWERS,
    Clip,
    Detection,
    HeardWord,
    HearingFailure,
    Kind,
    Listener,
    Ratings,
    Transcript,
    get_info,
)
from listeners.worker.listener import HostedListener
from renderers.child_process import ChildStartError
from renderers.contract import BatchTooLargeError, RenderSettings


@pytest.fixture(autouse=True)
def installed(tmp_path, monkeypatch):
    with odd_listener.install(tmp_path, monkeypatch):
        yield


@pytest.fixture
def hosted():
    listeners = []

    def start(kind: Kind = "rater", deadline_s: float | None = None, spec: str = "odd", **settings: str):
        place = RenderSettings(deadline_s=deadline_s)
        listeners.append(registry.create_for_hearing(spec, kind, settings, place))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.close()


def clips(*orders: str) -> list[Clip]:
    return [Clip(np.full(1_000 + n, 0.5, np.float32), (order,)) for n, order in enumerate(orders)]


def reasons(answers) -> list[str]:
    return [answer.reason if isinstance(answer, HearingFailure) else "" for answer in answers]


def test_it_tells_what_the_listener_tells_and_starts_nothing(hosted):
    listener = hosted("scorer")
    assert isinstance(listener, HostedListener)
    assert isinstance(listener, Listener)
    assert (listener.name, listener.kind, listener.rate_hz) == ("odd", "scorer", 8_000)
    assert listener.fingerprint() == {"backend": "odd", "version": "1", "kind": "scorer"}
    assert get_info(listener).deadline_s == 77.0
    assert listener._client._process.pid is None
    assert listener._inner.prepared is False


@pytest.mark.parametrize("kind", ANSWERS)
def test_answers_are_those_of_the_listener_to_the_bit(hosted, kind):
    listener = hosted(kind)
    asked = clips("a", "refused", "b")
    expected = [listener._inner.one(clip, clip.captions[0]) for clip in asked]
    listener.prepare()
    for found, known in zip(listener.hear(asked), expected, strict=True):
        assert type(found) is type(known)
        for name in type(known).__slots__:
            assert np.array_equal(getattr(found, name), getattr(known, name)), name


def test_audio_arrives_bit_by_bit(hosted):
    audio = np.random.default_rng(1).standard_normal(999).astype(np.float32)
    [heard] = hosted().hear([Clip(audio)])
    assert heard == Ratings({"size": 999, "peak": float(audio.max())})


def test_what_holds_no_sound_never_reaches_the_child(hosted):
    empty, ill = np.zeros(0, np.float32), np.full(4, np.nan, np.float32)
    listener = hosted()
    assert reasons(listener.hear([Clip(empty), Clip(ill)])) == ["audio-empty", "audio-not-finite"]
    assert listener._client._process.pid is None
    assert reasons(listener.hear([Clip(ill), *clips("a")])) == ["audio-not-finite", ""]


def test_a_recogniser_that_hears_nothing_gives_an_empty_transcript(hosted):
    assert hosted("recogniser").hear(clips("nothing")) == [Transcript("")]


def test_a_listener_that_dies_in_the_middle_is_replaced_and_the_batch_heard_again(hosted, tmp_path):
    log = tmp_path / "log"
    answers = hosted(log=str(log)).hear(clips("a", "die once", "b"))
    assert reasons(answers) == ["", "", ""]
    pids = [line.split() for line in log.read_text().splitlines()]
    assert [n for _, n in pids] == ["3", "3"]
    assert pids[0][0] != pids[1][0]


def test_a_clip_that_kills_the_listener_fails_alone(hosted, tmp_path):
    log = tmp_path / "log"
    answers = hosted(log=str(log)).hear(clips("a", "die", "b"))
    assert reasons(answers) == ["", "worker-died", ""]
    assert [line.split()[1] for line in log.read_text().splitlines()] == ["3", "3", "1", "1", "1"]


def test_a_clip_that_hangs_the_listener_fails_alone(hosted):
    answers = hosted(deadline_s=3.0).hear(clips("a", "hang", "b"))
    assert reasons(answers) == ["", "worker-timeout", ""]


def test_a_bug_is_one_clips_failure_with_its_traceback(hosted):
    answers = hosted().hear(clips("a", "bug", "b"))
    assert reasons(answers) == ["", "listener-error", ""]
    assert answers[1].detail.endswith("ZeroDivisionError: a bug in a listener\n")


def test_want_of_memory_is_the_batchs_and_for_one_clip_its_failure(hosted):
    listener = hosted()
    with pytest.raises(BatchTooLargeError):
        listener.hear(clips("a", "memory"))
    assert reasons(listener.hear(clips("memory"))) == ["out-of-memory"]


def test_an_error_of_the_project_ends_the_run_in_its_words(hosted):
    with pytest.raises(CopilotError, match=r"^odd: the device is gone$"):
        hosted().hear(clips("gone"))
    with pytest.raises(CopilotError, match=r"^odd: no such model; name another$"):
        hosted(spec="odd:user").prepare()
    with pytest.raises(CopilotError, match=r"(?s)^odd: cannot work: Traceback .*KeyError: 'weights'"):
        hosted(spec="odd:bug").prepare()


def test_a_child_that_cannot_start_ends_the_run(hosted):
    listener = hosted()
    listener._client._process._command[-1] = '{"volume": 1}'
    with pytest.raises(ChildStartError, match=r"unknown setting 'volume'"):
        listener.prepare()


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        ("recogniser", "late"),
        ("detector", "shape"),
        ("detector", "long"),
        ("detector", "nan"),
        ("detector", "loud"),
        ("embedder", "shape"),
        ("embedder", "nan"),
        ("scorer", "loud"),
        ("scorer", "short"),
        ("rater", "nothing"),
        ("rater", "few"),
    ],
)
def test_an_answer_against_the_contract_is_that_clips_failure(hosted, kind, order):
    answers = hosted(kind).hear(clips("a", order, "b"))
    assert reasons(answers) == ["", "worker-answer", ""]


def test_frames_and_word_times_arrive(hosted):
    [detection] = hosted("detector").hear([Clip(np.full(8_000, 0.5, np.float32), ("a", "b"))])
    assert isinstance(detection, Detection)
    assert (detection.probabilities.shape, detection.frame_s) == ((2, 25), 0.04)
    assert detection.presence.tolist() == [0.5, 0.5]
    [transcript] = hosted("recogniser").hear([Clip(np.zeros(8_000, np.float32))])
    assert transcript.words == (HeardWord("a", 0.0, 0.1, 0.5), HeardWord("b", 0.1, 1.0, None))


def test_a_setting_that_the_listener_does_not_take_is_a_users_mistake():
    with pytest.raises(UserError) as raised:
        registry.create_for_hearing("odd", "rater", {"volume": "1"})
    assert raised.value.field == "rater_settings"
