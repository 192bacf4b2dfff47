"""The description of a whole soundscape in words. It names every sound, and no loudness and no panning."""

from __future__ import annotations

from collections.abc import Sequence

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.draft import Draft
from copilot.designers.scripted.phrasing import Phrasebook, capital, fill, indefinite, listed
from copilot.scene import Element, SpeechElement
from copilot.units import Seconds

_TOGETHER_S: Seconds = 0.25


def drawn_frame(book: Phrasebook, dice: Dice) -> dict[str, str]:
    """How the descriptions of one dialogue are worded, so that equal scenes are described alike."""
    return {kind: book.draw(dice, "description", (kind,)).text for kind in _KINDS}


def describe(draft: Draft) -> str:
    """The description of the draft's scene."""
    say = draft.frame
    scene = sorted(draft.scene.elements, key=lambda e: (e.start_time, e.id))
    by_role = {role: [e for e in scene if e.role == role] for role in ("ambience", "effect", "music")}
    lasting, events = _told_apart(by_role["effect"], draft.desk.limits.duration_s)
    sentences = [fill(say["opening"], place=draft.place)]
    sentences.append(fill(say["ambience"], ambience=listed([e.text for e in by_role["ambience"]])))
    if lasting:
        sentences.append(fill(say["lasting"], sounds=listed([e.text for e in lasting])))
    if events:
        sentences.append(fill(say["events"], events=_in_order(events)))
    sentences += [_spoken(draft, e) for e in scene if isinstance(e, SpeechElement)]
    if by_role["music"]:
        sentences.append(fill(say["music"], music=listed([e.text for e in by_role["music"]])))
    if draft.mood:
        sentences.append(fill(say["feel"], feel=draft.mood.feel))
    return _fitted(sentences, draft.desk.limits.description_chars)


_KINDS = ("opening", "ambience", "lasting", "events", "music", "feel")


def _told_apart(effects: Sequence[Element], scene_s: Seconds) -> tuple[list[Element], list[Element]]:
    """What goes on for most of the scene, and what happens in it."""
    lasting = [e for e in effects if e.duration >= 0.6 * scene_s]
    return lasting, [e for e in effects if e not in lasting]


def _in_order(events: Sequence[Element]) -> str:
    """The events as they follow each other."""
    told = events[0].text
    for i, event in enumerate(events[1:], start=1):
        together = event.start_time - events[i - 1].start_time < _TOGETHER_S
        last = i == len(events) - 1
        joint = " together with " if together else ", and finally " if last and i > 1 else ", then "
        told += f"{joint}{event.text}"
    return told


def _spoken(draft: Draft, element: SpeechElement) -> str:
    who = capital(indefinite(element.speaker))
    if not draft.desk.cutter.quotable(element.text):
        return f"{who} speaks."
    return f'{who} {draft.desk.cutter.telling(element.emotion, element.id)}: "{element.text}"'


def _fitted(sentences: Sequence[str], longest: int) -> str:
    """As many of the sentences as fit, each whole."""
    text = sentences[0]
    for sentence in sentences[1:]:
        if len(text) + 1 + len(sentence) <= longest:
            text += f" {sentence}"
    return text[:longest]
