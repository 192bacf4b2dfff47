"""A check for authors of designers: `check_designer(MyDesigner)` in a test of your own package.

It needs no test framework and writes nothing. It requests nine dialogues, and eight more of a designer that
is repeatable.
"""

from __future__ import annotations

import asyncio
import pickle
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from copilot import plugins
from copilot.designers.account import Account
from copilot.designers.contract import (
    AnyDesigner,
    AsyncDesigner,
    Design,
    Designer,
    DesignerContext,
    DesignerInfo,
    get_info,
)
from copilot.dialogue import Dialogue
from copilot.errors import ContractError, CopilotError, RowFault
from copilot.normalise import normalise_dialogue
from copilot.rules import check_dialogue
from copilot.seed import Seed
from copilot.vocabulary import Check

T = TypeVar("T")

Promise = Literal[
    "info",
    "construction",
    "fingerprint",
    "answer",
    "seed",
    "turns",
    "rules",
    "faults",
    "pickle",
    "repeatable",
    "order",
]
"""The promises of a designer; `docs/backends.md` explains each."""

EXAMPLE_SEEDS = (
    Seed("check/0", "The last ferry had left when she reached the pier, and the lamps went out."),
    Seed("check/1", "He put the kettle on, and the clock in the hall struck nine."),
    Seed("check/2", "A dog barked behind the mill, and somebody laughed."),
    Seed("check/3", "The orchestra was still tuning when the doors closed."),
)
ODD_SEEDS = (
    Seed("check/empty", ""),
    Seed("check/spaces", " \t\n "),
    Seed("check/symbols", "\N{VIOLIN} \N{ZERO WIDTH SPACE} \N{RIGHT-TO-LEFT MARK} 1e-3 {'a': []} <|end|> \0"),
    Seed("check/long", "word after word " * 200),
)

_KEBAB_CASE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def check_designer(
    designer: Any,  # noqa: ANN401 - a class of anybody's
    settings: Mapping[str, Any] | None = None,
    *,
    context: DesignerContext | None = None,
    seeds: Sequence[Seed] = EXAMPLE_SEEDS,
    odd_seeds: Sequence[Seed] = ODD_SEEDS,
    run_seed: int = 7,
) -> None:
    """Check that a designer's class keeps the contract of `copilot.designers.contract`.

    One that asks a model needs a `context` with `llm` and `service`. Raises ContractError with the name of
    the first promise that is broken, UserError for settings or a context that the designer does not take, and
    CopilotError as the designer does to end a run.
    """
    trial = _Trial(designer, settings, context or DesignerContext(), run_seed)
    trial.check_fingerprint()
    outcomes = trial.design(seeds)
    for seed, outcome in zip(seeds, outcomes, strict=True):
        trial.check_outcome(seed, outcome)
    if not any(isinstance(outcome, Design) for outcome in outcomes):
        raise ContractError("answer", f"none of {len(seeds)} ordinary seeds has a dialogue: {outcomes[0]}")
    for seed, outcome in zip(odd_seeds, trial.design(odd_seeds), strict=True):
        trial.check_outcome(seed, outcome, odd=True)
    short = replace(trial, context=replace(trial.context, n_turns=1))
    short.check_outcome(seeds[0], short.design(seeds[:1])[0])
    if get_info(designer).repeatable:
        _require_same(seeds, outcomes, trial.design(seeds), "repeatable", "a second designer")
        reverse = trial.design(tuple(reversed(seeds)))
        _require_same(seeds, outcomes, tuple(reversed(reverse)), "order", "another order of the seeds")


@dataclass(frozen=True)
class _Trial:
    """One designer's class, and what it is constructed with.

    The outcome of a seed is a Design, an exception, or something that no designer may return.
    """

    designer: Any
    settings: Mapping[str, Any] | None
    context: DesignerContext
    run_seed: int

    def construct(self) -> AnyDesigner:
        declared = getattr(self.designer, "info", DesignerInfo())
        if not isinstance(declared, DesignerInfo):
            raise ContractError("info", f"`info` is a {type(declared).__name__}, not a DesignerInfo")
        arguments: tuple[Any, ...] = (self.context,)
        if declared.settings is not None:
            settings = plugins.check_settings(declared.settings, self.settings or {}, "designer_settings")
            arguments += (settings,)
        try:
            designer = self.designer(*arguments)
        except CopilotError:
            raise
        except Exception as error:
            raise ContractError("construction", plugins.describe_exception(error)) from error
        if not isinstance(designer, Designer | AsyncDesigner):
            raise ContractError("construction", "it is neither a Designer nor an AsyncDesigner")
        return designer

    def check_fingerprint(self) -> None:
        one, other = self.construct(), self.construct()
        fingerprints = [one.fingerprint(), one.fingerprint(), other.fingerprint()]
        hashes = [one.prompt_hashes()] if isinstance(one, AsyncDesigner) else []
        for found in (*fingerprints, *hashes):
            texts = [text for pair in found.items() for text in pair] if isinstance(found, dict) else [None]
            if not all(isinstance(text, str) for text in texts):
                raise ContractError("fingerprint", f"{found!r} is not a dict of texts")
        if not fingerprints[0] == fingerprints[1] == fingerprints[2]:
            raise ContractError("fingerprint", "it differs from call to call, or from designer to designer")

    def design(self, seeds: Sequence[Seed]) -> Sequence[object]:
        """Return the outcome of each seed with a new designer."""
        designer = self.construct()
        if isinstance(designer, AsyncDesigner):
            # In a thread of its own, because a notebook has an event loop already.
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(asyncio.run, self._design_async(designer, seeds)).result()
        return [self._design_one(designer, seed) for seed in seeds]

    def _design_one(self, designer: Designer, seed: Seed) -> object:
        try:
            return designer.design(seed, self.run_seed)
        except Exception as error:  # noqa: BLE001 - `check_outcome` judges it
            return error

    async def _design_async(self, designer: AsyncDesigner, seeds: Sequence[Seed]) -> Sequence[object]:
        async with designer:
            writing = (designer.design_async(seed, self.run_seed) for seed in seeds)
            return await asyncio.gather(*writing, return_exceptions=True)

    def check_outcome(self, seed: Seed, outcome: object, *, odd: bool = False) -> None:
        if isinstance(outcome, BaseException):
            _check_fault(seed, outcome, odd=odd)
        elif isinstance(outcome, Design):
            self._check_design(seed, outcome, odd=odd)
        else:
            raise ContractError("answer", f"seed {seed.id} gives a {type(outcome).__name__}, not a Design")

    def _check_design(self, seed: Seed, design: Design, *, odd: bool) -> None:
        _check_types(seed, design)
        dialogue, n_turns = design.dialogue, self.context.n_turns
        if (dialogue.seed_id, dialogue.seed_text) != (seed.id, seed.text):
            raise ContractError("seed", f"the dialogue of seed {seed.id} has another seed's id or text")
        if len(dialogue.turns) != n_turns:
            raise ContractError("turns", f"seed {seed.id} has {len(dialogue.turns)} turns, not {n_turns}")
        if _copy(design, seed) != design:
            raise ContractError("pickle", f"the design of seed {seed.id} is another after pickling")
        if odd:
            return
        normalised, _ = normalise_dialogue(dialogue, self.context.limits)
        for violation in check_dialogue(normalised, self.context.limits):
            if violation.severity == "fatal":
                raise ContractError("rules", f"seed {seed.id} breaks {violation.rule}: {violation.message}")


def _check_types(seed: Seed, design: Design) -> None:
    expected: list[tuple[object, type]] = [
        (design.dialogue, Dialogue),
        (design.account, Account),
        (design.checks, tuple),
    ]
    if isinstance(design.checks, tuple):
        expected += [(check, Check) for check in design.checks]
    for part, kind in expected:
        if not isinstance(part, kind):
            raise ContractError("answer", f"seed {seed.id}: {part!r:.60} is not a {kind.__name__}")


def _check_fault(seed: Seed, error: BaseException, *, odd: bool) -> None:
    ends_run = isinstance(error, CopilotError) and not isinstance(error, RowFault)
    if not isinstance(error, Exception) or (ends_run and not odd):
        raise error
    if not isinstance(error, RowFault):
        raised = plugins.describe_exception(error)
        raise ContractError("faults", f"seed {seed.id} raises {raised}; raise RowFault") from error
    if not _KEBAB_CASE.fullmatch(error.reason):
        raise ContractError("faults", f"seed {seed.id}: the reason {error.reason!r} is not in kebab-case")
    if vars(_copy(error, seed)) != vars(error):
        raise ContractError("pickle", f"the fault of seed {seed.id} is another after pickling")


def _copy(value: T, seed: Seed) -> T:
    try:
        copied: T = pickle.loads(pickle.dumps(value))  # noqa: S301 - of a value of this process
    except Exception as error:
        raise ContractError("pickle", f"seed {seed.id}: {plugins.describe_exception(error)}") from error
    return copied


def _require_same(
    seeds: Sequence[Seed], ones: Sequence[object], others: Sequence[object], promise: Promise, what: str
) -> None:
    for seed, one, other in zip(seeds, ones, others, strict=True):
        if _content(one) != _content(other):
            raise ContractError(promise, f"{what} gives another dialogue for seed {seed.id}")


def _content(outcome: object) -> object:
    """Return all of an outcome that has to be the same again: not the account, which has times in it."""
    if isinstance(outcome, RowFault):
        return (outcome.reason, outcome.detail)
    return (outcome.dialogue, outcome.checks) if isinstance(outcome, Design) else outcome
