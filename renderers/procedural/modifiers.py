"""Adjectives of a caption as figures, and their effect on any sound.

A recipe reads the factors that it can act on (`rate`, `density`, `pitch`, `size`); `apply` then changes the
finished sound by what needs no knowledge of it: distance, muffling, weight and echo. Both come from the words
of the caption alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from pedalboard import HighShelfFilter, LowpassFilter, LowShelfFilter, Plugin, Reverb

from copilot.text.captions import simplify, tokenize
from copilot.units import SAMPLE_RATE_HZ, Audio
from renderers.procedural.counts import read_count


@dataclass(frozen=True, slots=True)
class Modifiers:
    """The meaning of the caption's adjectives; each from -1 to 1, 0 if the caption does not say.

    `intensity`: light to heavy. `tempo`: slow to fast. `scale`: small to large. `tone`: deep to high.
    `distance`: close to distant. `muffled` and `echo`: from 0 to 1.
    """

    intensity: float = 0.0
    tempo: float = 0.0
    scale: float = 0.0
    tone: float = 0.0
    distance: float = 0.0
    muffled: float = 0.0
    echo: float = 0.0
    count: int = 0
    """The number of events that the caption states ("barks twice"); 0 if it states none."""

    @property
    def rate(self) -> float:
        """Factor on the speed of repetition: 0.6 (slow) to 1.6 (fast). Divide periods by it."""
        return float(1.6**self.tempo)

    @property
    def density(self) -> float:
        """Factor on the number of random events and on vigour: 0.4 (light) to 2.5 (heavy)."""
        return float(2.5**self.intensity)

    @property
    def size(self) -> float:
        """Factor on length and ring of the sounding thing: 0.6 (small) to 1.6 (large)."""
        return float(1.6**self.scale)

    @property
    def pitch(self) -> float:
        """Factor on every frequency of the source: large and deep things are lower; 0.5 to 2."""
        return float(np.clip(1.4 ** (self.tone - self.scale - 0.3 * max(self.intensity, 0.0)), 0.5, 2.0))


NEUTRAL = Modifiers()

# Each axis of Modifiers: words, as they stand in a caption, and the value they set.
_WORDS: dict[str, dict[float, str]] = {
    "intensity": {
        1.0: """heavy heavily torrential pouring massive violent violently fierce furious raging powerful
            intense thunderous booming roaring strong driving dense thick wild wildly vigorous
            relentless hard pounding""",
        0.6: "loud loudly busy bustling lively crowded rough energetic forceful insistent",
        -0.6: """soft softly gentle gently quiet quietly faint faintly subdued calm calmly mild delicate
            hushed subtle sparse scattered occasional dying peaceful""",
        -1.0: "light lightly thin weak feeble barely",
    },
    "tempo": {
        1.0: """fast faster rapid rapidly quick quickly hurried hurriedly frantic frantically racing
            frenzied furiously brisk briskly hasty hastily swift swiftly urgent urgently""",
        -1.0: """slow slower slowly lazy lazily leisurely languid sluggish measured unhurried deliberate
            lumbering ponderous""",
    },
    "scale": {
        1.0: "large huge giant enormous massive great grand gigantic vast immense",
        0.6: "big bulky hulking sizeable",
        -0.6: "little young slender",
        -1.0: "small tiny miniature baby puppy kitten pocket",
    },
    "tone": {
        1.0: "high high-pitched higher shrill squeaky piercing",
        -1.0: "deep deeply low low-pitched lower gruff rumbling",
    },
    "distance": {
        1.0: "distant distantly faraway remote afar",
        0.6: "faint faintly receding",
        -1.0: "close nearby near close-up closeup intimate",
    },
    "muffled": {
        1.0: "muffled dampened muted smothered",
        0.5: "dull dulled",
    },
    "echo": {
        1.0: """echoing echo echoes echoed reverberant reverberating reverberates cavernous cathedral cavern
            cave vault vaulted hall""",
        0.6: "tunnel stairwell church nave chapel crypt dungeon",
    },
}

# Word pairs in which the first word is part of a name, and not a description of the sound.
_NAMES = frozenset(
    [
        *(
            "cathedral bell",
            "church bell",
            "church bells",
            "grand piano",
            "great hall",
            "high heel",
            "high heels",
        ),
        *(
            "high seas",
            "high street",
            "light bulb",
            "light switch",
            "pocket watch",
            "remote control",
            "town hall",
        ),
    ]
)


def _index() -> dict[str, tuple[tuple[str, float], ...]]:
    values: dict[str, tuple[tuple[str, float], ...]] = {}
    for axis, levels in _WORDS.items():
        for value, words in levels.items():
            for word in words.split():
                values[word] = (*values.get(word, ()), (axis, value))
    return values


_VALUES = _index()


def parse(caption: str) -> Modifiers:
    """Return the modifiers of a caption. The first word on an axis decides it."""
    words = tokenize(simplify(caption))
    found: dict[str, float] = {}
    for word, following in pairwise([*words, ""]):
        if f"{word} {following}" in _NAMES:
            continue
        for axis, value in _VALUES.get(word, ()):
            found.setdefault(axis, value)
    return replace(NEUTRAL, **found, count=read_count(words))


def apply(audio: Audio, mods: Modifiers) -> Audio:
    """Return the sound at the place that the caption gives it; same shape, new array.

    Distance removes treble and adds room, closeness adds presence; muffling leaves what passes a wall;
    weight tilts the low end; an echo adds a large room. Neutral modifiers leave the sound unchanged.
    """
    chain: list[Plugin] = []
    if mods.intensity:
        chain.append(LowShelfFilter(cutoff_frequency_hz=220.0, gain_db=5.0 * mods.intensity))
    if mods.distance > 0:
        # Air absorption grows with frequency; two slopes of first order come near it at a few hundred metres.
        corner_hz = 6000.0 * 0.3**mods.distance
        chain += [LowpassFilter(corner_hz), LowpassFilter(corner_hz * 1.8)]
        chain.append(
            Reverb(room_size=0.75, damping=0.6, wet_level=0.22 * mods.distance, dry_level=0.5, width=1.0)
        )
    elif mods.distance < 0:
        chain.append(HighShelfFilter(cutoff_frequency_hz=3500.0, gain_db=-3.0 * mods.distance))
    if mods.muffled > 0:
        chain += [LowpassFilter(900.0), LowpassFilter(900.0), LowpassFilter(1800.0)]
    if mods.echo > 0:
        chain.append(
            Reverb(room_size=0.85, damping=0.35, wet_level=0.25 * mods.echo, dry_level=0.5, width=1.0)
        )
    out = audio.copy()
    for plugin in chain:
        out = np.asarray(plugin.process(out, SAMPLE_RATE_HZ, reset=True), dtype=np.float32)
    return out
