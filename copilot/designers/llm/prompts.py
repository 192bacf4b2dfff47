"""The prompts: Markdown templates with a header, each with a hash of all its text.

A prompt is rendered with exactly the variables that its header names. Its hash covers its own source and
that of every part it includes, at any depth.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal, Self, get_args

from jinja2 import DictLoader, Environment, StrictUndefined, TemplateError, UndefinedError, meta
from pydantic import ValidationError

from copilot.emotions import Emotion
from copilot.errors import UserError
from copilot.frozen_model import FrozenModel, Range
from copilot.hashing import content_hash
from copilot.rules.schema import schema_faults
from copilot.scene import Gender

PromptMode = Literal["turnwise", "whole", "both", "judge", "language"]
"""The use of a prompt: in one mode of writing dialogues, in both, by the judge, or for other languages."""

_FENCE = "+++\n"
_SUFFIX = ".md"
_CHARS_PER_WORD = 15
"""An allowance, larger than English needs, so that a text of so many words keeps its limit of characters."""


class PromptError(ValueError):
    """A template, or a variable that it is rendered with, is wrong; the message names the prompt."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt's header, and its content hash."""

    name: str
    purpose: str
    mode: PromptMode
    variables: tuple[str, ...]
    hash: str


class _Header(FrozenModel):
    name: str
    purpose: str
    mode: PromptMode
    variables: tuple[str, ...]


class PromptLibrary:
    """The prompts by name. Raises PromptError for a wrong header or template."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        """Make a library of the sources, by path below its folder, such as `parts/seed.md`."""
        split = {path: _split_header(path, source) for path, source in sources.items() if "/" not in path}
        parts = {path: source for path, source in sources.items() if "/" in path}
        bodies = {path: body for path, (_, body) in split.items()}
        self._environment = _make_environment(parts | bodies)
        self._prompts: dict[str, Prompt] = {}
        for path, (header, _) in sorted(split.items(), key=lambda item: item[1][0].name):
            named = f"{header.name}{_SUFFIX}"
            if named != path:
                raise PromptError(f"prompt {path}: its header names it {header.name}; call the file {named}")
            included = {part: sources[part] for part in _find_included(sources, path)}
            source_hash = content_hash({"source": sources[path], "parts": included})
            self._prompts[header.name] = Prompt(**header.model_dump(), hash=source_hash)
            self._environment.get_template(path)

    @classmethod
    def load(cls) -> Self:
        """Load the prompts of this distribution."""
        return cls(_load_sources())

    def names(self) -> tuple[str, ...]:
        """Return the names of all prompts, in alphabetical order."""
        return tuple(self._prompts)

    def get(self, name: str) -> Prompt:
        """Return a prompt by its name. Raises UserError for an unknown one."""
        if name not in self._prompts:
            raise UserError(f"unknown prompt {name!r}; available: {', '.join(self._prompts)}")
        return self._prompts[name]

    def hashes(self) -> dict[str, str]:
        """Return the content hash of each prompt, by name."""
        return {name: prompt.hash for name, prompt in self._prompts.items()}

    def render(self, name: str, /, **variables: object) -> str:
        """Render the text of a prompt. Raises PromptError for a missing or an unknown variable."""
        prompt = self.get(name)
        for variable in sorted(variables.keys() ^ set(prompt.variables)):
            what = "is not one of its variables" if variable in variables else "is missing"
            known = ", ".join(prompt.variables)
            raise PromptError(f"prompt {name}: {variable} {what}; it is rendered with {known}")
        try:
            text = self._environment.get_template(f"{name}{_SUFFIX}").render(variables)
        except UndefinedError as error:
            raise PromptError(f"prompt {name}: {error.message}; name it in the header") from error
        return text.strip()


def _find_included(
    sources: Mapping[str, str], path: str, above: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Yield the parts that a template includes, at any depth. Raises PromptError for a missing part."""
    if path in above:
        raise PromptError(f"prompt {path}: includes itself, by way of {', '.join(sorted(above))}")
    try:
        parts = list(meta.find_referenced_templates(_make_environment({}).parse(sources[path])))
    except TemplateError as error:
        raise PromptError(f"prompt {path}: {error}") from error
    for part in parts:
        if part is None or part not in sources:
            raise PromptError(f"prompt {path}: includes {part}; include a part by its path, parts/NAME.md")
        yield part
        yield from _find_included(sources, part, above | {path})


def _split_header(path: str, source: str) -> tuple[_Header, str]:
    opening, _, rest = source.partition(_FENCE)
    header, fence, body = rest.partition(_FENCE)
    if opening or not fence:
        raise PromptError(f"prompt {path}: has no header; it begins with a TOML header between +++ lines")
    try:
        return _Header.model_validate(tomllib.loads(header)), body
    except tomllib.TOMLDecodeError as error:
        raise PromptError(f"prompt {path}: header: {error}") from error
    except ValidationError as error:
        _, fault = next(schema_faults(error))
        raise PromptError(f"prompt {path}: header: {fault}") from error


def _make_environment(sources: Mapping[str, str]) -> Environment:
    environment = Environment(
        loader=DictLoader(sources),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - read by language models, which know no markup
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters.update(number=_format_number, at=_interpolate, words=_count_fitting_words, pick=_pick)
    environment.globals.update(genders=get_args(Gender), emotions=get_args(Emotion))
    return environment


def _format_number(value: float) -> str:
    """Format a number with at most two decimals, and no needless zero."""
    return f"{round(value, 2) + 0.0:g}"


def _interpolate(allowed: Range, share: float) -> float:
    """Return the whole number that lies so far along a range: 0 is its low end, 1 the high one."""
    return round(allowed.low + share * (allowed.high - allowed.low))


def _pick(values: Sequence[float], share: float) -> float:
    """Return the value that lies so far along a list: 0 is the first, 1 the last."""
    return values[round(share * (len(values) - 1))]


def _count_fitting_words(n_chars: int, most: int) -> int:
    """Return the number of words that keep a limit of characters; at most `most`."""
    return max(1, min(most, n_chars // _CHARS_PER_WORD))


@lru_cache(maxsize=1)
def _load_sources() -> dict[str, str]:
    """Load every template by its path: from inside an installed package, or beside a checkout's packages."""
    packaged = files("copilot") / "prompt_templates"
    folder = packaged if packaged.is_dir() else Path(__file__).parents[3] / "prompts"
    return dict(_read_folder(folder))


def _read_folder(folder: Traversable, above: str = "") -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _read_folder(entry, f"{above}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            yield f"{above}{entry.name}", entry.read_text(encoding="utf-8")
