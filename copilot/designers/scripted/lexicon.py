"""The lexicon: kinds of sounds, settings, moods and voices, as the designer uses them.

Every caption belongs to a known family, and every family has at least two everyday names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

from pydantic import Field, model_validator

from copilot.designers.scripted.words import (
    EMPTY_STEMS,
    Name,
    Naming,
    Texts,
    Trait,
    Traits,
    Triggers,
    WordList,
    Words,
    WordStems,
    agrees_in_number,
    find_word_stems,
    split_words,
)
from copilot.emotions import Emotion
from copilot.frozen_model import FrozenModel
from copilot.scene import Gender, SoundRole
from copilot.text.word_stems import reduce_request_word

Where = Literal["open", "room", "sealed"]
_ARTICLE = re.compile(r"^(?:an?|the|some|someone|somebody|something) ", re.IGNORECASE)
_COMMON = 3
"""The number of settings from which on a family is common in settings of their kind."""

_RETIRED = frozenset(
    {"clause_starts", "prepositions", "dropped_starts", "nominatives", "question_starts", "inverted_subjects"}
)

Captions = dict[str, str]


class Family(FrozenModel):
    """One kind of sound."""

    triggers: Triggers = frozenset()
    role: SoundRole = "effect"
    where: tuple[Where, ...] = ("open", "room", "sealed")
    traits: Traits = frozenset()
    ground: bool = False
    one: tuple[str, ...] = ()
    many: tuple[str, ...] = ()
    ask: Texts = Field(min_length=1)
    anywhere: tuple[str, ...] = Field(min_length=1)
    seconds: tuple[float, float]
    lufs: tuple[float, float]
    repeats: bool

    @cached_property
    def trigger_stems(self) -> frozenset[str]:
        """The stems of its triggers."""
        return frozenset(map(reduce_request_word, self.triggers))

    @model_validator(mode="after")
    def _usable(self) -> Family:
        if len(self.one) + len(self.many) < 2:
            raise ValueError("a family needs at least two names")
        if not 0 < self.seconds[0] <= self.seconds[1] or self.lufs[0] > self.lufs[1]:
            raise ValueError("seconds and lufs: the lower figure comes first")
        return self


class TextRules(FrozenModel):
    """The words that guide the cutting of lines out of a seed. Those of grammar are no part of a lexicon."""

    weak_ends: WordList
    saying: WordList
    exclaiming: tuple[Emotion, ...]
    proper: WordList
    titles: WordList
    title_forms: dict[str, str]
    mixing: WordList

    @model_validator(mode="before")
    @classmethod
    def _drop_retired(cls, values: object) -> object:
        """Leave out the keys of grammar that lexicons had to have once."""
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if name not in _RETIRED}


class Voices(FrozenModel):
    """The emotions of words, and the speakers for settings that have no one left."""

    emotions: dict[Emotion, WordStems]
    tellings: dict[Emotion, tuple[str, ...]]
    people: dict[str, Gender]
    text: TextRules


@dataclass(frozen=True)
class Sound:
    """One sound of the lexicon: a caption, its family, and what is true of it.

    `paraphrase` holds the stems of the words by which it may be called, so that no name means another thing;
    `general` those of them that are more general than the caption's.
    """

    caption: str
    tag: str
    role: SoundRole
    family: Family
    traits: frozenset[Trait]
    paraphrase: frozenset[str]
    general: tuple[str, ...]

    @cached_property
    def names(self) -> tuple[Name, ...]:
        """The family's everyday names that fit the caption, singular ones first; else its own words."""
        singular, plural = map(self._filter_fitting, (self.family.one, self.family.many))
        names = (*(Name(text) for text in singular), *(Name(text, plural=True) for text in plural))
        return names or (Name(f"the {_ARTICLE.sub('', self.caption)}"),)

    @cached_property
    def asks(self) -> tuple[str, ...]:
        """The ways to ask for it: the family's that fit the caption, and the caption itself."""
        return (*self._filter_fitting(self.family.ask), self.caption)

    def _filter_fitting(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Return the texts whose words all mean this sound, one of them or several as in the caption."""
        fitting = (t for t in texts if find_word_stems(t) - EMPTY_STEMS <= self.paraphrase)
        own = (*split_words(self.caption), *self.general)
        return tuple(
            text for text in fitting if all(agrees_in_number(word, own) for word in split_words(text))
        )

    @cached_property
    def naming(self) -> Naming:
        """The words that mean it."""
        return Naming.of((name.text for name in self.names), self.caption)

    @cached_property
    def kinds(self) -> SoundKinds:
        """The words by which moods mean it."""
        return SoundKinds(frozenset({self.tag}), self.traits, frozenset({self.role}))

    @property
    def lasts(self) -> bool:
        """True if the sound fills a scene, rather than marking a moment of it."""
        return self.family.seconds[0] >= 5.0


@dataclass(frozen=True, slots=True)
class SoundKinds:
    """The words by which moods mean a sound: its family (none for speech), its traits, and its role."""

    family: frozenset[str]
    traits: frozenset[Trait]
    role: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return self.family | self.traits | self.role


@dataclass(frozen=True, slots=True)
class Setting:
    """A place for scenes, with the sounds that are heard there."""

    key: str
    triggers: frozenset[str]
    places: tuple[str, ...]
    where: Where
    night: bool
    people: Mapping[str, Gender]
    lines: tuple[str, ...]
    exchanges: tuple[tuple[str, ...], ...]
    ambiences: tuple[Sound, ...]
    effects: tuple[Sound, ...]
    music: tuple[Sound, ...]

    @property
    def sounds(self) -> tuple[Sound, ...]:
        """All sounds of the setting."""
        return self.ambiences + self.effects + self.music


@dataclass(frozen=True, slots=True)
class Mood:
    """The goal of an open request, and the sounds that create it."""

    key: str
    requests: tuple[str, ...]
    feel: str
    where: tuple[Where, ...]
    night: bool
    drop: tuple[str, ...]
    lower: tuple[str, ...]
    lift: tuple[str, ...]
    bring: tuple[Sound, ...]
    music: tuple[Sound, ...]

    def suits(self, setting: Setting) -> bool:
        """Return whether the mood can be requested in that setting."""
        return setting.where in self.where and (self.night or not setting.night)

    def opposes(self, kinds: SoundKinds) -> bool:
        """Return whether a sound contradicts the mood."""
        return not kinds.names.isdisjoint(self.drop)

    def welcomes(self, kinds: SoundKinds) -> bool:
        """Return whether the mood may bring a sound, which it neither drops nor lowers by its kind."""
        return not self.opposes(kinds) and not self.lowers_kind(kinds)

    def lowers_kind(self, kinds: SoundKinds) -> bool:
        """Return whether the mood lowers all sounds of such a family or trait, not only some of a role."""
        return not (kinds.family | kinds.traits).isdisjoint(self.lower)

    def lifts_kind(self, kinds: SoundKinds) -> bool:
        """Return whether sounds of such a family or trait belong to the mood."""
        return not (kinds.family | kinds.traits).isdisjoint(self.lift)

    def find_direction(self, kinds: SoundKinds) -> int:
        """Return 1 for a sound that the mood raises, -1 for one that it lowers, or 0.

        A family says more than a trait, and a trait more than a role.
        """
        if self.opposes(kinds):
            return -1
        for names in (kinds.family, kinds.traits, kinds.role):
            if not names.isdisjoint(self.lift):
                return 1
            if not names.isdisjoint(self.lower):
                return -1
        return 0


@dataclass(frozen=True)
class Lexicon:
    """The whole lexicon, and the hash of its data."""

    families: Mapping[str, Family]
    settings: tuple[Setting, ...]
    moods: tuple[Mood, ...]
    voices: Voices
    words: Words
    anywhere: Mapping[str, tuple[Sound, ...]]
    content: str

    @cached_property
    def effects(self) -> tuple[Sound, ...]:
        """The effects that fit anywhere."""
        return self._anywhere("effect")

    @cached_property
    def music(self) -> tuple[Sound, ...]:
        """The music that fits anywhere."""
        return self._anywhere("music")

    @cached_property
    def common(self) -> Mapping[Where, frozenset[str]]:
        """The families that several settings of a kind have, so that they are no surprise in another one."""
        found: dict[Where, frozenset[str]] = {}
        for where in get_args(Where):
            alike = [setting for setting in self.settings if setting.where == where]
            counts = Counter(tag for setting in alike for tag in {sound.tag for sound in setting.sounds})
            found[where] = frozenset(tag for tag, n in counts.items() if n >= min(_COMMON, len(alike)))
        return found

    @cached_property
    def grounds(self) -> tuple[Sound, ...]:
        """The ambiences that fit anywhere; those of all settings if the lexicon has none."""
        every = (sound for sounds in self.anywhere.values() for sound in sounds if sound.family.ground)
        grounds = tuple(replace(sound, role="ambience") for sound in every)
        return grounds or tuple(sound for setting in self.settings for sound in setting.ambiences)

    def _anywhere(self, role: SoundRole) -> tuple[Sound, ...]:
        return tuple(s for sounds in self.anywhere.values() for s in sounds if s.role == role)

    def sounds(self) -> dict[str, Sound]:
        """Return every sound by its caption: of the settings, of the moods, and those that fit anywhere."""
        of_settings = (sound for setting in self.settings for sound in setting.sounds)
        of_moods = (sound for mood in self.moods for sound in mood.bring + mood.music)
        of_families = (sound for sounds in self.anywhere.values() for sound in sounds)
        return {sound.caption: sound for sound in (*of_families, *of_moods, *of_settings)}
