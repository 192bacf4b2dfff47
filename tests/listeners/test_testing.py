from __future__ import annotations

from itertools import count

import numpy as np
import pytest

from copilot.errors import ContractError
from copilot.frozen_model import FrozenModel
from listeners.contract import Detection, HearingFailure, ListenerInfo, Ratings, Scores, Transcript
from listeners.testing import LevelListener, check_listener, make_clips


class Settings(FrozenModel):
    gain: float = 1.0


class Louder(LevelListener):
    """A listener with settings and two kinds, as its author may write one."""

    info = ListenerInfo(kinds=("rater", "scorer"), settings=Settings)

    def __init__(self, settings, *, kind):
        self.kind = kind
        self.gain = settings.gain

    def rate(self, clip):
        return Ratings({"gain": self.gain}) if self.kind == "rater" else Scores((0.5,) * len(clip.captions))


def test_a_listener_that_keeps_the_contract_passes():
    check_listener(LevelListener, kind="rater")
    check_listener(LevelListener, kind="rater", clips=make_clips(16_000, (0.1, 0.2)))
    check_listener(Louder, {"gain": 2.0}, kind="rater")
    check_listener(Louder, kind="scorer")
    check_listener(LevelListener, kind="rater", tolerance=0.1)


def faulty(promise, **members):
    return pytest.param(
        promise, type("Faulty", (LevelListener,), members), id=f"{promise}-{'-'.join(members)}"
    )


TURNS = count()


def rate_by_turn(self, clip):
    return Ratings({"level": float(next(TURNS))})


def hear_louder(self, clips):
    return [Ratings({"level": float(len(clips))}) for clip in clips if clip.audio.size]


def die(self, *_):
    raise ZeroDivisionError("a bug in a listener")


def hear_without_care(self, clips):
    return [Ratings({"level": float(clip.audio.max())}) for clip in clips]


def of_kind(kind, answer):
    members = {"kind": kind, "info": ListenerInfo(kinds=(kind,)), "rate": lambda self, clip: answer(clip)}
    return type("Faulty", (LevelListener,), members)


@pytest.mark.parametrize(
    ("promise", "listener"),
    [
        faulty("info", info="a rater"),
        faulty("info", info=ListenerInfo(kinds=("scorer",))),
        faulty("construction", __init__=die),
        faulty("members", name=""),
        faulty("members", kind="scorer"),
        faulty("members", rate_hz=0),
        faulty("fingerprint", fingerprint=die),
        faulty("fingerprint", fingerprint=lambda _: {"backend": 1}),
        faulty("fingerprint", fingerprint=lambda _: {"version": "1"}),
        faulty("fingerprint", fingerprint=lambda self: {"backend": "x", "id": str(id(self))}),
        faulty("prepare", prepare=die),
        faulty("answers", hear=die),
        faulty("answers", hear=lambda self, clips: []),
        faulty("answers", rate=lambda self, clip: Transcript("")),
        faulty("answers", rate=lambda self, clip: Ratings({"level": float("nan")})),
        faulty("answers", rate=lambda self, clip: HearingFailure("not-heard", "never")),
        faulty("failures", rate=lambda self, clip: HearingFailure("Not heard", "never")),
        faulty("failures", rate=lambda self, clip: HearingFailure("not-heard", "")),
        faulty("repeatable", rate=rate_by_turn),
        faulty("batch", hear=hear_louder),
        faulty("bad-clip", hear=hear_without_care),
        faulty("close", close=lambda self, closed=[]: die(self) if len(closed) == 2 else closed.append(1)),
    ],
)
def test_a_broken_promise_is_named(promise, listener):
    with pytest.raises(ContractError) as raised:
        check_listener(listener, kind="rater")
    assert raised.value.promise == promise


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("detector", lambda clip: Detection(np.zeros((1, 7), np.float32), 0.04)),
        (
            "detector",
            lambda clip: Detection(
                np.full((len(clip.captions), 1), 2.0, np.float32), clip.audio.size / 16_000
            ),
        ),
        ("scorer", lambda clip: Scores(())),
    ],
)
def test_answers_of_the_wrong_form_are_named(kind, answer):
    with pytest.raises(ContractError) as raised:
        check_listener(of_kind(kind, answer), kind=kind)
    assert raised.value.promise == "answers"
