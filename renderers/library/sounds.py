"""The sounds of a library by name, for designers that write about what it has.

Recordings with the same name (`dogs barking`) are one sound. It is an ambience if most of them are textures,
else an effect; music is what its caption calls so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from copilot.library_sound import LibrarySound
from copilot.scene import SoundRole
from copilot.text.captions import word_set
from copilot.units import Seconds, samples_to_seconds
from renderers.library.fit import classify
from renderers.library.index import Index
from renderers.library.reading import Reader
from renderers.recordings.reading import UnreadableError

_MUSIC = word_set(
    """music melody melodies song songs tune tunes piano pianos guitar guitars violin violins cello cellos
    harp flute orchestra choir band jazz drum drums chord chords synthesizer synth organ accordion trumpet
    trumpets saxophone banjo ukulele"""
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
_MOST_READ_S: Seconds = 8.0


@dataclass
class _Kind:
    """Recordings with one name."""

    captions: list[str] = field(default_factory=list)
    durations_s: list[Seconds] = field(default_factory=list)
    n_textures: int = 0

    def find_role(self, name: str) -> SoundRole:
        """Return the use of the recordings."""
        if not _MUSIC.isdisjoint(re.findall(r"[a-z]+", " ".join((name, *self.captions)).lower())):
            return "music"
        return "ambience" if 2 * self.n_textures > len(self.durations_s) else "effect"


def list_library_sounds(index: Index, reader: Reader) -> tuple[LibrarySound, ...]:
    """Return the sounds of an index by name, sorted. Reads the start of each recording.

    Recordings that cannot be read are left out.
    """
    kinds: dict[str, _Kind] = {}
    for recording in index.recordings:
        caption = _write_caption(recording.caption)
        name = _find_name(caption)
        if not name:
            continue
        try:
            audio, rate_hz, _ = reader.read(index.folder / recording.file, _MOST_READ_S, 0)
        except UnreadableError:  # the renderer reports it
            continue
        kind = kinds.setdefault(name, _Kind())
        kind.n_textures += (recording.kind or classify(audio, rate_hz)) == "texture"
        kind.durations_s.append(samples_to_seconds(audio.shape[1], rate_hz))
        if caption not in kind.captions:
            kind.captions.append(caption)
    return tuple(
        LibrarySound(
            name, tuple(kind.captions), kind.find_role(name), min(kind.durations_s), max(kind.durations_s)
        )
        for name, kind in sorted(kinds.items())
    )


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
