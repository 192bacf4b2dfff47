"""The requests of a dialogue's turns: their words, their grammar, and the dialogue that a reply makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from copilot.designers.contract import DEFAULT_SPEECH_SHARE
from copilot.designers.llm.aims import AIMED_TASKS, Aim, draw_aim
from copilot.designers.llm.examples import Example, ExampleBook
from copilot.designers.llm.exchange import Grammar, Message
from copilot.designers.llm.grammar import (
    GrammarBook,
    count_story_sounds,
    leave_out_request,
    max_operations,
    prompted_line_words,
)
from copilot.designers.llm.library import draw_captions
from copilot.designers.llm.prompts import Prompt, PromptLibrary
from copilot.designers.llm.repeats import drop_repeats
from copilot.designers.llm.replies import (
    Builder,
    EditReply,
    RequestedEditReply,
    RequestedStoryReply,
    StoryReply,
    describe_sounds,
    make_whole_reply_model,
    order_by_slot,
    read_whole_turns,
    round_sounds,
)
from copilot.designers.llm.scales import Scales
from copilot.designers.llm.settings import LlmSettings
from copilot.designers.llm.spread import Spread
from copilot.designers.llm.trimming import trim_reply
from copilot.designers.scripted.dice import Dice
from copilot.designers.speech_wishes import asks_for_speech
from copilot.designers.tasks import check_weights, derive_task, draw_task
from copilot.dialogue import EDIT_TASKS, Dialogue, Task, Turn
from copilot.edit import apply
from copilot.errors import UserError
from copilot.frozen_model import FrozenModel
from copilot.hashing import canonical_json, derive_rng
from copilot.language import ENGLISH, UNSPACED, get_primary, is_among, name_language
from copilot.library_sound import LibrarySound
from copilot.scene import Element, Scene, SceneLimits
from copilot.seed import Seed

LANGUAGE = "language"
"""The prompt that follows the system prompt of dialogues in another language than English."""

M = TypeVar("M", bound=FrozenModel)


@dataclass(frozen=True, slots=True)
class Form(Generic[M]):
    """One thing to ask. `finish` makes a dialogue of the reply; it raises as `Builder` and `apply` do.

    `slots` are the sounds that the reply's operations name by their slots. The request may show examples;
    `remembered` is the request as later turns see it, if it differs. `own_request` is a user's, which the
    reply leaves out.
    """

    label: str
    request: Message
    model: type[M]
    grammar: Grammar
    tokens: tuple[int, int]
    """The most tokens of a reply, and of one after a truncated one."""
    finish: Callable[[M], Dialogue]
    slots: tuple[Element, ...] = ()
    remembered: Message | None = None
    examples: tuple[Example, ...] = ()
    own_request: str | None = None


class FormBook:
    """Prompts, grammars and settings for the forms of a data set.

    Raises UserError for wrong weights, and for a language without spaces between its words.
    """

    def __init__(
        self,
        limits: SceneLimits,
        n_turns: int,
        settings: LlmSettings,
        task_weights: Mapping[Task, float] | None = None,
        speech_share: float = DEFAULT_SPEECH_SHARE,
        *,
        language: str | None = None,
        library: tuple[LibrarySound, ...] = (),
    ) -> None:
        if language is not None and get_primary(language) in UNSPACED:
            raise UserError(
                f"the designer 'llm' counts words by their spaces, and writes no {name_language(language)}",
                field="language",
            )
        self.limits = limits
        self.n_turns = n_turns
        self.settings = settings
        self.weights = check_weights(task_weights)
        self.speech_share = speech_share
        self.language = language
        self.library = library
        self.prompts = PromptLibrary.load()
        self.grammars = GrammarBook(limits, ascii_only=not self.has_own_language)
        self.scales = Scales(limits)
        self.examples = ExampleBook(limits, self.scales)
        self._systems: dict[tuple[int, bool], tuple[Prompt, Message]] = {}

    def _get_system(self, n_turns: int, *, speech: bool) -> tuple[Prompt, Message]:
        """Return the system prompt of dialogues with so many turns."""
        key = (n_turns, speech)
        if key not in self._systems:
            self._systems[key] = self._make_system(n_turns, speech=speech)
        return self._systems[key]

    def _make_system(self, n_turns: int, *, speech: bool) -> tuple[Prompt, Message]:
        prompt = self.prompts.get(f"{self.settings.mode}-{'speech' if speech else 'sounds'}")
        variables = {
            "limits": self.limits,
            "steps": self.scales.steps,
            "time_step": self.scales.time_step_s,
            "n_turns": n_turns,
            "max_line_words": prompted_line_words(self.limits),
        }
        used = {name: variables[name] for name in prompt.variables}
        text = self.prompts.render(prompt.name, **used)
        if self.has_own_language:
            text = (
                f"{text}\n\n{self.prompts.render(LANGUAGE, language=name_language(self.language or ENGLISH))}"
            )
        return prompt, Message("system", text)

    @property
    def has_own_language(self) -> bool:
        """True if dialogues are in another language than English, which a prompt of its own then says."""
        return self.language is not None and not is_among(self.language, (ENGLISH,))

    def start_dialogue(self, seed: Seed, run_seed: int) -> DialogueForms:
        """Return the forms of one dialogue. The seed decides if it may have speech, or its requests do."""
        speech = bool(derive_rng("prompt", run_seed, seed.id).random() < self.speech_share)
        if seed.requests and not self.has_own_language:
            speech = any(map(asks_for_speech, seed.requests))
        if seed.continued is not None:
            speech = speech or any(e.role == "speech" for e in seed.continued.dialogue.elements())
        prompt, system = self._get_system(seed.count_turns(self.n_turns), speech=speech)
        return DialogueForms(self, seed, run_seed, prompt, system, speech=speech)

    def limit_tokens(self, grammar: Grammar, n_turns: int = 1) -> tuple[int, int]:
        """Return the most tokens of a reply, and of one after a truncated one.

        A grammar that is enforced allows no longer reply in English than its own estimate; a truncated reply
        may have longer words, or come after thoughts, and then the setting counts.
        """
        most = first = self.settings.max_tokens * n_turns
        if self.settings.structured == "json_schema" and grammar.max_tokens is not None:
            first = min(most, grammar.max_tokens)
        return first, max(most, 2 * first)

    def mend(self, reply: M) -> M:
        """Return a reply without repeated sounds; texts that a grammar cut off end at a whole word."""
        if self.settings.structured == "json_schema":
            reply = trim_reply(reply, self.grammars.most_words)
        return drop_repeats(reply)

    def request(self, name: str, grammar: Grammar, **variables: Any) -> Message:  # noqa: ANN401 - as Jinja takes them
        """Return a message by its prompt. It shows the schema if the server does not enforce it."""
        enforced = self.settings.structured == "json_schema"
        schema = None if enforced else canonical_json(grammar.schema)
        return Message("user", self.prompts.render(name, schema=schema, **variables))


def _calm(text: str) -> str:
    """Return a text with its first letter large if all are, as in LibriSpeech: models read it better."""
    return text.capitalize() if text.isupper() else text


class DialogueForms:
    """The forms of one dialogue, turn by turn. The tasks are drawn before anything is asked."""

    def __init__(
        self,
        book: FormBook,
        seed: Seed,
        run_seed: int,
        prompt: Prompt,
        system: Message,
        *,
        speech: bool,
    ) -> None:
        self.prompt = prompt
        self.system = system
        self.speech = speech
        self._book = book
        self._seed = seed
        self._run_seed = run_seed
        self.n_turns = seed.count_turns(book.n_turns)
        self._library = draw_captions(book.library, run_seed, seed.id)
        self.tasks = tuple(self._draw(EDIT_TASKS, index) for index in range(1, self.n_turns))

    def _draw(self, offered: tuple[Task, ...], *parts: str | int) -> Task:
        return draw_task(self._book.weights, offered, self._run_seed, self._seed.id, *parts)

    def _get_request(self, turn: int) -> str | None:
        """Return a user's own request for a turn, if there is one."""
        known = self._seed.own_requests
        n_old = len(known) - len(self._seed.requests)
        return self._seed.requests[turn - n_old] if n_old <= turn < len(known) else None

    def story(self, start: int = 0) -> Form[StoryReply]:
        """Return the form of the story turn. It leaves room for later additions.

        `start` counts the starts of a turn; each sees other examples.
        """
        book, n_reserved, own = self._book, self.tasks.count("add"), self._get_request(0)
        grammar = book.grammars.story(speech=self.speech, n_reserved=n_reserved)
        if own is not None:
            grammar = leave_out_request(grammar)
        fewest, most = count_story_sounds(book.limits, n_reserved)
        variables: dict[str, Any] = {
            "own_request": own,
            "seed_text": _calm(self._seed.text),
            "min_sounds": fewest,
            "max_sounds": most,
            "steps": book.scales.steps,
            "library": self._library,
        }
        dice, n_examples = self._draw_dice(0, start), self._count_examples(own)
        examples = book.examples.draw_stories(dice, n_examples, speech=self.speech)
        shown = [example.text for example in examples]
        return Form(
            label="turn 0 (story)",
            request=book.request("story", grammar, examples=shown, **variables),
            remembered=book.request("story", grammar, examples=[], **variables),
            examples=examples,
            model=StoryReply if own is None else RequestedStoryReply,
            grammar=grammar,
            tokens=book.limit_tokens(grammar),
            finish=lambda reply: self._dialogue((self._builder(0).build_story(reply),)),
            own_request=own,
        )

    def _count_examples(self, own_request: str | None) -> int:
        """Return the number of examples of a turn: they are English, and hold requests and other sounds."""
        book = self._book
        has_none = book.has_own_language or book.library or own_request is not None
        return 0 if has_none else book.settings.examples

    def _draw_dice(self, turn: int, start: int) -> Dice:
        return Dice("example", self._run_seed, self._seed.id, turn, start)

    def edit(self, dialogue: Dialogue, scene: Scene, start: int = 0) -> Form[EditReply]:
        """Return the form of the next edit turn; of another task if the drawn one cannot be done.

        `scene` is the dialogue's last one, mended, as the model shall see it. A user's own request is open,
        and its task is what its operations are. `start` is as in `story`.
        """
        book, index = self._book, len(dialogue.turns)
        own = self._get_request(index)
        if own is None:
            task, n_operations, aim = self._find_task(dialogue, scene)
        else:
            task, aim = "open", None
            n_operations = max_operations(task, len(scene), book.limits)
        if aim is not None:
            grammar = book.grammars.aimed_edit(task, aim)
        elif task == "add":
            grammar = book.grammars.addition(speech=self.speech, n_operations=n_operations)
        else:
            grammar = book.grammars.open_edit(len(scene), speech=self.speech)
        if own is not None:
            grammar = leave_out_request(grammar)
        slots = order_by_slot(scene, aim.sound if aim else None)
        sounds = describe_sounds(round_sounds(slots, book.scales))
        past_turns = self._list_past_turns(dialogue)
        examples = book.examples.draw_edits(task, self._draw_dice(index, start), self._count_examples(own))
        variables: dict[str, Any] = {
            "task": task,
            "sounds": sounds,
            "max_operations": n_operations,
            "aim": aim,
            "steps": book.scales.steps,
            "own_request": own,
            "past_turns": past_turns,
            # The story's request shows the library, and later turns see it.
            "library": self._library if past_turns else {},
        }
        shown = [example.text for example in examples]
        next_id = 1 + max(number for turn in dialogue.turns for number in turn.scene.ids)

        def finish(reply: EditReply) -> Dialogue:
            operations = self._builder(index).build_operations(reply, slots, next_id)
            turn = Turn(
                task=task if own is None else derive_task(operations),
                user=reply.user,
                description=reply.description,
                operations=operations,
                scene=apply(dialogue.turns[-1].scene, operations),
            )
            return self._dialogue((*dialogue.turns, turn))

        return Form(
            label=f"turn {index} ({task})",
            request=book.request("edit", grammar, examples=shown, **variables),
            remembered=book.request("edit", grammar, examples=[], **variables),
            examples=examples,
            model=EditReply if own is None else RequestedEditReply,
            grammar=grammar,
            tokens=book.limit_tokens(grammar),
            finish=finish,
            slots=slots,
            own_request=own,
        )

    def _list_past_turns(self, dialogue: Dialogue) -> tuple[Turn, ...]:
        """Return the turns that the chat does not hold: those of a sample that is continued, at first."""
        continued = self._seed.continued
        return dialogue.turns if continued and dialogue.turns == continued.dialogue.turns else ()

    def _find_task(self, dialogue: Dialogue, scene: Scene) -> tuple[Task, int, Aim | None]:
        """Return the next turn's task, the most operations that it may have, and its aim."""
        book, index = self._book, len(dialogue.turns)
        n_reserved = self.tasks[index:].count("add")
        edited = {i for _, _, _, edit in list(dialogue.transitions())[1:] for i in edit.touched}
        offers: dict[Task, tuple[int, Aim | None]] = {}
        for task in EDIT_TASKS:
            parts = (self._run_seed, self._seed.id, index)
            aim = draw_aim(task, order_by_slot(scene), book.scales, edited, *parts)
            most = max_operations(task, len(scene), book.limits, n_reserved)
            if most and (aim or task not in AIMED_TASKS):
                offers[task] = (most, aim)
        task = self.tasks[index - 1]
        if task not in offers:
            task = self._draw(tuple(offers), index, "again")
        return (task, *offers[task])

    def whole(self) -> Form[FrozenModel]:
        """Return the form of the whole dialogue."""
        book = self._book
        grammar = book.grammars.whole(book.n_turns, speech=self.speech)

        def finish(reply: FrozenModel) -> Dialogue:
            parts = (book.scales, self._run_seed, self._seed.id)
            return self._dialogue(tuple(read_whole_turns(reply, self.tasks, *parts)))

        variables = {"seed_text": _calm(self._seed.text), "tasks": list(self.tasks), "library": self._library}
        request = book.request("whole", grammar, **variables)
        return Form(
            label="the dialogue",
            request=request,
            model=make_whole_reply_model(book.n_turns),
            grammar=grammar,
            tokens=book.limit_tokens(grammar, book.n_turns),
            finish=finish,
        )

    def _builder(self, turn: int) -> Builder:
        book = self._book
        return Builder(book.limits, Spread(book.scales, self._run_seed, self._seed.id, turn))

    def _dialogue(self, turns: tuple[Turn, ...]) -> Dialogue:
        mode = self._book.settings.mode
        return Dialogue(seed_id=self._seed.id, seed_text=self._seed.text, mode=mode, turns=turns)
