"""A dialogue while it is designed: its scene, the names of its sounds, and the room kept for later turns.

New sounds get ids from 1 on, each one higher than any before. No two sounds of a scene share a name, so that
a request always means one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.grid import Grid, Placement
from copilot.designers.scripted.lexicon import Lexicon, Mood, Setting, Sound, SoundKinds
from copilot.designers.scripted.lines import Line, LineCutter
from copilot.designers.scripted.manners import Manner
from copilot.designers.scripted.noticed import lift_sound
from copilot.designers.scripted.phrasing import Phrasebook, Phrasing, fill, make_name_slots
from copilot.designers.scripted.understood import limit_sound, raise_line
from copilot.designers.scripted.words import Name, Naming
from copilot.dialogue import Task
from copilot.edit import Change, Operation, Remove, apply
from copilot.rules.request_targets import find_targets
from copilot.scene import Element, Gender, Scene, SceneLimits, SoundElement, SpeechElement
from copilot.units import Seconds

Edited = tuple[str, list[Operation]]
"""The user's request, and the operations."""


@dataclass(frozen=True)
class Tools:
    """The tools of a designer, the same for every seed."""

    lexicon: Lexicon
    book: Phrasebook
    cutter: LineCutter
    limits: SceneLimits
    grid: Grid


@dataclass(frozen=True, slots=True)
class ElementNames:
    """The names of an element. `sound` is its entry in the lexicon; None for speech."""

    names: tuple[Name, ...]
    naming: Naming
    sound: Sound | None = None


@dataclass
class Draft:
    """One dialogue while it is designed.

    A story that `is_requested` by a user has all sounds that the request names; its speakers are of the
    gender `speaks_as`, if it names one. `heard` holds the captions
    and the speakers of all turns so far, `said` the lines. One that `is_voiceless` has no
    voices, as its user wants.
    `wanted` holds the ids of sounds that the user asked for, `changed` those that were changed, each
    with the field.
    """

    tools: Tools
    setting: Setting
    place: str
    speaks: bool
    seed_text: str
    triggered: tuple[Sound, ...]
    lines: list[Line]
    frame: dict[str, str]
    manner: Manner
    tasks_left: list[Task]
    is_requested: bool = False
    is_voiceless: bool = False
    speaks_as: Gender | None = None
    scene: Scene = field(default_factory=Scene)
    names_by_id: dict[int, ElementNames] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    wanted: set[int] = field(default_factory=set)
    changed: set[tuple[int, str]] = field(default_factory=set)
    mood: Mood | None = None

    def advance(self, operations: Sequence[Operation]) -> None:
        """Apply the operations of a turn. A mood ends where a sound that contradicts it comes or grows."""
        before, self.scene = self.scene, apply(self.scene, operations)
        if self.mood and any(self._ends_mood(self.mood, e, before.get(e.id)) for e in self.scene.elements):
            self.mood = None

    def remember(self, operations: Iterable[Operation]) -> None:
        """Remember what the user of an edit asked for."""
        for operation in operations:
            if isinstance(operation, Change):
                self.wanted.add(operation.id)
                self.changed.update((operation.id, name) for name in operation.updates)
            elif not isinstance(operation, Remove):
                self.wanted.add(operation.element.id)

    def prefer_unwanted(self, elements: Sequence[Element]) -> list[Element]:
        """Return the elements that nobody asked for, or else all: a user seldom undoes a wish."""
        return [e for e in elements if e.id not in self.wanted] or list(elements)

    def prefer_unchanged(self, elements: Sequence[Element], name: str) -> list[Element]:
        """Return the elements whose field was never changed, or else all."""
        return [e for e in elements if (e.id, name) not in self.changed] or list(elements)

    def _ends_mood(self, mood: Mood, element: Element, before: Element | None) -> bool:
        grows = before is None or element.loudness > before.loudness
        return grows and mood.opposes(self.get_kinds(element))

    @property
    def next_id(self) -> int:
        """The id of the next new sound; ids in `names_by_id` are never used again."""
        return max(self.names_by_id, default=0) + 1

    def list_foreground(self) -> list[Element]:
        """Return all elements but the ambiences."""
        return [element for element in self.scene.elements if element.role != "ambience"]

    def list_removable(self) -> list[Element]:
        """Return the elements that may be removed: not the last ambience, not the last other sound."""
        n_ambiences = len(self.scene) - len(self.list_foreground())
        spare = {"ambience": n_ambiences > 1}
        other = len(self.list_foreground()) > 1
        return [element for element in self.list_nameable() if spare.get(element.role, other)]

    def list_nameable(self) -> list[Element]:
        """Return the elements that a request can mean: not one of several lines of the same person."""
        n_lines = Counter(e.speaker_key for e in self.scene.elements if isinstance(e, SpeechElement))
        return [
            element
            for element in self.scene.elements
            if not isinstance(element, SpeechElement) or n_lines[element.speaker_key] == 1
        ]

    def count_room(self) -> int:
        """Return the number of sounds that an open edit may add, with room left for later `add` turns."""
        return self.tools.limits.n_elements - len(self.scene) - self.tasks_left.count("add")

    def count_spare(self) -> int:
        """Return the number of sounds that an open edit may remove, with some left for `remove` turns."""
        return len(self.list_foreground()) - 1 - self.tasks_left.count("remove")

    def allows(self, task: Task) -> bool:
        """Return whether the scene has room for a task; one that is not the designer's own may lack it."""
        return {
            "add": len(self.scene) < self.tools.limits.n_elements,
            "remove": bool(self.list_removable()),
            "panning": bool(self.list_foreground()),
        }.get(task, True)

    def fits(self, naming: Naming, besides: Iterable[int] = ()) -> bool:
        """Return whether the names of a new sound mean no sound of the scene, except for ids in `besides`."""
        gone = frozenset(besides)
        alive = (self.names_by_id[i] for i in self.scene.ids if i not in gone)
        return not any(naming.clashes(called.naming) for called in alive)

    def filter_free(self, sounds: Iterable[Sound], besides: Iterable[int] = ()) -> Iterator[Sound]:
        """Return the sounds that were not heard yet and fit the scene."""
        gone = tuple(besides)
        allowed = (s for s in self.filter_allowed(sounds) if s.caption not in self.heard)
        return (s for s in allowed if self.fits(s.naming, gone))

    def filter_allowed(self, sounds: Iterable[Sound]) -> Iterator[Sound]:
        """Return the sounds that the user does not exclude: those without voices, if none are wanted."""
        return (sound for sound in sounds if not (self.is_voiceless and "voices" in sound.traits))

    def filter_plausible(self, sounds: Iterable[Sound]) -> list[Sound]:
        """Return the sounds that may occur in this setting, and at its time of day."""
        here = (sound for sound in sounds if self.setting.where in sound.family.where)
        return [sound for sound in here if not (self.setting.night and "day" in sound.traits)]

    def filter_common(self, sounds: Iterable[Sound]) -> list[Sound]:
        """Return the plausible sounds that several settings of this kind have."""
        common = self.tools.lexicon.common[self.setting.where]
        return [s for s in self.filter_plausible(sounds) if s.tag in common or s.role != "effect"]

    def get_kinds(self, element: Element) -> SoundKinds:
        """Return the words by which moods mean an element."""
        if sound := self.names_by_id[element.id].sound:
            return sound.kinds
        is_speech = isinstance(element, SpeechElement)
        traits = frozenset() if is_speech else self.tools.lexicon.words.find_traits(element.text)
        return SoundKinds(frozenset(), traits, frozenset({element.role}))

    def make_element(self, sound: Sound, at: Placement, gone: Iterable[int] = ()) -> SoundElement:
        """Make an element for a sound of the lexicon, with a new id, and not too loud for lines.

        `gone` are sounds that leave the scene with it.
        """
        new_id = self.next_id
        names = (*sound.names, Name("the music")) if sound.role == "music" else sound.names
        self.names_by_id[new_id] = ElementNames(names, get_naming(sound), sound)
        self.heard.add(sound.caption)
        element = SoundElement(
            id=new_id,
            role=sound.role,
            text=sound.caption,
            loudness=at.loudness,
            panning=at.panning,
            start_time=at.start_s,
            duration=at.duration_s,
        )
        return limit_sound(element, self.scene, self.tools.grid, gone)

    def make_new_element(self, sound: Sound, at: Placement, gone: Iterable[int] = ()) -> SoundElement:
        """Make an element that an edit brings, and that will be noticed as far as lines leave room for it."""
        gone = tuple(gone)
        return lift_sound(self.make_element(sound, at, gone), self.scene, self.tools.grid, gone)

    def make_speech(
        self, line: Line, speaker: str, gender: Gender, at: Placement, gone: Iterable[int] = ()
    ) -> SpeechElement:
        """Make an element for a spoken line, with a new id, and loud enough for its scene."""
        new_id = self.next_id
        pronoun = "her" if gender == "female" else "him"
        names = (Name(f"the {speaker}", pronoun=pronoun), Name(f"the {speaker}'s voice"))
        self.names_by_id[new_id] = ElementNames(names, make_speaker_naming(speaker))
        self.said.append(line.text[:-1].lower())
        element = SpeechElement(
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
        return raise_line(element, self.scene, self.tools.grid, gone)

    def draw_phrasing(self, dice: Dice, group: str, kinds: Collection[str]) -> Phrasing:
        """Draw a phrasing that fits the edit and the user's manner."""
        return self.tools.book.draw(dice, group, kinds, self.manner)

    def phrase_request(self, text: str, target: Element, dice: Dice, **slots: Sequence[str]) -> str:
        """Fill in a phrasing about one sound so that it names no other.

        The first combination of slot values and names wins that makes the request, as the rules read it,
        mean that sound alone, or else that one too.
        """
        names = dice.shuffle(self.names_by_id[target.id].names)
        requests = [
            fill(text, **make_name_slots(name), **dict(zip(slots, values, strict=True)))
            for values in product(*slots.values())
            for name in names
        ]
        read = [(request, find_targets(request, self.scene)) for request in requests]
        clear = [request for request, targets in read if targets.certain <= {target.id}]
        possible = [request for request, targets in read if target.id in targets.possible]
        return (clear or possible or requests)[0]

    def pick_speaker(
        self, dice: Dice, besides: Iterable[int] = (), *, unlike: str = ""
    ) -> tuple[str, Gender] | None:
        """Pick a person of the setting, or else anyone, who is not in the scene and not `unlike`."""
        gone = tuple(besides)
        for people in (self.setting.people, self.tools.lexicon.voices.people):
            free = [
                p for p in people.items() if p[0] != unlike and self.fits(make_speaker_naming(p[0]), gone)
            ]
            free = [p for p in free if p[1] == self.speaks_as] if self.speaks_as else free
            unheard = [p for p in free if p[0] not in self.heard]
            if free:
                chosen = dice.pick(unheard or free)
                self.heard.add(chosen[0])
                return chosen
        return None

    def pick_line(self, room_s: Seconds, dice: Dice, *, quotable: bool) -> Line | None:
        """Pick a line that was not spoken yet and fits the time: of the seed, or else of the setting."""
        own = [self.tools.cutter.read_line(text) for text in dice.shuffle(self.setting.lines)]
        for line in (*self.lines, *own):
            limits = self.tools.limits
            if self._was_said(line) or line.needs_s(limits) > min(room_s, line.may_last_s(limits)):
                continue
            if len(line.text) > limits.text_chars:
                continue
            if quotable and not self.tools.cutter.is_quotable(line.text):
                continue
            return line
        return None

    def _was_said(self, line: Line) -> bool:
        """Return whether the line, or one that contains it or is contained in it, was spoken before."""
        words = line.text[:-1].lower()
        return any(words in said or said in words for said in self.said)

    def measure_silence_after(self, start_s: Seconds, besides: int | None = None) -> Seconds:
        """Return the time from a start to the next speech; 0 if there is speech at the start."""
        end_s = self.tools.limits.duration_s
        for element in self.scene.elements:
            if element.role != "speech" or element.id == besides:
                continue
            if element.start_time <= start_s < element.end_time:
                return 0.0
            if element.start_time > start_s:
                end_s = min(end_s, element.start_time)
        return end_s - start_s


def get_naming(sound: Sound) -> Naming:
    """Return the words that mean a sound in a scene: music is also called the music."""
    if sound.role != "music":
        return sound.naming
    return Naming(sound.naming.names | {"music"}, sound.naming.words | {"music"})


def make_speaker_naming(speaker: str) -> Naming:
    """Return the words that mean a speaker."""
    return Naming.of((speaker,), "voice line words")
