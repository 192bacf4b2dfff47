"""The part of the worker protocol (docs/worker.md) that all workers have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, ValidationError

from copilot.frozen_model import FrozenModel
from copilot.validation import first_fault

PROTOCOL = 1

BAD_ANSWER = "worker-answer"
"""The reason of the failure that an answer against the protocol is."""

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""The name of a file in the batch's folder."""

M = TypeVar("M", bound=FrozenModel)


class BadAnswerError(Exception):
    """An answer that breaks the protocol. Concerns one request or one batch, never the run."""


class FailureMessage(FrozenModel):
    """The answer to a request that has no product."""

    reason: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
    detail: str = ""


class AnyGreeting(FrozenModel):
    """The first line of a worker. `places`: options that only name the place of a file or folder."""

    protocol: Literal[1]
    name: str = Field(min_length=1)
    fingerprint: dict[str, str]
    places: tuple[str, ...] = ()

    @classmethod
    def parse(cls, header: Mapping[str, Any]) -> Self:
        """Return a worker's greeting. Raises BadAnswerError."""
        try:
            return cls.model_validate(header)
        except ValidationError as error:
            raise BadAnswerError(f"its greeting: {describe_fault(error)}") from None

    @property
    def identity(self) -> dict[str, str]:
        """Everything that must not differ after a restart, as texts."""
        return {"name": self.name, **self.fingerprint}

    def find_difference(self, known: AnyGreeting) -> str:
        """Return the first difference that would change results, for messages; empty if there is none."""
        before, now = known.identity, self.identity
        names = (name for name in {**before, **now} if before.get(name) != now.get(name))
        return next((f"{name} is {now.get(name)!r} and was {before.get(name)!r}" for name in names), "")


def parse_answer(model: type[M], answer: object) -> M:
    """Return an answer in the form of a model. Raises BadAnswerError."""
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        raise BadAnswerError(describe_fault(error)) from None


def require_answers(header: Mapping[str, Any], n_requests: int) -> list[object]:
    """Return the answers to a batch.

    Raises BadAnswerError if it is unknown which answer belongs to which request.
    """
    answers = header.get("answers")
    if not isinstance(answers, list):
        raise BadAnswerError("its answer holds neither a list of answers nor an error")
    if len(answers) != n_requests:
        raise BadAnswerError(f"it gave {len(answers)} answers to {n_requests} requests")
    return answers


def describe_fault(error: ValidationError) -> str:
    """Return the first fault of a message, with its place."""
    fault = first_fault(error)
    where = fault.where or "answer"
    return f"no {where}" if fault.kind == "missing" else f"{where}={fault.value!r}: {fault.message}"
