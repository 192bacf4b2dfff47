"""The program of a worker: a command, or a script that comes with the project, and the options for it."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field, field_validator

from copilot.errors import UserError
from copilot.frozen_model import FrozenModel
from copilot.hashing import canonical_json
from renderers.worker.messages import PROTOCOL, AnyGreeting


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
