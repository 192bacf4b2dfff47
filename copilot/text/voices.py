"""Voices of people: captions that hold them, and requests that want them or want none. English only.

A word that may mean something else is taken for no voice: to miss one is better than to find a wrong one.
"""

from __future__ import annotations

import re

_SURE = re.compile(
    r"\b(?:voices?|vocals?|crowds?|choirs?|chorus(?:es)?|choral|congregations?|talk(?:s|ing|ed)?|speak(?:s|ing)?|"
    r"spoken|speech(?:es)?|chat(?:s|ting|ter|ters|tering)?|conversations?|laughter|giggl\w+|cheer(?:s|ing)?|"
    r"shout\w*|yell\w*|chant(?:s|ing)?|haggl\w+|gossip\w*|announce\w*|narrat\w+|television|tv|broadcasts?|"
    r"(?:children|kids) playing|radio(?! (?:static|hiss|noise|interference|silence)))\b"
)
_LIKELY = re.compile(
    r"\b(?:whisper\w*|murmur\w*|sing(?:s|ing)?|sung|scream\w*|shriek\w*|laugh(?:s|ing|ed)?|mutter\w*)\b"
)
# They whisper, murmur, sing and scream too.
_OTHERS = re.compile(
    r"\b(?:\w*birds?|\w*gulls?|owls?|crows?|ravens?|robins?|larks?|nightingales?|monkeys?|parrots?|"
    r"peacocks?|whales?|cicadas?|crickets?|frogs?|insects?|winds?|breezes?|gusts?|gale|storm|leaves|"
    r"reeds?|grass|trees?|pines?|streams?|brooks?|creeks?|rivers?|water|waterfalls?|fountains?|rain|sea|ocean|waves?|surf|"
    r"bowls?|saws?|kettles?|tyres?|tires?|brakes?|wheels?|engines?|jets?|motors?|machines?|metal|violins?|strings)\b"
)


def holds_voices(caption: str) -> bool:
    """Return whether a caption names people who talk, whisper, laugh or sing, also from a machine."""
    text = caption.lower()
    if _SURE.search(text):
        return True
    return _LIKELY.search(text) is not None and _OTHERS.search(text) is None


_QUOTE = re.compile('["\u201c\u201e\u00ab][^"\u201c\u201d\u00bb]*["\u201c\u201d\u00bb]')
_SOMEBODY = r"(?:nobody|no ?one|no-one|no people|not a soul)"
_VOICE = (
    r"(?:(?:human|spoken|people's) )?(?:voices?|vocals?|speech|talk|talking|speaking|spoken words?|chatter|"
    r"conversations?)"
)
_SPEAK = r"(?:talks?|talking|speaks?|speaking|says? (?:anything|a (?:single )?word))"
_NONE = re.compile(
    rf"\b(?:no|without(?: any| a| the)?|not(?: \w+){{0,2}}? any|leave out(?: all| any| the)?) {_VOICE}\b|"
    rf"\b{_SOMEBODY} (?:\w+ ){{0,2}}?{_SPEAK}\b"
)
_SOME = re.compile(r"\b(?:says?|saying|said|lines?|words|dialogue|narrator|calls? out|ask(?:s|ing)? )\b")


def wants_voices(request: str) -> bool | None:
    """Return whether a request wants voices: False if it wants none, None if it says nothing of them."""
    text = _QUOTE.sub(' "" ', request.lower().replace("\u2019", "'"))
    rest, n_found = _NONE.subn(" ", text)
    if n_found:
        return False
    return True if '""' in rest or _SOME.search(rest) or holds_voices(rest) else None
