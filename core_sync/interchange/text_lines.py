"""Text files line by line or a stretch of lines at once, in bounded memory, whatever bytes are in them."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from core_sync.interchange.errors import FileUnreadable

LINE_BYTES_MAX = 1 << 20
"""A longer line is no row of stock data."""

STRETCH_BYTES = 1 << 18
"""Lines that are taken at once: enough that the work is in the lines, few enough to stay in the processor's cache."""


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


class TextFile:
    """An open text file and how far it has been read; ``number`` is the last line's."""

    def __init__(self, file: BinaryIO, begin: int) -> None:
        self._file = file
        file.seek(begin)
        self.number = 0
        self._stretch = (begin, 0)
        self._stretch_end = begin

    def stretch(self) -> list[str] | None:
        """The next lines without their line feeds; none at the end of the file.

        None where one of them is not sound or too long: then ``back`` leads to where they begin, and ``lines`` tells
        them one by one.
        """
        self._stretch = (self._file.tell(), self.number)
        piece = self._file.read(STRETCH_BYTES)
        rest = b"" if piece.endswith(b"\n") else self._file.readline(LINE_BYTES_MAX)
        self._stretch_end = self._file.tell()
        if len(rest) > LINE_BYTES_MAX - STRETCH_BYTES:  # its line may be too long for a row
            return None
        try:
            text = (piece + rest).decode()
        except UnicodeDecodeError:
            return None
        lines = text.split("\n")
        if not lines[-1]:
            lines.pop()  # what stands behind the last line feed
        self.number += len(lines)
        return lines

    def back(self) -> None:
        """Go back to where the last stretch began."""
        begin, self.number = self._stretch
        self._file.seek(begin)

    @property
    def within_stretch(self) -> bool:
        """Whether lines of the last stretch are still to be read."""
        return self._file.tell() < self._stretch_end

    def lines(self) -> Iterator[Line]:
        """The lines from here on."""
        while piece := self._file.readline(LINE_BYTES_MAX):
            self.number += 1
            whole = piece.endswith(b"\n") or len(piece) < LINE_BYTES_MAX
            rest_is_read = whole
            while not rest_is_read:
                rest = self._file.readline(LINE_BYTES_MAX)
                rest_is_read = rest.endswith(b"\n") or len(rest) < LINE_BYTES_MAX
            try:
                yield Line(self.number, piece.decode(), sound=True, whole=whole)
            except UnicodeDecodeError:
                yield Line(self.number, piece.decode(errors="surrogateescape"), sound=not whole, whole=whole)


@contextmanager
def opened(path: Path) -> Iterator[TextFile]:
    """The text file at ``path``, behind its byte order mark.

    Raises:
        FileUnreadable: it cannot be opened or read, or is in another encoding altogether.
    """
    try:
        with path.open("rb") as file:
            start = file.read(64)
            _refuse_other_encodings(path, start)
            yield TextFile(file, len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0)
    except OSError as error:
        raise FileUnreadable(path, f"cannot be read: {error.strerror or error}") from error


def _refuse_other_encodings(path: Path, start: bytes) -> None:
    marks = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    if start.startswith(marks) or start.count(0) * 3 > len(start):
        raise FileUnreadable(path, "is UTF-16 or UTF-32, not UTF-8; save it again as UTF-8")
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"PAR1")):
        raise FileUnreadable(path, "is a workbook, an archive or Parquet under another name; save it as plain text")
