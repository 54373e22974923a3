"""Rows of .csv files. A broken row never takes the good ones around it along."""

import csv
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

from core_sync.interchange.errors import DuplicateColumn, FileUnreadable
from core_sync.interchange.refusals import RAW_COLUMN, RefusedRow
from core_sync.interchange.rows import RawRecord
from core_sync.interchange.text_lines import Line, TextFile, opened

ROW_LINES_MAX = 1000
"""A quoted value may run over so many lines; beyond, its quote counts as never closed."""

NOT_UTF8 = "holds bytes that are not UTF-8; save the file as UTF-8, or retype the value"


class _RowTooLong(Exception):
    """A row that does not end within ``ROW_LINES_MAX`` lines."""


class _Feed:
    """Lines on their way into the CSV parser, some of which can be given back."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._given_back: deque[Line] = deque()
        self.taken: list[Line] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._given_back.popleft() if self._given_back else next(self._lines)
        self.taken.append(line)
        if len(self.taken) > ROW_LINES_MAX or not line.whole:
            raise _RowTooLong
        return line.text

    @property
    def holds_back(self) -> bool:
        """Whether lines that were given back wait to be taken again."""
        return bool(self._given_back)

    def keep_only_the_first(self) -> Line:
        """Give back all taken lines but the first, so that the next row may begin right after it."""
        first, *rest = self.taken
        self._given_back.extendleft(reversed(rest))
        return first


def csv_header(path: Path, delimiter: str) -> tuple[str, ...]:
    """The column names of the .csv file at ``path``; nameless columns are called by their place.

    Raises:
        FileUnreadable: it is empty, has no legible header, or cannot be read.
        DuplicateColumn: a name stands there twice.
    """
    with opened(path) as file:
        reader = csv.reader(_legible(path, file.lines()), delimiter=delimiter, strict=True)
        try:
            names = next((cells for cells in reader if cells), None)
        except csv.Error as error:
            raise FileUnreadable(path, f"the header line is broken: {_in_plain_words(error)}") from error
    if names is None:
        raise FileUnreadable(path, "is empty; a header line with the column names is needed")
    header = tuple(name.strip() or f"column_{place}" for place, name in enumerate(names, start=1))
    for place, name in enumerate(header):
        if name in header[:place]:
            raise DuplicateColumn(path, name)
    return header


def _legible(path: Path, lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        if not line.sound or not line.whole or "\0" in line.text:
            raise FileUnreadable(
                path, f"the header (line {line.number}) is not plain UTF-8 text; save the file as UTF-8"
            )
        if "\r" in line.text.rstrip("\r\n"):
            raise FileUnreadable(path, "its lines end in carriage returns alone; save it with ordinary line ends")
        yield line.text


def csv_records(path: Path, header: tuple[str, ...], delimiter: str) -> Iterator[RawRecord | RefusedRow]:
    """The data rows of the .csv file at ``path`` under its ``header``; blank lines are no rows.

    Stretches in which every line is a row of its own are told apart at once, all others row by row.
    """
    name, width, row = str(path), len(header), -1  # the header comes first
    with opened(path) as file:
        while True:
            before = file.number
            lines = file.stretch()
            if lines is not None and not lines:
                return
            rows = _plain_rows(lines, width, delimiter) if lines is not None else None
            if rows is None:
                file.back()
                row = yield from _row_by_row(file, name, header, delimiter, row)
                continue
            for number, cells in enumerate(rows, before + 1):
                if not cells:
                    continue
                row += 1
                if row:
                    yield RawRecord(name, row, number, header, cells)


def _plain_rows(lines: list[str], width: int, delimiter: str) -> list[list[str]] | None:
    """The cells of each line, none for a blank one; None where a line is not a whole row of the header's width."""
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    alike = len(rows) == len(lines) and {width, 0}.issuperset(map(len, rows))
    return rows if alike else None


def _row_by_row(
    file: TextFile, name: str, header: tuple[str, ...], delimiter: str, row: int
) -> Generator[RawRecord | RefusedRow, None, int]:
    """The rows from here to where the file's last stretch ends, each with a look at its lines; returns the last row."""
    feed = _Feed(file.lines())
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while file.within_stretch or feed.holds_back:
        feed.taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            break
        except (csv.Error, _RowTooLong) as error:
            row += 1
            first = feed.keep_only_the_first()
            raw = {**dict.fromkeys(header, ""), RAW_COLUMN: first.text.rstrip("\r\n")}
            yield RefusedRow(name, row, "", _in_plain_words(error), raw, first.number)
            continue
        if not cells:
            continue
        row += 1
        if row == 0:
            continue
        record = RawRecord(name, row, feed.taken[0].number, header, cells)
        if len(cells) == len(header) and all(line.sound for line in feed.taken):
            yield record
        else:
            yield _refused(record, feed.taken)
    return row


def _refused(record: RawRecord, lines: list[Line]) -> RefusedRow:
    """Why a well-formed row is none of its table: the wrong number of columns, or bytes that are no text."""
    there, wanted = len(record.cells), len(record.header)
    if there == wanted:
        names = zip(record.header, record.cells, strict=True)
        return record.refuse(next((name for name, cell in names if _illegible(str(cell))), ""), NOT_UTF8)
    raw: dict[str, object] = dict(zip(record.header, record.cells, strict=False))
    raw[RAW_COLUMN] = "".join(line.text for line in lines).rstrip("\r\n")
    hint = "put quotes around a value that holds the separator" if there > wanted else "add those that are missing"
    field = "" if there > wanted else record.header[there]
    return RefusedRow(
        record.file, record.row, field, f"has {there} columns where the header has {wanted}; {hint}", raw, record.line
    )


def _illegible(text: str) -> bool:
    return any("\udc80" <= character <= "\udcff" for character in text)


def _in_plain_words(error: Exception) -> str:
    text = str(error)
    if isinstance(error, _RowTooLong):
        return "has no end: a quote is opened and not closed, or the line is far too long; close the quote"
    if "unexpected end" in text:
        return "a quote is opened and never closed; close it, or double it if it belongs to the value"
    if "expected after" in text:
        return "a quote is not closed, or stands inside a quoted value without being doubled; close or double it"
    if "new-line" in text:
        return "a carriage return stands in the middle of the row; remove it, or put quotes around the value"
    if "field limit" in text:
        return "a value is far too long; shorten it"
    return f"cannot be told apart into columns: {text}"
