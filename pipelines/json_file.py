"""JSON files that a setting names."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from copilot.errors import UserError
from copilot.validation import first_fault

M = TypeVar("M", bound=BaseModel)


def read_model(model: type[M], path: Path, *, field: str, hint: str) -> M:
    """Return the model that a file holds.

    Raises UserError for the field that names the file, which says what is wrong where, with the hint.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", field=field) from error
    except ValidationError as error:
        fault = first_fault(error)
        raise UserError(
            f"{path}: {fault.where or 'the file'}: {fault.message}; {hint}", field=field
        ) from error
