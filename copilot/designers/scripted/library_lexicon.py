"""A lexicon of the scripted designer in which every sound is a recording of a library.

Each sound of the library is a family. The library does not say where its sounds belong, so settings mix them
evenly; moods are those shipped, with sounds of the library.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from copilot.designers.scripted.lexicon import Family, Lexicon, Mood
from copilot.designers.scripted.lexicon_data import load_lexicon
from copilot.designers.scripted.words import TRAITS, find_word_stems
from copilot.errors import UserError
from copilot.library_sound import LibrarySound
from copilot.scene import Role, SoundRole
from copilot.units import Lufs, Seconds

_NAMED_BY_PLURAL = ("ss", "us", "is")

_EVENT_S: tuple[Seconds, Seconds] = (0.3, 4.9)
_LASTING_S: tuple[Seconds, Seconds] = (5.0, 8.0)
_PASSING_S: tuple[Seconds, Seconds] = (3.0, 4.9)
"""Of what could last, as an effect: several that last would cover each other, and every edit of one."""

_SECONDS: Mapping[SoundRole, tuple[Seconds, Seconds]] = {"ambience": _PASSING_S, "music": _LASTING_S}
_EVENT_LUFS: tuple[Lufs, Lufs] = (-22, -15)
_LASTING_LUFS: tuple[Lufs, Lufs] = (-26, -20)

_LEAST: Mapping[SoundRole, int] = {"ambience": 2, "effect": 6}
_EFFECTS_OF_A_SETTING = 8
_MOST_SETTINGS = 40
_OF_A_MOOD = 4
_PLACES = ("in a place of its own", "somewhere nearby", "in a place that is easy to imagine")
_LINES = (
    "Did you hear that?",
    "Listen for a moment.",
    "There it is again.",
    "Wait here, please.",
    "I knew it would be like this.",
    "We should stay a little longer.",
)


def find_tag(sound: LibrarySound) -> str:
    """Return the name of a sound as a key."""
    return re.sub(r"\W+", "_", sound.name).strip("_")


def write_lexicon(sounds: Sequence[LibrarySound]) -> dict[str, Any]:
    """Return the families, settings and moods of a lexicon for the sounds of a library.

    Raises UserError for a library that has too few ambiences or effects.
    """
    by_role: dict[SoundRole, list[LibrarySound]] = {"ambience": [], "effect": [], "music": []}
    for sound in sorted(sounds, key=find_tag):
        by_role[sound.role].append(sound)
    if len(by_role["effect"]) < _LEAST["effect"]:
        # What lasts can be an effect as well.
        by_role["effect"] += by_role["ambience"]
    for role, least in _LEAST.items():
        if (n := len(by_role[role])) < least:
            raise UserError(
                f"the library has {n} kinds of sounds that can be {role}s, and dialogues need {least}; give "
                "more recordings, or say in the column kind of the index which are textures and events",
                field="captions",
            )
    shipped, _ = load_lexicon()
    n_settings = max(1, min(len(by_role["effect"]) // _EFFECTS_OF_A_SETTING, _MOST_SETTINGS))
    people = dict(shipped.voices.people)
    return {
        "families": {find_tag(sound): _write_family(sound, _find_traits(sound, shipped)) for sound in sounds},
        "settings": {
            f"library_{number + 1}": _write_setting(number, n_settings, by_role, people)
            for number in range(n_settings)
        },
        "moods": dict(_write_moods(shipped, by_role)),
    }


def _find_traits(kind: LibrarySound, shipped: Lexicon) -> list[str]:
    """Return what is true of all sounds of a name, by its words and by the shipped families that it means."""
    own = (family.traits for family in shipped.families.values() if _is_of(kind, [family]))
    return sorted(shipped.words.find_traits(kind.name).union(*own))


def _write_family(kind: LibrarySound, traits: Sequence[str]) -> dict[str, Any]:
    noun = next((word for word in reversed(kind.name.split()) if not word.endswith("ing")), kind.name)
    plural = noun.endswith("s") and not noun.endswith(_NAMED_BY_PLURAL)
    names = [f"the {kind.name}", f"{'those' if plural else 'that'} {kind.name}"]
    lasts = kind.role != "effect"
    low, high = _EVENT_S
    shortest, longest = (min(max(seconds, low), high) for seconds in (kind.shortest_s, kind.longest_s))
    return {
        "triggers": " ".join(word for word in kind.name.split() if not word.endswith("ing")),
        "role": kind.role,
        "traits": " ".join(traits),
        "many" if plural else "one": names,
        "ask": kind.captions[0],
        "anywhere": list(kind.captions),
        "seconds": list(_SECONDS.get(kind.role, (shortest, longest))),
        "lufs": list(_LASTING_LUFS if lasts else _EVENT_LUFS),
        "repeats": lasts,
    }


def _write_setting(
    number: int,
    n_settings: int,
    by_role: Mapping[SoundRole, Sequence[LibrarySound]],
    people: Mapping[str, str],
) -> dict[str, Any]:
    ambiences, music = by_role["ambience"], by_role["music"]
    return {
        "triggers": "",
        "places": list(_PLACES),
        "where": "open",
        "people": dict(people),
        "lines": list(_LINES),
        "ambiences": _pick_captions([ambiences[(2 * number + n) % len(ambiences)] for n in range(3)], number),
        "effects": _pick_captions(by_role["effect"][number::n_settings], number),
        "music": _pick_captions(music[number % len(music) :][:3] if music else [], number),
    }


def _pick_captions(kinds: Sequence[LibrarySound], number: int) -> dict[str, str]:
    return {find_tag(kind): kind.captions[number % len(kind.captions)] for kind in kinds}


def _write_moods(
    shipped: Lexicon, by_role: Mapping[SoundRole, Sequence[LibrarySound]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    general = {*TRAITS, *get_args(Role)}
    for mood in shipped.moods:
        if "open" not in mood.where:
            continue
        brought = [sound.family for sound in mood.bring]
        played = [sound.family for sound in mood.music]
        dropped = [shipped.families[tag] for tag in mood.drop if tag not in general]
        against = [k for kinds in by_role.values() for k in kinds if _is_of(k, dropped)]
        apart = {find_tag(k) for kinds in by_role.values() for k in kinds if _is_against(k, mood, shipped)}
        apart.update(find_tag(kind) for kind in against)
        effects = [k for k in by_role["effect"] if _is_of(k, brought) and find_tag(k) not in apart]
        music = [k for k in by_role["music"] if _is_of(k, played) and find_tag(k) not in apart]
        yield (
            mood.key,
            {
                "requests": list(mood.requests),
                "feel": mood.feel,
                "where": ["open"],
                "night": mood.night,
                "drop": [
                    *(key for key in mood.drop if key in general),
                    *(find_tag(kind) for kind in against),
                ],
                "lower": [key for key in mood.lower if key in general],
                "lift": [key for key in mood.lift if key in general],
                "bring": _pick_captions(effects[:_OF_A_MOOD], 0),
                "music": _pick_captions(music[:_OF_A_MOOD], 0),
            },
        )


def _is_against(kind: LibrarySound, mood: Mood, shipped: Lexicon) -> bool:
    """Return whether a trait of the name, or of one of its captions, contradicts the mood."""
    own = {trait for caption in kind.captions for trait in shipped.words.find_traits(caption)}
    return not own.union(_find_traits(kind, shipped)).isdisjoint(mood.drop)


def _is_of(kind: LibrarySound, families: Sequence[Family]) -> bool:
    """Return whether a word of the name calls for one of the shipped families."""
    stems = find_word_stems(kind.name)
    return any(not stems.isdisjoint(family.trigger_stems) for family in families)
