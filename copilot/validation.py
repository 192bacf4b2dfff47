"""The first fault that pydantic finds in a value, for messages of one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the modules that list names of backends need no pydantic
    from pydantic import ValidationError


@dataclass(frozen=True, slots=True)
class FieldFault:
    """A field that does not validate: its path, what is wrong, pydantic's type of the fault, the value."""

    path: tuple[str | int, ...]
    message: str
    kind: str
    value: object

    @property
    def where(self) -> str:
        """The path with dots, such as `turns.0.scene`; empty for the value as a whole."""
        return ".".join(map(str, self.path))

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.path else self.message


def first_fault(error: ValidationError) -> FieldFault:
    """Return the first fault of a validation; a message of the model's own validator stands as it is."""
    fault = error.errors(include_url=False)[0]
    message = fault["msg"].removeprefix("Value error, ")
    return FieldFault(fault["loc"], message, fault["type"], fault["input"])
