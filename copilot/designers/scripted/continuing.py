"""A draft of a dialogue that exists already, by whomever it was written, so that turns can be added."""

from __future__ import annotations

import re

from copilot.designers.scripted.draft import Draft, ElementNames, get_naming, make_speaker_naming
from copilot.designers.scripted.lexicon import Sound
from copilot.designers.scripted.words import Name, Naming
from copilot.dialogue import Dialogue
from copilot.scene import Element, SpeechElement
from copilot.text.voices import wants_voices

_ARTICLE = re.compile(r"^(?:an?|the|some) ", re.IGNORECASE)


def list_captions(dialogue: Dialogue) -> list[str]:
    """Return the captions of a dialogue, each once."""
    return list(dict.fromkeys(e.text for e in dialogue.elements() if not isinstance(e, SpeechElement)))


def resume_draft(draft: Draft, dialogue: Dialogue) -> None:
    """Put the sounds of a dialogue into a new draft: those of its last scene, and what was heard and said."""
    sounds = draft.tools.lexicon.sounds()
    for element in dialogue.elements():
        if element.id not in draft.names_by_id:
            draft.names_by_id[element.id] = _name_element(element, sounds.get(element.text))
            draft.heard.add(element.text)
            if isinstance(element, SpeechElement):
                draft.heard.add(element.speaker)
                draft.said.append(element.text.rstrip(".!?").lower())
    draft.scene = dialogue.turns[-1].scene
    wishes = [wish for turn in dialogue.turns if (wish := wants_voices(turn.user)) is not None]
    draft.is_voiceless = bool(wishes) and not wishes[-1]
    draft.speaks = draft.speaks and not draft.is_voiceless


def _name_element(element: Element, sound: Sound | None) -> ElementNames:
    if isinstance(element, SpeechElement):
        pronoun = "her" if element.gender == "female" else "him"
        spoken = (Name(f"the {element.speaker}", pronoun=pronoun), Name(f"the {element.speaker}'s voice"))
        return ElementNames(spoken, make_speaker_naming(element.speaker))
    if sound is not None and sound.role == element.role:
        names = (*sound.names, Name("the music")) if sound.role == "music" else sound.names
        return ElementNames(names, get_naming(sound), sound)
    name = f"the {_ARTICLE.sub('', element.text.rstrip('.'))}"
    return ElementNames((Name(name),), Naming.of((name,), element.text))
