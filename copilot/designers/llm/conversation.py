"""Writes a dialogue with a language model: decides what to ask, and what follows from each reply.

There is no network here: a conversation yields what to ask and is sent the replies. A turn's fault is
reported to the model; after so many corrections the turn starts again, and after so many fresh starts the
seed is given up, with the last fault as the reason. A valid turn is never asked for again.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import ValidationError

from copilot.designers.account import Account
from copilot.designers.llm.exchange import Ask, Message, Reply
from copilot.designers.llm.forms import Form, FormBook
from copilot.designers.llm.ladder import UnusableReply, is_truncated, limit_messages, read_reply
from copilot.designers.llm.log import Log
from copilot.designers.llm.replies import SlotError, write_reply
from copilot.dialogue import Dialogue
from copilot.edit import EditError
from copilot.errors import RowFault
from copilot.frozen_model import FrozenModel
from copilot.normalise import normalise_dialogue
from copilot.rules import check_dialogue
from copilot.rules.rule import Violation, describe_position
from copilot.rules.schema import schema_faults
from copilot.scene import Scene
from copilot.seed import Seed
from copilot.units import Seconds

VERSION = "2"
"""Raise it with any change to requests or to the reading of replies; prompts have hashes of their own."""

_IDS = re.compile(r"\b(elements?|the ambience) (\d+(?:, \d+)*)")

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


class Conversation:
    """One dialogue while it is written."""

    def __init__(self, book: FormBook, seed: Seed, run_seed: int) -> None:
        self._book = book
        self._forms = book.start_dialogue(seed, run_seed)
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
            return (yield from self._ask_until_valid(self._forms.whole()))
        dialogue = yield from self._ask_until_valid(self._forms.story())
        for _ in self._forms.tasks:
            dialogue = yield from self._ask_until_valid(self._forms.edit(dialogue, self._scene))
        return dialogue

    def _ask_until_valid(self, form: Form[M]) -> Steps:
        """Ask until a reply makes a valid dialogue. Raises RowFault if none does."""
        settings = self._book.settings
        max_tokens, enlarged = form.max_tokens, False
        last = UnusableReply("no-reply", ("nothing was asked",))
        for start in range(1 + settings.fresh_starts):
            self.log.count("fresh_starts", int(start > 0))
            talk: tuple[Message, ...] = ()
            standing: _Outcome | None = None
            for n_left in reversed(range(1 + settings.corrections)):
                messages = (*self._chat, form.request, *talk)
                reply = yield from self.log.ask(Ask(messages, form.grammar, max_tokens))
                if not enlarged and is_truncated(reply):
                    enlarged = True
                    larger = yield from self.log.ask(Ask(messages, form.grammar, 2 * max_tokens))
                    # If the server refuses so many tokens, the truncated reply has to do.
                    if not larger.is_refused:
                        max_tokens, reply = 2 * max_tokens, larger
                outcome = self._evaluate(form, reply)
                if outcome.dialogue is not None:
                    standing = outcome
                if outcome.fault is None:
                    break
                last = outcome.fault
                if not last.correctable or not n_left:
                    break
                self.log.count("corrections")
                correction = self._book.request("correction", form.grammar, faults=list(last.messages))
                talk = (*talk, Message("assistant", reply.text), correction)
            if standing is not None and standing.dialogue is not None:
                self._scene = standing.scene
                self._chat = (*self._chat, form.request, Message("assistant", standing.text))
                return standing.dialogue
            if reply.is_refused and not talk:
                break  # a fresh start would be the same request
        raise RowFault(last.reason, f"{form.label}: {last.detail} (given up after {self._describe_effort()})")

    def _describe_effort(self) -> str:
        spent = self.log.usage(0)
        again = f"{spent.corrections} corrections and {spent.fresh_starts} fresh starts"
        return f"{spent.requests} requests, among them {again}"

    def _evaluate(self, form: Form[M], reply: Reply) -> _Outcome:
        found = read_reply(form.model, reply)
        self.log.count("repairs", int(found.repaired))
        if isinstance(found, UnusableReply):
            return _Outcome(fault=found)
        value = self._book.trim(found.value)
        dialogue = _finish(form, value)
        if isinstance(dialogue, UnusableReply):
            return _Outcome(fault=dialogue)
        mended, _ = normalise_dialogue(dialogue, self._book.limits)
        violations = check_dialogue(mended, self._book.limits)
        fatal = [violation for violation in violations if violation.severity == "fatal"]
        if fault := _report_violations(fatal, mended) if fatal else self._find_unoffered_speech(mended):
            return _Outcome(fault=fault)
        text = write_reply(value) if found.repaired or value != found.value else reply.text
        return _Outcome(dialogue, mended.turns[-1].scene, text, self._find_hq_faults(violations, mended))

    def _find_hq_faults(self, violations: Sequence[Violation], dialogue: Dialogue) -> UnusableReply | None:
        """Return what keeps this turn out of hq, if that is to be corrected. Earlier turns stay."""
        first = 0 if dialogue.mode == "whole" else len(dialogue.turns) - 1
        found = [violation for violation in violations if (violation.turn or 0) >= first]
        return _report_violations(found, dialogue) if found and self._book.settings.correct_hq else None

    def _find_unoffered_speech(self, dialogue: Dialogue) -> UnusableReply | None:
        """Return the fault of speech that the prompt did not offer."""
        if self._forms.speech or all(element.role != "speech" for element in dialogue.elements()):
            return None
        return UnusableReply("speech-not-offered", ("a sound is speech; this scene has no speech",))


def _finish(form: Form[M], value: M) -> Dialogue | UnusableReply:
    try:
        return form.finish(value)
    except ValidationError as error:
        return UnusableReply("schema", limit_messages(tuple(message for _, message in schema_faults(error))))
    except (SlotError, EditError) as error:
        return UnusableReply("operation-does-not-fit", (str(error),))


def _report_violations(violations: Sequence[Violation], dialogue: Dialogue) -> UnusableReply:
    """Return violations in words that a model knows: sounds by their texts, not by their ids."""
    messages = tuple(f"{v.rule}: {_describe_violation(v, dialogue)}" for v in violations)
    return UnusableReply(violations[0].rule, limit_messages(messages))


def _describe_violation(violation: Violation, dialogue: Dialogue) -> str:
    message = violation.message.removeprefix(f"{describe_position(violation.turn, violation.element_id)}: ")
    if violation.turn is None:
        return message
    if dialogue.mode == "whole":
        # Here the ids are the model's own, and so are the names of the turns.
        turn = f"edit_{violation.turn}" if violation.turn else "story"
        where = describe_position(None, violation.element_id, turn)
        return f"{where}: {message}"
    texts = {e.id: e.text for e in dialogue.scene_before(violation.turn).elements}
    texts |= {e.id: e.text for e in dialogue.turns[violation.turn].scene.elements}
    message = _IDS.sub(lambda ids: _quote_sounds(ids[2], texts), message)
    if violation.element_id is None:
        return message
    return f"{_quote_sounds(str(violation.element_id), texts)}: {message}"


def _quote_sounds(ids: str, texts: Mapping[int, str]) -> str:
    return " and ".join(f"the sound '{texts.get(int(one), one)}'" for one in ids.split(", "))
