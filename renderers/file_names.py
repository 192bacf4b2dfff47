"""Files of an index by their names: as they are written, or as another system spells them.

Spreadsheets add blanks, Windows writes backslashes, macOS takes accents apart, and some systems do not
distinguish capitals. A name is looked up as it stands first.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from renderers.index_file import BadRowError

_Names = Mapping[str, Sequence[str]]


class FileNames:
    """The files below a folder. Each folder is listed once, if a name is not found as it stands."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listed: dict[Path, _Names] = {}

    def find(self, name: str) -> Path:
        """Return the path of a file. Links are followed: the folder's owner has put them there.

        Raises BadRowError for a path out of the folder, one that does not exist, and one of which several
        spellings exist.
        """
        name = self._make_relative(name)
        tidy = name.strip()
        slashed = tidy.replace("\\", "/")
        for spelling in dict.fromkeys((name, tidy, slashed)):
            if _is_file(path := self._folder / spelling):
                return path
        path = self._folder
        for part in PurePosixPath(slashed).parts:
            spellings = self._list(path).get(_reduce(part), ())
            if len(spellings) > 1:
                raise BadRowError(f"file {tidy} not found; {' and '.join(spellings)} are spelt alike")
            path /= spellings[0] if spellings else part
        if not _is_file(path):
            raise BadRowError(f"file {tidy} not found")
        return path

    def _make_relative(self, name: str) -> str:
        path = Path(name.strip())
        if path.is_absolute() and path.is_relative_to(self._folder.absolute()):
            path = path.relative_to(self._folder.absolute())
            name = str(path)
        slashed = PurePosixPath(name.strip().replace("\\", "/"))
        if slashed.is_absolute() or ".." in slashed.parts or PureWindowsPath(name.strip()).drive:
            raise BadRowError(f"{name.strip()} lies outside the folder")
        return name

    def _list(self, folder: Path) -> _Names:
        """Return the names in a folder by what they have in common with their other spellings."""
        if folder not in self._listed:
            try:
                names = sorted(path.name for path in folder.iterdir())
            except (OSError, ValueError):
                names = []
            by_key: dict[str, list[str]] = {}
            for name in names:
                by_key.setdefault(_reduce(name), []).append(name)
            self._listed[folder] = by_key
        return self._listed[folder]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError) as error:
        raise BadRowError(f"file {path.name} cannot be read ({error})") from error


def _reduce(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
