"""The voices and emotions of espeak, as data. Their hash is part of the renderer's fingerprint.

A voice is an accent (a language file of espeak-ng) spoken through a variant (formants, pitch, timbre). The
gender of a voice is the one that its variant's file declares.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from copilot.emotions import NEUTRAL
from copilot.scene import Gender

_LANGUAGE_FILES = {
    "en-us": "gmw/en-US",
    "en-us-nyc": "gmw/en-US-nyc",
    "en-gb": "gmw/en",
    "en-gb-rp": "gmw/en-GB-x-rp",
    "en-gb-lancaster": "gmw/en-GB-x-gbclan",
    "en-gb-scotland": "gmw/en-GB-scotland",
    "en-caribbean": "gmw/en-029",
}

_OTHER_LANGUAGES = """
    aav/vi art/eo bat/lt bat/lv bnt/sw ccs/ka cel/cy cel/ga dra/ta eu gmq/da gmq/is gmq/nb gmq/sv gmw/af
    gmw/de gmw/lb gmw/nl grk/el inc/hi ine/hy ine/sq itc/la ko poz/id poz/ms roa/ca roa/es roa/es-419 roa/fr
    roa/fr-BE roa/fr-CH roa/it roa/pt roa/pt-BR roa/ro sem/mt trk/az trk/kk trk/tr urj/et urj/fi urj/hu
    zle/be zle/ru zle/uk zls/bg zls/bs zls/hr zls/mk zls/sl zls/sr zlw/cs zlw/pl zlw/sk
"""
"""Files of languages that are written with spaces and vowels: of the others espeak-ng reads too little."""

_OTHER_VARIANTS: dict[str, Gender] = {
    "f2": "female",
    "f3": "female",
    "Annie": "female",
    "m1": "male",
    "m3": "male",
    "Andy": "male",
}

_LANGUAGE_FILES |= {Path(file).name.lower(): file for file in _OTHER_LANGUAGES.split()}

WHISPER_VARIANTS: dict[Gender, str] = {"female": "whisperf", "male": "whisper"}
"""A whisper has no voice: it is the accent spoken through the whispering variant of the gender."""


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    """One voice: `accent` is a key of the language files, `variant` a file of espeak-ng's `voices/!v`."""

    accent: str
    variant: str
    gender: Gender

    @property
    def name(self) -> str:
        """The name of the voice in requests."""
        return f"{self.accent}+{self.variant}".lower()

    @property
    def language(self) -> str:
        """The language's tag, which is the name of its file."""
        return Path(_LANGUAGE_FILES[self.accent]).name

    @property
    def identifier(self) -> str:
        """The name that espeak-ng loads the voice by; a file name, so that its case matters."""
        return f"{_LANGUAGE_FILES[self.accent]}+{self.variant}"

    @property
    def files(self) -> tuple[Path, Path]:
        """The files that espeak-ng reads, relative to its data folder."""
        return Path("lang", _LANGUAGE_FILES[self.accent]), Path("voices", "!v", self.variant)

    def to_whisper(self) -> EspeakVoice:
        """Return the voice of the same accent and gender, whispered."""
        return EspeakVoice(self.accent, WHISPER_VARIANTS[self.gender], self.gender)


VOICES: tuple[EspeakVoice, ...] = (
    EspeakVoice("en-us", "f2", "female"),
    EspeakVoice("en-us", "f3", "female"),
    EspeakVoice("en-us", "f5", "female"),
    EspeakVoice("en-us", "Annie", "female"),
    EspeakVoice("en-us", "steph", "female"),
    EspeakVoice("en-us-nyc", "linda", "female"),
    EspeakVoice("en-gb", "f1", "female"),
    EspeakVoice("en-gb", "f4", "female"),
    EspeakVoice("en-gb-rp", "f3", "female"),
    EspeakVoice("en-gb-lancaster", "grandma", "female"),
    EspeakVoice("en-gb-scotland", "f2", "female"),
    EspeakVoice("en-caribbean", "f4", "female"),
    EspeakVoice("en-us", "m1", "male"),
    EspeakVoice("en-us", "m3", "male"),
    EspeakVoice("en-us", "m7", "male"),
    EspeakVoice("en-us", "Andy", "male"),
    EspeakVoice("en-us", "Denis", "male"),
    EspeakVoice("en-us-nyc", "travis", "male"),
    EspeakVoice("en-gb", "m2", "male"),
    EspeakVoice("en-gb", "m8", "male"),
    EspeakVoice("en-gb-rp", "m6", "male"),
    EspeakVoice("en-gb-lancaster", "miguel", "male"),
    EspeakVoice("en-gb-scotland", "m4", "male"),
    EspeakVoice("en-caribbean", "m3", "male"),
)

"""The English voices, whose table is part of the fingerprint."""

OTHER_VOICES: tuple[EspeakVoice, ...] = tuple(
    EspeakVoice(Path(file).name.lower(), variant, gender)
    for file in _OTHER_LANGUAGES.split()
    for variant, gender in _OTHER_VARIANTS.items()
)
"""The voices of other languages, named alike: a change of what a name stands for raises `_SOUND_VERSION`."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery of an emotion: a factor on the rate; pitch and pitch range from 0 to 100, usually 50."""

    rate_factor: float
    pitch: int
    pitch_range: int
    whispered: bool = False


EMOTIONS: dict[str, Delivery] = {
    NEUTRAL: Delivery(1.0, 50, 50),
    "happy": Delivery(1.08, 60, 72),
    "sad": Delivery(0.84, 40, 28),
    "angry": Delivery(1.12, 45, 80),
    "excited": Delivery(1.20, 66, 88),
    "calm": Delivery(0.90, 45, 38),
    "fearful": Delivery(1.15, 66, 34),
    "whispered": Delivery(0.92, 50, 30, whispered=True),
    "surprised": Delivery(1.02, 68, 98),
    "tired": Delivery(0.78, 36, 20),
}
