"""A dialogue in the making: its scene, what its sounds are called, and what is reserved for later turns.

New sounds get ids from 1 on, each one higher than any before. No two sounds that are alive together share a
name, so that a request always means one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.grid import Grid
from copilot.designers.scripted.lexicon import Lexicon, Mood, Name, Naming, Setting, Sound
from copilot.designers.scripted.lines import Line, LineCutter
from copilot.designers.scripted.phrasing import Phrasebook, fill, name_slots
from copilot.dialogue import Task
from copilot.edit import Operation, apply
from copilot.rules.request_targets import find_targets
from copilot.scene import Element, Gender, Scene, SceneLimits, SoundElement, SpeechElement
from copilot.units import Lufs, Seconds


@dataclass(frozen=True)
class Desk:
    """What a designer works with, the same for every seed."""

    lexicon: Lexicon
    book: Phrasebook
    cutter: LineCutter
    limits: SceneLimits
    grid: Grid


@dataclass(frozen=True, slots=True)
class Called:
    """What an element is called. `sound` is what the lexicon has of it; None for speech."""

    names: tuple[Name, ...]
    naming: Naming
    sound: Sound | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a new sound stands in time and space, and how loud: on the grid already."""

    loudness: Lufs
    panning: float
    start_s: Seconds
    duration_s: Seconds


@dataclass
class Draft:
    """One dialogue while it is designed.

    `heard` holds the captions and the speakers of all turns so far, `said` the lines.
    """

    desk: Desk
    setting: Setting
    place: str
    speaks: bool
    seed_text: str
    triggered: tuple[Sound, ...]
    lines: list[Line]
    frame: dict[str, str]
    tasks_left: list[Task]
    scene: Scene = field(default_factory=Scene)
    called: dict[int, Called] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    mood: Mood | None = None

    def advance(self, operations: Sequence[Operation]) -> None:
        """Take the operations of a turn."""
        self.scene = apply(self.scene, operations)

    @property
    def next_id(self) -> int:
        """The id of the next new sound; ids in `called` are taken for good."""
        return max(self.called, default=0) + 1

    def foreground(self) -> list[Element]:
        """All but the ambiences."""
        return [element for element in self.scene.elements if element.role != "ambience"]

    def removable(self) -> list[Element]:
        """What may go: not the last ambience, not the last other sound."""
        n_ambiences = len(self.scene) - len(self.foreground())
        spare = {"ambience": n_ambiences > 1}
        other = len(self.foreground()) > 1
        return [element for element in self.scene.elements if spare.get(element.role, other)]

    def room(self) -> int:
        """How many sounds an open edit may add and still leave room for the `add` turns to come."""
        return self.desk.limits.n_elements - len(self.scene) - self.tasks_left.count("add")

    def spare(self) -> int:
        """How many sounds an open edit may remove and still leave enough for the `remove` turns to come."""
        return len(self.foreground()) - 1 - self.tasks_left.count("remove")

    def fits(self, naming: Naming, besides: Iterable[int] = ()) -> bool:
        """Whether a new sound is told apart by name from all alive, but for those named in `besides`."""
        gone = frozenset(besides)
        alive = (self.called[i] for i in self.scene.ids if i not in gone)
        return not any(naming.clashes(called.naming) for called in alive)

    def free(self, sounds: Iterable[Sound], besides: Iterable[int] = ()) -> Iterator[Sound]:
        """Those of the sounds that were not heard yet and fit the scene."""
        gone = tuple(besides)
        return (s for s in sounds if s.caption not in self.heard and self.fits(s.naming, gone))

    def plausible(self, sounds: Iterable[Sound]) -> list[Sound]:
        """Those of the sounds that may come into this setting unasked."""
        return [sound for sound in sounds if self.setting.where in sound.family.where]

    def element(self, sound: Sound, at: Placement) -> SoundElement:
        """A new element for a sound of the lexicon, under a new id."""
        new_id = self.next_id
        names = (*sound.names, Name("the music")) if sound.role == "music" else sound.names
        self.called[new_id] = Called(names, naming_of(sound), sound)
        self.heard.add(sound.caption)
        return SoundElement(
            id=new_id,
            role=sound.role,
            text=sound.caption,
            loudness=at.loudness,
            panning=at.panning,
            start_time=at.start_s,
            duration=at.duration_s,
        )

    def speech(self, line: Line, speaker: str, gender: Gender, at: Placement) -> SpeechElement:
        """A new spoken line, under a new id."""
        new_id = self.next_id
        pronoun = "her" if gender == "female" else "him"
        names = (Name(f"the {speaker}", pronoun=pronoun), Name(f"the {speaker}'s voice"))
        self.called[new_id] = Called(names, speaker_naming(speaker))
        self.said.append(line.text[:-1].lower())
        return SpeechElement(
            id=new_id,
            text=line.text,
            speaker=speaker,
            gender=gender,
            emotion=line.emotion,
            loudness=at.loudness,
            panning=at.panning,
            start_time=at.start_s,
            duration=at.duration_s,
        )

    def request(self, text: str, target: Element, dice: Dice, **slots: Sequence[str]) -> str:
        """A phrasing about one sound, filled in so that it names no other.

        Of each slot's values and of the sound's names the first are taken with which the request, read as
        the rules read it, is about that sound alone.
        """
        names = dice.shuffled(self.called[target.id].names)
        requests = [
            fill(text, **name_slots(name), **dict(zip(slots, values, strict=True)))
            for values in product(*slots.values())
            for name in names
        ]
        clear = (r for r in requests if find_targets(r, self.scene).certain <= {target.id})
        return next(clear, requests[0])

    def speaker(self, dice: Dice, besides: Iterable[int] = ()) -> tuple[str, Gender] | None:
        """Somebody of the setting, or else anybody, who is not in the scene."""
        gone = tuple(besides)
        for people in (self.setting.people, self.desk.lexicon.voices.people):
            free = [p for p in people.items() if self.fits(speaker_naming(p[0]), gone)]
            unheard = [p for p in free if p[0] not in self.heard]
            if free:
                chosen = dice.pick(unheard or free)
                self.heard.add(chosen[0])
                return chosen
        return None

    def line(self, room_s: Seconds, dice: Dice, *, quotable: bool) -> Line | None:
        """An unspoken line that can be said in the room: of the seed, or else of the setting."""
        own = [self.desk.cutter.line(text) for text in dice.shuffled(self.setting.lines)]
        for line in (*self.lines, *own):
            limits = self.desk.limits
            if self._said(line) or line.needs_s(limits) > min(room_s, line.may_last_s(limits)):
                continue
            if len(line.text) > limits.text_chars:
                continue
            if quotable and not self.desk.cutter.quotable(line.text):
                continue
            return line
        return None

    def _said(self, line: Line) -> bool:
        """Whether the line, or one that holds it or is held by it, was said before."""
        words = line.text[:-1].lower()
        return any(words in said or said in words for said in self.said)

    def silence_after(self, start_s: Seconds, besides: int | None = None) -> Seconds:
        """How long nobody speaks from a start on; 0 if somebody speaks then."""
        end_s = self.desk.limits.duration_s
        for element in self.scene.elements:
            if element.role != "speech" or element.id == besides:
                continue
            if element.start_time <= start_s < element.end_time:
                return 0.0
            if element.start_time > start_s:
                end_s = min(end_s, element.start_time)
        return end_s - start_s


def naming_of(sound: Sound) -> Naming:
    """The words that mean a sound in a scene: music is also called the music."""
    if sound.role != "music":
        return sound.naming
    return Naming(sound.naming.names | {"music"}, sound.naming.words | {"music"})


def speaker_naming(speaker: str) -> Naming:
    """The words that mean a speaker."""
    return Naming.of((speaker,), "voice line words")
