"""The level and the side that a user's request asks for, if its words say so beyond doubt.

Every function returns None if the words are mixed, negated or unknown: to miss a contradiction is better than
to find a wrong one. English only; a request in another language never contradicts.
"""

from __future__ import annotations

import re
from typing import Literal

Level = Literal["louder", "quieter"]
Side = Literal["left", "right", "centre"]
Wish = Literal["add", "remove"]

_LOUD = (
    "loud|strong|prominent|present|audible|noticeable|pronounced|dominant|forceful|intrusive|powerful|intense|"
    "overpowering|overwhelming|bold|distinct|presence|volume|power|intensity|weight|punch"
)
_QUIET = (
    "quiet|soft|faint|weak|low|subtle|subdued|discreet|restrained|muted|gentle|distant|hushed|hidden|buried|"
    "far back|far away"
)
_ADJECTIVE = rf"(?:(?P<loud>{_LOUD})|(?P<quiet>{_QUIET}))\b"
_NOT = r"(?:\b(?:not|never|no|hardly|without)|n't)\b"
_GAP = r"(?:[^\w.,;:!?]+\w+)"  # one more word of the same clause
_TO = r"[^\w.,;:!?]+"  # on to the next word of the same clause

# Ways to speak of a level by an adjective, in the order in which they are searched. `same` asks for more
# of what the adjective says ("not loud enough" asks for louder), `flip` for less ("too loud").
_LEVEL_PHRASES: tuple[tuple[Literal["same", "flip"], re.Pattern[str]], ...] = (
    ("same", re.compile(rf"{_NOT}{_GAP}{{0,2}}?{_TO}{_ADJECTIVE}{_TO}enough\b")),
    ("flip", re.compile(rf"{_NOT}{_GAP}{{0,4}}?{_TO}(?:so|as|that|this|too|quite|nearly){_TO}{_ADJECTIVE}")),
    ("flip", re.compile(rf"\b(?:too|less|overly){_TO}(?:much{_TO})?{_ADJECTIVE}")),
    ("same", re.compile(rf"\bmore{_TO}{_ADJECTIVE}")),
    ("same", re.compile(rf"\b(?:make|keep|get){_GAP}{{1,5}}?{_TO}{_ADJECTIVE}(?=\s*(?:[.,;:!?]|$))")),
)

_TURN = (
    r"\b(?:turn|bring|crank|push|pump|bump|lift|dial|nudge|move|kick|step|pull|ramp|edge|mix|ease|notch|take|"
    r"tone|fade|come|go|set|pop|tuck|sit|dip)(?:s|ed|ing|ning)?\b"
)
_LEVEL_WORDS: tuple[tuple[Level, re.Pattern[str]], ...] = (
    ("louder", re.compile(rf"(?:{_NOT}|\bcannot\b){_GAP}{{0,2}}?{_TO}(?:hear|make out|notice)\b")),
    (
        "quieter",
        re.compile(
            r"\b(?:should|shall|must|to|can|could|may|make\W+\w+)\W+(?:only\W+)?(?:be\W+)?"
            r"(?:barely|hardly|scarcely)\W+(?:audible|noticeable|there)\b"
        ),
    ),
    ("louder", re.compile(r"\b(?:barely|hardly|scarcely)\W+(?:hear|audible|noticeable|there|make out)\b")),
    ("quieter", re.compile(r"\btoo much\b|\bless of\b|\b(?:into|to) the (?:background|back)\b")),
    ("louder", re.compile(r"\bmore of\b|\bto the (?:fore|front|foreground)\b")),
    ("louder", re.compile(r"\b(?:stand|come|cut|shine|ring)s?\W+(?:out|through)\b")),
    ("louder", re.compile(rf"{_TURN}{_GAP}{{0,6}}?{_TO}(?:up|forward)\b|\bbring{_GAP}{{0,4}}?{_TO}out\b")),
    ("quieter", re.compile(rf"{_TURN}{_GAP}{{0,6}}?{_TO}(?:down|back)\b")),
    # The verb serves two sounds: "turn the rain up and the dog down".
    ("louder", re.compile(rf"\band{_GAP}{{1,4}}?{_TO}up\b")),
    ("quieter", re.compile(rf"\band{_GAP}{{1,4}}?{_TO}down\b")),
    (
        "louder",
        re.compile(
            r"\b(?:louder|stronger|bolder|nearer|closer|clearer|boost(?:s|ed|ing)?|strengthen\w*|heighten\w*|"
            r"highlight\w*|(?:rais|increas|emphasi[sz]|accentuat|elevat)(?:e|es|ed|ing)|"
            r"(?:ampli|intensi)f(?:y|ies|ied|ying))\b"
        ),
    ),
    (
        "quieter",
        re.compile(
            r"\b(?:quieter|softer|fainter|gentler|weaker|subtler|calmer|farther|further (?:away|off|back)|"
            r"quiet down|hush(?:ed|es)?|(?:lower|soften|dampen|quieten|lessen|weaken)(?:s|ed|ing)?|"
            r"(?:reduc|decreas|attenuat|diminish|subdu)(?:e|es|ed|ing)?)\b"
        ),
    ),
)
# What is louder for one sound may be quieter for another: "I want to hear the clock over the rain".
_INDIRECT = re.compile(
    r"\b(?:hear\w*|over|than|under|above|below|behind|beneath|against|among|between|compared|relative|so|but|"
    r"except|instead|balance\w*|compet\w*|drown\w*|mask\w*|cover\w*|bur(?:y|ies|ied)|overpower\w*|swallow\w*)\b"
)
_CLAUSE_END = re.compile(r"[.,;:!?]+|\band\b|\bwhile\b")
_NEGATED = re.compile(rf"{_NOT}{_GAP}{{0,2}}?{_TO}$")


def read_level(request: str) -> Level | None:
    """Return the level that the request asks for: louder, quieter, or None if that is not clear."""
    text = _plain(request)
    asked: set[Level] = set()
    for sense, pattern in _LEVEL_PHRASES:
        for match in pattern.finditer(text):
            loud = (match["loud"] is not None) == (sense == "same")
            asked.add("louder" if loud else "quieter")
        text = pattern.sub(" ; ", text)
    for level, pattern in _LEVEL_WORDS:
        for match in pattern.finditer(text):
            if _NEGATED.search(text, 0, match.start()):
                return None  # "don't turn it up" does not say what is wanted instead
            asked.add(level)
        text = pattern.sub(" ; ", text)
    return asked.pop() if len(asked) == 1 else None


def is_indirect(request: str) -> bool:
    """Return whether a request for a level may be answered by the level of another sound."""
    return _INDIRECT.search(_plain(request)) is not None


def split_clauses(request: str) -> list[str]:
    """Return the clauses of a request."""
    return _CLAUSE_END.split(_plain(request))


_ADDING = re.compile(
    r"\b(?:add|insert|include|introduce|(?:put|throw|bring) in|let (?:me|us) hear|"
    r"(?:want|like|love|need) to hear)\b"
)
_REMOVING = re.compile(
    r"\b(?:remove|delete|take out|take away|get rid of|do away with|cut out|leave out|edit out)\b"
)
# With one of these words a request may mean either.
_EITHER = re.compile(
    r"\b(?:no|not|never|without|less|gone|only|just|alone|itself|except|instead|replac\w*|swap\w*|exchange|again|"
    r"back|more|else|rest|others?|everything|clear\w*|better|lose|drop|cut|mute|silen\w*|stop\w*|quiet\w*|out|"
    r"away|off|rid|rather|put|place|give|need|disappear\w*|vanish\w*)\b|n't\b"
)


def read_wish(request: str) -> Wish | None:
    """Return whether the request asks for a new sound or for one less, or None if that is not clear."""
    text = _plain(request)
    if _ADDING.search(text) and not _REMOVING.search(text) and not _EITHER.search(text):
        return "add"
    text, n_found = _REMOVING.subn(" ", text)
    if n_found and not _ADDING.search(text) and not _EITHER.search(text):
        return "remove"
    return None


_SIDE = r"(?P<side>left|right|cent(?:er|re)|middle)"
_LEAD = (
    r"(?:(?:the|your|my|our|their|a|bit|far|extreme|very|other|hard|full|fully|dead|complete|exact|slightly|"
    r"more|little|touch)\W+)*"
)
_NO_SIDE = re.compile(
    r"\bright (?:now|away|here|there|behind|beside|next|before|after|in|at|on|up|down|where|about|over|"
    r"through|under)\b|\b(?:all|quite|feels?|sounds?|seems?|looks?) right\b|,\s*right\s*\?|"
    r"\b(?:what is|what's|what was|nothing|anything|something|has|have|had|"
    r"just|who|he|she|they) left\b(?! of)|"
    r"\bleft (?:over|out|alone|off|untouched|unchanged|the)\b|"
    # Beside another sound: that says nothing of left and right in the room.
    r"(?:\bto the )?\b(?:left|right) of (?!(?:the )?(?:cent(?:er|re)|middle)\b)"
)
_BESIDE_CENTRE = re.compile(r"\b(left|right) of (?:the )?(?:cent(?:er|re)|middle)\b")
_AWAY = re.compile(
    r"\b(?:too (?:far|much|hard|strongly)|less|not (?:so|as|that|too|quite)(?: far| much| hard)?|away|off)\W+"
    rf"(?:(?:far|from|to|on|over|in|at|towards?)\W+)*{_LEAD}{_SIDE}\b"
)
_TOWARDS = re.compile(
    rf"\b(?:to|towards?|into|onto|(?<!seems )(?<!appears )(?:to|should) come from)\W+{_LEAD}{_SIDE}\b|"
    r"\b(?:further|farther|more|hard|fully|all the way|completely)\W+(?:to the\W+)?(?P<more>left|right)\b|"
    r"\b(?P<wards>left|right)wards?\b"
)
_ANYWHERE = re.compile(
    r"\b(?:(?P<side>left|right|cent(?:er|re)|middle)|(?P<centred>cent(?:er|re)(?:d|s|ing)))\b"
)
_OPPOSITE: dict[Side, Side] = {"left": "right", "right": "left"}


def read_side(request: str) -> Side | None:
    """Return the side that a sound is to go to. A goal ("to the right") counts before any other mention."""
    text = _BESIDE_CENTRE.sub(r"\1", _NO_SIDE.sub(" ", _plain(request)))
    away = {_side(match["side"]) for match in _AWAY.finditer(text)}
    text = _AWAY.sub(" ", text)
    towards = {_side(m["side"] or m["more"] or m["wards"]) for m in _TOWARDS.finditer(text)}
    if towards:
        return towards.pop() if len(towards) == 1 else None
    if away:
        return _OPPOSITE.get(away.pop()) if len(away) == 1 else None
    anywhere = {_side(match["side"]) for match in _ANYWHERE.finditer(text)}
    return anywhere.pop() if len(anywhere) == 1 else None


def _side(word: str | None) -> Side:
    if word == "left":
        return "left"
    return "right" if word == "right" else "centre"


def _plain(request: str) -> str:
    return request.lower().replace("\u2019", "'")
