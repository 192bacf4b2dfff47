"""Words for a scene that was given without any: its captions and lines, in the order in which they begin."""

from __future__ import annotations

from copilot.scene import Element, Scene, SpeechElement

_SENTENCE_ENDS = (".", "!", "?", "\u3002")


def request_scene(scene: Scene) -> str:
    """Return a request for a scene: the caption of its ambience, the rest of it being the designer's."""
    ordered = _order(scene)
    ambiences = [element.text for element in ordered if element.role == "ambience"]
    return next(iter(ambiences + [element.text for element in ordered]), "")


def describe_scene(scene: Scene, longest: int) -> str:
    """Return a sentence for each sound, as many as fit into `longest` characters."""
    text = ""
    for sentence in map(_to_sentence, _order(scene)):
        longer = f"{text} {sentence}" if text else sentence
        if len(longer) <= longest:
            text = longer
    return text


def _order(scene: Scene) -> list[Element]:
    return sorted(scene.elements, key=lambda element: (element.start_time, element.id))


def _to_sentence(element: Element) -> str:
    if isinstance(element, SpeechElement):
        return f'{element.speaker}: "{element.text}"'
    text = element.text[:1].upper() + element.text[1:]
    return text if text.endswith(_SENTENCE_ENDS) else f"{text}."
