"""The lines of a story: who speaks, what, and when. In a long scene people talk to each other all along."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.draft import Draft
from copilot.designers.scripted.lines import Line
from copilot.designers.scripted.placing import place_speech
from copilot.edit import Add
from copilot.scene import Gender
from copilot.units import Seconds

_LATE_LINES = 0.5
"""Share of stories with one line in which it comes late."""

_LINE_EVERY_S = (5.0, 9.0)
"""In a long scene, there is one line in so many seconds."""

_LONG_SCENE = 1.5
"""From so many times the published duration on, a scene is long."""

_PAUSE_S = (0.2, 0.7)
_SIDES = (0.05, 0.45)


@dataclass(frozen=True, slots=True)
class _Slot:
    side: float
    start_s: Seconds
    room_s: Seconds


def add_speech(draft: Draft, dice: Dice, n_sounds: int) -> None:
    """Add the lines of a story that is to have so many sounds beside the ambience."""
    if draft.tools.grid.stretch < _LONG_SCENE:
        _add_lines(draft, dice, n_lines=2 if n_sounds >= 4 and dice.chance(0.4) else 1)
        return
    wanted = int(draft.tools.limits.duration_s / dice.between(*_LINE_EVERY_S))
    n_lines = max(1, min(wanted, n_sounds // 2))
    groups = _pick_groups(draft, dice, n_lines) if n_lines > 1 else []
    if groups:
        _add_talk(draft, dice, groups)
    else:
        _add_lines(draft, dice, n_lines=1)


def _add_lines(draft: Draft, dice: Dice, n_lines: int) -> None:
    """Add one line, or two lines by two people."""
    limits = draft.tools.limits
    start_s: Seconds = limits.start_time_s.low + dice.between(0.2, 1.2)
    if n_lines == 1 and draft.lines and dice.chance(_LATE_LINES):
        # Loud sounds come before it.
        latest_s = min(limits.start_time_s.high, limits.duration_s - draft.lines[0].needs_s(limits))
        start_s = max(start_s, latest_s - dice.between(0, 1.0))
    sign = dice.pick((-1, 1))
    # Two lines share the time: the second has to start while sounds may start. The seed's own comes first.
    shared_s = limits.start_time_s.high - start_s
    if n_lines == 1 or not any(line.needs_s(limits) <= shared_s for line in draft.lines):
        n_lines, shared_s = 1, limits.duration_s - start_s
    for _ in range(n_lines):
        start_s = draft.tools.grid.start(start_s)
        room_s = min(shared_s, draft.measure_silence_after(start_s))
        line, person = draft.pick_line(room_s, dice, quotable=False), draft.pick_speaker(dice)
        if line is None or person is None:
            return
        side = sign * dice.between(*_SIDES)
        start_s = _speak(draft, dice, line, person, _Slot(side, start_s, room_s)) + dice.between(0.1, 0.5)
        if start_s > limits.start_time_s.high:
            return
        sign, shared_s = -sign, limits.duration_s - start_s


def _pick_groups(draft: Draft, dice: Dice, n_lines: int) -> list[list[Line]]:
    """Pick lines that belong together: each of the seed alone, and exchanges of the setting."""
    limits = draft.tools.limits
    longest_s = limits.duration_s / 2
    fitting = [line for line in draft.lines if line.needs_s(limits) <= longest_s]
    own: list[Line] = []
    for line in fitting:
        if len(own) < math.ceil(n_lines / 2) and not any(_overlap(line, other) for other in own):
            own.append(line)
    groups = [[line] for line in own]
    for exchange in dice.shuffle(draft.setting.exchanges):
        n_left = n_lines - sum(map(len, groups))
        if n_left >= 2:  # an exchange may end early, but not before its answer
            groups.append([draft.tools.cutter.read_line(text) for text in exchange[:n_left]])
    for text in dice.shuffle(draft.setting.lines):
        if sum(map(len, groups)) < n_lines:
            groups.append([draft.tools.cutter.read_line(text)])
    return groups


def _overlap(line: Line, other: Line) -> bool:
    words, others = set(line.text.lower().split()), set(other.text.lower().split())
    return len(words & others) > min(len(words), len(others)) / 2


def _add_talk(draft: Draft, dice: Dice, groups: Sequence[Sequence[Line]]) -> None:
    """Add lines by two people in turn, spread over the scene with a longer pause before each group."""
    limits = draft.tools.limits
    first = draft.pick_speaker(dice)
    if first is None:
        return
    second = draft.pick_speaker(dice, unlike=first[0])
    people = [first, second] if second else [first]
    sides = [sign * dice.between(*_SIDES) for sign in dice.shuffle((-1, 1))]
    spoken_s = sum(line.needs_s(limits) + _PAUSE_S[1] for group in groups for line in group)
    silent_s = max(0.0, limits.duration_s - limits.start_time_s.low - spoken_s)
    start_s: Seconds = limits.start_time_s.low
    n_spoken = 0
    for group in groups:
        start_s += max(0.2, silent_s / (len(groups) + 1) * dice.between(0.4, 1.2))
        for line in group:
            room_s = limits.duration_s - start_s
            if start_s > limits.start_time_s.high or line.needs_s(limits) > room_s:
                return
            who = n_spoken % len(people)
            start_s = _speak(draft, dice, line, people[who], _Slot(sides[who], start_s, room_s))
            start_s += dice.between(*_PAUSE_S)
            n_spoken += 1


def _speak(draft: Draft, dice: Dice, line: Line, person: tuple[str, Gender], at: _Slot) -> Seconds:
    """Add a line, and return its end."""
    placed = place_speech(draft.tools, dice, line, side=at.side, start_s=at.start_s, room_s=at.room_s)
    draft.advance((Add(element=draft.make_speech(line, *person, placed)),))
    return placed.start_s + placed.duration_s
