"""The data of a lexicon, shipped or a user's: read from TOML or JSON, and checked part by part.

A lexicon has six parts, each of which may be left out; the shipped one then takes its place. In a folder a
part is a file, such as `settings.toml`; in a single JSON or TOML file it is a key.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import Field, ValidationError

from copilot.designers.scripted.lexicon import Captions, Family, Lexicon, Mood, Setting, Sound, Voices, Where
from copilot.designers.scripted.manners import Manner
from copilot.designers.scripted.phrasing import Phrasebook
from copilot.designers.scripted.words import TRAITS, Triggers, Words
from copilot.errors import UserError
from copilot.frozen_model import FrozenModel
from copilot.hashing import content_hash
from copilot.scene import Gender, Role, SoundRole

PARTS = ("families", "settings", "moods", "voices", "words", "phrasings")
_FEWEST_MOODS = 2
"""A mood is never asked for twice in a row."""

M = TypeVar("M", bound=FrozenModel)
Part = Mapping[str, Any]


Exchange = Annotated[tuple[str, ...], Field(min_length=2)]
"""Lines that two people say in turn."""


class SettingData(FrozenModel):
    """A setting as a lexicon has it: by family, the captions that are heard there."""

    triggers: Triggers
    places: tuple[str, ...] = Field(min_length=2)
    where: Where
    night: bool = False
    people: dict[str, Gender] = Field(min_length=2)
    lines: tuple[str, ...] = Field(min_length=3)
    exchanges: tuple[Exchange, ...] = ()
    ambiences: Captions = Field(min_length=2)
    effects: Captions = Field(min_length=6)
    music: Captions = Field(default_factory=dict)


class MoodData(FrozenModel):
    """A mood as a lexicon has it."""

    requests: tuple[str, ...] = Field(min_length=3)
    feel: str
    where: tuple[Where, ...]
    night: bool = True
    drop: tuple[str, ...]
    lower: tuple[str, ...]
    lift: tuple[str, ...]
    bring: Captions = Field(default_factory=dict)
    music: Captions = Field(default_factory=dict)

    def suits(self, where: Where, *, night: bool) -> bool:
        """Return whether it can be asked for in such a setting."""
        return where in self.where and (self.night or not night)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a lexicon: its place, such as `settings.harbour.effects`, and what is wrong there."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class LexiconError(UserError):
    """A lexicon of a user cannot be used; `faults` lists why."""

    def __init__(self, path: str, faults: tuple[Fault, ...]) -> None:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(f"{path}: {faults[0]}{more}; see: copilot lexicon check {path}", field="designer")
        self.path = path
        self.faults = faults

    def __reduce__(self) -> tuple[type[LexiconError], tuple[str, tuple[Fault, ...]]]:
        return (type(self), (self.path, self.faults))


def load_lexicon(path: str | Path | None = None) -> tuple[Lexicon, Phrasebook]:
    """Return a lexicon and its phrasings (default: those shipped). Raises LexiconError, UserError."""
    return build_lexicon(read_parts(Path(path).expanduser()) if path is not None else {}, str(path))


def build_lexicon(parts: Mapping[str, Part], name: str) -> tuple[Lexicon, Phrasebook]:
    """Return a lexicon of these parts and the shipped others, and its phrasings.

    Raises LexiconError, which gives the lexicon this name.
    """
    parts = {part: _read_shipped(part) for part in PARTS} | dict(parts)
    faults: list[Fault] = []
    lexicon, book = _build_lexicon(parts, faults), _build_phrasebook(parts["phrasings"], faults)
    if faults or lexicon is None or book is None:
        raise LexiconError(name, tuple(faults))
    return lexicon, book


def read_parts(path: Path) -> dict[str, Part]:
    """Return the parts that a folder or a file holds. Raises UserError if it cannot be read, LexiconError."""
    if path.is_dir():
        files = {name: path / f"{name}.toml" for name in PARTS}
        found = {name: _parse(file) for name, file in files.items() if file.is_file()}
        if not found:
            raise UserError(
                f"{path}: holds none of {', '.join(f.name for f in files.values())}", field="designer"
            )
        return found
    content = _parse(path)
    faults = [
        Fault(name, f"not a part of a lexicon; parts are {', '.join(PARTS)}")
        if name not in PARTS
        else Fault(name, "expected a mapping")
        for name, part in content.items()
        if name not in PARTS or not isinstance(part, dict)
    ]
    if faults:
        raise LexiconError(str(path), tuple(faults))
    return dict(content)


def _parse(path: Path) -> Part:
    """Return the content of a file: JSON by its name, else TOML; both name the line of a fault."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; check the path", field="designer") from error
    except ValueError as error:
        raise UserError(f"{path}: not readable: {error}", field="designer") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected the parts of a lexicon: {', '.join(PARTS)}", field="designer")
    return content


def _read_shipped(name: str) -> Part:
    text = resources.files(__package__).joinpath("data", f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _build_lexicon(parts: Mapping[str, Part], faults: list[Fault]) -> Lexicon | None:
    """Return the lexicon, or None and what is wrong in `faults`."""
    families = dict(_validate_each(Family, "families", parts["families"], faults))
    settings = dict(_validate_each(SettingData, "settings", parts["settings"], faults))
    moods = dict(_validate_each(MoodData, "moods", parts["moods"], faults))
    voices = _validate(Voices, "voices", parts["voices"], faults)
    words = _validate(Words, "words", parts["words"], faults)
    known = parts["families"]
    for place, tags in _list_tags(parts):
        faults += [Fault(f"{place}.{tag}", "not a family") for tag in tags if tag not in known]
    for key, mood in moods.items():
        faults += _check_names(f"moods.{key}", mood, known)
    for key, setting in settings.items():
        n_moods = sum(mood.suits(setting.where, night=setting.night) for mood in moods.values())
        if n_moods < _FEWEST_MOODS:
            faults.append(
                Fault(f"settings.{key}", f"{n_moods} moods suit it; at least {_FEWEST_MOODS} have to")
            )
    if not parts["settings"]:
        faults.append(Fault("settings", "none; at least one is needed"))
    if faults or voices is None or words is None:
        return None

    def sound(caption: str, tag: str, role: SoundRole) -> Sound:
        family = families[tag]
        traits = words.find_traits(caption, family.traits)
        general = words.list_general(caption)
        return Sound(caption, tag, role, family, traits, words.find_paraphrase(caption), general)

    def sounds(captions: Captions, role: SoundRole) -> tuple[Sound, ...]:
        return tuple(sound(caption, tag, role) for tag, caption in captions.items())

    lexicon = Lexicon(
        families=families,
        settings=tuple(
            Setting(
                key=key,
                ambiences=sounds(data.ambiences, "ambience"),
                effects=sounds(data.effects, "effect"),
                music=sounds(data.music, "music"),
                **{
                    n: getattr(data, n)
                    for n in ("triggers", "places", "where", "night", "people", "lines", "exchanges")
                },
            )
            for key, data in settings.items()
        ),
        moods=tuple(
            Mood(
                key=key,
                bring=sounds(data.bring, "effect"),
                music=sounds(data.music, "music"),
                **{
                    n: getattr(data, n)
                    for n in ("requests", "feel", "where", "night", "drop", "lower", "lift")
                },
            )
            for key, data in moods.items()
        ),
        voices=voices,
        words=words,
        anywhere={
            tag: tuple(sound(caption, tag, family.role) for caption in family.anywhere)
            for tag, family in families.items()
        },
        content=content_hash({name: parts[name] for name in PARTS if name != "phrasings"}),
    )
    faults += _find_contradictions(lexicon)
    return lexicon


def _check_names(place: str, mood: MoodData, families: Part) -> Iterator[Fault]:
    """Yield a fault for each name in a mood's lists that is no family, trait or role."""
    known = {*families, *TRAITS, *get_args(Role)}
    for key in ("drop", "lower", "lift"):
        for name in getattr(mood, key):
            if name not in known:
                yield Fault(f"{place}.{key}.{name}", "neither a family nor a trait nor a role")


def _find_contradictions(lexicon: Lexicon) -> Iterator[Fault]:
    """Yield a fault for each sound that a mood brings although it removes such sounds."""
    for mood in lexicon.moods:
        for sound in mood.bring + mood.music:
            if mood.opposes(sound.kinds):
                why = ", ".join(sorted(sound.kinds.names.intersection(mood.drop)))
                yield Fault(f"moods.{mood.key}", f"brings {sound.caption!r}, but drops {why}")


def _build_phrasebook(part: Part, faults: list[Fault]) -> Phrasebook | None:
    n_faults = len(faults)
    manners = part.get("manners", {})
    list(_validate_each(Manner, "phrasings.manners", manners if isinstance(manners, dict) else {}, faults))
    if len(faults) > n_faults:
        return None
    try:
        return Phrasebook(part)
    except (ValueError, KeyError) as error:
        faults.append(Fault("phrasings", f"{error.args[0]}"))
        return None


def _validate_each(model: type[M], part: str, content: Part, faults: list[Fault]) -> Iterator[tuple[str, M]]:
    for key, data in content.items():
        if (found := _validate(model, f"{part}.{key}", data, faults)) is not None:
            yield key, found


def _validate(model: type[M], place: str, data: object, faults: list[Fault]) -> M | None:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            inner = ".".join(map(str, fault["loc"]))
            reason = fault["msg"].removeprefix("Value error, ")
            faults.append(Fault(f"{place}.{inner}" if inner else place, reason[:1].lower() + reason[1:]))
        return None


def _list_tags(parts: Mapping[str, Part]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the families that settings and moods name, with the place."""
    named = {"settings": ("ambiences", "effects", "music"), "moods": ("bring", "music")}
    for part, names in named.items():
        for key, data in parts[part].items():
            for name in names if isinstance(data, dict) else ():
                if isinstance(tags := data.get(name), dict | list):
                    yield f"{part}.{key}.{name}", tuple(map(str, tags))
