"""The findings of a check of a language model's server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from copilot.designers.account import Usage
from copilot.designers.llm.settings import Structured
from copilot.units import Seconds
from pipelines.llm.answers import ServedModel
from pipelines.llm.metrics import ServerLoad

KeywordOutcome = Literal["kept", "broken", "no-reply"]
"""`kept`: no reply broke the keyword, so it is enforced, or the model never tried to break it."""


@dataclass(frozen=True, slots=True)
class ServerFinding:
    """A server, and the model to try. `max_model_len` is the context of one request in tokens.

    `slots` is the number of requests that it works on at once, `load` what its metrics say; each is None if
    the server does not tell it.
    """

    url: str
    version: str | None
    served: tuple[ServedModel, ...]
    model: str
    max_model_len: int | None
    slots: int | None
    load: ServerLoad | None


@dataclass(frozen=True, slots=True)
class FormFinding:
    """A finding on a form of replies: `works` if they come in it; `said` holds the reply that did not."""

    structured: Structured
    works: bool
    said: str


@dataclass(frozen=True, slots=True)
class KeywordFinding:
    """A finding on a keyword; `said` holds the reply that broke it, or why none came.

    `consequence` is what follows for dialogues if the server ignores the keyword.
    """

    keyword: str
    outcome: KeywordOutcome
    said: str
    consequence: str


@dataclass(frozen=True, slots=True)
class DialogueFinding:
    """One dialogue of three turns, written with a form of replies. It is rejected if it has a reason."""

    structured: Structured
    reason: str | None
    detail: str
    usage: Usage

    @property
    def seconds(self) -> Seconds:
        """The time it took, all corrections included."""
        return self.usage.seconds


@dataclass(frozen=True, slots=True)
class NotTried:
    """The trials for which there was no time, or which were not finished in time."""

    trials: tuple[str, ...]


Finding = ServerFinding | FormFinding | KeywordFinding | DialogueFinding | NotTried


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that was found."""

    server: ServerFinding
    forms: tuple[FormFinding, ...]
    keywords: tuple[KeywordFinding, ...]
    dialogues: tuple[DialogueFinding, ...]
    not_tried: tuple[str, ...]

    @classmethod
    def of(cls, found: list[Finding]) -> Findings:
        """Sort findings by their kind. The first one is that on the server."""
        (server,) = (one for one in found if isinstance(one, ServerFinding))
        return cls(
            server,
            tuple(one for one in found if isinstance(one, FormFinding)),
            tuple(one for one in found if isinstance(one, KeywordFinding)),
            tuple(one for one in found if isinstance(one, DialogueFinding)),
            tuple(trial for one in found if isinstance(one, NotTried) for trial in one.trials),
        )

    @property
    def recommended(self) -> Structured | None:
        """The form that a dialogue was written with; None if none was."""
        return next((found.structured for found in self.dialogues if found.reason is None), None)
