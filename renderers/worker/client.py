"""Batches answered by a child process: every request gets its answer, whatever happens to the child.

The messages are those of a `renderers.worker.trade.Trade`: renderers have one, and so have listeners.

- A child that dies is started again and the batch repeated; if it dies again, each request is sent alone.
- A child that hangs is killed and replaced, and each request sent alone. The same happens to a child that
  breaks on a batch, or lacks memory for a single request: after an error of CUDA it may live and never make a
  sound again.
- A request that, sent alone, kills, hangs or breaks the child, or gets a bad answer, fails with
  `worker-died`, `worker-timeout`, the trade's own error (such as `renderer-error`), `out-of-memory` or
  `worker-answer`.
- A new child loads before it receives a batch, and has to greet as the first one did. One that does not, that
  cannot load, or that is lost again and again without a single product, ends the run with its last words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Generic

from copilot.errors import CopilotError
from copilot.units import Seconds
from renderers.child_process import ChildDiedError, ChildProcess, ChildStartError, ChildTimeoutError
from renderers.contract import BatchTooLargeError
from renderers.worker.folders import create_batch_folder, delete_stale
from renderers.worker.messages import BAD_ANSWER, BadAnswerError, require_answers
from renderers.worker.trade import F, G, P, R, Trade

_GREETING_S: Seconds = 120.0
_LOADING_S: Seconds = 3_600.0
"""Weights may have to be downloaded."""

_MOST_LOST = 25
"""So many children lost or bad answers in a row, without a product, are not due to one request."""


class WorkerBrokeError(RuntimeError):
    """An unforeseen error of a child on a batch, after which it is not trusted with another."""


class WorkerClient(Generic[G, R, P, F]):
    """A child process that speaks the protocol of docs/worker.md. `name` is its name in messages.

    It has to greet as `known`, or, if none is given, as it did at its first start.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        trade: Trade[G, R, P, F],
        *,
        deadline_s: Seconds,
        environment: Mapping[str, str] | None = None,
        known: G | None = None,
    ) -> None:
        self._name = name
        self._trade = trade
        self._known = known
        self._deadline_s = deadline_s
        self._process = ChildProcess(name, command, deadline_s=_GREETING_S, environment=environment)
        self._loaded = 0
        self._n_lost = 0
        self._n_misfits = 0

    def get_greeting(self) -> G:
        """Return the child's greeting; start a child if none lives. Raises ChildStartError."""
        header = self._process.start()
        try:
            received = self._trade.parse_greeting(header)
        except BadAnswerError as error:
            self._process.close()
            raise ChildStartError(f"{self._name}: {error}; see docs/worker.md") from None
        self._known = self._known or received
        if other := received.find_difference(self._known):
            self._process.close()
            raise ChildStartError(
                f"{self._name}: after a restart, its {other}; what was committed stands. "
                "Start another run once the program and its files no longer change"
            )
        return received

    def prepare(self) -> None:
        """Let the living child load, if it has not yet. Raises CopilotError if it cannot."""
        self._process.start()
        if self._loaded == self._process.n_starts:
            return
        delete_stale()
        try:
            answer = self._process.ask({"op": "prepare"}, deadline_s=_LOADING_S).header
        except (ChildDiedError, ChildTimeoutError) as error:
            raise ChildStartError(f"{self._name}: cannot load: {self._strip_name(error)}") from None
        if "error" in answer:
            raise self._make_fatal_error(answer)
        self._loaded = self._process.n_starts
        self.get_greeting()  # of the child that loaded, which may not be the first that was started

    def work(self, requests: Sequence[R]) -> list[P | F]:
        """Return one answer per request, in the same order.

        Raises BatchTooLargeError if a smaller batch may succeed; CopilotError if the child cannot work.
        """
        answers = self._work_or_isolate(requests)
        self._count_misfits(answers)
        return answers

    def _is_product(self, answer: P | F) -> bool:
        return not isinstance(answer, self._trade.failure)

    def _count_misfits(self, answers: Sequence[P | F]) -> None:
        """Raise CopilotError if the child answers everything against the protocol."""
        if any(self._is_product(answer) for answer in answers):
            self._n_misfits = 0
            return
        failures = [one for one in answers if isinstance(one, self._trade.failure)]
        misfits = [one for one in failures if one.reason == BAD_ANSWER]
        self._n_misfits += len(misfits)
        if misfits and self._n_misfits >= _MOST_LOST:
            last = misfits[-1].detail.removeprefix(f"{self._name}: ")
            raise CopilotError(
                f"{self._name}: {self._n_misfits} answers in a row, without one {self._trade.product}, "
                f"break the protocol: {last}; see docs/worker.md"
            )

    def _work_or_isolate(self, requests: Sequence[R]) -> list[P | F]:
        for again in (False, True):
            try:
                return self._work(requests)
            except ChildDiedError as error:
                if again and len(requests) == 1:
                    return [self._trade.failure("worker-died", str(error))]
            except BatchTooLargeError:
                if len(requests) > 1:
                    raise
                break
            except (ChildTimeoutError, WorkerBrokeError, BadAnswerError):
                break
        return [self._work_alone(request) for request in requests]

    def close(self) -> None:
        """End the child at once."""
        self._process.close()

    def _work_alone(self, request: R) -> P | F:
        fail = self._trade.failure
        try:
            return self._work([request])[0]
        except ChildDiedError as error:
            return fail("worker-died", str(error))
        except ChildTimeoutError as error:
            return fail("worker-timeout", str(error))
        except BadAnswerError as error:
            return fail(BAD_ANSWER, f"{self._name}: {error}")
        except BatchTooLargeError as error:
            return fail("out-of-memory", str(error))
        except WorkerBrokeError as error:
            return fail(self._trade.own_error, str(error))

    def _work(self, requests: Sequence[R]) -> list[P | F]:
        self.prepare()
        with create_batch_folder() as folder:
            batch = self._trade.write_requests(requests, folder)
            message = {"op": self._trade.op, "folder": str(folder), "requests": batch}
            try:
                header = self._process.ask(message, deadline_s=self._deadline_s, repeat=False).header
                if "error" in header:
                    raise self._make_error(header)
                found = require_answers(header, len(requests))
                pairs = zip(found, requests, strict=True)
                answers = [self._read_answer(answer, request, folder) for answer, request in pairs]
            except (ChildDiedError, ChildTimeoutError, WorkerBrokeError) as error:
                self._discard_child(error)
                raise
            except BatchTooLargeError as error:
                if len(requests) == 1:
                    self._discard_child(error)
                raise
        if any(self._is_product(answer) for answer in answers):
            self._n_lost = 0
        return answers

    def _read_answer(self, answer: object, request: R, folder: Path) -> P | F:
        try:
            return self._trade.read_answer(answer, request, folder)
        except BadAnswerError as error:
            return self._trade.failure(BAD_ANSWER, str(error))

    def _discard_child(self, error: Exception) -> None:
        """End the child. Raises ChildStartError if that has happened too often in a row."""
        self._process.close()
        self._n_lost += 1
        if self._n_lost >= _MOST_LOST:
            lost = f"lost {self._n_lost} times in a row without one {self._trade.product}"
            raise ChildStartError(f"{self._name}: {lost}; {self._strip_name(error)}") from None

    def _strip_name(self, error: Exception) -> str:
        """Return the message without the name, which the new message begins with already."""
        return str(error).removeprefix(f"{self._name}: ")

    def _make_error(self, answer: Mapping[str, Any]) -> Exception:
        match answer.get("kind"):
            case "out-of-memory":
                return BatchTooLargeError(f"{self._name}: {answer['error']}")
            case "cannot-work":
                return self._make_fatal_error(answer)
        return WorkerBrokeError(f"{self._name}: {answer['error']}")

    def _make_fatal_error(self, answer: Mapping[str, Any]) -> CopilotError:
        if answer.get("kind") == "cannot-work":  # its message names itself
            return CopilotError(str(answer["error"]))
        return CopilotError(f"{self._name}: cannot work: {answer['error']}")
