"""A check that a listener keeps the contract, for its author; and a small listener for tests.

Call it in a test of your own package: `check_listener(MyEars, kind="rater")`. It needs no test framework, and
lets the listener hear some thirty short clips of tones and noise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from copilot import plugins
from copilot.errors import ContractError, CopilotError
from listeners.contract import (
    ANSWERS,
    Clip,
    Detection,
    Embedding,
    Heard,
    HearingFailure,
    Kind,
    Listener,
    ListenerInfo,
    Ratings,
    Scores,
    Transcript,
)
from listeners.preparation import hear_sound_clips
from listeners.worker.answers import HearTrade, write_answer
from renderers.worker.messages import BadAnswerError

Promise = Literal[
    "info", "construction", "members", "fingerprint", "prepare", "answers", "failures", "repeatable", "batch",
    "order", "bad-clip", "close",
]  # fmt: skip
"""Promises of a listener; `docs/listeners.md` has a line for each."""

_MEMBERS = ("name", "kind", "rate_hz", "fingerprint", "prepare", "hear", "close")
_KEBAB_CASE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CAPTIONS = ("a high tone", "rain on a tin roof", "somebody speaks")
_DURATIONS_S = (1.0, 0.02, 3.3, 0.5)

Answer = Heard | HearingFailure


def check_listener(
    listener: Any,  # noqa: ANN401 - a class or a function of anybody's
    settings: Mapping[str, Any] | None = None,
    *,
    kind: Kind,
    clips: Sequence[Clip] | None = None,
    tolerance: float = 0.0,
) -> None:
    """Check that a listener keeps the contract of `listeners.contract`.

    `listener` is the class, which is constructed with the settings, or a function without arguments that
    returns a new listener. `clips` are clips of which at least one is heard; default: tones and noise of
    0.02 to 3.3 s. Figures about equal clips may differ by `tolerance`; default: not at all.

    Raises ContractError with the name of the first promise that is broken, UserError for settings that the
    listener does not take, and CopilotError as the listener does if it cannot work here.
    """
    one, other = (_construct(listener, settings, kind) for _ in range(2))
    try:
        trial = _Trial(one, tolerance)
        trial.check_description(other, kind)
        trial.check_hearing(other, make_clips(one.rate_hz) if clips is None else clips)
    finally:
        one.close()
        other.close()
    _call("close", "it cannot be closed twice", one.close)


def make_clips(rate_hz: int, durations_s: Sequence[float] = _DURATIONS_S) -> list[Clip]:
    """Return tones in noise with one to three captions, each clip another."""
    made = []
    for n, duration_s in enumerate(durations_s):
        time_s = np.arange(max(round(duration_s * rate_hz), 1)) / rate_hz
        noise = np.random.default_rng(n).standard_normal(time_s.size)
        audio = 0.2 * np.sin(2 * np.pi * 330 * (n + 1) * time_s) + 0.02 * noise
        made.append(Clip(audio.astype(np.float32), _CAPTIONS[: n % 3 + 1]))
    return made


def _construct(make: Any, settings: Mapping[str, Any] | None, kind: Kind) -> Listener:  # noqa: ANN401
    declared = getattr(make, "info", ListenerInfo(kinds=(kind,)))
    if not isinstance(declared, ListenerInfo) or kind not in declared.kinds:
        raise ContractError("info", f"`info` is not a ListenerInfo of the kind {kind}")
    arguments: list[Any] = []
    named: dict[str, Any] = {}
    if isinstance(make, type):
        if declared.settings is not None:
            arguments = [plugins.check_settings(declared.settings, settings or {}, f"{kind}_settings")]
        named = {"kind": kind} if len(declared.kinds) > 1 else {}
    listener: Listener = _call("construction", "it cannot be constructed", lambda: make(*arguments, **named))
    if missing := [member for member in _MEMBERS if not hasattr(listener, member)]:
        raise ContractError("members", f"it has no {', '.join(missing)}")
    return listener


def _call(promise: Promise, what: str, function: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Call what may only raise CopilotError."""
    try:
        return function()
    except CopilotError:
        raise
    except Exception as error:
        raise ContractError(promise, f"{what}: {plugins.describe_exception(error)}") from error


@dataclass(frozen=True)
class _Trial:
    """One listener, and the largest difference of figures about equal clips."""

    listener: Listener
    tolerance: float

    def check_description(self, other: Listener, kind: Kind) -> None:
        """Check name, kind, rate and fingerprint, before and after loading."""
        listener = self.listener
        if not isinstance(listener.name, str) or not listener.name:
            raise ContractError("members", f"its name is {listener.name!r}; it must be a text")
        if listener.kind != kind:
            raise ContractError("members", f"its kind is {listener.kind!r}, not {kind}")
        if not isinstance(listener.rate_hz, int) or listener.rate_hz <= 0:
            raise ContractError("members", f"its rate is {listener.rate_hz!r}; it must be an integer")
        first, again, others = (
            _call("fingerprint", "it raises", one.fingerprint) for one in (listener, listener, other)
        )
        if not isinstance(first, dict) or not all(
            isinstance(text, str) for pair in first.items() for text in pair
        ):
            raise ContractError("fingerprint", f"{first!r} is not a dict of texts")
        if not first.get("backend"):
            raise ContractError("fingerprint", "it names no `backend`")
        for _ in range(2):
            _call("prepare", "it raises", listener.prepare)
        if not first == again == others == listener.fingerprint():
            raise ContractError(
                "fingerprint", "it is not the same from call to call, or for a second listener"
            )

    def check_hearing(self, other: Listener, clips: Sequence[Clip]) -> None:
        """Check batches of ordinary clips, and of clips that hold no sound."""
        together = self.hear(clips)
        if not any(not isinstance(answer, HearingFailure) for answer in together):
            raise ContractError("answers", f"no ordinary clip is heard: {together[0]}")
        self._require_same(together, self.hear(clips), "repeatable", "the same batch again")
        alone = [self.hear([clip])[0] for clip in clips]
        self._require_same(together, alone, "batch", "a batch of its own")
        self._require_same(together, self.hear(clips[::-1])[::-1], "order", "another order of the batch")
        if self.hear([]):
            raise ContractError("answers", "an empty batch has answers")
        for audio in (np.zeros(0, np.float32), np.full(100, np.nan, np.float32), np.zeros(100, np.float32)):
            mixed = self.hear([clips[0], Clip(audio, clips[0].captions), *clips[1:]], "bad-clip")
            self._require_same(together, [mixed[0], *mixed[2:]], "bad-clip", f"a batch with {audio[:1]}")
        _call("prepare", "a second listener raises", other.prepare)
        self._require_same(
            together, replace(self, listener=other).hear(clips), "repeatable", "a second listener"
        )

    def hear(self, clips: Sequence[Clip], promise: Promise = "answers") -> list[Answer]:
        """Return the answers to a batch, each of them checked."""
        answers: list[Answer] = _call(promise, "`hear` raises", lambda: list(self.listener.hear(clips)))
        if len(answers) != len(clips):
            raise ContractError(promise, f"{len(clips)} clips have {len(answers)} answers")
        with TemporaryDirectory(prefix="audiocopilot-check-") as folder:
            for clip, answer in zip(clips, answers, strict=True):
                self._check_answer(clip, answer, Path(folder))
        return answers

    def _check_answer(self, clip: Clip, answer: Answer, folder: Path) -> None:
        kind = self.listener.kind
        if isinstance(answer, HearingFailure):
            if not _KEBAB_CASE.fullmatch(answer.reason) or not answer.detail:
                raise ContractError("failures", f"{answer}: no reason in kebab-case, or no detail")
            return
        if not isinstance(answer, ANSWERS[kind]):
            raise ContractError("answers", f"a {kind} answers with a {type(answer).__name__}")
        trade = HearTrade(kind)
        trade.rate_hz = self.listener.rate_hz
        try:
            trade.read_answer(write_answer(answer, folder, "0"), clip, folder)
        except BadAnswerError as error:
            raise ContractError("answers", str(error)) from error

    def _require_same(
        self, ones: Sequence[Answer], others: Sequence[Answer], promise: Promise, what: str
    ) -> None:
        for number, (one, other) in enumerate(zip(ones, others, strict=True)):
            (texts, figures), (other_texts, other_figures) = _flatten(one), _flatten(other)
            same = texts == other_texts and figures.shape == other_figures.shape
            if not same or np.abs(figures - other_figures).max(initial=0.0) > self.tolerance:
                raise ContractError(
                    promise, f"{what} gives another answer to clip {number}: {one} and {other}"
                )


def _flatten(answer: Answer) -> tuple[list[str], NDArray[np.float64]]:
    """Return an answer as its texts and its figures."""
    match answer:
        case Transcript():
            times = [(word.start_s, word.end_s, word.probability or 0.0) for word in answer.words]
            return [answer.text, *(word.text for word in answer.words)], np.array(times, np.float64)
        case Detection():
            return [], np.append(answer.probabilities.astype(np.float64), answer.frame_s)
        case Embedding():
            return [], answer.vector.astype(np.float64)
        case Scores():
            return [], np.array(answer.values, np.float64)
        case Ratings():
            return list(answer.values), np.array(list(answer.values.values()), np.float64)
        case HearingFailure():
            return [answer.reason], np.zeros(0)


class LevelListener:
    """A rater for tests: the level of a clip, from 1 (silence) to 5 (full scale)."""

    name = "level"
    kind: Kind = "rater"
    rate_hz = 16_000
    info = ListenerInfo(kinds=("rater",), summary="The level of a clip, from 1 to 5", licence="Apache-2.0")

    def fingerprint(self) -> dict[str, str]:
        """Return name and version."""
        return {"backend": self.name, "version": "1"}

    def prepare(self) -> None:
        """Load nothing."""

    def hear(self, clips: Sequence[Clip]) -> Sequence[Heard | HearingFailure]:
        """Return one rating per clip."""
        return hear_sound_clips(clips, lambda sound: [self.rate(clip) for clip in sound])

    def rate(self, clip: Clip) -> Ratings:
        """Return the rating of a clip with sound."""
        return Ratings({"level": 1.0 + 4.0 * min(float(np.abs(clip.audio).max()), 1.0)})

    def close(self) -> None:
        """Release nothing."""
