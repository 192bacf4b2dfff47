"""Options that belong together, told once as the fields of a dataclass, for every command that takes them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

Command = Callable[..., None]


def takes_options(**groups: type) -> Callable[[Command], Command]:
    """Makes a command take the options of each group beside its own; it is given each as one argument.

    The fields of a group are annotated as a command's own parameters are.
    """
    fields = {name: inspect.signature(group, eval_str=True).parameters for name, group in groups.items()}

    def made(command: Command) -> Command:
        own = inspect.signature(command, eval_str=True).parameters

        @functools.wraps(command)
        def taking(**given: Any) -> None:  # noqa: ANN401 - whatever the options are
            grouped = {
                name: group(**{field: given.pop(field) for field in fields[name]})
                for name, group in groups.items()
            }
            command(**given, **grouped)

        parameters = [parameter for name, parameter in own.items() if name not in groups]
        for panel in fields.values():
            parameters += [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in panel.values()]
        taking.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return taking

    return made
