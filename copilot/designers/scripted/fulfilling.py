"""Fulfil an edit request of a user's own: find the sounds that it names, and write the operations.

A name has to mean one sound, with all of its words; a new sound is one of the lexicon's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.draft import Draft, get_naming
from copilot.designers.scripted.edits import replace_sound
from copilot.designers.scripted.lexicon import Sound
from copilot.designers.scripted.placing import draw_side, place_ambience, place_sound
from copilot.designers.scripted.reading_requests import (
    Addition,
    Amount,
    Exchange,
    LevelChange,
    Move,
    Removal,
    Wish,
    read_request,
)
from copilot.designers.scripted.words import find_word_stems, split_words
from copilot.edit import Add, Change, Operation, Remove
from copilot.errors import RowFault
from copilot.masking import list_lines
from copilot.rules.request_targets import GENDER_HINTS, ROLE_NAMES
from copilot.scene import Element, SpeechElement
from copilot.text.captions import word_set
from copilot.text.word_stems import reduce_request_word
from copilot.units import Lufs

_UNNAMING = word_set(
    "the a an that those these this some any of sound sounds noise noises volume level another more little"
)
_STEPS_LU: Mapping[Amount, Lufs] = {"slight": 3.5, "plain": 6.0, "strong": 9.0}
_SMALLEST_STEP_LU: Lufs = 1.0
_SHIFT = 0.3
_REACH: Mapping[Amount, float] = {"slight": 0.0, "plain": 0.6, "strong": 1.0}
_LIST = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+|\s+as well as\s+")


def fulfil(request: str, draft: Draft, dice: Dice) -> list[Operation]:
    """Return the operations that an edit request asks for.

    Raises RowFault `request-not-understood`, or `request-impossible` for a change that a sound cannot make
    and for the removal of the last ambience.
    """
    wishes = read_request(request)
    if wishes is None:
        raise _not_understood(request, "its form is not one that the scripted designer knows")
    operations = [operation for wish in wishes for operation in _fulfil(wish, request, draft, dice)]
    operations = _join_changes(operations, request)
    _require_ambience(operations, draft)
    return operations


def find_new_sound(words: str, draft: Draft, dice: Dice, roles: Iterable[str]) -> Sound | None:
    """Return a sound of the lexicon that all of the words name, if possible by its own caption.

    The setting's own comes first.
    """
    stems = _find_stems(words)
    allowed = frozenset(roles)
    known = [
        sound
        for sound in draft.tools.lexicon.sounds().values()
        if sound.role in allowed
        and sound.caption not in draft.heard
        and stems
        and stems <= sound.naming.words | sound.paraphrase | sound.family.trigger_stems
        and not stems.isdisjoint(
            sound.naming.names | sound.family.trigger_stems | find_word_stems(sound.asks[0])
        )
    ]
    if not known:
        return None
    own = {sound.caption for sound in draft.setting.sounds}

    def rank(sound: Sound) -> tuple[bool, bool, bool]:
        fits = draft.fits(get_naming(sound))
        return not stems <= sound.paraphrase, not fits, sound.caption not in own

    best = min(map(rank, known))
    return dice.pick(sorted((s for s in known if rank(s) == best), key=lambda sound: sound.caption))


def _fulfil(wish: Wish, request: str, draft: Draft, dice: Dice) -> Iterator[Operation]:
    match wish:
        case Removal(sounds):
            yield from (Remove(id=element.id) for element in _find_elements(sounds, request, draft))
        case LevelChange(sounds):
            for element in _find_elements(sounds, request, draft):
                yield _change_level(wish, element, draft)
        case Move(sounds):
            for element in _find_elements(sounds, request, draft):
                yield _move(wish, element, draft)
        case Exchange(old, new):
            targets = _find_named(old, request, draft)
            if len(targets) != 1:
                raise _not_understood(request, f"{old!r} names more than one sound")
            yield _exchange(targets[0], new, request, draft, dice)
        case Addition(sounds):
            for words in _LIST.split(sounds):
                yield _add(words, wish, request, draft, dice)


def _find_elements(sounds: str, request: str, draft: Draft) -> list[Element]:
    return [element for name in _LIST.split(sounds) for element in _find_named(name, request, draft)]


def _find_named(name: str, request: str, draft: Draft) -> list[Element]:
    """Return the sound that a name means, or all lines of the person that it means."""
    stems = _find_stems(name)
    scene = draft.scene.elements
    meant = [element for element in scene if stems and stems <= _list_words(element, draft)]
    if len(meant) > 1:
        # A caption may hold a word that is another sound's name: `rain` in "footsteps in the rain".
        named = [e for e in meant if stems <= draft.names_by_id[e.id].naming.names | ROLE_NAMES[e.role]]
        meant = named or meant
    speakers = {element.speaker_key for element in meant if isinstance(element, SpeechElement)}
    is_one_person = len(speakers) == 1 and all(isinstance(element, SpeechElement) for element in meant)
    if len(meant) != 1 and not is_one_person:
        many = "more than one sound" if meant else "no sound of the scene"
        raise _not_understood(request, f"{name!r} names {many}")
    return meant


def _list_words(element: Element, draft: Draft) -> frozenset[str]:
    words = draft.names_by_id[element.id].naming.words | ROLE_NAMES[element.role]
    return words | GENDER_HINTS[element.gender] if isinstance(element, SpeechElement) else words


def _find_stems(words: str) -> frozenset[str]:
    return frozenset(reduce_request_word(word) for word in split_words(words) if word not in _UNNAMING)


def _change_level(wish: LevelChange, element: Element, draft: Draft) -> Change:
    allowed = draft.tools.limits.loudness_lufs
    sign = 1 if wish.level == "louder" else -1
    room_lu = allowed.high - element.loudness if sign > 0 else element.loudness - allowed.low
    if room_lu < _SMALLEST_STEP_LU:
        raise _impossible(element, f"cannot be {wish.level}")
    step_lu = min(wish.step_lu or _STEPS_LU[wish.amount], room_lu)
    return Change(id=element.id, loudness=draft.tools.grid.level(element.loudness + sign * step_lu))


def _move(wish: Move, element: Element, draft: Draft) -> Change:
    if element.role == "ambience":
        raise _impossible(element, "is an ambience, which stays in the middle")
    grid = draft.tools.grid
    side = grid.side(element.panning)
    sign = {"left": -1, "right": 1, "centre": 0}[wish.side]
    goal = sign * min(1.0, max(_REACH[wish.amount], sign * side + _SHIFT))
    panning = grid.panning(goal)
    if panning == element.panning:
        raise _impossible(element, "is there already")
    return Change(id=element.id, panning=panning)


def _exchange(target: Element, words: str, request: str, draft: Draft, dice: Dice) -> Operation:
    roles = ("ambience",) if target.role == "ambience" else ("effect", "music")
    sound = find_new_sound(words, draft, dice, roles)
    if sound is None:
        raise _not_understood(request, f"the lexicon has no {' or '.join(roles)} {words!r}")
    return replace_sound(draft, dice, target, sound)[1][0]


def _add(words: str, wish: Addition, request: str, draft: Draft, dice: Dice) -> Add:
    sound = find_new_sound(words, draft, dice, ("effect", "music", "ambience"))
    if sound is None:
        raise _not_understood(request, f"the lexicon has no sound {words!r}")
    if sound.role == "ambience":
        return Add(element=draft.make_new_element(sound, place_ambience(draft.tools, dice)))
    signs = {"left": -1, "right": 1}
    side = draw_side(dice, sound, signs.get(wish.side or "", dice.pick((-1, 1))))
    if wish.side:
        side = signs.get(wish.side, 0) * max(abs(side), 0.5)
    when = {"start": (0.0, 0.15), "end": (0.75, 1.0)}.get(wish.when or "", (0.0, 0.3 if sound.lasts else 1.0))
    at = place_sound(draft.tools, dice, sound, side, when, lines=list_lines(draft.scene))
    return Add(element=draft.make_new_element(sound, at))


def _join_changes(operations: Sequence[Operation], request: str) -> list[Operation]:
    """Return the operations with one change for each sound. Raises RowFault if a sound is edited twice."""
    joined: dict[int, Operation] = {}
    for operation in operations:
        subject = operation.element.id if isinstance(operation, Add) else operation.id
        known = joined.get(subject)
        if known is None:
            joined[subject] = operation
        elif isinstance(known, Change) and isinstance(operation, Change):
            if not known.updates.keys().isdisjoint(operation.updates):
                raise _not_understood(request, f"it changes element {subject} twice")
            joined[subject] = Change(id=subject, **(known.updates | operation.updates))
        else:
            raise _not_understood(request, f"it edits element {subject} twice")
    return list(joined.values())


def _require_ambience(operations: Sequence[Operation], draft: Draft) -> None:
    removed = {operation.id for operation in operations if isinstance(operation, Remove)}
    ambiences = [element for element in draft.scene.elements if element.role == "ambience"]
    added = any(
        isinstance(operation, Add) and operation.element.role == "ambience" for operation in operations
    )
    if ambiences and not added and removed.issuperset(element.id for element in ambiences):
        raise _impossible(
            ambiences[-1], "is the last ambience, which a scene needs; ask for another in its place"
        )


def _impossible(element: Element, why: str) -> RowFault:
    return RowFault("request-impossible", f"element {element.id} ({element.text!r}) {why}")


def _not_understood(request: str, why: str) -> RowFault:
    return RowFault("request-not-understood", f"{request!r}: {why}")
