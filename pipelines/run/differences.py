"""Differences between two fingerprints, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SETTINGS = ("config.", "filter.")
"""The parts of a fingerprint that hold settings under their own names."""

_PARTS: Mapping[str, str] = {
    "format_version": "the version of the format of samples",
    "schemas": "the schemas of this version of audiocopilot",
    "prompts": "the prompts",
    "designer": "the designer: its version or its data",
    "renderers.sfx": "the renderer of `sfx`: its version, its model or its data",
    "renderers.tts": "the renderer of `tts`: its version, its model or its data",
    "voices": "the recordings of the voice bank",
    "filter": "the filter of a subset",
}
"""The parts of a fingerprint that hold hashes and versions, in words."""

_FOLLOWING = {"designer", "renderers", "prompts"}
"""The parts that differ because settings do."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that differs: its dotted place in the JSON, and both values."""

    place: str
    known: Any
    requested: Any

    @property
    def part(self) -> str:
        """The part of the fingerprint: `config`, `designer`, `libraries`, ..."""
        return self.place.partition(".")[0]

    @property
    def field(self) -> str | None:
        """The setting that the value belongs to, such as `run_seed` or `llm.model`; None for other values."""
        for part in _SETTINGS:
            if self.place.startswith(part):
                name = self.place.removeprefix(part)
                return name if name.startswith("llm.") else name.partition(".")[0]
        return None

    def __str__(self) -> str:
        name = self.place
        if self.field:
            _, _, inner = self.place.partition(f"{self.field}.")
            name = f"`{self.field}`: {inner}" if inner else f"`{self.field}`"
        return f"{name} is {self.known!r} in the run, but {self.requested!r} was requested"


def find_differences(known: Any, requested: Any, at: str = "") -> Iterator[Difference]:  # noqa: ANN401 - any JSON
    """Yield each value that differs."""
    if isinstance(known, dict) and isinstance(requested, dict):
        for name in sorted(known.keys() | requested.keys()):
            inner = f"{at}.{name}" if at else name
            yield from find_differences(known.get(name), requested.get(name), inner)
    elif known != requested:
        yield Difference(at, known, requested)


def describe_differences(differing: Sequence[Difference]) -> Iterator[str]:
    """Yield lines for people: settings with their values, versions of libraries, other parts by name.

    Hashes are not shown, nor parts that differ only because a setting does.
    """
    settings = [one for one in differing if one.field]
    yield from map(str, settings)
    parts: dict[str, None] = {}
    for one in differing:
        if one.field or (settings and one.part in _FOLLOWING):
            continue
        if one.part == "libraries":
            yield f"{one.place.partition('.')[2]} {one.known} made the run, {one.requested} is installed here"
        else:
            parts[".".join(one.place.split(".")[: 2 if one.part == "renderers" else 1])] = None
    for part in parts:
        yield f"{_PARTS.get(part, part)} differs from the run's"
