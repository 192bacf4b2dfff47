"""Open a text file whatever program wrote it: its compression and encoding follow from its first bytes.

Read are UTF-8, UTF-16 and UTF-32, with or without a byte order mark, and gzip, bzip2 and xz. Bytes that are
no character of the encoding become lone surrogates, for the reader of the lines to name.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from copilot.errors import UserError
from copilot.text.decoding import HEAD_BYTES, detect_encoding

_BUFFER_BYTES = 1 << 16
_NOT_TEXT: Mapping[bytes, str] = {
    b"PK\x03\x04": "a ZIP archive, or a document of an office program; unpack it, or save it as plain text",
    b"\xd0\xcf\x11\xe0": "a document of an office program; save it as plain text",
    b"{\\rtf": "a Rich Text document; save it as plain text",
    b"%PDF": "a PDF; save its text as plain text",
    b"PAR1": "a Parquet file; give hub:FOLDER#COLUMN with the folder that holds it",
    b"ARROW1": "an Arrow file; save its texts as JSON Lines",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; decompress it",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it",
    b"SQLite format 3\x00": "a database; save its texts as JSON Lines",
    b"version https://git-lfs": "a pointer of Git LFS; get the file itself with git lfs pull",
}
_TAR_MARK, _TAR_AT = b"ustar", 257


@contextmanager
def open_text(path: Path, field: str = "seeds") -> Iterator[IO[str]]:
    """Yield the file as text, in which every line ends with a line feed.

    Raises UserError for the field if the file cannot be read, is damaged, or is of a kind that holds no
    lines of text.
    """
    try:
        with path.open("rb", buffering=0) as file:
            yield _decode(path, field, _decompress(io.BufferedReader(file, _BUFFER_BYTES)))
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} ends or is damaged inside a character of {error.encoding}; save it as UTF-8", field=field
        ) from error
    except FileNotFoundError as error:
        raise UserError(f"no file {path}; check the path", field=field) from error
    except IsADirectoryError as error:
        raise UserError(f"{path} is a folder; give a file", field=field) from error
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise UserError(f"{path} is damaged ({error}); copy the file again", field=field) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"cannot read {path}: {reason}; check the file", field=field) from error


def _decompress(file: io.BufferedReader) -> io.BufferedReader:
    head = file.peek(HEAD_BYTES)
    if head.startswith(b"\x1f\x8b"):
        return io.BufferedReader(gzip.GzipFile(fileobj=file), _BUFFER_BYTES)
    if head.startswith(b"BZh"):
        return io.BufferedReader(bz2.BZ2File(file), _BUFFER_BYTES)
    if head.startswith(b"\xfd7zXZ\x00"):
        return io.BufferedReader(lzma.LZMAFile(file), _BUFFER_BYTES)
    return file


def _decode(path: Path, field: str, file: io.BufferedReader) -> IO[str]:
    head = file.peek(HEAD_BYTES)
    kind = next((kind for mark, kind in _NOT_TEXT.items() if head.startswith(mark)), None)
    if head[_TAR_AT:].startswith(_TAR_MARK):
        kind = "a tar archive; unpack it"
    if kind is not None:
        raise UserError(f"{path} is {kind}", field=field)
    encoding = detect_encoding(head[:HEAD_BYTES])
    errors = "surrogateescape" if encoding.startswith("utf-8") else "surrogatepass"
    return io.TextIOWrapper(file, encoding, errors, newline=None)
