"""Speech is understood over all else that sounds meanwhile."""

from __future__ import annotations

import math
from collections.abc import Iterator

from copilot.masking import (
    GOOD_LEAD_LU,
    LEAST_LEAD_LU,
    find_cap,
    list_judged_lines,
    measure_share,
    predict_lead,
)
from copilot.rules.rule import Case, Finding, Transition, rule
from copilot.scene import SceneLimits, SpeechElement
from copilot.units import Lufs

_SPARE_LU: Lufs = 1.5
"""The lead above the least one that remains after an edit, for later ones."""


@rule("speech-masked", "hq")
def speech_masked(case: Case) -> Iterator[Finding]:
    """In a turn that brings sounds, each line lies 5 LU or more above all else while it is spoken."""
    for index, line, lead_lu in list_judged_lines(case.dialogue, predict_lead):
        if lead_lu < LEAST_LEAD_LU:
            where = f"{abs(lead_lu):.1f} LU {'below' if lead_lu >= 0 else 'above'} it"
            remedy = _find_remedy(case.transitions[index], line, lead_lu, case.limits)
            yield Finding(
                f"while it is spoken, all other sounds together lie {where}; expected are "
                f"{LEAST_LEAD_LU:g} LU below it or more: {remedy}",
                index,
                line.id,
            )


def _find_remedy(transition: Transition, line: SpeechElement, lead_lu: Lufs, limits: SceneLimits) -> str:
    """Name the new sounds that have to be quieter; if that is not enough, another remedy."""
    added, allowed = transition.edit.added, limits.loudness_lufs
    others = [e for e in transition.turn.scene.elements if e.id != line.id and measure_share(e, line) > 0]
    new = [e for e in others if e.id in added and not isinstance(e, SpeechElement)]
    wanted_lu = GOOD_LEAD_LU if transition.turn.task == "story" else LEAST_LEAD_LU + _SPARE_LU
    cap = find_cap(line, new, [e for e in others if e not in new], wanted_lu)
    if allowed.low <= cap < math.inf:
        most = max(math.floor(cap), allowed.low)
        louder = [str(element.id) for element in new if element.loudness > most]
        names = f"element{'s' if len(louder) > 1 else ''} {', '.join(louder)}"
        them = "them" if len(louder) > 1 else "it"
        return f"lower {names} to {most:g} LUFS, or place {them} before or after the line"
    needed = math.ceil(line.loudness + wanted_lu - lead_lu)
    if line.id in added and needed in allowed:
        return f"give it {needed} LUFS"
    subject = "it" if line.id in added else "the new sounds"
    return f"let {subject} be heard at another time"


RULES = (speech_masked,)
