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
from pipelines.seeds.records import BadLineError, Reading, make_seed

PREFIX = "librispeech"
_SUFFIX = ".trans.txt"
_UTTERANCE_ID = re.compile(r"[0-9]+-[0-9]+-[0-9]+")
_LAYOUT = "expected LibriSpeech's layout SPEAKER/CHAPTER/*.trans.txt"


@dataclass(frozen=True, slots=True)
class LibriSpeech:
    """`librispeech:PATH`: ids are `librispeech/SPEAKER-CHAPTER-NUMBER`.

    The path is one transcript, or any folder above transcripts: a chapter, a speaker, a part, the corpus.
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
        for path in self._find_transcripts():
            yield from parse_lines(path, read_lines(path), parse_utterance)

    def _find_transcripts(self) -> Iterator[Path]:
        if not self.path.is_dir():
            if not self.path.exists():
                raise UserError(f"no file or folder {self.path}; {_LAYOUT}", field="seeds")
            if not self.path.name.endswith(_SUFFIX):
                raise UserError(f"{self.path} is not a *{_SUFFIX}; {_LAYOUT}", field="seeds")
            yield self.path
            return
        found = False
        for folder, subfolders, names in os.walk(self.path, onerror=_refuse_folder):
            subfolders.sort()
            for name in sorted(names):
                # macOS leaves binary "._" files beside those it copies.
                if name.endswith(_SUFFIX) and not name.startswith("."):
                    found = True
                    yield Path(folder, name)
        if not found:
            raise UserError(f"no *{_SUFFIX} below {self.path}; {_LAYOUT}", field="seeds")


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
