"""The help of commands: flags without a type, and defaults in one style."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup, TyperOption


def add_default(text: str, default: str) -> str:
    """Return the help of an option with a default in words, as typer shows a default that is a value."""
    return add_note(text, f"default: {default}")


def add_note(text: str, note: str) -> str:
    """Return the help of an option with a note at its end."""
    # Square brackets are markup in help texts.
    return f"{text} [dim]\\[{note}][/dim]"


class _PlainFlags:
    """Options without values show no type: typer would show `<bool>`."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - typer's own types, which are private
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            if isinstance(parameter, TyperOption) and parameter.is_flag:
                parameter.metavar = ""
        return parameters


class PlainCommand(_PlainFlags, TyperCommand):
    """A command whose flags show no type."""


class PlainGroup(_PlainFlags, TyperGroup):
    """A group of commands whose flags show no type."""
