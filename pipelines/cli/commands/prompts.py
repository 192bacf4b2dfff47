"""`copilot prompts`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from rich.console import Console

from copilot.designers.contract import DesignerContext
from copilot.designers.llm import judge
from copilot.designers.llm.forms import FormBook
from copilot.designers.llm.grammar import count_story_sounds, max_operations, prompted_line_words
from copilot.designers.llm.log import Log
from copilot.designers.llm.prompts import PromptLibrary
from copilot.designers.llm.replies import describe_sounds, order_by_slot, round_sounds
from copilot.designers.llm.scales import Scales
from copilot.designers.llm.settings import LlmSettings
from copilot.designers.scripted import ScriptedDesigner
from copilot.dialogue import EDIT_TASKS, Dialogue, Task
from copilot.errors import UserError
from copilot.scene import SceneLimits
from copilot.seed import Seed
from pipelines.cli.output.tables import create_table

_HASH_LENGTH = 12


def list_prompts(*, as_json: bool) -> None:
    """Print every prompt with its mode, purpose and hash."""
    library = PromptLibrary.load()
    prompts = [library.get(name) for name in library.names()]
    if as_json:
        print(json.dumps([asdict(prompt) for prompt in prompts]))
        return
    rows = [(one.name, one.mode, one.purpose, one.hash[:_HASH_LENGTH]) for one in prompts]
    columns = ("prompt", "mode", "purpose", "hash")
    Console(highlight=False).print(create_table(columns, rows, wrapped=("purpose",)))


def show_prompt(name: str, seed_text: str, task: str, *, as_json: bool) -> None:
    """Print a prompt, rendered for an example. Raises UserError for an unknown prompt or task."""
    library = PromptLibrary.load()
    prompt = library.get(name)
    dialogue = _design_example(seed_text, _find_task(task))
    if name == judge.PROMPT:
        book = FormBook(SceneLimits(), len(dialogue.turns), LlmSettings(model="any"))
        text = next(judge.judge_turns(dialogue, book, Log())).messages[0].content
    else:
        known = _create_variables(dialogue)
        text = library.render(name, **{variable: known[variable] for variable in prompt.variables})
    print(json.dumps({**asdict(prompt), "text": text}) if as_json else text)


def _find_task(task: str) -> Task:
    for known in EDIT_TASKS:
        if known == task:
            return known
    raise UserError(f"unknown edit task {task!r}; available: {', '.join(EDIT_TASKS)}", field="task")


def _design_example(seed_text: str, task: Task) -> Dialogue:
    context = DesignerContext(task_weights={task: 1.0})
    return ScriptedDesigner(context).design(Seed("example/0", seed_text), 0).dialogue


def _create_variables(dialogue: Dialogue) -> dict[str, Any]:
    """Return the variables of the prompts, before the first edit, with a server that enforces grammars."""
    limits = SceneLimits()
    scales = Scales(limits)
    fewest, most = count_story_sounds(limits)
    scene, edits = dialogue.turns[0].scene, dialogue.turns[1:]
    return {
        "limits": limits,
        "spans": scales.spans,
        "time_step": scales.time_step_s,
        "n_turns": len(dialogue.turns),
        "max_line_words": prompted_line_words(limits),
        "seed_text": dialogue.seed_text,
        "min_sounds": fewest,
        "max_sounds": most,
        "schema": None,
        "task": edits[0].task,
        "tasks": [turn.task for turn in edits],
        "sounds": describe_sounds(round_sounds(order_by_slot(scene), scales)),
        "max_operations": max_operations(edits[0].task, len(scene), limits),
        "faults": ["turn 0: the scene has no ambience; at least one is needed"],
    }
