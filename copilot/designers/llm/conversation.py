"""Writes a dialogue with a language model: decides what to ask, and what follows from each reply.

There is no network here: a conversation yields what to ask and is sent the replies. A turn's fault is
reported to the model; after so many corrections the turn starts again, and after so many fresh starts the
seed is given up, with the last fault as the reason. A valid turn is never asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from copilot.designers.account import Account
from copilot.designers.llm.copying import find_copied_captions, find_copied_requests, find_copies
from copilot.designers.llm.exchange import Ask, Message, Reply
from copilot.designers.llm.faults import Fault, describe_violations, finish, limit_numbers, report
from copilot.designers.llm.forms import Form, FormBook
from copilot.designers.llm.ladder import UnusableReply, is_truncated, read_reply
from copilot.designers.llm.log import Log
from copilot.designers.llm.replies import write_reply
from copilot.dialogue import Dialogue
from copilot.errors import RowFault
from copilot.frozen_model import FrozenModel
from copilot.normalise import normalise_dialogue
from copilot.rules import check_dialogue
from copilot.scene import Scene
from copilot.seed import Seed
from copilot.units import Seconds

VERSION = "3"
"""Raise it with any change to requests or to the reading of replies; prompts have hashes of their own."""

_FORM_FAULTS = frozenset({"not-json", "cut-off", "schema"})
_USUAL_TEMPERATURE = 0.8
"""Servers' own, or near it: that of llama.cpp. Others have up to 1."""
_HEAT_STEP = 0.2
_HIGHEST_TEMPERATURE = 1.2

M = TypeVar("M", bound=FrozenModel)
Steps = Generator[Ask, Reply, Dialogue]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The result of a reply: a valid dialogue, or a fault, or both if the dialogue only falls short of hq.

    `scene` is the dialogue's last one, mended; `text` is the reply as the chat continues with it.
    """

    dialogue: Dialogue | None = None
    scene: Scene = field(default_factory=Scene)
    text: str = ""
    fault: UnusableReply | None = None


@dataclass(frozen=True, slots=True)
class _Faulty:
    """A faulty reply, and its fault."""

    text: str
    fault: UnusableReply


class Conversation:
    """One dialogue while it is written."""

    def __init__(self, book: FormBook, seed: Seed, run_seed: int) -> None:
        self._book = book
        self._forms = book.start_dialogue(seed, run_seed)
        self._own_requests = seed.own_requests
        self._continued = (
            Dialogue(seed_id=seed.id, seed_text=seed.text, turns=seed.continued.dialogue.turns)
            if seed.continued is not None
            else None
        )
        self._chat: tuple[Message, ...] = (self._forms.system,)
        self._scene = Scene()
        self.log = Log()

    def account(self, seconds: Seconds) -> Account:
        """Return the record of the requests so far and their replies."""
        prompt, usage = self._forms.prompt, self.log.usage(seconds)
        return Account(self._book.settings.model, prompt.name, prompt.hash, usage, self.log.replies)

    def steps(self) -> Steps:
        """Yield what to ask, be sent the replies, and return the dialogue.

        Raises RowFault if the seed is given up.
        """
        if self._book.settings.mode == "whole":
            return (yield from self._ask_until_valid(lambda _: self._forms.whole()))
        if self._continued is None:
            dialogue = yield from self._ask_until_valid(self._forms.story)
        else:
            dialogue, self._scene = self._continued, self._continued.turns[-1].scene
        while len(dialogue.turns) < self._forms.n_turns:
            dialogue = yield from self._ask_until_valid(partial(self._forms.edit, dialogue, self._scene))
        return dialogue

    def _ask_until_valid(self, make_form: Callable[[int], Form[M]]) -> Steps:
        """Ask until a reply makes a valid dialogue; each start has a form. Raises RowFault if none does."""
        settings = self._book.settings
        form, enlarged = make_form(0), False
        max_tokens, more_tokens = form.tokens
        last = UnusableReply("no-reply", ("nothing was asked",))
        seen: set[str] = set()
        n_failed = 0
        for start in range(1 + settings.fresh_starts):
            form = make_form(start) if start else form
            self.log.count("fresh_starts", int(start > 0))
            told: tuple[_Faulty, ...] = ()
            standing: _Outcome | None = None
            for n_left in reversed(range(1 + settings.corrections)):
                ask = Ask(self._write_chat(form, told), form.grammar, max_tokens, self._heat(n_failed))
                reply = yield from self.log.ask(ask)
                if not enlarged and is_truncated(reply):
                    enlarged = True
                    larger = yield from self.log.ask(replace(ask, max_tokens=more_tokens))
                    # If the server refuses so many tokens, the truncated reply has to do.
                    if not larger.is_refused:
                        max_tokens, reply = more_tokens, larger
                outcome = self._evaluate(form, reply)
                if outcome.dialogue is not None:
                    standing = outcome
                if outcome.fault is None:
                    break
                last, n_failed = outcome.fault, n_failed + 1
                # To the same reply there is nothing else to say.
                says_more = last.correctable and reply.text not in seen
                seen.add(reply.text)
                if not n_left or not says_more:
                    break
                self.log.count("corrections")
                told = (*told, _Faulty(reply.text, last))
            if standing is not None and standing.dialogue is not None:
                self._scene = standing.scene
                self._chat = (
                    *self._chat,
                    form.remembered or form.request,
                    Message("assistant", standing.text),
                )
                return standing.dialogue
            if reply.is_refused and not told:
                break  # a fresh start would be the same request
        raise RowFault(last.reason, f"{form.label}: {last.detail} (given up after {self._describe_effort()})")

    def _write_chat(self, form: Form[M], told: Sequence[_Faulty]) -> tuple[Message, ...]:
        """Return the chat that asks for a reply, with the faults of those before.

        A model copies what it sees: a faulty reply is shown only if its faults cannot be told without it, as
        those of a whole dialogue with its ids and turns.
        """
        if not told:
            return (*self._chat, form.request)
        shows = self._book.settings.mode == "whole" and told[-1].fault.reason not in _FORM_FAULTS
        faults = told[-1].fault.messages
        earlier = {
            message: None for one in told[:-1] for message in one.fault.messages if message not in faults
        }
        correction = self._book.request(
            "correction",
            form.grammar,
            faults=list(faults),
            earlier=list(earlier),
            n_refused=len(told),
            shows_reply=shows,
        )
        if shows:
            return (*self._chat, form.request, Message("assistant", told[-1].text), correction)
        # One message, because some models' chats want user and assistant by turns.
        return (*self._chat, Message("user", f"{form.request.content}\n\n{correction.content}"))

    def _heat(self, n_failed: int) -> float | None:
        """Return the temperature after so many faulty replies of a turn; None for that of the settings."""
        if not n_failed:
            return None
        usual = self._book.settings.temperature
        usual = _USUAL_TEMPERATURE if usual is None else usual
        return round(min(usual + n_failed * _HEAT_STEP, max(usual, _HIGHEST_TEMPERATURE)), 2)

    def _describe_effort(self) -> str:
        spent = self.log.usage(0)
        again = f"{spent.corrections} corrections and {spent.fresh_starts} fresh starts"
        return f"{spent.requests} requests, among them {again}"

    def _evaluate(self, form: Form[M], reply: Reply) -> _Outcome:
        found = read_reply(form.model, reply)
        self.log.count("repairs", int(found.repaired))
        if isinstance(found, UnusableReply):
            return _Outcome(fault=found)
        value = self._book.mend(found.value)
        if form.own_request is not None:
            value = value.model_copy(update={"user": form.own_request})
        limited, faults = limit_numbers(value, self._book.limits, form.slots)
        dialogue, unfit = finish(form, limited)
        faults = (*faults, *unfit)
        if dialogue is None:
            return _Outcome(fault=report(faults))
        mended, _ = normalise_dialogue(dialogue, self._book.limits)
        # Earlier turns stay as they are.
        first = 0 if mended.mode == "whole" else len(mended.turns) - 1
        found_faults = check_dialogue(
            mended, self._book.limits, self._book.language, own_requests=self._own_requests
        )
        violations = [violation for violation in found_faults if (violation.turn or 0) >= first]
        fatal = [violation for violation in violations if violation.severity == "fatal"]
        faults = (
            *faults,
            *describe_violations(fatal, mended),
            *self._find_unoffered_speech(mended),
            *find_copies(mended, self._book.limits, first, self._list_prompts(form), self._own_requests),
            *find_copied_captions(mended, first, form.examples),
        )
        lesser = [violation for violation in violations if violation.severity == "hq"]
        lesser_faults = (
            *describe_violations(lesser, mended),
            *find_copied_requests(mended, first, form.examples),
        )
        told = (*faults, *(lesser_faults if self._book.settings.correct_hq else ()))
        fault = report(told) if told else None
        if faults:
            return _Outcome(fault=fault)
        text = write_reply(value) if found.repaired or value != found.value else reply.text
        return _Outcome(dialogue, mended.turns[-1].scene, text, fault)

    def _list_prompts(self, form: Form[M]) -> tuple[str, ...]:
        """Return the prompts of a form without its examples, which may be followed but for their sounds."""
        return self._forms.system.content, (form.remembered or form.request).content

    def _find_unoffered_speech(self, dialogue: Dialogue) -> tuple[Fault, ...]:
        """Return the fault of speech that the prompt did not offer."""
        if self._forms.speech or all(element.role != "speech" for element in dialogue.elements()):
            return ()
        return (Fault("speech-not-offered", "a sound is speech; this scene has no speech"),)
