"""The scripted designer: the same seed gives the same dialogue, in every process and on every machine.

It replaces a language model: it reads the words of a seed, and writes a dialogue that keeps every rule. It
reads and writes no files after construction.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import Field

from copilot.designers.contract import DEFAULT_SPEECH_SHARE, Design, DesignerContext, DesignerInfo
from copilot.designers.scripted.clauses.english import load_english
from copilot.designers.scripted.continuing import list_captions, resume_draft
from copilot.designers.scripted.describing import describe, draw_frame
from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.draft import Draft, Tools
from copilot.designers.scripted.edits import EDITORS
from copilot.designers.scripted.fulfilling import fulfil
from copilot.designers.scripted.grid import Grid
from copilot.designers.scripted.lexicon_data import build_lexicon, load_lexicon
from copilot.designers.scripted.library_lexicon import write_lexicon
from copilot.designers.scripted.lines import LineCutter
from copilot.designers.scripted.manners import draw_manner
from copilot.designers.scripted.story import find_called_sounds, write_story
from copilot.designers.scripted.triggers import Triggers
from copilot.designers.speech_wishes import asks_for_speech, find_gender, find_quotes
from copilot.designers.tasks import check_weights, derive_task
from copilot.dialogue import Dialogue, Task, Turn
from copilot.edit import Operation
from copilot.errors import RowFault, UserError
from copilot.frozen_model import FrozenModel, Range
from copilot.hashing import content_hash
from copilot.language import ENGLISH
from copilot.rules import check_dialogue
from copilot.scene import SceneLimits
from copilot.seed import Seed
from copilot.text.voices import wants_voices

VERSION = "3"
"""Raise it with any change to the dialogues; the data of a lexicon have a hash of their own."""

_SMALLEST_SCENE_S = 2.5
_N_REHEARSALS = 24
_REHEARSED = "Line {} of what somebody once said to somebody else, and went out into the rain"
_SMALLEST_RANGE_LU = 8.0


class ScriptedSettings(FrozenModel):
    """The words that the designer writes with."""

    lexicon: str | None = Field(
        default=None, description="Folder or file of a lexicon of your own; see copilot lexicon."
    )


class ScriptedDesigner:
    """A `Designer`.

    Raises UserError for limits or weights that leave no dialogue, LexiconError for a lexicon with faults.
    """

    info = DesignerInfo(
        summary="Dialogues from the words of a seed, without a language model",
        licence="Apache-2.0",
        settings=ScriptedSettings,
        target="lexicon",
        draws_tasks=True,
        draws_speech=True,
        takes_requests=True,
        continues=True,
        repeatable=True,
        languages=(ENGLISH,),
        takes_silent=True,
        takes_library=True,
    )
    name = "scripted"

    def __init__(
        self, context: DesignerContext | None = None, settings: ScriptedSettings | None = None
    ) -> None:
        context = context or DesignerContext()
        limits = context.limits
        self._weights = check_weights(context.task_weights)
        _check_limits(limits, context.n_turns, self._weights)
        self._n_turns = context.n_turns
        self._speech_share = context.speech_share
        path = settings.lexicon if settings else None
        if context.library and path:
            raise UserError(f"{path}: leave it out, as the library gives the words", field="captions")
        if context.library:
            lexicon, book = build_lexicon(write_lexicon(context.library), "the library")
        else:
            lexicon, book = load_lexicon(path)
        self._tools = Tools(lexicon, book, LineCutter(lexicon.voices), limits, Grid(limits))
        families = {tag: family.triggers for tag, family in lexicon.families.items()}
        self._triggers = Triggers(lexicon.settings, families, load_english())
        if limits != SceneLimits():
            self._rehearse()

    def _rehearse(self) -> None:
        """Try a user's own limits on some seeds. Raises UserError if they cannot be kept."""
        limits = self._tools.limits
        for number in range(_N_REHEARSALS):
            seed = Seed(f"rehearsal/{number}", _REHEARSED.format(number))
            faults = check_dialogue(self.design(seed, number).dialogue, limits)
            # In a narrow range of loudness, no line and no edit stands out; such dialogues are valid, not hq.
            for fault in (f for f in faults if f.rule not in {"speech-masked", "edit-inaudible"}):
                raise UserError(
                    f"the scripted designer cannot keep the rule {fault.rule} ({fault.message}); widen them",
                    field="limits",
                )

    def fingerprint(self) -> dict[str, str]:
        """Return the version, hashes of the lexicon and the phrasings, and the settings."""
        facts = {
            "designer": self.name,
            "version": VERSION,
            "lexicon": self._tools.lexicon.content,
            "phrasings": self._tools.book.content,
            "limits": content_hash(self._tools.limits.model_dump(mode="json")),
            "n_turns": str(self._n_turns),
            "task_weights": content_hash(dict(self._weights)),
        }
        if self._speech_share != DEFAULT_SPEECH_SHARE:
            facts["speech_share"] = str(self._speech_share)
        return facts

    def design(self, seed: Seed, run_seed: int) -> Design:
        """Return the dialogue for a seed. There is one for every text, even one without words.

        Raises RowFault `request-not-understood` or `request-impossible` for a request of a user's own.
        """
        tasks = self._draw_tasks(seed, run_seed)
        requests = deque(seed.requests)
        if seed.continued is None:
            draft = self._start_draft(seed, run_seed, tasks)
            turns = []
        else:
            turns = list(seed.continued.dialogue.turns)
            draft = self._resume_draft(seed.continued.dialogue, run_seed, tasks[len(turns) - 1 :])
        for index, task in enumerate(("story", *tasks)[len(turns) :], start=len(turns)):
            request = requests.popleft() if requests else None
            turns.append(self._write_turn(draft, task, request, Dice(run_seed, seed.id, "turn", index)))
        mode = seed.continued.dialogue.mode if seed.continued else "turnwise"
        return Design(Dialogue(seed_id=seed.id, seed_text=seed.text, mode=mode, turns=tuple(turns)))

    def _write_turn(self, draft: Draft, task: Task, request: str | None, dice: Dice) -> Turn:
        """Write the next turn, as a user requests it, or for a task and with a request of its own."""
        operations: list[Operation]
        if task == "story":
            user, story = write_story(draft, dice)
            operations = list(story)
        else:
            draft.tasks_left.remove(task)
            if request is not None:
                user, operations = request, fulfil(request, draft, dice)
                task = derive_task(operations)
            else:
                task = task if draft.allows(task) else "volume"
                user, operations = EDITORS[task](draft, dice)
            draft.advance(operations)
            draft.remember(operations)
        if request is None:
            longest, opens = draft.tools.limits.user_chars, task == "story"
            user = draft.tools.book.surround(user, dice, draft.manner, longest, opens=opens)
        return Turn(
            task=task,
            user=request or user,
            description=describe(draft),
            operations=tuple(operations),
            scene=draft.scene,
        )

    def _draw_tasks(self, seed: Seed, run_seed: int) -> list[Task]:
        """Draw the tasks of the edit turns, none of which the scene would have no room for."""
        dice = Dice(run_seed, seed.id, "tasks")
        tasks: list[Task] = []
        for _ in range(seed.count_turns(self._n_turns) - 1):
            weights = {task: w for task, w in self._weights.items() if self._has_room([*tasks, task])}
            tasks.append(dice.pick_weighted(weights))
        return tasks

    def _has_room(self, tasks: Sequence[Task]) -> bool:
        """Return whether a story can have as many sounds as the tasks add and remove."""
        return _count_sounds(tasks) <= self._tools.limits.n_elements

    def _resume_draft(self, dialogue: Dialogue, run_seed: int, tasks: list[Task]) -> Draft:
        """Return the draft of a dialogue that exists, with its place and wording.

        The place is read from the captions, and not named, if the dialogue is another designer's.
        """
        written = Seed(dialogue.seed_id, dialogue.seed_text)
        draft = self._start_draft(written, run_seed, tasks)
        captions = list_captions(dialogue)
        if {sound.caption for sound in draft.setting.sounds}.isdisjoint(captions):
            draft = self._start_draft(replace(written, text=". ".join(captions)), run_seed, tasks)
            draft.frame = {}
        draft.tools = self._create_tools_for(dialogue)
        resume_draft(draft, dialogue)
        return draft

    def _create_tools_for(self, dialogue: Dialogue) -> Tools:
        """Return the tools for a scene that may be shorter than the limits': none outlasts its ambience."""
        limits = self._tools.limits
        duration_s = dialogue.turns[-1].scene.duration_s
        if not 0 < duration_s < limits.duration_s:
            return self._tools
        starts = limits.start_time_s
        latest_s = max(starts.low, min(starts.high, duration_s / 2))
        shorter = {"duration_s": duration_s, "start_time_s": Range(low=starts.low, high=latest_s)}
        limits = limits.model_copy(update=shorter)
        return replace(self._tools, limits=limits, grid=Grid(limits))

    def _start_draft(self, seed: Seed, run_seed: int, tasks: list[Task]) -> Draft:
        if seed.requests and not self._triggers.know(seed.text):
            raise RowFault(
                "request-not-understood",
                f"{seed.text!r}: the lexicon knows neither its place nor any of its sounds",
            )
        dice = Dice(run_seed, seed.id, "setting")
        text = "" if seed.silent else seed.text
        tags = self._triggers.find_families(text)
        called = [self._tools.lexicon.families[tag] for tag in tags]
        setting = self._triggers.pick_setting(text, dice, called)
        place = dice.pick(setting.places)
        speaks = not seed.silent and Dice(run_seed, seed.id, "speaks").chance(self._speech_share)
        triggered = find_called_sounds(self._tools, setting, tags, dice, keeps_all=bool(seed.requests))
        lines = self._tools.cutter.cut_lines(text, dice) if speaks else []
        is_voiceless = bool(seed.requests) and wants_voices(seed.text) is False
        if seed.requests:
            # What a user asks for is not said by anybody in the scene, except for what it quotes.
            lines = [self._tools.cutter.read_line(quote) for quote in find_quotes(seed.text)]
            speaks = bool(lines) or (speaks and not is_voiceless and asks_for_speech(seed.text))
        return Draft(
            tools=self._tools,
            setting=setting,
            place=place,
            speaks=speaks,
            seed_text=text,
            triggered=triggered,
            lines=lines,
            is_voiceless=is_voiceless,
            frame=draw_frame(self._tools.book, dice),
            manner=draw_manner(self._tools.book.manners, Dice(run_seed, seed.id, "manner")),
            tasks_left=list(tasks),
            is_requested=bool(seed.requests),
            speaks_as=find_gender(seed.text) if seed.requests else None,
        )


def _count_sounds(tasks: Sequence[Task]) -> int:
    """Return how many sounds a scene has at most if there are no more of them than the tasks need."""
    return tasks.count("add") + max(2, tasks.count("remove") + 1) + 1


def _check_limits(limits: SceneLimits, n_turns: int, weights: Mapping[Task, float]) -> None:
    if not 1 <= n_turns <= limits.n_turns:
        raise UserError(
            f"{n_turns} is not from 1 to {limits.n_turns}; change it or `limits`", field="n_turns"
        )
    drawn = [task for task, weight in weights.items() if weight > 0]
    needed = min(_count_sounds([task] * (n_turns - 1)) for task in drawn)
    if limits.n_elements < needed:
        raise UserError(
            f"n_elements={limits.n_elements} leaves no room for {n_turns} turns; allow {needed} or more",
            field="limits",
        )
    loudness, panning = limits.loudness_lufs, limits.panning
    if loudness.high - loudness.low < _SMALLEST_RANGE_LU:
        raise UserError(
            f"loudness_lufs is narrower than {_SMALLEST_RANGE_LU:g} LU; give a wider range", field="limits"
        )
    if panning.low >= panning.high:
        raise UserError("panning leaves nowhere to move a sound; give a wider range", field="limits")
    lasting_s = min(limits.duration_s, limits.element_duration_s.high)
    if lasting_s < max(_SMALLEST_SCENE_S, limits.duration_s):
        raise UserError(
            f"an ambience has to last the whole scene of {limits.duration_s:g} s, and a scene "
            f"{_SMALLEST_SCENE_S:g} s or more; raise element_duration_s or duration_s",
            field="limits",
        )
