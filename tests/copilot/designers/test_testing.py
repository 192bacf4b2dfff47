"""The contract check for authors: our designers pass, a broken one fails with the promise it breaks."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import count

import pytest
from helpers.fake_llm import serving
from helpers.paths import ROOT
from helpers.stand_ins import StandInAhead, StandInDesigner
from pydantic import Field

from copilot.designers.contract import Design, DesignerContext, DesignerInfo
from copilot.designers.llm.service import LlmService
from copilot.designers.llm.settings import LlmSettings
from copilot.designers.scripted import ScriptedDesigner
from copilot.designers.testing import check_designer
from copilot.dialogue import Dialogue
from copilot.errors import ContractError, CopilotError, RowFault, UserError
from copilot.frozen_model import FrozenModel
from copilot.scene import SceneLimits
from pipelines.llm.designer import LlmDesigner


@pytest.mark.parametrize("make", [ScriptedDesigner, StandInDesigner, StandInAhead])
def test_our_own_designers_keep_the_contract(make):
    check_designer(make)


def test_the_scripted_designer_keeps_it_for_a_context_of_the_users():
    limits = SceneLimits(n_turns=5, n_elements=8)
    check_designer(
        ScriptedDesigner, context=DesignerContext(limits=limits, n_turns=5, task_weights={"open": 1.0})
    )


def test_the_designer_on_a_language_model_keeps_it():
    with serving() as server:
        context = DesignerContext(llm=LlmSettings(model="tiny"), service=LlmService(urls=(server.url,)))
        check_designer(LlmDesigner, context=context)


class Settings(FrozenModel):
    word: str = Field(default="so")


class Moody(StandInDesigner):
    info = DesignerInfo(settings=Settings)

    def __init__(self, context, settings):
        super().__init__(context)
        self.word = settings.word

    def fingerprint(self):
        return {"designer": self.name, "word": self.word}


def test_settings_are_given_by_name():
    words = set()

    class Recorded(Moody):
        def fingerprint(self):
            words.add(self.word)
            return super().fingerprint()

    check_designer(Recorded, {"word": "and"})
    assert words == {"and"}
    with pytest.raises(UserError) as caught:
        check_designer(Moody, {"words": "and"})
    assert caught.value.field == "designer_settings"


class NoInfo(StandInDesigner):
    info = "a text"


class Unmade(StandInDesigner):
    def __init__(self):
        pass


class NotADesigner:
    def __init__(self, context):
        pass


class NumberInFingerprint(StandInDesigner):
    def fingerprint(self):
        return {"version": 1}


class ChangingFingerprint(StandInDesigner):
    numbers = count()

    def fingerprint(self):
        return {"version": str(next(self.numbers))}


class NumberInPromptHashes(StandInAhead):
    def prompt_hashes(self):
        return {"story": 5}


class BareDialogue(StandInDesigner):
    def design(self, seed, run_seed):
        return super().design(seed, run_seed).dialogue


class BareDialogueAhead(StandInAhead):
    async def design_async(self, seed, run_seed):
        return (await super().design_async(seed, run_seed)).dialogue


class OddChecks(StandInDesigner):
    def design(self, seed, run_seed):
        return replace(super().design(seed, run_seed), checks=("good",))


class RefusesAll(StandInDesigner):
    def design(self, seed, run_seed):
        raise RowFault("tired", "no seed is good enough")


class OtherSeed(StandInDesigner):
    def design(self, seed, run_seed):
        return super().design(replace(seed, text=seed.text.upper()), run_seed)


class IgnoresTurns(StandInDesigner):
    def __init__(self, context):
        super().__init__(replace(context, n_turns=3))


class Silent(StandInDesigner):
    """Leaves the ambience out of the story."""

    def design(self, seed, run_seed):
        dialogue = super().design(seed, run_seed).dialogue
        content = dialogue.model_dump()
        for turn in content["turns"]:
            turn["scene"]["elements"] = [e for e in turn["scene"]["elements"] if e["role"] != "ambience"]
        operations = content["turns"][0]["operations"]
        content["turns"][0]["operations"] = [o for o in operations if o["element"]["role"] != "ambience"]
        return Design(Dialogue.model_validate(content))


class TripsOverTheEmpty(StandInDesigner):
    def design(self, seed, run_seed):
        seed.text.split()[0]
        return super().design(seed, run_seed)


class EndsTheRunOverTheEmpty(StandInDesigner):
    def design(self, seed, run_seed):
        if not seed.text:
            raise CopilotError("a seed has no text")
        return super().design(seed, run_seed)


class ReasonInWords(StandInDesigner):
    def design(self, seed, run_seed):
        if not seed.text:
            raise RowFault("No text", "a seed has no text")
        return super().design(seed, run_seed)


class TwoArguments(RowFault):
    def __init__(self, seed_id, word):
        super().__init__("bad-word", f"{seed_id} holds {word}")

    def __reduce__(self):
        return (type(self), ("only one",))


class FaultThatCannotTravel(StandInDesigner):
    def design(self, seed, run_seed):
        if not seed.text:
            raise TwoArguments(seed.id, "nothing")
        return super().design(seed, run_seed)


class Counts(StandInDesigner):
    """Numbers its descriptions over all designers."""

    numbers = count()

    def design(self, seed, run_seed):
        return described(super().design(seed, run_seed), f"Rain, take {next(self.numbers)}.")


class RemembersTheFirst(StandInDesigner):
    """Describes every scene by the first seed it got."""

    def __init__(self, context):
        super().__init__(context)
        self.first = None

    def design(self, seed, run_seed):
        self.first = self.first or seed.id
        return described(super().design(seed, run_seed), f"Rain, as in {self.first}.")


def described(design: Design, description: str) -> Design:
    turns = tuple(
        turn.model_copy(update={"description": f"{description} Turn {index}."})
        for index, turn in enumerate(design.dialogue.turns)
    )
    return replace(design, dialogue=design.dialogue.model_copy(update={"turns": turns}))


@pytest.mark.parametrize(
    ("make", "promise"),
    [
        (NoInfo, "info"),
        (Unmade, "construction"),
        (NotADesigner, "construction"),
        (NumberInFingerprint, "fingerprint"),
        (ChangingFingerprint, "fingerprint"),
        (NumberInPromptHashes, "fingerprint"),
        (BareDialogue, "answer"),
        (BareDialogueAhead, "answer"),
        (OddChecks, "answer"),
        (RefusesAll, "answer"),
        (OtherSeed, "seed"),
        (IgnoresTurns, "turns"),
        (Silent, "rules"),
        (TripsOverTheEmpty, "faults"),
        (EndsTheRunOverTheEmpty, "faults"),
        (ReasonInWords, "faults"),
        (FaultThatCannotTravel, "pickle"),
        (Counts, "repeatable"),
        (RemembersTheFirst, "order"),
    ],
)
def test_a_broken_designer_fails_with_the_promise_that_it_breaks(make, promise):
    with pytest.raises(ContractError) as caught:
        check_designer(make)
    assert caught.value.promise == promise


def test_one_that_promises_no_repeats_may_vary():
    class Varies(Counts):
        info = DesignerInfo()

    check_designer(Varies)


def test_what_ends_a_run_is_raised_as_it_is(monkeypatch):
    monkeypatch.setenv("STAND_IN_AWAY", "0")
    with pytest.raises(CopilotError, match="the server is away") as caught:
        check_designer(StandInAhead)
    assert type(caught.value) is CopilotError


def test_it_needs_no_test_framework():
    script = "import sys, copilot.designers.testing; print({'pytest', 'hypothesis'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "set()"
