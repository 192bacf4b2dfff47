"""Describes a whole soundscape in words: every sound, and neither loudness nor panning."""

from __future__ import annotations

from collections.abc import Sequence

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.draft import Draft
from copilot.designers.scripted.phrasing import Phrasebook, add_article, capitalize, fill, join_list
from copilot.designers.wording import describe_scene
from copilot.scene import Element, SpeechElement
from copilot.units import Seconds

_TOGETHER_S: Seconds = 0.25


def draw_frame(book: Phrasebook, dice: Dice) -> dict[str, str]:
    """Draw the wording of a dialogue's descriptions, once, so that equal scenes are described alike."""
    return {kind: book.draw(dice, "description", (kind,)).text for kind in _KINDS}


def describe(draft: Draft) -> str:
    """Return the description of the draft's scene; of captions alone without a wording of its own."""
    if not draft.frame:
        return describe_scene(draft.scene, draft.tools.limits.description_chars)
    say = draft.frame
    scene = sorted(draft.scene.elements, key=lambda e: (e.start_time, e.id))
    by_role = {role: [e for e in scene if e.role == role] for role in ("ambience", "effect", "music")}
    lasting, events = _split_lasting(by_role["effect"], draft.tools.limits.duration_s)
    sentences = [fill(say["opening"], place=draft.place)]
    sentences.append(fill(say["ambience"], ambience=join_list([e.text for e in by_role["ambience"]])))
    if lasting:
        sentences.append(fill(say["lasting"], sounds=join_list([e.text for e in lasting])))
    if events:
        sentences.append(fill(say["events"], events=_list_events(events)))
    sentences += [_describe_speech(draft, e) for e in scene if isinstance(e, SpeechElement)]
    if by_role["music"]:
        sentences.append(fill(say["music"], music=join_list([e.text for e in by_role["music"]])))
    if draft.mood:
        sentences.append(fill(say["feel"], feel=draft.mood.feel))
    text = " ".join(sentences)
    longest = draft.tools.limits.description_chars
    return text if len(text) <= longest else _list_names(draft, scene, longest)


def _list_names(draft: Draft, scene: Sequence[Element], longest: int) -> str:
    """Return the everyday names of as many sounds as fit, where there is room for no more."""
    names = [draft.names_by_id[element.id].names[0].text for element in scene]
    while len(names) > 1 and len(join_list(names)) >= longest:
        names.pop()
    return f"{capitalize(join_list(names))}."[:longest]


_KINDS = ("opening", "ambience", "lasting", "events", "music", "feel")


def _split_lasting(effects: Sequence[Element], scene_s: Seconds) -> tuple[list[Element], list[Element]]:
    """Split effects into those that last for most of the scene, and events."""
    lasting = [e for e in effects if e.duration >= 0.6 * scene_s]
    return lasting, [e for e in effects if e not in lasting]


def _list_events(events: Sequence[Element]) -> str:
    """Return the events as they follow each other."""
    text, joint = events[0].text, ""
    for i, event in enumerate(events[1:], start=1):
        together = event.start_time - events[i - 1].start_time < _TOGETHER_S
        last = i == len(events) - 1
        if together:
            joint = " and " if joint in (" together with ", " and ") else " together with "
        else:
            joint = ", and finally " if last and i > 1 else ", then "
        text += f"{joint}{event.text}"
    return text


def _describe_speech(draft: Draft, element: SpeechElement) -> str:
    who = capitalize(add_article(element.speaker))
    if not draft.tools.cutter.is_quotable(element.text):
        return f"{who} speaks."
    return f'{who} {draft.tools.cutter.choose_telling(element.emotion, element.id)}: "{element.text}"'
