"""Stems and samples as HTML for notebooks: a picture, and players of the FLAC files as they are stored.

The files go into the page unchanged: decoding and encoding them again, as players for arrays do, would
normalise each turn, and so hide an edit of loudness. All text is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

import numpy as np

from copilot.audio.pcm import Pcm, encode_flac
from copilot.dialogue import Dialogue
from copilot.edit import changed_fields
from copilot.sample import Sample
from copilot.scene import Element, Scene
from copilot.stem import Stem
from copilot.units import Seconds

_WIDTH = 720
_WAVE_HEIGHT = 48
_N_PEAKS = 360
_LANE_HEIGHT = 20
_AXIS_HEIGHT = 16
_MARGIN = 18
_LONGEST_LABEL = 70
_COLOURS = {"ambience": "#8fbf9f", "effect": "#e8b06a", "music": "#b3a2d9", "speech": "#86b4e3"}
_THEME = "background:#fff;color:#222"
"""Of pictures: labels that are longer than their bars are readable in dark notebooks too."""
_MARKS = {"": "", "added": "+", "changed": "~", "removed": "\N{MINUS SIGN}"}
_MIX_UNITS = {"loudness": " LUFS", "panning": "", "start_time": " s", "duration": " s"}


@dataclass(frozen=True, slots=True)
class _Lane:
    """A sound in the picture of a turn, and how the turn edits it: added, changed, removed, or not at all."""

    element: Element
    edit: str
    label: str


def render_stem(stem: Stem) -> str:
    """Return the HTML of a stem: its facts, its waveform by channel, scaled to its peak, and a player."""
    info = stem.info
    facts = [info.tool, info.backend, f"{info.duration_s:.2f} s", f"{info.loudness_lufs:.1f} LUFS"]
    facts.append(f"peak {info.peak_dbtp:.1f} dBTP")
    facts += [f"voice {info.voice}"] if info.voice else []
    facts += [f"{name} {value}" for name, value in sorted(info.detail.items())]
    title = f"<b>Stem {escape(info.key[:12])}</b> {escape(', '.join(facts))}"
    words = " ".join(word.text for word in info.words)
    return _figure(title + (f"<br>{escape(words)}" if words else ""), _draw_waveform(stem.pcm), stem.flac)


def render_sample(sample: Sample) -> str:
    """Return the HTML of a sample: for each turn the request, lanes with the edits marked, and a player.

    If only stems are kept, the mixes are made again from them. Raises CorruptDataError for a damaged file.
    """
    mixes = sample.mixes or [encode_flac(turn.pcm, sample.mix_bits) for turn in sample.mix_again().turns]
    failed = [check.name for check in sample.checks if not check.passed]
    checks = f"failed: {', '.join(failed)}" if failed else f"{len(sample.checks)} checks passed"
    head = f"<b>Sample {escape(sample.id)}</b> {escape(f'{sample.tier}, {checks}; seed {sample.seed.id}')}"
    end_s = max(turn.scene.duration_s for turn in sample.dialogue.turns)
    figures = [
        _figure(
            f"<b>{index} {escape(turn.task)}</b> {escape(turn.user)}",
            _draw_lanes(sample.dialogue, index, end_s),
            mix,
        )
        for index, (turn, mix) in enumerate(zip(sample.dialogue.turns, mixes, strict=True))
    ]
    return f"<div><div>{head}<br>{escape(sample.seed.text)}</div>{''.join(figures)}</div>"


def _figure(title: str, picture: str, flac: bytes) -> str:
    """Return a figure; the title is HTML."""
    source = f"data:audio/flac;base64,{base64.b64encode(flac).decode('ascii')}"
    return (
        f'<figure style="margin:0.8em 0;max-width:{_WIDTH}px"><figcaption>{title}</figcaption>{picture}'
        f'<audio controls style="width:100%" src="{source}"></audio></figure>'
    )


def _draw_waveform(pcm: Pcm) -> str:
    peak = max(float(np.abs(pcm).max(initial=0)), 1.0)
    height = _WAVE_HEIGHT * len(pcm)
    paths = []
    for channel, samples in enumerate(pcm):
        bins = [part for part in np.array_split(samples, _N_PEAKS) if part.size]
        centre, scale = _WAVE_HEIGHT * (channel + 0.5), _WAVE_HEIGHT * 0.48 / peak
        step = _WIDTH / len(bins)
        spans = ((centre - scale * part.max(), centre - scale * part.min() + 0.5) for part in bins)
        bars = "".join(
            f"M{step * (k + 0.5):.1f} {top:.1f}V{bottom:.1f}" for k, (top, bottom) in enumerate(spans)
        )
        paths.append(f'<path d="{bars}" stroke="#3d7ab5" stroke-width="{step * 0.8:.2f}"/>')
    return _svg(height, "waveform", "".join(paths))


def _draw_lanes(dialogue: Dialogue, index: int, end_s: Seconds) -> str:
    """Draw a lane for each sound of a turn, and for each that the turn removes, above an axis of seconds."""
    lanes = list(_lanes(dialogue, index))
    px_per_s = (_WIDTH - 2 * _MARGIN) / max(end_s, 1.0)
    top = _LANE_HEIGHT * len(lanes)
    seconds = (_draw_second(second, _MARGIN + second * px_per_s, top) for second in range(int(end_s) + 1))
    bars = (_draw_lane(lane, row * _LANE_HEIGHT, px_per_s) for row, lane in enumerate(lanes))
    return _svg(top + _AXIS_HEIGHT, f"turn {index}", "".join([*seconds, *bars]))


def _draw_second(second: int, x: float, height: int) -> str:
    return (
        f'<path d="M{x:.1f} 0V{height}" stroke="currentColor" opacity="0.15"/>'
        f'<text x="{x:.1f}" y="{height + _AXIS_HEIGHT - 4}" font-size="10" text-anchor="middle" '
        f'fill="currentColor">{second} s</text>'
    )


def _draw_lane(lane: _Lane, y: int, px_per_s: float) -> str:
    x, width = _MARGIN + lane.element.start_time * px_per_s, max(lane.element.duration * px_per_s, 1.0)
    look = f'fill="{_COLOURS[lane.element.role]}"'
    if lane.edit == "removed":
        look = 'fill="none" stroke="currentColor" stroke-dasharray="4 3"'
    # The label of a sound that starts late ends at the right edge: it may be longer than the bar.
    late = x > _WIDTH / 2
    at, anchor = (_WIDTH - _MARGIN, "end") if late else (x + 4, "start")
    return (
        f'<rect x="{x:.1f}" y="{y + 2}" width="{width:.1f}" height="{_LANE_HEIGHT - 4}" rx="3" {look}/>'
        f'<text x="{at:.1f}" y="{y + 14}" font-size="11" text-anchor="{anchor}" fill="currentColor">'
        f"{escape(lane.label)}</text>"
        f'<text x="2" y="{y + 15}" font-size="14" font-weight="bold" fill="currentColor">'
        f"{_MARKS[lane.edit]}</text>"
    )


def _lanes(dialogue: Dialogue, index: int) -> Iterator[_Lane]:
    """Yield the sounds of a turn, then those that it removes; the story's sounds are not marked as added."""
    before, after = dialogue.scene_before(index), dialogue.turns[index].scene
    edit = dialogue.edit(index)
    for element in after.elements:
        kind = ""
        if index and element.id in edit.touched:
            kind = "added" if element.id in edit.added else "changed"
        yield _Lane(element, kind, _shorten(element.text) + _describe_change(before, after, element.id))
    for element in before.elements:
        if element.id in edit.removed:
            yield _Lane(element, "removed", _shorten(element.text))


def _describe_change(before: Scene, after: Scene, element_id: int) -> str:
    old, new = before.get(element_id), after.get(element_id)
    changes = [
        f"{name} {getattr(old, name):g} \N{RIGHTWARDS ARROW} {getattr(new, name):g}{_MIX_UNITS[name]}"
        for name in sorted(changed_fields(before, after, element_id))
    ]
    return f" ({', '.join(changes)})" if changes else ""


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else f"{text[:_LONGEST_LABEL]}\N{HORIZONTAL ELLIPSIS}"


def _svg(height: int, label: str, content: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" style="display:block;width:100%;{_THEME}" role="img" '
        f'aria-label="{escape(label)}" font-family="sans-serif">{content}</svg>'
    )
