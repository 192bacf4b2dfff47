"""`copilot prompts`."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import Console

from copilot.designers.contract import DesignerContext
from copilot.designers.llm import judge
from copilot.designers.llm.forms import LANGUAGE, FormBook
from copilot.designers.llm.log import Log
from copilot.designers.llm.prompts import Prompt, PromptLibrary
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
    prompt = PromptLibrary.load().get(name)
    text = _render(prompt, _design_example(seed_text, _find_task(task)))
    print(json.dumps({**asdict(prompt), "text": text}) if as_json else text)


def _render(prompt: Prompt, dialogue: Dialogue) -> str:
    """Return what a model gets by a prompt, from a server that enforces grammars."""
    story, tasks = dialogue.turns[0], [turn.task for turn in dialogue.turns[1:]]
    settings = LlmSettings(model="any", mode="whole" if prompt.name.startswith("whole") else "turnwise")
    share = 0.0 if prompt.name.endswith("-sounds") else 1.0
    book = FormBook(SceneLimits(), len(dialogue.turns), settings, {tasks[0]: 1.0}, share)
    forms = book.start_dialogue(Seed(dialogue.seed_id, dialogue.seed_text), 0)
    if prompt.name == LANGUAGE:
        return book.prompts.render(prompt.name, language="German")
    if prompt.name == judge.PROMPT:
        return next(judge.judge_turns(dialogue, book, Log())).messages[0].content
    if prompt.name == "correction":
        faults = ["turn 0: the scene has no ambience; at least one is needed"]
        first = {"earlier": [], "n_refused": 1, "shows_reply": book.settings.mode == "whole"}
        return book.request(prompt.name, judge.GRAMMAR, faults=faults, **first).content
    if prompt.name == "edit":
        return forms.edit(dialogue.model_copy(update={"turns": (story,)}), story.scene).request.content
    if prompt.name == "story":
        return forms.story().request.content
    return forms.whole().request.content if prompt.name == "whole" else forms.system.content


def _find_task(task: str) -> Task:
    for known in EDIT_TASKS:
        if known == task:
            return known
    raise UserError(f"unknown edit task {task!r}; available: {', '.join(EDIT_TASKS)}", field="task")


def _design_example(seed_text: str, task: Task) -> Dialogue:
    context = DesignerContext(task_weights={task: 1.0})
    return ScriptedDesigner(context).design(Seed("example/0", seed_text), 0).dialogue
