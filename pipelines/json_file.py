"""JSON files that a user names with an option."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from copilot.errors import UserError
from copilot.validation import first_fault

M = TypeVar("M", bound=BaseModel)


def read_model(model: type[M], path: Path, option: str, see: str) -> M:
    """The model that a file holds. Raises UserError, which says what is wrong where, and what to `see`."""
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"{option} {path}: {error.strerror}") from error
    except ValidationError as error:
        fault = first_fault(error)
        raise UserError(f"{option} {path}: {fault.where or 'the file'}: {fault.message}; {see}") from error
