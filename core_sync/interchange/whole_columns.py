"""A column of cells read at once, where none of them needs a closer look.

Reading cell by cell costs a call each; most columns of most files hold plain values, which a few passes in C tell. What
is read here is what ``cells.reader_of`` would read; where that is not certain, the answer is None, and the cells are
read one by one.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from core_sync.interchange.cells import MONEY_MAX, WHOLE_MAX, Value, absent_of
from core_sync.interchange.formats import Column, Kind
from core_sync.interchange.moments import TimeRule

Cells = Sequence[object]
ColumnReader = Callable[[Cells], list[Any] | None]
"""What reads all cells of a column, or None where it cannot be sure of one of them."""

_TEXTS = frozenset({str})
_TEXTS_OR_NONE = frozenset({str, type(None)})
_AMOUNT_CHARACTERS = frozenset("0123456789.")


def column_reader_of(column: Column, rule: TimeRule) -> ColumnReader:
    """The function that reads a whole column, times under ``rule``."""
    if column.kind is Kind.TEXT:
        return partial(_texts, column.must_be_filled)
    read = _reader_of_filled(column, rule)
    if read is None:
        return _unsure
    return read if column.must_be_filled else partial(_where_filled, read, absent_of(column))


def _reader_of_filled(column: Column, rule: TimeRule) -> ColumnReader | None:
    if column.kind is Kind.CHOICE:
        known: dict[object, Value] = {choice: choice for choice in column.choices}
        return partial(_choices, known)
    if column.kind is Kind.SIGNED:
        return _wholes
    if column.kind is Kind.TIME and rule.pattern is None:
        return _moments
    return _amounts if column.kind is Kind.MONEY else None


def _unsure(cells: Cells) -> None:  # noqa: ARG001 - one shape for every reader
    return None


def _where_filled(read: ColumnReader, absent: Value, cells: Cells) -> list[Any] | None:
    """What ``read`` makes of the cells that are filled, and ``absent`` in the place of the others."""
    filled = [cell for cell in cells if cell is not None and cell != ""]
    if len(filled) == len(cells):
        return read(cells)
    values = read(filled) if filled else []
    if values is None:
        return None
    following = iter(values)
    return [absent if cell is None or cell == "" else next(following) for cell in cells]


def _texts(must_be_filled: bool, cells: Any) -> list[Any] | None:
    kinds = set(map(type, cells))
    if kinds != _TEXTS:
        if must_be_filled or not kinds <= _TEXTS_OR_NONE:
            return None
        cells = [cell or "" for cell in cells]
    together = "".join(cells)
    if "\0" in together or not _encodable(together):
        return None
    if must_be_filled and not all(map(str.strip, cells)):
        return None
    return list(cells)


def _encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _choices(known: dict[object, Value], cells: Cells) -> list[Any] | None:
    try:
        return [known[cell] for cell in cells]
    except (KeyError, TypeError):
        return None


def _wholes(cells: Any) -> list[Any] | None:
    kinds = set(map(type, cells))
    if kinds == _TEXTS:
        together = "".join(cells)
        if not together.isascii() or not together.replace("-", "").isdigit():
            return None
        try:
            cells = list(map(int, cells))
        except ValueError:
            return None
    elif kinds != {int}:
        return None
    return list(cells) if min(cells) >= -WHOLE_MAX and max(cells) <= WHOLE_MAX else None


def _moments(cells: Any) -> list[Any] | None:
    kinds = set(map(type, cells))
    if kinds == _TEXTS:
        try:
            cells = list(map(datetime.fromisoformat, cells))
        except ValueError:
            return None
    elif kinds != {datetime}:
        return None
    zones = {moment.tzinfo for moment in cells}
    if zones == {UTC}:
        return list(cells)
    if None in zones:
        return None
    try:
        return [moment.astimezone(UTC) for moment in cells]
    except OverflowError:
        return None


def _amounts(cells: Any) -> list[Any] | None:
    kinds = set(map(type, cells))
    try:
        if kinds == _TEXTS and _AMOUNT_CHARACTERS.issuperset("".join(cells)):
            cells = list(map(Decimal, cells))
        elif kinds != {Decimal}:
            return None
        return list(cells) if min(cells) >= 0 and max(cells) < MONEY_MAX else None
    except InvalidOperation:  # one of them is no number
        return None
