"""Words for a scene that was given without any: its captions and lines, in the order in which they begin."""

from __future__ import annotations

from collections.abc import Sequence

from copilot.scene import Element, Scene, SpeechElement

_SENTENCE_ENDS = (".", "!", "?", "\u3002")


def list_sounds(scene: Scene, longest: int) -> str:
    """Return the captions of a scene, as a request for them; those that fit into `longest` characters."""
    captions = [element.text for element in _order(scene) if not isinstance(element, SpeechElement)]
    return _join_to_fit(captions, ", ", longest)


def describe_scene(scene: Scene, longest: int) -> str:
    """Return a sentence for each sound, as many as fit into `longest` characters."""
    return _join_to_fit([_to_sentence(element) for element in _order(scene)], " ", longest)


def _order(scene: Scene) -> list[Element]:
    return sorted(scene.elements, key=lambda element: (element.start_time, element.id))


def _to_sentence(element: Element) -> str:
    if isinstance(element, SpeechElement):
        return f'{element.speaker}: "{element.text}"'
    text = element.text[:1].upper() + element.text[1:]
    return text if text.endswith(_SENTENCE_ENDS) else f"{text}."


def _join_to_fit(parts: Sequence[str], joint: str, longest: int) -> str:
    text = ""
    for part in parts:
        longer = f"{text}{joint}{part}" if text else part
        if len(longer) <= longest:
            text = longer
    return text
