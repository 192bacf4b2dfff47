"""Seeds from LibriSpeech's transcripts, SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt, with lines `ID TEXT`.

Source of the layout: Panayotov et al., "Librispeech: an ASR corpus based on public domain audio books", 2015.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from copilot.errors import UserError
from copilot.seed import Seed
from pipelines.seeds.lines import parse_lines, read_lines
from pipelines.seeds.records import BadLineError, Reading, SeedProblem, make_seed

PREFIX = "librispeech"
_SUFFIX = ".trans.txt"
_RECORDING = ".flac"
_UTTERANCE_ID = re.compile(r"[0-9]+-[0-9]+-[0-9]+")
_LAYOUT = "expected LibriSpeech's layout SPEAKER/CHAPTER/*.trans.txt"


@dataclass(frozen=True, slots=True)
class LibriSpeech:
    """`librispeech:PATH`: ids are `librispeech/SPEAKER-CHAPTER-NUMBER`.

    The path is one transcript, or any folder above transcripts: a chapter, a speaker, a part, the corpus.
    Links to folders are followed.
    """

    path: Path
    expects = "lines of an utterance's id and its text, as in LibriSpeech's *.trans.txt"

    @property
    def name(self) -> str:
        """The file or folder."""
        return str(self.path)

    def read(self) -> Iterator[Reading]:
        """Yield a reading of each utterance.

        Raises UserError if there is no transcript, or one is unreadable.
        """
        for found in self._find_transcripts():
            if isinstance(found, SeedProblem):
                yield found
            else:
                yield from parse_lines(found, read_lines(found), parse_utterance)

    def _find_transcripts(self) -> Iterator[Path | SeedProblem]:
        if not self.path.is_dir():
            if not self.path.exists():
                raise UserError(f"no file or folder {self.path}; {_LAYOUT}", field="seeds")
            if not _is_transcript(self.path.name):
                raise UserError(f"{self.path} is not a *{_SUFFIX}; {_LAYOUT}", field="seeds")
            yield self.path
            return
        n_transcripts = 0
        for folder, names in _walk(self.path):
            transcripts = [name for name in names if _is_transcript(name)]
            for name in names:
                path = folder / name
                if not path.exists():
                    yield SeedProblem(str(path), None, "a link that leads nowhere")
                elif name in transcripts:
                    n_transcripts += 1
                    yield path
            if not transcripts and any(name.endswith(_RECORDING) for name in names):
                yield SeedProblem(str(folder), None, f"recordings without a *{_SUFFIX}")
        if not n_transcripts:
            raise UserError(f"no *{_SUFFIX} below {self.path}; {_LAYOUT}", field="seeds")


def _walk(top: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield each folder below `top` and the names of its files, sorted. Follow links, each folder once."""
    entered = {top.resolve()}
    for folder, subfolders, names in os.walk(top, followlinks=True, onerror=_refuse_folder):
        inside = Path(folder)
        # A folder that links lead to twice is read once; so a circle of links ends.
        new: list[str] = []
        for name in sorted(subfolders):
            if (place := (inside / name).resolve()) not in entered:
                entered.add(place)
                new.append(name)
        subfolders[:] = new
        yield inside, sorted(names)


def _is_transcript(name: str) -> bool:
    # macOS leaves binary "._" files beside those it copies.
    return name.removesuffix(".gz").endswith(_SUFFIX) and not name.startswith(".")


def parse_utterance(line: str) -> Seed:
    """Return the seed of a line `ID TEXT`. Raises BadLineError."""
    name, text = (*line.split(maxsplit=1), "")[:2]
    if not _UTTERANCE_ID.fullmatch(name):
        raise BadLineError("does not start with an utterance's id such as 1089-134686-0000")
    return make_seed(PREFIX, name, text)


def _refuse_folder(error: OSError) -> None:
    # os.walk would skip the folder silently, and its seeds with it.
    raise UserError(
        f"cannot read {error.filename}: {error.strerror}; check the folder", field="seeds"
    ) from error
