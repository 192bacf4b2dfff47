"""A YAML file as a mapping by names. Nothing is dropped or changed silently.

A key that is set twice is an error, and so is a number that YAML 1.1 reads as another: 010 as 8, 1:30 as 90.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copilot.errors import UserError

if TYPE_CHECKING:
    import yaml

_OLD_NUMBER = re.compile(r"[-+]?(0[0-7_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)")
_NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}


def read_yaml(path: Path) -> Mapping[str, Any]:
    """Return the content of a file by name; empty for an empty file. Raises UserError with the path."""
    import yaml  # noqa: PLC0415 - not every command reads a file

    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        if node is None:
            return {}
        _refuse_repeated_keys(node, path, set())
        _refuse_old_numbers(node, path, set())
        content = loader.construct_document(node)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not valid UTF-8 ({error.reason} at byte {error.start})") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise UserError(f"{path}: {where}not valid YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected names of options with their values, not {describe_value(content)}")
    for key in content:
        if not isinstance(key, str):
            raise UserError(f"{path}: {key!r}: expected the name of an option")
    return content


def create_file_error(message: str, field: str) -> UserError:
    """Return an error about a setting of a file: it has the field, but its message begins with the file."""
    error = UserError(message)
    error.field = field.replace("-", "_")
    return error


def describe_value(value: object) -> str:
    """Return a value in words: its kind, or itself if it is short."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "nothing"
    return f"{value!r}" if isinstance(value, str | int | float) else f"{value}"


def _refuse_repeated_keys(node: yaml.Node, path: Path, seen: set[int], above: str = "") -> None:
    """Raise UserError if a mapping has a key twice, of which YAML's reader would use the last."""
    import yaml  # noqa: PLC0415 - as above

    # An anchor may name a node that contains it.
    if id(node) in seen or isinstance(node, yaml.ScalarNode):
        return
    seen.add(id(node))
    names: set[str] = set()
    for part in node.value:
        at = above
        key, value = part if isinstance(node, yaml.MappingNode) else (None, part)
        if isinstance(key, yaml.ScalarNode):
            # With a hyphen or an underscore, a setting is the same.
            name = key.value.replace("-", "_")
            if name in names and key.value != "<<":
                where = f"{path}: line {key.start_mark.line + 1}"
                raise create_file_error(f"{where}: {key.value} is set twice", above + name)
            names.add(name)
            at = f"{above}{name}."
        _refuse_repeated_keys(value, path, seen, at)


def _refuse_old_numbers(node: yaml.Node, path: Path, seen: set[int]) -> None:
    """Raise UserError for an octal number without an o, and for a number to the base of 60."""
    import yaml  # noqa: PLC0415 - as above

    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        if node.tag in _NUMBERS and _OLD_NUMBER.fullmatch(node.value):
            line = node.start_mark.line + 1
            raise UserError(
                f"{path}: line {line}: {node.value} is another number in YAML; write it without zeros in "
                "front or colons, or in quotes if it is text"
            )
        return
    for part in node.value:
        for each in part if isinstance(part, tuple) else (part,):
            _refuse_old_numbers(each, path, seen)
