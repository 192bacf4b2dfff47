"""Programs as workers: a command, or a script that comes with the project, its options and its process."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Generic

from pydantic import Field, field_validator

from copilot.errors import UserError
from copilot.frozen_model import FrozenModel
from copilot.hashing import canonical_json
from copilot.units import Seconds
from renderers.contract import RenderSettings
from renderers.device import make_environment
from renderers.worker.client import WorkerClient
from renderers.worker.messages import PROTOCOL, AnyGreeting
from renderers.worker.trade import F, G, P, R, Trade


class ProgramSettings(FrozenModel):
    """The program, and what is handed to it. `scripts` are those that come with the project, by name."""

    scripts: ClassVar[Mapping[str, Path]] = {}

    command: str = Field(description="The command that starts the program, as in a shell.")
    python: str | None = Field(
        default=None, description="The Python that runs a ready script; default: the one that runs copilot."
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
    def script(self) -> str | None:
        """The name of the ready script, if the command is one."""
        first = shlex.split(self.command)[0]
        return first if first in self.scripts else None

    @property
    def provisional_name(self) -> str:
        """The name until the program has greeted: the file of its script, or the program's."""
        words = shlex.split(self.command)
        return next((Path(word).name for word in words if word.endswith(".py")), Path(words[0]).name)

    def make_command_line(self) -> list[str]:
        """Return the program and its arguments."""
        first, *others = shlex.split(self.command)
        program = [first]
        if script := self.scripts.get(first):
            python = Path(self.python).expanduser() if self.python else sys.executable
            program = [str(python), str(script)]
        return [*program, *others, json.dumps(dict(self.options))]

    def find_program(self, name: str) -> list[str]:
        """Return the command line. Raises UserError, with `name` in it, if there is no such program."""
        words = self.make_command_line()
        if shutil.which(words[0]) is None:
            remedy = "python=PATH" if self.python else f"a command, or {' or '.join(self.scripts)}"
            raise UserError(f"worker {name}: program {words[0]} not found; give {remedy}")
        return words

    def make_fingerprint(self, greeting: AnyGreeting) -> dict[str, str]:
        """Return the greeting's fingerprint, the program's name, and the options that are not places."""
        known = {"backend": "worker", "protocol": str(PROTOCOL), "worker": greeting.name}
        places = greeting.places
        if options := {name: text for name, text in self.options.items() if name not in places}:
            known["options"] = canonical_json(options)
        return {**greeting.fingerprint, **known}


class ProgramBackend(Generic[G, R, P, F]):
    """A program that speaks the protocol. The constructor starts it and reads its greeting.

    Raises UserError if the program is not found, ChildStartError if it cannot be started or does not greet.
    """

    def __init__(self, settings: ProgramSettings, trade: Trade[G, R, P, F], deadline_s: Seconds) -> None:
        self._settings = settings
        self._trade = trade
        self._deadline_s = deadline_s
        self.name = settings.provisional_name
        self._client = self._make_client(RenderSettings())
        self._greeting = self._client.get_greeting()
        self.name = self._greeting.name

    def restart_with(self, render_settings: RenderSettings) -> None:
        """Work with this deadline and on this device from now on, in a new child process."""
        self.close()
        self._client = self._make_client(render_settings, self._greeting)

    def _make_client(
        self, render_settings: RenderSettings, known: G | None = None
    ) -> WorkerClient[G, R, P, F]:
        return WorkerClient(
            f"worker {self.name}",
            self._settings.find_program(self.name),
            self._trade,
            deadline_s=render_settings.deadline_s or self._deadline_s,
            environment=make_environment(render_settings),
            known=known,
        )

    def fingerprint(self) -> dict[str, str]:
        """Return the greeting's fingerprint, the program's name, and the options that are not places."""
        return self._settings.make_fingerprint(self._greeting)

    def prepare(self) -> None:
        """Let the program load. Raises CopilotError if it cannot."""
        self._client.prepare()

    def close(self) -> None:
        """End the program at once."""
        self._client.close()
