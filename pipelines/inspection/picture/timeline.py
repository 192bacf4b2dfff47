"""The picture of a sample: for each turn its sounds on a timeline, above the spectrogram of its mix.

All turns share one time axis and samples share one scale of decibels, so that turns can be compared with each
other, and samples too. The same sample gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from copilot.dialogue import Dialogue, Task
from copilot.units import Audio, Seconds, samples_to_seconds
from pipelines.inspection.number_text import format_loudness, format_number, format_panning
from pipelines.inspection.picture.canvas import DPI, Box, Canvas, open_canvas
from pipelines.inspection.picture.spectrogram import HIGHEST_HZ, LOWEST_HZ, compute_spectrogram
from pipelines.inspection.picture.turn_lanes import Lane, list_lanes

# Inches, from the top left.
_WIDTH = 10.0
_MARGIN = 0.22
_LEFT, _RIGHT = 1.24, 7.6  # the start and the end of time
_HEADER = 0.78
_TITLE_LINE = 0.215
_ABOVE_LANES = 0.1
_LANE, _BAR = 0.27, 0.21
_BELOW_LANES = 0.15
_SPECTRUM = 1.2
_AXIS = 0.24
_BETWEEN = 0.3
_LOUDNESS_AT = 8.5
_PAN_FROM, _PAN_TO = 8.64, 8.98

_INK, _GREY, _PALE, _STRIPE = "#1b2330", "#667085", "#dfe3ea", "#f5f7fa"
_ROLES = {"ambience": "#d3dfea", "music": "#c3a5e3", "effect": "#3d8bc8", "speech": "#222e63"}
"""From light to dark, so that roles differ without colours too."""
_ON_ROLES = {"ambience": _INK, "music": _INK, "effect": "#ffffff", "speech": "#ffffff"}
_MARKS = {"added": "#15914b", "changed": "#c96a04", "removed": "#bf3b30"}
_SIGNS = {"added": "+", "changed": "~", "removed": "−"}  # noqa: RUF001 - the true minus sign
_UNITS = {"start_time": "start", "duration": "duration"}

_SCALE_DB = (-90.0, -15.0)
_SCALE_TICKS_DB = (-20.0, -50.0, -80.0)
_MOST_LINES = 3
_MOST_TICKS = 12


@dataclass(frozen=True, slots=True)
class _Row:
    """One turn, and the heights of its parts."""

    index: int
    task: Task
    user: tuple[str, ...]
    lanes: tuple[Lane, ...]
    mix: Audio

    @property
    def title_height(self) -> float:
        return max(len(self.user), 2) * _TITLE_LINE + _ABOVE_LANES

    @property
    def lanes_height(self) -> float:
        return len(self.lanes) * _LANE + _BELOW_LANES

    @property
    def height(self) -> float:
        return self.title_height + self.lanes_height + _SPECTRUM + _AXIS


@dataclass(frozen=True, slots=True)
class _TimeAxis:
    """The time axis, from seconds to inches, the same for all turns."""

    longest_s: Seconds

    def x(self, at_s: Seconds) -> float:
        return _LEFT + (_RIGHT - _LEFT) * at_s / self.longest_s

    def ticks_s(self) -> list[Seconds]:
        step_s = next(
            (s for s in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0) if self.longest_s / s <= _MOST_TICKS), 60.0
        )
        return [k * step_s for k in range(int(self.longest_s / step_s + 1e-6) + 1)]


def draw_timeline(dialogue: Dialogue, mixes: Sequence[Audio], name: str) -> bytes:
    """Draw all turns as a PNG file, 1800 pixels wide. `mixes` holds their stereo audio.

    Raises MissingExtraError if matplotlib is not installed.
    """
    with open_canvas(_WIDTH, what="show's picture") as canvas:
        _draw(canvas, dialogue, mixes, name)
        return canvas.to_png()


def _draw(canvas: Canvas, dialogue: Dialogue, mixes: Sequence[Audio], name: str) -> None:
    rows = [
        _Row(
            index,
            turn.task,
            tuple(canvas.wrap(f"“{turn.user}”", 11, _RIGHT - _LEFT, _MOST_LINES)),
            list_lanes(dialogue, index),
            mix,
        )
        for index, (turn, mix) in enumerate(zip(dialogue.turns, mixes, strict=True))
    ]
    canvas.set_height(_HEADER + sum(row.height for row in rows) + _BETWEEN * (len(rows) - 1) + _MARGIN)
    axis = _TimeAxis(max(samples_to_seconds(mix.shape[1]) for mix in mixes) or 1.0)
    _draw_header(canvas, dialogue, name)
    top = _HEADER
    for row in rows:
        if row.index:
            canvas.draw_line((_MARGIN, _WIDTH - _MARGIN), (top - _BETWEEN / 2,) * 2, _PALE, 0.8)
        _draw_title(canvas, row, top)
        _draw_lanes(canvas, row, axis, top + row.title_height)
        _draw_spectrogram(canvas, row, axis, top + row.title_height + row.lanes_height)
        top += row.height + _BETWEEN


def _draw_header(canvas: Canvas, dialogue: Dialogue, name: str) -> None:
    canvas.draw_text(_MARGIN, 0.26, canvas.shorten(name, 9, 4.6), 9, _INK, bold=True)
    seed = f"seed {dialogue.seed_id}: {dialogue.seed_text}"
    canvas.draw_text(_MARGIN, 0.47, canvas.shorten(seed, 8, 5.3), 8, _GREY)
    x = _WIDTH - _MARGIN
    for role in reversed(_ROLES):
        x -= canvas.measure_text(role, 8)
        canvas.draw_text(x, 0.26, role, 8, _INK)
        x -= 0.24
        canvas.draw_box(Box(x, 0.2, 0.18, 0.12), fill=_ROLES[role], radius=0.03)
        x -= 0.16
    x = _WIDTH - _MARGIN
    for mark in reversed(_MARKS):
        x -= canvas.measure_text(mark, 8)
        canvas.draw_text(x, 0.47, mark, 8, _INK)
        x -= 0.14
        _draw_badge(canvas, mark, x, 0.47)
        x -= 0.22


def _draw_badge(canvas: Canvas, mark: str, x: float, y: float) -> None:
    canvas.draw_box(Box(x - 0.07, y - 0.07, 0.14, 0.14), fill=_MARKS[mark], radius=0.03)
    canvas.draw_text(x, y, _SIGNS[mark], 9, "#ffffff", align="center", bold=True)


def _draw_title(canvas: Canvas, row: _Row, top: float) -> None:
    canvas.draw_text(_MARGIN, top + 0.5 * _TITLE_LINE, f"turn {row.index}", 8, _GREY)
    canvas.draw_text(_MARGIN, top + 1.5 * _TITLE_LINE, row.task, 11, _INK, bold=True)
    first = top + (0.5 if len(row.user) > 1 else 1.5) * _TITLE_LINE
    for number, line in enumerate(row.user):
        canvas.draw_text(_LEFT, first + number * _TITLE_LINE, line, 11, _INK)
    below = top + row.title_height - _ABOVE_LANES - 0.5 * _TITLE_LINE
    canvas.draw_text(_LOUDNESS_AT, below, "LUFS", 7.5, _GREY, align="right")
    canvas.draw_text(_PAN_FROM, below, "panning", 7.5, _GREY)


def _draw_lanes(canvas: Canvas, row: _Row, axis: _TimeAxis, top: float) -> None:
    n_lanes = len(row.lanes)
    for number in range(0, n_lanes, 2):
        stripe = Box(_MARGIN, top + number * _LANE, _WIDTH - 2 * _MARGIN, _LANE)
        canvas.draw_box(stripe, fill=_STRIPE, radius=0.04)
    for tick_s in axis.ticks_s():
        canvas.draw_line((axis.x(tick_s),) * 2, (top, top + n_lanes * _LANE), _PALE, 0.6)
    for number, lane in enumerate(row.lanes):
        y = top + (number + 0.5) * _LANE
        _draw_sound(canvas, lane, axis, y)
        _draw_figures(canvas, lane, y)


def _draw_sound(canvas: Canvas, lane: Lane, axis: _TimeAxis, y: float) -> None:
    element = lane.element
    is_removed = lane.mark == "removed"
    if lane.mark:
        _draw_badge(canvas, lane.mark, _MARGIN + 0.09, y)
    canvas.draw_text(_MARGIN + 0.4, y, str(element.id), 8, _INK, align="right", bold=True)
    canvas.draw_text(_MARGIN + 0.46, y, element.role, 7.5, _GREY)
    left, right = axis.x(element.start_time), axis.x(element.end_time)
    free_from, free_to = left, right
    if lane.before and not lane.fields.isdisjoint(_UNITS):
        was_left, was_right = axis.x(lane.before.start_time), axis.x(lane.before.end_time)
        free_from, free_to = min(left, was_left), max(right, was_right)
        _draw_bar(canvas, was_left, was_right, y, edge=_MARKS["changed"], dashed=True)
    if is_removed:
        _draw_bar(canvas, left, right, y, fill="#ffffff", edge="#e6b1ac", hatch="////")
    else:
        edge = _MARKS[lane.mark] if lane.mark else "none"
        _draw_bar(canvas, left, right, y, fill=_ROLES[element.role], edge=edge)
    _draw_label(canvas, lane, y, (left, right), (free_from, free_to))


def _draw_bar(
    canvas: Canvas,
    left: float,
    right: float,
    y: float,
    *,
    fill: str = "none",
    edge: str = "none",
    hatch: str | None = None,
    dashed: bool = False,
) -> None:
    canvas.draw_box(
        Box(left, y - _BAR / 2, right - left, _BAR),
        fill=fill,
        edge=edge,
        line_points=(1.0 if dashed or hatch else 2.2) if edge != "none" else 0.0,
        radius=0.05,
        hatch=hatch,
        dashed=dashed,
    )


def _draw_label(
    canvas: Canvas, lane: Lane, y: float, bar: tuple[float, float], occupied: tuple[float, float]
) -> None:
    """Draw the caption in its bar, or beside it if there is more room."""
    text = _write_label(lane)
    pad, size = 0.07, 8.0
    width = canvas.measure_text(text, size)
    is_removed = lane.mark == "removed"
    rooms = {
        "inside": bar[1] - bar[0] - 2 * pad,
        "right": _RIGHT - occupied[1] - pad,
        "left": occupied[0] - _LEFT - pad,
    }
    place = next((p for p, room in rooms.items() if width <= room), None) or max(rooms, key=rooms.__getitem__)
    text = canvas.shorten(text, size, rooms[place])
    if place == "inside":
        if is_removed:
            back = canvas.measure_text(text, size) + pad
            canvas.draw_box(Box(bar[0] + 0.03, y - 0.085, back, 0.17), fill="#ffffff", radius=0.03)
        color = _MARKS["removed"] if is_removed else _ON_ROLES[lane.element.role]
        canvas.draw_text(bar[0] + pad, y, text, size, color, struck=is_removed)
    else:
        x, align = (occupied[1] + pad, "left") if place == "right" else (occupied[0] - pad, "right")
        color = _MARKS["removed"] if is_removed else _INK
        canvas.draw_text(
            x, y, text, size, color, align="left" if align == "left" else "right", struck=is_removed
        )


def _write_label(lane: Lane) -> str:
    element = lane.element
    caption = f"“{element.text}”" if element.role == "speech" else element.text
    moves = [
        f"{word} {format_number(old)} → {format_number(getattr(element, field))} s"
        for field, word in _UNITS.items()
        if (old := lane.value_before(field)) is not None
    ]
    return "  ·  ".join([caption, *moves])


def _draw_figures(canvas: Canvas, lane: Lane, y: float) -> None:
    """Draw loudness as a number, panning as a knob on a line and as text, each with its value before."""
    element = lane.element
    changed, quiet = _MARKS["changed"], _GREY
    loudness, panning = format_loudness(element.loudness), format_panning(element.panning)
    was_loud, was_pan = lane.value_before("loudness"), lane.value_before("panning")
    if was_loud is not None:
        loudness = f"{format_loudness(was_loud)} → {loudness}"
    if was_pan is not None:
        panning = f"{format_panning(was_pan)} → {panning}"
    is_removed = lane.mark == "removed"
    plain = "#a8b0bd" if is_removed else _INK
    loud_color, pan_color = (changed if was is not None else plain for was in (was_loud, was_pan))
    canvas.draw_text(_LOUDNESS_AT, y, loudness, 8, loud_color, align="right", bold=was_loud is not None)
    canvas.draw_line((_PAN_FROM, _PAN_TO), (y, y), "#b4bcc8", 0.9)
    canvas.draw_line(((_PAN_FROM + _PAN_TO) / 2,) * 2, (y - 0.03, y + 0.03), "#b4bcc8", 0.9)
    if was_pan is not None:
        canvas.draw_dot(_knob_x(was_pan), y, 0.03, "#ffffff", quiet)
    canvas.draw_dot(_knob_x(element.panning), y, 0.035, pan_color)
    canvas.draw_text(
        _PAN_TO + 0.09, y, panning, 7.5 if was_pan is not None else 8, pan_color, bold=was_pan is not None
    )


def _knob_x(panning: float) -> float:
    return (_PAN_FROM + _PAN_TO) / 2 + panning * (_PAN_TO - _PAN_FROM) / 2


def _draw_spectrogram(canvas: Canvas, row: _Row, axis: _TimeAxis, top: float) -> None:
    bottom = top + _SPECTRUM
    right = axis.x(samples_to_seconds(row.mix.shape[1]))
    canvas.draw_box(Box(_LEFT, top, _RIGHT - _LEFT, _SPECTRUM), fill=_STRIPE)
    if row.mix.shape[1]:
        levels = compute_spectrogram(row.mix, max(round((right - _LEFT) * DPI / 2), 1))
        canvas.draw_image(Box(_LEFT, top, right - _LEFT, _SPECTRUM), levels, _SCALE_DB)
    for lane in row.lanes:
        if lane.mark:
            y = top - 0.025 - 0.035 * tuple(_MARKS).index(lane.mark)
            canvas.draw_line(
                (axis.x(lane.element.start_time), axis.x(lane.element.end_time)), (y, y), _MARKS[lane.mark], 2
            )
    for hz, text in ((100, "100 Hz"), (1000, "1 kHz"), (10_000, "10 kHz")):
        y = bottom - _SPECTRUM * float(np.log(hz / LOWEST_HZ) / np.log(HIGHEST_HZ / LOWEST_HZ))
        canvas.draw_line((_LEFT - 0.05, _LEFT), (y, y), _GREY, 0.8)
        canvas.draw_text(_LEFT - 0.09, y, text, 7.5, _GREY, align="right")
    for tick_s in axis.ticks_s():
        canvas.draw_line((axis.x(tick_s),) * 2, (bottom, bottom + 0.04), _GREY, 0.8)
        canvas.draw_text(axis.x(tick_s), bottom + 0.13, f"{tick_s:g}", 7.5, _GREY, align="center")
    canvas.draw_text(_RIGHT + 0.12, bottom + 0.13, "s", 7.5, _GREY)
    _draw_scale(canvas, top)


def _draw_scale(canvas: Canvas, top: float) -> None:
    quietest, loudest = _SCALE_DB
    ramp = np.linspace(quietest, loudest, 128, dtype=np.float32)[:, None]
    canvas.draw_image(Box(_RIGHT + 0.14, top, 0.1, _SPECTRUM), ramp, _SCALE_DB)
    for level_db in _SCALE_TICKS_DB:
        y = top + _SPECTRUM * (loudest - level_db) / (loudest - quietest)
        unit = "  dBFS" if level_db == _SCALE_TICKS_DB[0] else ""
        canvas.draw_text(_RIGHT + 0.3, y, format_number(level_db) + unit, 7.5, _GREY)
