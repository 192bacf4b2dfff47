"""The designer of dialogues and scenes that a user gives in a file.

Each comes with its seed, so that workers need no access to the file.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import Field

from copilot.designers.account import Account
from copilot.designers.contract import Design, DesignerContext, DesignerInfo, DesignFault
from copilot.designers.given.reading import read_given
from copilot.errors import RowFault, UserError
from copilot.frozen_model import FrozenModel
from copilot.seed import Seed

VERSION = "1"
"""Raise it with any change to the dialogues that are made of a given text."""


class GivenSettings(FrozenModel):
    """The file of the dialogues; empty if their seeds were made otherwise."""

    file: str = Field(default="", description="JSON Lines, or JSON, with dialogues or scenes.")


class GivenDesigner:
    """A `Designer` that takes the dialogue of a seed as it is given, and completes what was left out."""

    info = DesignerInfo(
        summary="Dialogues or scenes of your own, as JSON",
        licence="Apache-2.0",
        settings=GivenSettings,
        target="file",
        repeatable=True,
    )
    name = "given"

    def __init__(self, context: DesignerContext, settings: GivenSettings) -> None:
        self._limits = context.limits
        self._file = Path(settings.file).expanduser() if settings.file else None

    def fingerprint(self) -> dict[str, str]:
        """Return the version, and the hash of the file. Raises UserError if it cannot be read."""
        known = {"designer": self.name, "version": VERSION}
        if self._file is None:
            return known
        try:
            with self._file.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise UserError(f"{self._file}: {error.strerror}; check the path", field="designer") from error
        return {**known, "content": content}

    def design(self, seed: Seed, run_seed: int) -> Design:  # noqa: ARG002 - of the contract
        """Return the dialogue that the seed brings.

        Raises RowFault `no-dialogue` for a seed without; else DesignFault, which keeps the text, as
        `read_given` does.
        """
        given = seed.given
        if given is None:
            raise RowFault("no-dialogue", f"the seed {seed.id} brings none")
        try:
            return Design(read_given(seed, given, self._limits))
        except RowFault as fault:
            raise DesignFault(fault.reason, fault.detail, Account(raw_replies=(given.text,))) from fault
