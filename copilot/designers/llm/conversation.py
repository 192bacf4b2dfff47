"""How a dialogue is written with a language model: what is asked, and what follows from each reply.

There is no network here: a conversation yields what to ask and is sent the replies. A turn's fault is told to
the model; after so many corrections the turn begins anew, and after so many fresh starts the seed is given
up, with the last fault as the reason. A turn that has passed is never asked again.
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
from copilot.designers.llm.ladder import Fault, is_truncated, read, shortened
from copilot.designers.llm.log import Log
from copilot.designers.llm.replies import SlotError
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

VERSION = "1"
"""Changes with whatever changes what is asked or made of the replies, but for the prompts."""

_IDS = re.compile(r"\b(elements?|the ambience) (\d+(?:, \d+)*)")

M = TypeVar("M", bound=FrozenModel)
Steps = Generator[Ask, Reply, Dialogue]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a reply came to: a dialogue that may stand, or a fault, or both where it only falls short of hq.

    `scene` is the dialogue's last one, mended; `text` the reply as the chat goes on with it.
    """

    dialogue: Dialogue | None = None
    scene: Scene = field(default_factory=Scene)
    text: str = ""
    fault: Fault | None = None


class Conversation:
    """One dialogue in the making."""

    def __init__(self, book: FormBook, seed: Seed, run_seed: int) -> None:
        self._book = book
        self._forms = book.begin(seed, run_seed)
        self._chat: tuple[Message, ...] = (self._forms.system,)
        self._scene = Scene()
        self.log = Log()

    def account(self, seconds: Seconds) -> Account:
        """What was asked so far, and what came of it."""
        prompt, usage = self._forms.prompt, self.log.usage(seconds)
        return Account(self._book.settings.model, prompt.name, prompt.hash, usage, self.log.replies)

    def steps(self) -> Steps:
        """Yields what to ask, is sent the replies, returns the dialogue.

        Raises RowFault where the seed is given up.
        """
        if self._book.settings.mode == "whole":
            return (yield from self._answered(self._forms.whole()))
        dialogue = yield from self._answered(self._forms.story())
        for _ in self._forms.tasks:
            dialogue = yield from self._answered(self._forms.edit(dialogue, self._scene))
        return dialogue

    def _answered(self, form: Form[M]) -> Steps:
        """Ask until a reply makes a dialogue. Raises RowFault where none does."""
        settings = self._book.settings
        max_tokens, enlarged = form.max_tokens, False
        last = Fault("no-reply", ("nothing was asked",))
        for start in range(1 + settings.fresh_starts):
            self.log.count("fresh_starts", int(start > 0))
            talk: tuple[Message, ...] = ()
            standing: _Outcome | None = None
            for n_left in reversed(range(1 + settings.corrections)):
                messages = (*self._chat, form.request, *talk)
                reply = yield from self.log.asking(Ask(messages, form.grammar, max_tokens))
                if not enlarged and is_truncated(reply):
                    enlarged = True
                    larger = yield from self.log.asking(Ask(messages, form.grammar, 2 * max_tokens))
                    # Where so many do not fit into the context, the truncated reply is what there is.
                    if larger.finish_reason != "context-length":
                        max_tokens, reply = 2 * max_tokens, larger
                outcome = self._outcome(form, reply)
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
        raise RowFault(last.reason, f"{form.label}: {last.detail} (given up after {self._spent()})")

    def _spent(self) -> str:
        spent = self.log.usage(0)
        again = f"{spent.corrections} corrections and {spent.fresh_starts} fresh starts"
        return f"{spent.requests} requests, among them {again}"

    def _outcome(self, form: Form[M], reply: Reply) -> _Outcome:
        found = read(form.model, reply)
        self.log.count("repairs", int(found.repaired))
        if isinstance(found, Fault):
            return _Outcome(fault=found)
        dialogue = _finished(form, found.value)
        if isinstance(dialogue, Fault):
            return _Outcome(fault=dialogue)
        mended, _ = normalise_dialogue(dialogue, self._book.limits)
        violations = check_dialogue(mended, self._book.limits)
        fatal = [violation for violation in violations if violation.severity == "fatal"]
        if fault := _told(fatal, mended) if fatal else self._unoffered(mended):
            return _Outcome(fault=fault)
        text = found.value.model_dump_json(exclude_none=True) if found.repaired else reply.text
        return _Outcome(dialogue, mended.turns[-1].scene, text, self._short_of_hq(violations, mended))

    def _short_of_hq(self, violations: Sequence[Violation], dialogue: Dialogue) -> Fault | None:
        """What keeps the turn at hand out of hq, where that is to be corrected. Earlier turns stand."""
        first = 0 if dialogue.mode == "whole" else len(dialogue.turns) - 1
        told = [violation for violation in violations if (violation.turn or 0) >= first]
        return _told(told, dialogue) if told and self._book.settings.correct_hq else None

    def _unoffered(self, dialogue: Dialogue) -> Fault | None:
        """Speech where the prompt has offered none."""
        if self._forms.speech or all(element.role != "speech" for element in dialogue.elements()):
            return None
        return Fault("speech-not-offered", ("a sound is speech; this scene has no speech",))


def _finished(form: Form[M], value: M) -> Dialogue | Fault:
    try:
        return form.finish(value)
    except ValidationError as error:
        return Fault("schema", shortened(tuple(message for _, message in schema_faults(error))))
    except (SlotError, EditError) as error:
        return Fault("operation-does-not-fit", (str(error),))


def _told(violations: Sequence[Violation], dialogue: Dialogue) -> Fault:
    """Violations in words that a model knows: sounds by what they are, not by their ids."""
    told = tuple(f"{violation.rule}: {_in_words(violation, dialogue)}" for violation in violations)
    return Fault(violations[0].rule, shortened(told))


def _in_words(violation: Violation, dialogue: Dialogue) -> str:
    said = violation.message.removeprefix(f"{describe_position(violation.turn, violation.element_id)}: ")
    if violation.turn is None:
        return said
    if dialogue.mode == "whole":
        # Here the ids are the model's own, and so are the names of the turns.
        where = describe_position(
            None, violation.element_id, f"edit_{violation.turn}" if violation.turn else "story"
        )
        return f"{where}: {said}"
    texts = {e.id: e.text for e in dialogue.scene_before(violation.turn).elements}
    texts |= {e.id: e.text for e in dialogue.turns[violation.turn].scene.elements}
    said = _IDS.sub(lambda ids: _quoted(ids[2], texts), said)
    return said if violation.element_id is None else f"{_quoted(str(violation.element_id), texts)}: {said}"


def _quoted(ids: str, texts: Mapping[int, str]) -> str:
    return " and ".join(f"the sound '{texts.get(int(one), one)}'" for one in ids.split(", "))
