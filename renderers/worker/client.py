"""Batches rendered by a worker, whatever becomes of the worker: every request gets its answer.

- One that dies is started again and the batch repeated; where it dies again, each request is asked alone.
- One that hangs is killed and replaced, and each request asked alone. So is one that breaks on a batch, or
  has no memory for one request alone: it may live on and never give a sound again, as after an error of CUDA.
- A request that kills, hangs or breaks the worker, or is answered badly, when it is asked alone, is a failure
  of that request: `worker-died`, `worker-timeout`, `renderer-error`, `out-of-memory`, `worker-answer`.
- A new worker loads before it is asked, and greets as the first one did. One that does not, that cannot load,
  or that is lost again and again without a single sound, ends the run with its last words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from copilot.errors import CopilotError
from copilot.units import Seconds
from renderers.child_process import ChildDiedError, ChildProcess, ChildStartError, ChildTimeoutError
from renderers.contract import BatchTooLargeError, RenderedSound, RenderFailure, RenderRequest
from renderers.worker.answers import Answer, BadAnswerError, Greeting, asked, greeting, sounds
from renderers.worker.folders import batch_folder, delete_stale

_GREETING_S: Seconds = 120.0
_LOADING_S: Seconds = 3_600.0
"""Weights may have to be downloaded."""

_MOST_LOST = 25
"""So many workers lost in a row, without a sound between them, are no accident of one dialogue's texts."""


class WorkerBrokeError(RuntimeError):
    """A worker failed on a batch in a way that nobody foresaw, and is not to be trusted with another."""


class WorkerClient:
    """A worker that speaks the protocol of docs/worker.md. `name` stands in messages.

    It is to greet as `known`, if that is given, else whenever it starts as it did first.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        deadline_s: Seconds,
        environment: Mapping[str, str] | None = None,
        known: Greeting | None = None,
    ) -> None:
        self._name = name
        self._known = known
        self._deadline_s = deadline_s
        self._process = ChildProcess(name, command, deadline_s=_GREETING_S, environment=environment)
        self._loaded = 0
        self._n_lost = 0

    def greeting(self) -> Greeting:
        """What the worker says of itself; starts one where none lives. Raises ChildStartError."""
        header = self._process.start()
        try:
            said = greeting(header)
        except BadAnswerError as error:
            self._process.close()
            raise ChildStartError(f"{self._name}: {error}; docs/worker.md says what it is") from None
        self._known = self._known or said
        if other := said.difference(self._known):
            self._process.close()
            raise ChildStartError(
                f"{self._name}: started again, it is another: {other}; what was committed stands. "
                "Start the run anew once the program and its files stay as they are"
            )
        return said

    def prepare(self) -> None:
        """Have the living worker load, if it has not. Raises CopilotError where it cannot."""
        self._process.start()
        if self._loaded == self._process.n_starts:
            return
        delete_stale()
        try:
            said = self._process.ask({"op": "prepare"}, deadline_s=_LOADING_S).header
        except (ChildDiedError, ChildTimeoutError) as error:
            raise ChildStartError(f"{self._name}: cannot load: {self._why(error)}") from None
        if "error" in said:
            raise self._cannot_work(said)
        self._loaded = self._process.n_starts
        self.greeting()  # the one that loaded, which may not be the one that was started first

    def render(self, requests: Sequence[RenderRequest]) -> list[Answer]:
        """An answer for each request, in the order asked.

        Raises BatchTooLargeError where a smaller batch may succeed; CopilotError where the worker cannot
        work.
        """
        for again in (False, True):
            try:
                return self._render(requests)
            except ChildDiedError as error:
                if again and len(requests) == 1:
                    return [RenderFailure("worker-died", str(error))]
            except BatchTooLargeError:
                if len(requests) > 1:
                    raise
                break
            except (ChildTimeoutError, WorkerBrokeError, BadAnswerError):
                break
        return [self._alone(request) for request in requests]

    def close(self) -> None:
        """End the worker at once."""
        self._process.close()

    def _alone(self, request: RenderRequest) -> Answer:
        try:
            return self._render([request])[0]
        except ChildDiedError as error:
            return RenderFailure("worker-died", str(error))
        except ChildTimeoutError as error:
            return RenderFailure("worker-timeout", str(error))
        except BadAnswerError as error:
            return RenderFailure("worker-answer", f"{self._name}: {error}")
        except BatchTooLargeError as error:
            return RenderFailure("out-of-memory", str(error))
        except WorkerBrokeError as error:
            return RenderFailure("renderer-error", str(error))

    def _render(self, requests: Sequence[RenderRequest]) -> list[Answer]:
        self.prepare()
        with batch_folder() as folder:
            request = {"op": "render", "folder": str(folder), "requests": [asked(one) for one in requests]}
            try:
                said = self._process.ask(request, deadline_s=self._deadline_s, repeat=False).header
                if "error" in said:
                    raise self._error(said)
                answers = sounds(said, folder, len(requests))
            except (ChildDiedError, ChildTimeoutError, WorkerBrokeError) as error:
                self._lose(error)
                raise
            except BatchTooLargeError as error:
                if len(requests) == 1:
                    self._lose(error)
                raise
        if any(isinstance(answer, RenderedSound) for answer in answers):
            self._n_lost = 0
        return answers

    def _lose(self, error: Exception) -> None:
        """Be rid of the worker. Raises ChildStartError where that was once too often."""
        self._process.close()
        self._n_lost += 1
        if self._n_lost >= _MOST_LOST:
            lost = f"lost {self._n_lost} times in a row without one sound"
            raise ChildStartError(f"{self._name}: {lost}; {self._why(error)}") from None

    def _why(self, error: Exception) -> str:
        """What the process says of its end, without the name that the message begins with already."""
        return str(error).removeprefix(f"{self._name}: ")

    def _error(self, said: Mapping[str, Any]) -> Exception:
        match said.get("kind"):
            case "out-of-memory":
                return BatchTooLargeError(f"{self._name}: {said['error']}")
            case "cannot-work":
                return self._cannot_work(said)
        return WorkerBrokeError(f"{self._name}: {said['error']}")

    def _cannot_work(self, said: Mapping[str, Any]) -> CopilotError:
        if said.get("kind") == "cannot-work":  # it says itself who and where it is
            return CopilotError(str(said["error"]))
        return CopilotError(f"{self._name}: cannot work: {said['error']}")
