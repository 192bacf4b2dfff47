"""A YAML file as a mapping by names, in which nothing is dropped without a word."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copilot.errors import UserError

if TYPE_CHECKING:
    import yaml


def read_yaml(path: Path, at: str) -> Mapping[str, Any]:
    """What a file holds, by name; empty for an empty file. Raises UserError, which begins with `at`."""
    import yaml

    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        if node is None:
            return {}
        _refuse_twice(node, at, set())
        content = loader.construct_document(node)
    except OSError as error:
        raise UserError(f"{at}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{at}: is no text in UTF-8 ({error.reason} at byte {error.start})") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise UserError(f"{at}: {where}is no YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{at}: is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise UserError(f"{at}: holds {kind_of(content)}; expected names of options with their values")
    for key in content:
        if not isinstance(key, str):
            raise UserError(f"{at}: {key!r}: expected the name of an option")
    return content


def kind_of(value: object) -> str:
    """A value's kind in words."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    return (
        "nothing" if value is None else f"{value!r}" if isinstance(value, str | int | float) else f"{value}"
    )


def _refuse_twice(node: yaml.Node, at: str, seen: set[int]) -> None:
    """Raises UserError where a mapping has a key twice, of which YAML's reader takes the last."""
    import yaml

    # An anchor may name what it stands in.
    if id(node) in seen or isinstance(node, yaml.ScalarNode):
        return
    seen.add(id(node))
    names: set[str] = set()
    for part in node.value:
        key, value = part if isinstance(node, yaml.MappingNode) else (None, part)
        if isinstance(key, yaml.ScalarNode):
            # With a hyphen or an underscore, a setting is the same.
            name = key.value.replace("-", "_")
            if name in names and key.value != "<<":
                raise UserError(f"{at}: line {key.start_mark.line + 1}: {key.value} is set twice")
            names.add(name)
        _refuse_twice(value, at, seen)
