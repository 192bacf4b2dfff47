"""The contract between the pipeline and a backend that writes dialogues.

A designer is registered as an entry point in `copilot.designers`. What it is, needs and takes stands in its
class attribute `info`; one without it declares nothing. Every class is constructed in one way, whether or not
it asks a language model:

    MyDesigner(context)               # `info.settings` is not set
    MyDesigner(context, settings)     # `settings` is an instance of `info.settings`

It answers `design` (or `design_async`, for many dialogues at once) with a `Design`: the dialogue, what it
cost, and the designer's own checks. `copilot.designers.testing.check_designer` checks that one keeps the
contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from copilot.designers.account import Account
from copilot.errors import RowFault
from copilot.scene import SceneLimits

if TYPE_CHECKING:
    from copilot.designers.llm.service import LlmService
    from copilot.designers.llm.settings import LlmSettings
    from copilot.dialogue import Dialogue, Task
    from copilot.frozen_model import FrozenModel
    from copilot.library_sound import LibrarySound
    from copilot.seed import Seed
    from copilot.vocabulary import Check

DEFAULT_TURNS = 3
DEFAULT_SPEECH_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignerInfo:
    """The facts about a designer that are known without constructing it.

    `extra` is the extra of this distribution that brings `modules`, the import names which the designer
    needs. `licence` is that of its code. `settings` is the model of its own settings that change the
    dialogues; all have defaults, except for `target`, the setting that a spec `NAME:TARGET` fills.

    A designer that `draws_tasks` draws the task of each edit turn by `DesignerContext.task_weights`; another
    gets none. One that `draws_speech` draws by `DesignerContext.speech_share` which dialogues have speech;
    for another one only the default is accepted. One that `takes_requests` writes what the user asks for in
    `Seed.requests`; one that `continues` adds turns to the dialogue of `Seed.continued`; no other gets such
    seeds. One that `asks_model` gets `llm` and `service`; another gets neither. One that is `repeatable`
    gives the same dialogue for the same seed and random seed, in every process. One that writes in certain
    `languages` alone names them by their tags, the usual one first; seeds in others are rejected. One that
    `takes_silent` writes a dialogue without speech for a seed that is `Seed.silent`. One that `takes_library`
    writes about the sounds of `DesignerContext.library`; another gets none.
    """

    summary: str = ""
    extra: str | None = None
    modules: tuple[str, ...] = ()
    licence: str = "not given"
    settings: type[FrozenModel] | None = None
    target: str | None = None
    draws_tasks: bool = False
    draws_speech: bool = False
    takes_requests: bool = False
    continues: bool = False
    asks_model: bool = False
    repeatable: bool = False
    languages: tuple[str, ...] = ()
    takes_silent: bool = False
    takes_library: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignerContext:
    """The wishes of a run: the first argument of every designer's constructor.

    `n_turns` counts the story turn, and those of a dialogue that is continued; `Seed.count_turns` returns
    what a seed needs. `task_weights` weigh the tasks of edit turns (default: evenly). `speech_share` is the
    share of dialogues with speech, in [0, 1]. `language` is that of requests, descriptions and lines, as a
    tag; None is the designer's own, English if it names none. `library` lists the sounds that there are, if
    there are no others. `llm` is the language model and how it is
    asked. Without a `service`, a designer that asks a model only gives its
    fingerprint.
    """

    limits: SceneLimits = field(default_factory=SceneLimits)
    n_turns: int = DEFAULT_TURNS
    task_weights: Mapping[Task, float] | None = None
    speech_share: float = DEFAULT_SPEECH_SHARE
    llm: LlmSettings | None = None
    service: LlmService | None = None
    language: str | None = None
    library: tuple[LibrarySound, ...] = ()


@dataclass(frozen=True, slots=True)
class Design:
    """A dialogue with its account. `checks` are the designer's own, such as a judge's verdicts."""

    dialogue: Dialogue
    account: Account = field(default_factory=Account)
    checks: tuple[Check, ...] = ()


class DesignFault(RowFault):
    """No dialogue can be made of a seed; the account says what was tried."""

    def __init__(self, reason: str, detail: str, account: Account) -> None:
        super().__init__(reason, detail)
        self.account = account

    def __reduce__(self) -> tuple[type[DesignFault], tuple[str, str, Account]]:  # type: ignore[override]
        return (type(self), (self.reason, self.detail, self.account))


@runtime_checkable
class Designer(Protocol):
    """A backend which turns a seed into a dialogue."""

    name: str

    def fingerprint(self) -> dict[str, str]:
        """Return whatever changes the dialogues, as texts: version, model, settings."""
        ...

    def design(self, seed: Seed, run_seed: int) -> Design:
        """Return the dialogue for a seed.

        Raises RowFault if none can be made (DesignFault keeps the account), CopilotError to end the run.
        """
        ...


@runtime_checkable
class AsyncDesigner(Protocol):
    """A designer that waits for a server, and so writes many dialogues at once.

    Entered once, in the event loop that it works in; it holds connections until it is left. It may also have
    two methods for a display: `async def server_load(self) -> str | None`, which returns how busy the server
    is, in a few words, or None if it is not known; and `def count_usage(self) -> Usage`, which returns the
    use of the model since the designer was constructed, for unfinished dialogues too.
    """

    name: str
    concurrency: int
    """The number of dialogues to write at once."""

    def fingerprint(self) -> dict[str, str]:
        """Return whatever changes the dialogues, as texts; the prompts have hashes of their own."""
        ...

    def prompt_hashes(self) -> dict[str, str]:
        """Return the content hash of each prompt, by name."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc_info: object) -> None: ...

    async def design_async(self, seed: Seed, run_seed: int) -> Design:
        """Return the dialogue for a seed. Raises as `Designer.design` does."""
        ...


AnyDesigner = Designer | AsyncDesigner


def get_info(designer: Any) -> DesignerInfo:  # noqa: ANN401 - a class or an instance of anybody's
    """Return what a designer, or its class, declares."""
    info = getattr(designer, "info", None)
    return info if isinstance(info, DesignerInfo) else DesignerInfo()
