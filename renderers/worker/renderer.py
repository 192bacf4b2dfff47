"""Backends in a child process: any program that speaks the protocol, and `isolated` backends of the registry.

Both speak the protocol of docs/worker.md. The environment names the device: COPILOT_DEVICE, and
CUDA_VISIBLE_DEVICES if the child is to see one GPU alone.
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
    get_info,
)
from renderers.device import make_environment
from renderers.worker.answers import PROTOCOL, Greeting
from renderers.worker.client import WorkerClient

SCRIPTS = {
    name: Path(__file__).parent / "scripts" / f"{name.replace('-', '_')}_worker.py"
    for name in ("f5-tts", "xtts")
}
"""The scripts that come with the project, by name."""


class WorkerSettings(FrozenModel):
    """The program, and what is handed to it."""

    command: str = Field(description="f5-tts, xtts, or the command that starts the program, as in a shell.")
    python: str | None = Field(
        default=None, description="The Python that runs f5-tts or xtts; default: the one that runs copilot."
    )
    options: Mapping[str, str] = Field(
        default_factory=dict, description="Handed to the program as its last argument, a JSON object."
    )

    @field_validator("command")
    @classmethod
    def _has_words(cls, given: str) -> str:
        if not shlex.split(given):
            raise ValueError("the command is empty")
        return given

    @property
    def is_speech(self) -> bool:
        """True if the program is known to speak before it is started: the shipped scripts do."""
        return shlex.split(self.command)[0] in SCRIPTS

    @property
    def provisional_name(self) -> str:
        """The name until the program has greeted: the file of its script, or the program's."""
        words = shlex.split(self.command)
        return next((Path(word).name for word in words if word.endswith(".py")), Path(words[0]).name)

    def make_command_line(self) -> list[str]:
        """Return the program and its arguments."""
        first, *others = shlex.split(self.command)
        program = [first]
        if script := SCRIPTS.get(first):
            python = Path(self.python).expanduser() if self.python else sys.executable
            program = [str(python), str(script)]
        return [*program, *others, json.dumps(dict(self.options))]


class WorkerRenderer:
    """Renders with a program that speaks the protocol. The constructor starts it and reads its greeting.

    Raises UserError if the program is not found, ChildStartError if it cannot be started or does not greet.
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
        self.name = settings.provisional_name
        self._client = self._make_client(RenderSettings())
        self._greeting = self._client.get_greeting()
        self.name = self._greeting.name
        self.tool: Tool = self._greeting.tool
        self.info = replace(type(self).info, clones=self._greeting.clones, languages=self._greeting.languages)

    def restart_with(self, render_settings: RenderSettings) -> None:
        """Work with this deadline and on this device from now on, in a new child process."""
        self.close()
        self._client = self._make_client(render_settings, self._greeting)

    def _make_client(self, render_settings: RenderSettings, known: Greeting | None = None) -> WorkerClient:
        words = self._settings.make_command_line()
        if shutil.which(words[0]) is None:
            remedy = "python=PATH" if self._settings.python else f"a command, or {' or '.join(SCRIPTS)}"
            raise UserError(f"worker {self.name}: program {words[0]} not found; give {remedy}")
        return WorkerClient(
            f"worker {self.name}",
            words,
            deadline_s=render_settings.deadline_s or self.info.deadline_s,
            environment=make_environment(render_settings),
            known=known,
        )

    def fingerprint(self) -> dict[str, str]:
        """Return the greeting's fingerprint, the program's name, and the options that are not places."""
        known = {"backend": "worker", "protocol": str(PROTOCOL), "worker": self.name}
        places = self._greeting.places
        if options := {name: text for name, text in self._settings.options.items() if name not in places}:
            known["options"] = canonical_json(options)
        return {**self._greeting.fingerprint, **known}

    def prepare(self) -> None:
        """Let the program load. Raises CopilotError if it cannot."""
        self._client.prepare()

    def voices(self) -> Sequence[Voice]:
        """Return the program's own voices."""
        return self._greeting.list_voices()

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Return answers, and raise, as `WorkerClient.render` does."""
        return self._client.render(requests)

    def close(self) -> None:
        """End the program at once."""
        self._client.close()


class HostedRenderer:
    """A renderer of the registry that works in a child process: `renderers.worker.host`.

    `inner`, created from the same spec, only describes itself; it loads nothing and renders nothing.
    """

    def __init__(
        self,
        inner: Renderer,
        spec: str,
        tool: Tool,
        settings: Mapping[str, Any],
        render_settings: RenderSettings,
    ) -> None:
        self._inner = inner
        self.name = inner.name
        self.tool: Tool = inner.tool
        self.info = get_info(inner)
        # Backends may come from anywhere on this path, so the child needs all of it.
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        self._client = WorkerClient(
            inner.name,
            [sys.executable, "-P", "-m", "renderers.worker.host", spec, tool, json.dumps(dict(settings))],
            deadline_s=render_settings.deadline_s or self.info.deadline_s,
            environment={**make_environment(render_settings), "PYTHONPATH": path},
        )

    def fingerprint(self) -> dict[str, str]:
        """Return the inner renderer's."""
        return self._inner.fingerprint()

    def prepare(self) -> None:
        """Start the child and let it load. Raises CopilotError if it cannot."""
        self._client.prepare()

    def voices(self) -> Sequence[Voice]:
        """Return the inner renderer's."""
        return self._inner.voices()

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Return answers, and raise, as `WorkerClient.render` does."""
        return self._client.render(requests)

    def close(self) -> None:
        """End the child at once."""
        self._client.close()
        self._inner.close()
