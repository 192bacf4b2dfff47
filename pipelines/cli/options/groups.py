"""The options of a command, made from the classes in `pipelines.options`, and the two lengths of its help.

An option on the command line goes before the file of `--config`, which goes before the default.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection
from dataclasses import fields, replace
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from copilot.errors import UserError
from pipelines.cli.output.help_text import add_note
from pipelines.config_file import OLD_NAMES, read_options
from pipelines.options.option import KnownOption, options_of
from pipelines.storage.places import expand_home

Command = Callable[..., None]


_HEADINGS = ("", "Plan", "Dialogues", "Sound", "Execution", "Language model")
"""The groups in the order of help."""


def takes_options(
    *, config: bool = False, optional: Collection[str] = (), **groups: type
) -> Callable[[Command], Command]:
    """Make a command take the options of each class; it is given an object of each as one argument.

    With `config` it takes the options from a file too. Options in `optional` are not required by it.
    """
    known = {name: option for group in groups.values() for name, option in options_of(group).items()}
    for name in optional:
        known[name] = replace(known[name], option=replace(known[name].option, required=False))
    old_names = {old: new for old, new in OLD_NAMES.items() if new in known}

    def decorate(command: Command) -> Command:
        own = inspect.signature(command, eval_str=True).parameters

        @functools.wraps(command)
        def run(**given: Any) -> None:  # noqa: ANN401 - values of any option
            values = read_options(path) if (path := given.get("config")) else {}
            for old, new in old_names.items():
                if given[old] is not None and given[new] is not None:
                    raise UserError(f"is set twice; --{old.replace('_', '-')} is its former name", field=new)
                values |= {new: given[old]} if given[old] is not None else {}
            for name, option in known.items():
                if given[name] is not None:
                    values[name] = _convert(option, given[name])
            objects = {}
            for name, group in groups.items():
                objects[name] = group(**{f.name: values[f.name] for f in fields(group) if f.name in values})
            command(**{name: given[name] for name in own if name not in groups}, **objects)

        parameters = [parameter for name, parameter in own.items() if name not in groups]
        ordered = sorted(known.values(), key=lambda option: _HEADINGS.index(option.option.group))
        parameters += [_create_parameter(option) for option in ordered]
        parameters += [_create_parameter(known[new], called=old) for old, new in old_names.items()]
        parameters += _create_other_parameters(config=config)
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return run

    return decorate


def _convert(option: KnownOption, value: Any) -> Any:  # noqa: ANN401 - a value of any option
    """Return a value as the option's class has it: typer gives a choice as an Enum of texts."""
    if option.kind is Path:
        return expand_home(value)
    return type(option.choices[0])(value.value) if option.choices else value


def _create_parameter(option: KnownOption, called: str | None = None) -> inspect.Parameter:
    """Return the parameter from which typer makes an option; `called` is a former name, which help hides."""
    known, name = option.option, called or option.name
    suffix = "required" if known.required else f"default: {option.default_text}"
    shown = known.required or option.default_text is not None
    info = typer.Option(
        f"--{name.replace('_', '-')}",
        help=add_note(known.help, suffix) if shown else known.help,
        show_default=False,
        metavar=known.metavar,
        min=known.low,
        max=known.high,
        rich_help_panel=known.group or None,
        hidden=called is not None or not (known.common or known.required),
    )
    return _create_keyword(name, _find_kind(option), info)


def _find_kind(option: KnownOption) -> Any:  # noqa: ANN401 - a type
    """Return the type from which typer knows how to read an option."""
    if option.choices:
        return Enum(option.name, {str(choice): str(choice) for choice in option.choices})
    return list[str] if option.kind is list else option.kind


def _create_other_parameters(*, config: bool) -> list[inspect.Parameter]:
    """Return the parameters of `--config`, if wanted, and of `--help-all`."""
    file = typer.Option(
        metavar="FILE",
        help="YAML file with options by name, which the command line overrides; or laptop, one-node-8-gpus, "
        "cluster, which come with the package.",
    )
    show_all = typer.Option(
        "--help-all", is_eager=True, callback=_show_all_help, help="Show all options and exit."
    )
    return [
        *([_create_keyword("config", str, file)] if config else []),
        _create_keyword("help_all", bool, show_all),
    ]


def _create_keyword(name: str, kind: Any, info: Any) -> inspect.Parameter:  # noqa: ANN401 - a type, and typer's own
    annotation: Any = Annotated[kind | None, info]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _show_all_help(context: typer.Context, wanted: bool | None) -> None:
    if not wanted:
        return
    for parameter in context.command.params:
        if parameter.name not in OLD_NAMES:
            parameter.hidden = False  # type: ignore[attr-defined]
    typer.echo(context.get_help())
    raise typer.Exit
