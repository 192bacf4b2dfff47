"""The limits of scenes: from a file, and by name, such as `duration_s=30` or `loudness_lufs=-40..-10`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copilot.errors import UserError
from copilot.validation import first_fault
from pipelines.options.values import parse_settings

if TYPE_CHECKING:
    from copilot.scene import SceneLimits

_TO = ".."
_SHORTEST_REST_S = 4.0
"""The time from the last start to the end of a scene, as in the published limits; less in a shorter one."""


def read_limits(file: Path | None, given: Sequence[str]) -> SceneLimits:
    """Return the limits of a file (default: the published), with those that are given by name in their place.

    With another `duration_s`, sounds may start until 4 s before its end (or half of it, if that is later) and
    last as long as it; with more `n_elements`, descriptions are as much longer; unless the file or a name
    says otherwise. Raises UserError for a file or a limit that is wrong, and for limits that exclude each
    other.
    """
    from pydantic import ValidationError

    from copilot.scene import SceneLimits
    from pipelines.json_file import read_model

    base = SceneLimits()
    if file is not None:
        base = read_model(SceneLimits, file, field="limits", hint="see: copilot schema scene-limits")
    if not given:
        return base
    values = {name: _read(name, value, base) for name, value in parse_settings(given, "limit").items()}
    try:
        limits = SceneLimits.model_validate(base.model_dump() | values)
        known = {*values, *base.model_fields_set}
        follow = _follow_duration(limits, known) if "duration_s" in values else {}
        if "n_elements" in values and "description_chars" not in known:
            follow |= _follow_elements(limits)
        return SceneLimits.model_validate(limits.model_dump() | follow)
    except ValidationError as error:
        raise UserError(str(first_fault(error)), field="limit") from error


def _read(name: str, value: Any, base: SceneLimits) -> Any:  # noqa: ANN401 - what a field of the limits takes
    """Return a text as the limit takes it. Raises UserError for an unknown limit, and for half a range."""
    known = type(base).model_fields
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"available: {', '.join(known)}"
        raise UserError(f"{name}: unknown limit; {hint}", field="limit")
    now = getattr(base, name)
    is_range = hasattr(now, "low")
    if isinstance(value, Mapping):
        return now.model_dump() | value if is_range else value
    low, to, high = value.partition(_TO)
    if is_range != bool(to):
        form = f"a range, such as {name}={now.low:g}{_TO}{now.high:g}" if is_range else "one number"
        raise UserError(f"{name}={value}: give {form}", field="limit")
    return {"low": low.strip(), "high": high.strip()} if to else value


def _follow_duration(limits: SceneLimits, known: set[str]) -> dict[str, Any]:
    latest_s = max(limits.duration_s / 2, limits.duration_s - _SHORTEST_REST_S)
    longest = {"start_time_s": latest_s, "element_duration_s": limits.duration_s}
    return {
        name: {"low": getattr(limits, name).low, "high": high}
        for name, high in longest.items()
        if name not in known
    }


def _follow_elements(limits: SceneLimits) -> dict[str, Any]:
    published = type(limits)()
    longer = max(1.0, limits.n_elements / published.n_elements)
    return {"description_chars": round(published.description_chars * longer)}
