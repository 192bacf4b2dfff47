"""Banks of voices: a folder of recordings with an index of who speaks in them, how, and which words.

A row that cannot be used is named with what is wrong with it, and costs no other row its place. Where the
folder lies and the order of its rows change nothing.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, get_args

import soundfile as sf

from copilot.emotions import Emotion, known_emotion
from copilot.errors import UserError
from copilot.hashing import content_hash
from copilot.scene import Gender
from renderers.contract import Reference, Voice
from renderers.index_file import BadRowError, Columns, lines_of

INDEX_FILES = ("index.csv", "index.jsonl")
HEADER = "file,speaker,gender,emotion,transcript,licence"
_READ = (*HEADER.split(","), "license")
_NEEDED = ("file", "speaker", "gender", "transcript")

# The first letter of a sentence, and the English I.
_CAPITALS = re.compile(r"(?:^|[.!?][\"'\u2019\u201d)]*\s)\W*\w|\bi\b")


@dataclass(frozen=True, slots=True)
class VoiceBank:
    """The voices of a folder, by name, and what is wrong with the rows that are not used.

    Each voice is a speaker; its references are sorted by emotion and content.
    """

    voices: tuple[Voice, ...]
    problems: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """SHA-256 of all that makes a sample or stands in it, as hexadecimal digits.

        Names, genders, emotions, transcripts, recordings, their file names (without folders) and licences.
        """
        return content_hash(
            [[voice.name, voice.gender, list(map(_known, voice.references))] for voice in self.voices]
        )


def _known(shown: Reference) -> list[str]:
    return [shown.emotion, shown.transcript, shown.sha256, shown.path.name, shown.licence]


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    speaker: str
    gender: Gender
    reference: Reference

    @property
    def rank(self) -> tuple[str, ...]:
        """Of several rows with one recording, the first by this counts, wherever they stand."""
        shown = self.reference
        return self.speaker, shown.transcript, str(shown.path), self.gender, shown.emotion, shown.licence


def read_bank(folder: Path) -> VoiceBank:
    """The bank in a folder. Raises UserError where there is no index, or no voice is left of it."""
    bank = survey_bank(folder)
    if not bank.voices:
        told = "1 problem" if len(bank.problems) == 1 else f"{len(bank.problems)} problems"
        see = f"copilot voices {shlex.quote(str(folder))}"
        raise UserError(f"voices {folder}: no voice can be used: {told}, see: {see}")
    return bank


def survey_bank(folder: Path) -> VoiceBank:
    """The bank in a folder, which may have problems and no voice. Raises UserError for want of an index."""
    index = _index_of(folder)
    lines, parse = lines_of(index, "voices", HEADER, _missing_columns, _from_json)
    rows: list[_Row] = []
    problems: list[tuple[int, str]] = []
    for number, line in lines:
        try:
            rows.append(_row(index.parent, number, parse(line)))
        except BadRowError as error:
            problems.append((number, str(error)))
    by_sound: dict[str, _Row] = {}
    for row in sorted(rows, key=lambda row: row.rank):
        first = by_sound.setdefault(row.reference.sha256, row)
        if first is not row:
            again = f"{row.reference.path.name} is the recording of line {first.line} again"
            problems.append((row.line, again))
    used = sorted(by_sound.values(), key=lambda row: row.line)
    voices = []
    for name, spoken in sorted(_by_speaker(used).items()):
        first = spoken[0]
        other = next((row for row in spoken if row.gender != first.gender), None)
        if other is None:
            voices.append(_voice(spoken))
            continue
        what = f"speaker {name!r} is {other.gender} here and {first.gender} on line {first.line}"
        problems.append((other.line, f"{what}; none of the speaker's recordings is used"))
    if not lines:
        problems.append((1, f"there is no recording; expected rows of {HEADER}"))
    told = tuple(f"{index.name}:{number}: {what}" for number, what in sorted(problems))
    return VoiceBank(tuple(voices), told)


def genders_missing(voices: Sequence[Voice]) -> Iterator[str]:
    """What is wrong with voices of which none has a speaker's gender."""
    for gender in get_args(Gender):
        if not any(voice.gender == gender for voice in voices):
            yield f"{gender} speakers: there is no voice for them; a dialogue with one will be rejected"


def _index_of(folder: Path) -> Path:
    if not folder.is_dir():
        raise UserError(f"voices {folder}: there is no such folder; give one with an {INDEX_FILES[0]}")
    for name in INDEX_FILES:
        if (index := folder.absolute() / name).is_file():
            return index
    raise UserError(
        f"voices {folder}: no {' or '.join(INDEX_FILES)}; expected an {INDEX_FILES[0]} that begins: {HEADER}"
    )


def _missing_columns(header: Sequence[str]) -> str | None:
    return ", ".join(name for name in _NEEDED if name not in header) or None


def _from_json(row: Mapping[str, Any]) -> Columns:
    return {name: _text(name, row[name]) for name in _READ if row.get(name) is not None}


def _text(name: str, value: object) -> str:
    """A text; a speaker may be a number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadRowError(f"{name} is not a text")
    try:
        return str(value).encode().decode()
    except UnicodeEncodeError as error:
        raise BadRowError(f"{name} holds half a character") from error


def _row(folder: Path, number: int, columns: Mapping[str, str]) -> _Row:
    known = {name: " ".join(value.split()) for name, value in columns.items()}
    for name in _NEEDED:
        if not known.get(name):
            raise BadRowError(f"no {name}")
    emotion = known_emotion(known.get("emotion") or None)
    if emotion is None:
        there = ", ".join(get_args(Emotion))
        raise BadRowError(f"unknown emotion {known['emotion']!r}; there are: {there}")
    file = columns["file"].strip()
    path = _path(folder, file)
    transcript = known["transcript"]
    reference = Reference(
        path=path,
        # Models spell out what is all in capitals.
        transcript=_as_sentences(transcript) if transcript.isupper() else transcript,
        sha256=_hash_of_sound(path, file),
        emotion=emotion,
        licence=known.get("licence") or known.get("license") or "",
    )
    return _Row(number, known["speaker"], _gender(known["gender"]), reference)


def _as_sentences(capitals: str) -> str:
    """`IS IT? I AM` as `Is it? I am`. Names stay small, since nothing tells them from other words."""
    return _CAPITALS.sub(lambda found: found[0].upper(), capitals.lower())


def _gender(text: str) -> Gender:
    for gender in get_args(Gender):
        if text.lower() == gender:
            return gender  # type: ignore[no-any-return]
    raise BadRowError(f"gender {text!r}; expected female or male")


def _path(folder: Path, file: str) -> Path:
    """The recording. Links are followed: the folder's owner has put them there."""
    if PurePath(file).is_absolute() or ".." in PurePath(file).parts:
        raise BadRowError(f"{file} lies outside the folder")
    return folder / file


def _hash_of_sound(path: Path, name: str) -> str:
    try:
        if not path.is_file():
            raise BadRowError(f"there is no file {name}")
        if sf.info(path).frames == 0:
            raise BadRowError(f"{name} is empty")
        with path.open("rb") as sound:
            return hashlib.file_digest(sound, "sha256").hexdigest()
    # TypeError: a file without a header, of which the name tells nothing either.
    except (sf.SoundFileError, TypeError) as error:
        raise BadRowError(f"{name} is no sound file that can be read ({error})") from error
    except OSError as error:
        raise BadRowError(f"{name} cannot be read ({error.strerror})") from error


def _by_speaker(rows: Iterable[_Row]) -> Mapping[str, list[_Row]]:
    by_speaker: dict[str, list[_Row]] = {}
    for row in rows:
        by_speaker.setdefault(row.speaker, []).append(row)
    return by_speaker


def _voice(rows: Sequence[_Row]) -> Voice:
    references = sorted((row.reference for row in rows), key=lambda r: (r.emotion, r.sha256))
    emotions = sorted({reference.emotion for reference in references})
    return Voice(rows[0].speaker, rows[0].gender, tuple(emotions), tuple(references))
