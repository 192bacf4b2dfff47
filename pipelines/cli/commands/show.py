"""`copilot show`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from copilot.dialogue import Dialogue
from copilot.scene import Element, SpeechElement
from pipelines.cli.output.tables import create_table
from pipelines.inspection.number_text import format_loudness, format_number, format_panning
from pipelines.inspection.picture.turn_lanes import Lane, list_lanes
from pipelines.inspection.show import ShownSample, show_sample

_SIGNS = {None: " ", "added": "+", "changed": "~", "removed": "-"}
_STYLES = {None: "", "added": "green", "changed": "yellow", "removed": "red strike"}


def run_show(run: str, wanted: str | None, out: Path | None, *, force: bool, as_json: bool) -> None:
    """Write one sample into a folder and print its dialogue. Raises as `show_sample`."""
    shown = show_sample(run, wanted, out, force=force)
    if as_json:
        files = [str(path) for path in shown.paths]
        heard = {"heard": shown.heard} if shown.heard else {}
        print(json.dumps({**shown.content, **heard, "folder": str(shown.folder), "files": files}))
        return
    print_sample(shown, Console(highlight=False))


def print_sample(shown: ShownSample, console: Console) -> None:
    """Print a sample turn by turn, with its failed checks and the paths of its files."""
    console.print(Text.assemble((shown.id, "bold"), f"  {shown.tier}"))
    print_dialogue(shown.dialogue, console)
    console.print()
    failed = [check for check in shown.checks if not check.passed]
    for check in failed:
        text = f"failed {check.name}: {check.value:.6g}, limit {check.limit:.6g}"
        console.print(Text(text, style="red"))
    console.print(Text(f"{len(shown.checks) - len(failed)} of {len(shown.checks)} checks passed"))
    if unmatched := shown.list_unmatched():
        captions = ", ".join(f"{number} {text!r}" for number, text in unmatched.items())
        console.print(Text(f"stand-ins, as the renderer had no match: {captions}", style="red"))
    if shown.headroom_db:
        console.print(Text(f"all turns are {-shown.headroom_db:g} dB quieter, for headroom"))
    if shown.heard:
        _print_heard(shown.heard, console)
    for path in shown.paths:
        console.print(Text(str(path)), soft_wrap=True)


def _print_heard(heard: Mapping[str, Any], console: Console) -> None:
    """Print the figures of what was heard, and each line and caption with what became of it."""
    console.print(
        Text("heard: " + ", ".join(f"{entry['name']} {entry['value']:.3g}" for entry in heard["figures"]))
    )
    for line in heard["lines"]:
        text = (
            f"  {line['element_id']} “{line['text']}” heard as “{line['heard']}”: {line['n_errors']} errors"
        )
        console.print(Text(text, style="" if not line["n_errors"] else "yellow"))
    for caption in heard["captions"]:
        values = [caption["presence"], *caption["in_mixes"]]
        shown = " ".join("?" if value is None else f"{value:.2f}" for value in values)
        console.print(
            Text(f"  {caption['element_id']} {caption['text']}: present {shown} (alone, then by turn)")
        )
    for failure in heard["failures"]:
        what = f"turn {failure['turn']}" if failure["element_id"] is None else f"stem {failure['element_id']}"
        why = f"{failure['reason']}: {failure['detail']}"
        console.print(Text(f"  {failure['listener']} could not hear {what}: {why}", style="red"))


def print_dialogue(dialogue: Dialogue, console: Console) -> None:
    """Print the seed of a dialogue, and its turns as tables that mark the edits of each."""
    console.print(Text(f"seed {dialogue.seed_id}: {dialogue.seed_text}", style="dim"))
    for index, turn in enumerate(dialogue.turns):
        console.print()
        console.print(Text.assemble(f"Turn {index}  ", (turn.task, "bold")))
        console.print(Padding(Text(f"“{turn.user}”", style="italic"), (0, 0, 0, 2)))
        console.print(Padding(Text(turn.description), (0, 0, 0, 2)))
        console.print(_create_lane_table(list_lanes(dialogue, index)))


def _create_lane_table(lanes: tuple[Lane, ...]) -> Table:
    right = ("id", "LUFS", "panning", "start s", "duration s")
    columns = ("", "id", "role", "sound", *right[1:])
    return create_table(columns, [_create_lane_row(lane) for lane in lanes], right=right, wrapped=("sound",))


def _create_lane_row(lane: Lane) -> tuple[str | Text, ...]:
    element, style = lane.element, _STYLES[lane.mark]
    return (
        Text(f"  {_SIGNS[lane.mark]}", style=style.removesuffix(" strike")),
        str(element.id),
        element.role,
        Text(_describe(element), style=style if lane.mark == "removed" else ""),
        *(_format_value(lane, field) for field in ("loudness", "panning", "start_time", "duration")),
    )


def _describe(element: Element) -> str:
    if isinstance(element, SpeechElement):
        return f"“{element.text}” ({element.speaker}, {element.gender}, {element.emotion})"
    return element.text


def _format_value(lane: Lane, field: str) -> Text:
    shorten = {"loudness": format_loudness, "panning": format_panning}.get(field, format_number)
    now, old = shorten(getattr(lane.element, field)), lane.value_before(field)
    return Text(now) if old is None else Text(f"{shorten(old)} → {now}", style="bold yellow")
