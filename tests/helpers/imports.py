"""The modules that an import loads, and a check of a package's lazy names."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

HEAVY = frozenset(
    {
        "datasets",
        "duckdb",
        "jinja2",
        "jsonschema",
        "matplotlib",
        "numpy",
        "openai",
        "pedalboard",
        "pyarrow",
        "pydantic",
        "pyloudnorm",
        "ray",
        "rich",
        "scipy",
        "soundfile",
        "soxr",
        "torch",
        "transformers",
        "typer",
        "yaml",
    }
)
"""Packages that take long to import, or that only some backends need."""


def loaded_by(statement: str) -> set[str]:
    """Return the names of all modules that a fresh interpreter has loaded after a statement."""
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def heavy_loaded_by(module: str) -> set[str]:
    """Return which of `HEAVY` importing a module loads."""
    return loaded_by(f"import {module}") & HEAVY


def check_front_door(package: str) -> None:
    """Assert that a package's lazy names load, are listed, and are the ones that type checkers see."""
    module = importlib.import_module(package)
    names = module.__all__
    assert _names_for_type_checkers(Path(str(module.__file__))) == {
        name: _defined_in(package, name) for name in names
    }
    assert all(getattr(module, name) is not None for name in names)
    assert set(names) <= set(dir(module))
    # Importing a module of the package sets a name of the package: it would hide the lazy one.
    assert not set(names) & {child.name for child in pkgutil.iter_modules(module.__path__)}


def _defined_in(package: str, name: str) -> str:
    """Return the module that a lazy name is loaded from."""
    table = _lazy_table(Path(str(importlib.import_module(package).__file__)))
    return next(module for module, names in table.items() if name in names)


def _names_for_type_checkers(path: Path) -> dict[str, str]:
    imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names if alias.asname}


def _lazy_table(path: Path) -> dict[str, tuple[str, ...]]:
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "lazy_exports"
    ]
    table: dict[str, tuple[str, ...]] = ast.literal_eval(calls[0].args[1])
    return table
