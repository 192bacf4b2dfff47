"""Renderers one behind the other: the first that has something fitting makes the sound.

A chain is written `NAME[:TARGET],NAME[:TARGET],...`. Its settings are those of its members, each under the
member's name, or under its number in the chain.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from copilot.errors import UserError
from copilot.library_sound import LibrarySound
from renderers.contract import (
    RenderedSound,
    Renderer,
    RendererInfo,
    RenderFailure,
    RenderRequest,
    Tool,
    Voice,
    get_info,
    list_problems,
    list_sounds,
)

PASSED_OVER = "passed_over"
"""The name in a sound's `detail` under which the members are named that failed before one made it."""

_QUOTED_OR_ONE = re.compile(r"'[^']*'|\"[^\"]*\"|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Link:
    """One member of a chain before it is created.

    Members of one name are told apart by their `label`: `library`, `library-2`.
    """

    label: str
    spec: str
    settings: Mapping[str, Any]


def parse_chain(spec: str, tool: Tool, settings: Mapping[str, Any] | None = None) -> list[Link]:
    """Return the members that a renderer's name stands for: one, or for `sfx` several between commas.

    Raises UserError for an empty name, and for settings of a chain that belong to none of its members.
    """
    given = settings or {}
    specs = _split(spec) if tool == "sfx" else [spec]
    if len(specs) == 1:
        return [Link(spec.partition(":")[0], spec, given)]
    if not all(specs):
        raise UserError(
            f"{spec}: a name between commas is empty; write the renderers as in library:FOLDER,procedural",
            field=tool,
        )
    names = [part.partition(":")[0] for part in specs]
    _check_settings(given, names, tool)
    links: list[Link] = []
    seen: Counter[str] = Counter()
    for number, (part, name) in enumerate(zip(specs, names, strict=True), 1):
        seen[name] += 1
        label = name if seen[name] == 1 else f"{name}-{seen[name]}"
        own = {**given.get(name, {}), **given.get(str(number), {})}
        links.append(Link(label, part, _nest(own)))
    return links


def _split(spec: str) -> list[str]:
    """Split at the commas that are not between quotes, as in the command of a worker."""
    parts = [""]
    for found in _QUOTED_OR_ONE.finditer(spec):
        if found[0] == ",":
            parts.append("")
        else:
            parts[-1] += found[0]
    return [part.strip() for part in parts]


def _check_settings(given: Mapping[str, Any], names: Sequence[str], tool: Tool) -> None:
    """Raises UserError for a setting that does not say which member it is for."""
    known = (*dict.fromkeys(names), *(str(number) for number in range(1, len(names) + 1)))
    for name, value in given.items():
        if not isinstance(value, Mapping) or name not in known:
            raise UserError(
                f"{name}: of several renderers, name the one that a setting is for: {names[0]}.NAME=VALUE; "
                f"here: {', '.join(known)}",
                field=f"{tool}_settings",
            )


def _nest(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with `NAME.KEY` as a mapping `NAME`, as a single renderer gets them."""
    nested: dict[str, Any] = {}
    for name, value in settings.items():
        outer, dot, inner = name.partition(".")
        if dot:
            nested[outer] = {**nested.get(outer, {}), inner: value}
        else:
            nested[outer] = value
    return nested


class ChainRenderer:
    """Renders each sound with the first of its `members` whose answer is a match.

    A member that has nothing fitting, or that fails, hands the request to the next. The last one's answer
    stands. A sound names the member that made it by its label. Closes all members.
    """

    def __init__(self, members: Mapping[str, Renderer]) -> None:
        """`members` are renderers of one tool by their labels, in their order."""
        self.members = dict(members)
        self.name = ",".join(self.members)
        self.tool: Tool = next(iter(self.members.values())).tool
        infos = [get_info(member) for member in self.members.values()]
        self.info = RendererInfo(
            tools=(self.tool,),
            summary="Several renderers, the first of which that has something fitting makes the sound",
            licence="; ".join(dict.fromkeys(info.licence for info in infos)),
            batch_s=min(info.batch_s for info in infos),
            least_s=max(info.least_s for info in infos),
            deadline_s=max(info.deadline_s for info in infos),
        )

    @property
    def problems(self) -> tuple[str, ...]:
        """Problems of all members. Raises as they do."""
        return tuple(problem for member in self.members.values() for problem in list_problems(member))

    def fingerprint(self) -> dict[str, str]:
        """Return the members' labels in their order, and all fingerprints, each name behind the label."""
        known = {"backend": self.name}
        for label, member in self.members.items():
            known |= {f"{label}.{name}": text for name, text in member.fingerprint().items()}
        return known

    def list_sounds(self) -> tuple[LibrarySound, ...]:
        """Return the sounds of all members that list theirs. Raises as they do."""
        return tuple(sound for member in self.members.values() for sound in list_sounds(member))

    def prepare(self) -> None:
        """Prepare all members. Raises CopilotError as they do."""
        for member in self.members.values():
            member.prepare()

    def voices(self) -> Sequence[Voice]:
        """Return no voices: a chain makes sounds."""
        return ()

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Return one answer per request: the first match, or the last member's answer."""
        answers: dict[int, RenderedSound | RenderFailure] = {}
        failed: dict[int, list[str]] = {}
        left = list(range(len(requests)))
        for label, member in self.members.items():
            if not left:
                break
            found = member.render([requests[place] for place in left])
            for place, answer in zip(left, found, strict=True):
                answers[place] = _name_maker(answer, label, failed.get(place, ()))
                if isinstance(answer, RenderFailure):
                    failed.setdefault(place, []).append(f"{label}: {answer.reason}")
            left = [place for place in left if not _fits(answers[place])]
        return [answers[place] for place in range(len(requests))]

    def close(self) -> None:
        """Close all members, even if one cannot be closed."""
        _close_all(list(self.members.values()))


def _fits(answer: RenderedSound | RenderFailure) -> bool:
    return isinstance(answer, RenderedSound) and answer.matched


def _name_maker(
    answer: RenderedSound | RenderFailure, label: str, failed: Sequence[str]
) -> RenderedSound | RenderFailure:
    if not isinstance(answer, RenderedSound):
        return answer
    detail = {**answer.detail, PASSED_OVER: "; ".join(failed)} if failed else answer.detail
    return replace(answer, backend=answer.backend or label, detail=detail)


def _close_all(renderers: Sequence[Renderer]) -> None:
    if not renderers:
        return
    try:
        renderers[0].close()
    finally:
        _close_all(renderers[1:])
