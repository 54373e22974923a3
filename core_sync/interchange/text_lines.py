"""Text files line by line, in bounded memory, whatever bytes are in them."""

import codecs
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

from core_sync.interchange.errors import FileUnreadable

LINE_BYTES_MAX = 1 << 20
"""A longer line is no row of stock data."""


class Line(NamedTuple):
    """One physical line with its end; ``number`` counts from 1.

    Bytes that are not UTF-8 stand in ``text`` as lone surrogates, from which they can be written again
    unchanged; ``sound`` tells that there are none.
    """

    number: int
    text: str
    sound: bool
    whole: bool
    """Whether all of it is here; a line too long is cut."""


def text_lines(path: Path) -> Generator[Line, None, None]:
    """The lines of the file at ``path``.

    Raises:
        FileUnreadable: it cannot be opened or read, or is in another encoding altogether.
    """
    try:
        with path.open("rb") as file:
            start = file.read(64)
            _refuse_other_encodings(path, start)
            file.seek(len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0)
            number = 0
            while piece := file.readline(LINE_BYTES_MAX):
                number += 1
                whole = piece.endswith(b"\n") or len(piece) < LINE_BYTES_MAX
                try:
                    yield Line(number, piece.decode(), sound=True, whole=whole)
                except UnicodeDecodeError:
                    yield Line(number, piece.decode(errors="surrogateescape"), sound=not whole, whole=whole)
                while not whole:
                    rest = file.readline(LINE_BYTES_MAX)
                    whole = rest.endswith(b"\n") or len(rest) < LINE_BYTES_MAX
    except OSError as error:
        raise FileUnreadable(path, f"cannot be read: {error.strerror or error}") from error


def _refuse_other_encodings(path: Path, start: bytes) -> None:
    marks = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    if start.startswith(marks) or start.count(0) * 3 > len(start):
        raise FileUnreadable(path, "is UTF-16 or UTF-32, not UTF-8; save it again as UTF-8")
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"PAR1")):
        raise FileUnreadable(path, "is a workbook, an archive or Parquet under another name; save it as plain text")
