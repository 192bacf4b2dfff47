"""A lexicon of the scripted designer in which every sound is a recording of a library.

Recordings with the same name (`dogs barking`) are one family. If most of them are steady it is an ambience,
else an effect; music is what its caption calls so. The library does not say where its sounds belong, so
settings mix them evenly; moods are those shipped, with sounds of the library.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from copilot.designers.scripted.lexicon import TRAITS, Family, Lexicon, Mood, find_word_stems
from copilot.designers.scripted.lexicon_data import load_lexicon
from copilot.errors import UserError
from copilot.scene import Role, SoundRole
from copilot.units import Lufs, Seconds, samples_to_seconds
from renderers.library.fit import classify
from renderers.library.index import Recording, filter_licences, filter_splits, read_index
from renderers.library.reading import Reader
from renderers.recordings.reading import UnreadableError

_MUSIC = find_word_stems(
    "music melody song tune piano guitar violin cello harp flute orchestra choir band jazz drum drums chord "
    "synthesizer synth organ accordion trumpet saxophone banjo ukulele"
)
# A caption's own loudness or place in the picture would contradict the mix.
_MIXING = re.compile(
    r"\b(loud|loudly|quiet|quietly|soft|softly|faint|faintly|very)\b|\b(in|on|to|from) the "
    r"(left|right|background|foreground|middle|cent(er|re)|distance)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[.;:!?,(|]")
_LEAD = re.compile(
    r"^((a|an|the|some|several|many|two|three|one|few|someone|somebody|sounds?|noises?|recordings?|of)\s+)+",
    re.IGNORECASE,
)
_NAME_ENDS = frozenset(
    (
        *("in", "on", "at", "with", "while", "as", "and", "or", "then", "from", "is", "are", "was", "were"),
        *("over", "under", "near", "by", "through", "inside", "outside", "behind", "into", "against", "to"),
        *("that", "which", "for", "during", "followed", "before", "after", "along", "across", "around"),
    )
)
_MAX_CAPTION_CHARS = 80
_MAX_NAME_WORDS = 3
_NAMED_BY_PLURAL = ("ss", "us", "is")

_EVENT_S: tuple[Seconds, Seconds] = (0.3, 4.9)
_LASTING_S: tuple[Seconds, Seconds] = (5.0, 8.0)
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


@dataclass
class _Kind:
    """Recordings with one name."""

    name: str
    captions: list[str] = field(default_factory=list)
    durations_s: list[Seconds] = field(default_factory=list)
    n_textures: int = 0

    @property
    def tag(self) -> str:
        """The name as a key."""
        return re.sub(r"\W+", "_", self.name).strip("_")

    @property
    def role(self) -> SoundRole:
        """Music by its name, an ambience if most of the recordings are textures, else an effect."""
        if not find_word_stems(" ".join((self.name, *self.captions))).isdisjoint(_MUSIC):
            return "music"
        return "ambience" if 2 * self.n_textures > len(self.durations_s) else "effect"


def make_lexicon(folder: Path, licences: Sequence[str] = ()) -> dict[str, Any]:
    """Return the families, settings and moods of a lexicon for the library in a folder.

    Raises UserError for a library that cannot be read, or that has too few ambiences or effects.
    """
    index = filter_splits(read_index(folder), None)
    if licences:
        index = filter_licences(index, licences)
    kinds = _group(index.folder, index.recordings)
    by_role: dict[SoundRole, list[_Kind]] = {"ambience": [], "effect": [], "music": []}
    for kind in sorted(kinds, key=lambda kind: kind.tag):
        by_role[kind.role].append(kind)
    if len(by_role["effect"]) < _LEAST["effect"]:
        # What lasts can be an effect as well.
        by_role["effect"] += by_role["ambience"]
    for role, least in _LEAST.items():
        if (n := len(by_role[role])) < least:
            raise UserError(
                f"{folder}: {n} kinds of sounds can be {role}s, and a lexicon needs {least}; give more "
                "recordings, or say in the column kind of the index which are a texture and which an event"
            )
    shipped, _ = load_lexicon()
    n_settings = max(1, min(len(by_role["effect"]) // _EFFECTS_OF_A_SETTING, _MOST_SETTINGS))
    people = dict(shipped.voices.people)
    return {
        "families": {kind.tag: _write_family(kind, _find_traits(kind, shipped)) for kind in kinds},
        "settings": {
            f"library_{number + 1}": _write_setting(number, n_settings, by_role, people)
            for number in range(n_settings)
        },
        "moods": dict(_write_moods(shipped, by_role)),
    }


def _group(folder: Path, recordings: Sequence[Recording]) -> list[_Kind]:
    reader = Reader()
    kinds: dict[str, _Kind] = {}
    for recording in recordings:
        caption = _write_caption(recording.caption)
        name = _find_name(caption)
        if not name:
            continue
        try:
            audio, rate_hz, _ = reader.read(folder / recording.file, _LASTING_S[1], 0)
        except UnreadableError:  # the renderer reports it
            continue
        kind = kinds.setdefault(name, _Kind(name))
        kind.n_textures += (recording.kind or classify(audio, rate_hz)) == "texture"
        kind.durations_s.append(samples_to_seconds(audio.shape[1], rate_hz))
        if caption not in kind.captions:
            kind.captions.append(caption)
    return list(kinds.values())


def _write_caption(text: str) -> str:
    """Return the first clause of a recording's text as a caption, without words about the mix."""
    clause = " ".join(_MIXING.sub(" ", _CLAUSE.split(text.strip(), maxsplit=1)[0]).replace("_", " ").split())
    if len(clause) > _MAX_CAPTION_CHARS:
        clause = clause[:_MAX_CAPTION_CHARS].rpartition(" ")[0]
    return clause[:1].lower() + clause[1:]


def _find_name(caption: str) -> str:
    """Return the few words that a person would call the sound by: `dogs barking`."""
    words: list[str] = []
    for word in re.findall(r"[a-z'-]+", _LEAD.sub("", caption.lower())):
        if word in _NAME_ENDS or len(words) == _MAX_NAME_WORDS:
            break
        words.append(word)
    return " ".join(words)


def _find_traits(kind: _Kind, shipped: Lexicon) -> list[str]:
    """Return what is true of all sounds of a name, by its words and by the shipped families that it means."""
    own = (family.traits for family in shipped.families.values() if _is_of(kind, [family]))
    return sorted(shipped.words.find_traits(kind.name).union(*own))


def _write_family(kind: _Kind, traits: Sequence[str]) -> dict[str, Any]:
    noun = next((word for word in reversed(kind.name.split()) if not word.endswith("ing")), kind.name)
    plural = noun.endswith("s") and not noun.endswith(_NAMED_BY_PLURAL)
    names = [f"the {kind.name}", f"{'those' if plural else 'that'} {kind.name}"]
    lasts = kind.role != "effect"
    low, high = _EVENT_S
    shortest, longest = (min(max(f(kind.durations_s), low), high) for f in (min, max))
    return {
        "triggers": " ".join(word for word in kind.name.split() if not word.endswith("ing")),
        "role": kind.role,
        "traits": " ".join(traits),
        "many" if plural else "one": names,
        "ask": kind.captions[0],
        "anywhere": kind.captions,
        "seconds": list(_LASTING_S if lasts else (shortest, longest)),
        "lufs": list(_LASTING_LUFS if lasts else _EVENT_LUFS),
        "repeats": lasts,
    }


def _write_setting(
    number: int, n_settings: int, by_role: Mapping[SoundRole, Sequence[_Kind]], people: Mapping[str, str]
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


def _pick_captions(kinds: Sequence[_Kind], number: int) -> dict[str, str]:
    return {kind.tag: kind.captions[number % len(kind.captions)] for kind in kinds}


def _write_moods(
    shipped: Lexicon, by_role: Mapping[SoundRole, Sequence[_Kind]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    general = {*TRAITS, *get_args(Role)}
    for mood in shipped.moods:
        if "open" not in mood.where:
            continue
        brought = [sound.family for sound in mood.bring]
        played = [sound.family for sound in mood.music]
        dropped = [shipped.families[tag] for tag in mood.drop if tag not in general]
        against = [k for kinds in by_role.values() for k in kinds if _is_of(k, dropped)]
        apart = {k.tag for kinds in by_role.values() for k in kinds if _is_against(k, mood, shipped)}
        apart.update(kind.tag for kind in against)
        effects = [k for k in by_role["effect"] if _is_of(k, brought) and k.tag not in apart]
        music = [k for k in by_role["music"] if _is_of(k, played) and k.tag not in apart]
        yield (
            mood.key,
            {
                "requests": list(mood.requests),
                "feel": mood.feel,
                "where": ["open"],
                "night": mood.night,
                "drop": [*(key for key in mood.drop if key in general), *(kind.tag for kind in against)],
                "lower": [key for key in mood.lower if key in general],
                "lift": [key for key in mood.lift if key in general],
                "bring": _pick_captions(effects[:_OF_A_MOOD], 0),
                "music": _pick_captions(music[:_OF_A_MOOD], 0),
            },
        )


def _is_against(kind: _Kind, mood: Mood, shipped: Lexicon) -> bool:
    """Return whether a trait of the name, or of one of its captions, contradicts the mood."""
    own = {trait for caption in kind.captions for trait in shipped.words.find_traits(caption)}
    return not own.union(_find_traits(kind, shipped)).isdisjoint(mood.drop)


def _is_of(kind: _Kind, families: Sequence[Family]) -> bool:
    """Return whether a word of the name calls for one of the shipped families."""
    stems = find_word_stems(kind.name)
    return any(not stems.isdisjoint(family.trigger_stems) for family in families)
