"""JSON files that a user names with an option."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from copilot.errors import UserError

M = TypeVar("M", bound=BaseModel)


def read_model(model: type[M], path: Path, option: str, see: str) -> M:
    """The model that a file holds. Raises UserError, which says what is wrong where, and what to `see`."""
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"{option} {path}: {error.strerror}") from error
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"])) or "the file"
        raise UserError(f"{option} {path}: {where}: {fault['msg']}; {see}") from error
