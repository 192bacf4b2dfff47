"""`copilot schema`."""

from __future__ import annotations

from pathlib import Path

from copilot import schemas
from copilot.errors import UserError


def print_schema(name: str | None) -> None:
    """Print one schema, or the names of all. Raises UserError for an unknown name."""
    if name is None:
        print("\n".join(schemas.NAMES))
        return
    if name not in schemas.NAMES:
        raise UserError(f"unknown schema {name!r}; available: {', '.join(schemas.NAMES)}")
    print(schemas.schema_text(name), end="")


def write_schemas(folder: Path) -> None:
    """Write every schema into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in schemas.NAMES:
        _path_of(folder, name).write_text(schemas.schema_text(name), encoding="utf-8")


def check_schemas(folder: Path) -> None:
    """Raise UserError if a file in the folder differs from the models."""
    expected = {_path_of(folder, name): schemas.schema_text(name) for name in schemas.NAMES}
    strangers = set(folder.glob("*.json")) - expected.keys()
    stale = [p for p, text in expected.items() if not p.is_file() or p.read_text(encoding="utf-8") != text]
    if stale or strangers:
        names = ", ".join(sorted(path.name for path in {*stale, *strangers}))
        raise UserError(f"{folder}: differs from the models: {names}; run: make format")
    print(f"{folder}: {len(expected)} schemas are those of the models")


def _path_of(folder: Path, name: str) -> Path:
    return folder / f"{name}.schema.json"
