"""The sounds that a request names: by words of the caption, a speaker's name, or the common word for a role.

Two readings are kept apart. A sound is *possible* if any word of the request may mean it, and *certain* if a
word names it and no other sound, as the thing that the request is about. Only a certain sound may contradict
an edit, and only the edit of a sound that is not even possible.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import chain

from copilot.scene import Element, Scene, SpeechElement
from copilot.text.word_stems import reduce_request_word

_WORD = re.compile(r"[^\W\d_]+")
_SHORTEST_COMPOUND = 4


def _split(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _reduce(text: str) -> frozenset[str]:
    return frozenset(map(reduce_request_word, text.split()))


# Too common to name anything.
_FUNCTION_WORDS = _split(
    "a an and any are as at be been being but by can could do does for from get give go had has "
    "have he her him his how i if in into is it its just let like lot make me more most much my "
    "no not now of off on one or our out over please she should so some somewhere something than "
    "that the their them then there these they thing this those to too up us very was we were "
    "what when where which while who will with would you your bit little down away back here "
    "still quite really rather kind sort"
)
# Words of level, place and character that requests use of any sound: they describe, they do not name.
_QUALITIES = _reduce(
    "ambient audio background big bright centre center clear close closer dark deep distant dull "
    "effect element faint far fast few foreground front full gentle harsh heavy high large left "
    "light long loud low lower main middle mix muffled near new noise old quiet right scene sharp "
    "short side slight slightly slow slowly small soft softly sound sounding soundscape space "
    "steady story strong sudden volume warm weak whole wide add bring change drop keep leave lift "
    "lose move pan place play pull push put raise reduce remove replace set shift swap switch "
    "take turn"
)
# The words after one of these, to the end of the clause, name what the sound is compared or combined with:
# "louder than the rain", "so that the bell comes through", "with a cat", "leave the wind".
_ASIDES = re.compile(
    r"\b(?:than|over|under|underneath|beneath|behind|above|below|against|near|beside|beyond|by|with|without|"
    r"for|from|into|in|on|at|through|during|around|across|between|among|next|compared|relative|so|because|"
    r"since|while|when|where|until|before|after|like|as|hear|heard|hearing|drown\w*|mask\w*|cover\w*|bury\w*|"
    r"buries|buried|overpower\w*|swallow\w*|leav(?:e|es|ing)|keep\w*|except)\b[^.,;:!?]*"
)
# Requests with one of these are about several sounds, and may mean any.
_EVERYTHING = re.compile(
    r"\b(?:all|both|each|else|every|everybody|everyone|everything|everywhere|other|others|rest|whole|overall|"
    r"two|three|four|sounds|elements|layers|effects)\b"
)

ROLE_NAMES = {
    "ambience": _reduce("ambience atmosphere"),
    "effect": _reduce(""),
    "music": _reduce("music melody tune song"),
    "speech": _reduce("voice speech narrator narration dialogue"),
}
# These may mean a sound of the role, but may mean others too.
_ROLE_HINTS = {
    "ambience": _reduce("ambient background backdrop bed surroundings air atmosphere room world place"),
    "effect": _reduce("effect"),
    "music": _reduce("score soundtrack band playing instrument instrumental notes theme track"),
    "speech": _reduce(
        "speaker speaking speaks talking talk words word line lines says saying said sentence "
        "actor character person someone somebody spoken"
    ),
}
GENDER_HINTS = {
    "female": _reduce("she her hers woman women girl lady female"),
    "male": _reduce("he him his man men boy guy gentleman male"),
}


def _word_stems(text: str) -> frozenset[str]:
    """Return the word stems of all words that are more than grammar."""
    words = (word.lower() for word in _WORD.findall(text))
    return frozenset(
        reduce_request_word(word) for word in words if len(word) > 1 and word not in _FUNCTION_WORDS
    )


def _hints(element: Element) -> frozenset[str]:
    """Return the word stems by which a request may mean an element."""
    hints = _word_stems(element.text) | ROLE_NAMES[element.role] | _ROLE_HINTS[element.role]
    if isinstance(element, SpeechElement):
        hints |= GENDER_HINTS[element.gender] | _word_stems(element.speaker)
    return hints


def _names(element: Element) -> frozenset[str]:
    """Return the word stems that name an element: a speaker is not named by the words of the line."""
    own = element.speaker if isinstance(element, SpeechElement) else element.text
    return (_word_stems(own) - _QUALITIES) | ROLE_NAMES[element.role]


@dataclass(frozen=True, slots=True)
class Targets:
    """The ids of the sounds that a request may mean, and of those that it names beyond doubt."""

    possible: frozenset[int]
    certain: frozenset[int]


def find_targets(request: str, scene: Scene) -> Targets:
    """Find the sounds of the scene that the request names."""
    text = request.lower()
    said = frozenset(map(reduce_request_word, _WORD.findall(text)))
    hints = {element: _hints(element) for element in scene.elements}
    everything = _EVERYTHING.search(text) is not None
    possible = (e.id for e in hints if everything or _share_word(said, hints[e]))
    # A word that may mean another sound as well does not name one beyond doubt.
    subject = _word_stems(_ASIDES.sub(" ", text))
    shared = Counter(chain.from_iterable(hints.values()))
    certain = (e.id for e in hints if any(shared[word] == 1 for word in subject & _names(e)))
    return Targets(frozenset(possible), frozenset(certain))


def _share_word(said: frozenset[str], hints: frozenset[str]) -> bool:
    """Return whether they share a word, or one begins another: bird and birdsong."""
    if not said.isdisjoint(hints):
        return True
    long_said, long_hints = (
        tuple(word for word in words if len(word) >= _SHORTEST_COMPOUND) for words in (said, hints)
    )
    return any(word.startswith(long_hints) for word in long_said) or any(
        hint.startswith(long_said) for hint in long_hints
    )
