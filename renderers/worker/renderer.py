"""Backends in a child process: a worker of anybody's, and this project's own that are `isolated`.

Both speak the protocol of docs/worker.md. A worker is told its device by its environment: COPILOT_DEVICE,
and CUDA_VISIBLE_DEVICES where it is to see one GPU alone.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from copilot.errors import UserError
from copilot.frozen_model import FrozenModel
from copilot.hashing import canonical_json
from renderers.contract import (
    RenderedSound,
    Renderer,
    RendererInfo,
    RenderFailure,
    RenderRequest,
    RenderSettings,
    Tool,
    Voice,
    info_of,
)
from renderers.device import environment
from renderers.worker.answers import PROTOCOL, Greeting
from renderers.worker.client import WorkerClient

SCRIPTS = {
    name: Path(__file__).parent / "scripts" / f"{name.replace('-', '_')}_worker.py"
    for name in ("f5-tts", "xtts")
}
"""The workers that come with the project, by the name that stands for their script."""


class WorkerSettings(FrozenModel):
    """Which program is the worker, and what it is told."""

    command: str = Field(description="f5-tts, xtts, or the command that starts the worker, as in a shell.")
    python: str | None = Field(
        default=None, description="The Python that f5-tts or xtts runs in; the present one without it."
    )
    options: Mapping[str, str] = Field(
        default_factory=dict, description="Handed to the worker as its last argument, a JSON object."
    )

    @field_validator("command")
    @classmethod
    def _has_words(cls, given: str) -> str:
        if not shlex.split(given):
            raise ValueError("the command is empty")
        return given

    @property
    def speaks(self) -> bool:
        """Whether it is known, before it is started, that it is for speech: the shipped ones are."""
        return shlex.split(self.command)[0] in SCRIPTS

    @property
    def called(self) -> str:
        """What to call it until it has greeted: the file of its script, or its program."""
        words = shlex.split(self.command)
        return next((Path(word).name for word in words if word.endswith(".py")), Path(words[0]).name)

    def words(self) -> list[str]:
        """The command and its arguments."""
        first, *others = shlex.split(self.command)
        program = [first]
        if script := SCRIPTS.get(first):
            python = Path(self.python).expanduser() if self.python else sys.executable
            program = [str(python), str(script)]
        return [*program, *others, json.dumps(dict(self.options))]


class WorkerRenderer:
    """Renders with a program that speaks the protocol. Made, it has started it: the greeting says what it is.

    Raises UserError for a program that is not there, ChildStartError where it cannot be started, or greets
    with something else.
    """

    info = RendererInfo(
        summary="Any backend in a program of its own; f5-tts and xtts are ready scripts",
        licence="Apache-2.0; the program's own",
        model_licence="the program's own: F5-TTS CC-BY-NC-4.0, XTTS CPML (non-commercial)",
        settings=WorkerSettings,
        target="command",
        isolated=True,
        batch_s=30.0,
    )

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self.name = settings.called
        self._client = self._at_work(RenderSettings())
        self._greeting = self._client.greeting()
        self.name = self._greeting.name
        self.tool: Tool = self._greeting.tool
        self.info = replace(type(self).info, clones=self._greeting.clones)

    def set_to_work(self, work: RenderSettings) -> None:
        """Work with this deadline and on this device from now on, in a worker started anew."""
        self.close()
        self._client = self._at_work(work, self._greeting)

    def _at_work(self, work: RenderSettings, known: Greeting | None = None) -> WorkerClient:
        words = self._settings.words()
        if shutil.which(words[0]) is None:
            given = "python=PATH" if self._settings.python else f"a command, or {' or '.join(SCRIPTS)}"
            raise UserError(f"worker {self.name}: there is no program {words[0]}; give {given}")
        return WorkerClient(
            f"worker {self.name}",
            words,
            deadline_s=work.deadline_s or self.info.deadline_s,
            environment=environment(work),
            known=known,
        )

    def fingerprint(self) -> dict[str, str]:
        """What the worker says changes its sound, its name, and the options, its places left out."""
        known = {"backend": "worker", "protocol": str(PROTOCOL), "worker": self.name}
        places = self._greeting.places
        if options := {name: text for name, text in self._settings.options.items() if name not in places}:
            known["options"] = canonical_json(options)
        return {**self._greeting.fingerprint, **known}

    def prepare(self) -> None:
        """Have the worker load. Raises CopilotError where it cannot."""
        self._client.prepare()

    def voices(self) -> Sequence[Voice]:
        """The voices that the worker has itself."""
        return self._greeting.bank()

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Answers as `WorkerClient.render` gives and raises them."""
        return self._client.render(requests)

    def close(self) -> None:
        """End the worker at once."""
        self._client.close()


class HostedRenderer:
    """One of this project's renderers, at work in a child process: `renderers.worker.host`.

    `inner`, made alike, stands here for what it tells of itself; it loads nothing and renders nothing.
    """

    def __init__(
        self, inner: Renderer, spec: str, tool: Tool, settings: Mapping[str, Any], work: RenderSettings
    ) -> None:
        self._inner = inner
        self.name = inner.name
        self.tool: Tool = inner.tool
        self.info = info_of(inner)
        # The child is to find what is found here: backends may come from anywhere on this path.
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        self._client = WorkerClient(
            inner.name,
            [sys.executable, "-P", "-m", "renderers.worker.host", spec, tool, json.dumps(dict(settings))],
            deadline_s=work.deadline_s or self.info.deadline_s,
            environment={**environment(work), "PYTHONPATH": path},
        )

    def fingerprint(self) -> dict[str, str]:
        """The renderer's own."""
        return self._inner.fingerprint()

    def prepare(self) -> None:
        """Start the child and have it load. Raises CopilotError where it cannot."""
        self._client.prepare()

    def voices(self) -> Sequence[Voice]:
        """The renderer's own."""
        return self._inner.voices()

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Answers as `WorkerClient.render` gives and raises them."""
        return self._client.render(requests)

    def close(self) -> None:
        """End the child at once."""
        self._client.close()
        self._inner.close()
