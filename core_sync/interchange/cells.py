"""One cell, as a file or a message writes it, read as the value its column means."""

import difflib
import json
import math
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from core_sync.interchange.formats import Column, Kind
from core_sync.interchange.hours import read_clock, read_weekdays, read_zone
from core_sync.interchange.moments import TimeRule, read_moment
from core_sync.interchange.refusals import CellRefused

Value = str | int | Decimal | bool | datetime | None
"""What a cell is read as; texts that are not given are ``""``, everything else that is not given ``None``."""

Reader = Callable[[object], Value]

WHOLE_MAX = 2**63 - 1
"""Beyond this no table can hold a whole number."""

MONEY_MAX = Decimal(10) ** 14
"""Amounts of money stay below this, so that their ten-thousandths fit into 64 bits."""

EXACT_FLOAT_MAX = 2**53
"""Above this a floating-point number no longer tells neighbouring whole numbers apart."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_REMEMBERED_MAX = 4096


def reader_of(column: Column, rule: TimeRule) -> Reader:
    """The function that reads a cell of ``column``, times under ``rule``.

    What it reads is remembered (a stock file says the same few words over and over), within a bound.

    Raises (the function returned):
        CellRefused: the cell is not what the column holds.
    """
    read = _by_kind(column, rule)
    absent = absent_of(column)
    remembered: dict[str | datetime, Value] = {}

    def read_cell(cell: object) -> Value:
        # Only these are remembered: to a dict 1, 1.0 and True are one key, and so are the two moments
        # of a repeated hour in one zone.
        if cell.__class__ is int:
            return read(cell)
        told = cell if isinstance(cell, str) or (isinstance(cell, datetime) and cell.tzinfo is None) else None
        if told is not None:
            value = remembered.get(told)  # one look, so that threads may share it
            if value is not None:
                return value
        if cell is None or (isinstance(cell, str) and (not cell or cell.isspace())):
            if column.must_be_filled:
                raise CellRefused(f"is empty; every row needs its {column.name}")
            if not cell or column.kind is not Kind.TEXT:
                return absent
        value = read(cell)
        if told is not None:
            if len(remembered) >= _REMEMBERED_MAX:
                remembered.clear()
            remembered[told] = value
        return value

    return read_cell


def absent_of(column: Column) -> Value:
    """What a cell of ``column`` is read as that is not given."""
    return "" if column.kind in _TEXTUAL else None


def _by_kind(column: Column, rule: TimeRule) -> Reader:
    if column.kind is Kind.TIME:
        return lambda cell: read_moment(cell, rule)
    if column.kind is Kind.CHOICE:
        return lambda cell: read_choice(cell, column.choices)
    return _READERS[column.kind]


def read_text(cell: object) -> str:
    """``cell`` as text, character for character; numbers in their shortest exact form."""
    if isinstance(cell, str):
        return _clean(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int):
        return _digits(cell)
    if isinstance(cell, float | Decimal) and not math.isfinite(cell):
        raise CellRefused(f"{cell} is no text; leave out what is not known")
    if isinstance(cell, Decimal):
        return format(cell, "f") if abs(cell.adjusted()) < 100 else str(cell)
    if isinstance(cell, float):
        # A column of identifiers with gaps is often stored as floating point: 123.0 meant 123.
        return str(int(cell)) if cell.is_integer() and abs(cell) <= EXACT_FLOAT_MAX else repr(cell)
    if isinstance(cell, (date, datetime)):
        return cell.isoformat()
    raise CellRefused(f"a text is expected, not {_named(cell)}")


def read_json(cell: object) -> str:
    """``cell`` as text, whatever it is; lists and objects as JSON text."""
    if isinstance(cell, (list, dict)):
        return _clean(json.dumps(cell, ensure_ascii=False, default=str, separators=(",", ":")))
    return read_text(cell) if isinstance(cell, (str, int, float, Decimal, date)) else str(cell)


def read_whole(cell: object) -> int:
    """``cell`` as a whole number of 64 bits; ``2``, ``2.0`` and ``2e0`` are whole, ``2.5`` is not."""
    if cell.__class__ is int:
        whole: int = cell
    elif isinstance(cell, float) and math.isfinite(cell) and abs(cell) > EXACT_FLOAT_MAX:
        raise CellRefused(f"{cell!r} is stored as floating point beyond 2^53 and so is not exact; store whole numbers")
    else:
        number = read_number(cell)
        if number.copy_abs() > WHOLE_MAX:
            raise CellRefused(f"{_short(cell)} is beyond 2^63, more than any stock; check the number")
        if number != number.to_integral_value():
            raise CellRefused(f"{_short(cell)} is not a whole number; give it in the smallest unit that moves")
        whole = int(number)
    if not -WHOLE_MAX <= whole <= WHOLE_MAX:
        raise CellRefused(f"{_digits(whole)} is beyond 2^63, more than any stock; check the number")
    return whole


def read_count(cell: object) -> int:
    """``cell`` as a whole number, 0 or more."""
    whole = read_whole(cell)
    if whole < 0:
        raise CellRefused(f"{whole} is negative; 0 or more is expected")
    return whole


def read_positive(cell: object) -> int:
    """``cell`` as a whole number, 1 or more."""
    whole = read_whole(cell)
    if whole < 1:
        raise CellRefused(f"{whole} is too little; 1 or more is expected")
    return whole


def read_number(cell: object) -> Decimal:
    """``cell`` as an exact, finite number."""
    if isinstance(cell, str):
        text = cell.strip()
        if _NUMBER.fullmatch(text) is None:
            raise CellRefused(f"{_short(text)!r} is not a number; write digits only, with a point before decimals")
        return Decimal(text)
    if isinstance(cell, bool) or not isinstance(cell, (int, float, Decimal)):
        raise CellRefused(f"a number is expected, not {_named(cell)}")
    number = Decimal(repr(cell)) if isinstance(cell, float) else Decimal(cell)
    if not number.is_finite():
        raise CellRefused(f"{cell} is not a number; leave out what is not known")
    return number


def read_money(cell: object) -> Decimal:
    """``cell`` as an amount, 0 or more."""
    amount = read_number(cell)
    if amount < 0:
        raise CellRefused(f"{_short(cell)} is negative; an amount of 0 or more is expected")
    if amount >= MONEY_MAX:
        raise CellRefused(f"{_short(cell)} is more money than can be kept; check the amount")
    return amount


def read_factor(cell: object) -> Decimal:
    """``cell`` as a number above 0."""
    factor = read_money(cell)
    if factor == 0:
        raise CellRefused("0 cannot be a factor; a number above 0 is expected")
    return factor


def read_ratio(cell: object) -> Decimal:
    """``cell`` as a number from 0 to 1."""
    ratio = read_number(cell)
    if not 0 <= ratio <= 1:
        raise CellRefused(f"{_short(cell)} is not a share; a number from 0 to 1 is expected (0.25 for 25 %)")
    return ratio


def read_currency(cell: object) -> str:
    """``cell`` as an ISO 4217 code such as EUR."""
    text = read_text(cell).strip()
    if re.fullmatch("[A-Z]{3}", text) is None:
        raise CellRefused(f"{_short(text)!r} is not a currency; write its three capital letters, like EUR")
    return text


def read_flag(cell: object) -> bool:
    """``cell`` as true or false."""
    if isinstance(cell, bool):
        return cell
    text = read_text(cell).strip().lower()
    if text in {"true", "1", "yes"}:
        return True
    if text in {"false", "0", "no"}:
        return False
    raise CellRefused(f"{_short(text)!r} is neither true nor false")


def read_choice(cell: object, choices: tuple[str, ...]) -> str:
    """``cell`` as one of ``choices``, whatever its capitals."""
    text = read_text(cell).strip()
    for known in (text, text.lower()):
        if known in choices:
            return known
    near = difflib.get_close_matches(text[:40].lower(), choices, n=1)
    known_ones = f"known are {', '.join(choices)}"
    hint = f"did you mean {near[0]}? {known_ones}" if near else known_ones
    raise CellRefused(f"{_short(text)!r} is not known here; {hint}")


def _clean(text: str) -> str:
    """``text`` if every store can hold it: no NUL, and characters that can be written as UTF-8."""
    if "\0" in text:
        raise CellRefused("holds a NUL byte; remove it")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise CellRefused("holds bytes that are not UTF-8; save the file as UTF-8, or retype the value") from error
    return text


def _digits(whole: int) -> str:
    """``whole`` in decimal digits, or its size where it has too many to be written out."""
    return str(whole) if whole.bit_length() < 1024 else f"a number of {whole.bit_length()} bits"


def _short(cell: object) -> str:
    text = _digits(cell) if isinstance(cell, int) else str(cell)
    return text if len(text) <= 40 else text[:39] + "…"


def _named(cell: object) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", bytes: "bytes"}
    return names.get(type(cell), f"a {type(cell).__name__}")


_TEXTUAL = frozenset({Kind.TEXT, Kind.JSON, Kind.CHOICE, Kind.CURRENCY, Kind.CLOCK, Kind.ZONE, Kind.WEEKDAYS})
_READERS: dict[Kind, Reader] = {
    Kind.TEXT: read_text,
    Kind.JSON: read_json,
    Kind.COUNT: read_count,
    Kind.POSITIVE: read_positive,
    Kind.SIGNED: read_whole,
    Kind.NUMBER: read_number,
    Kind.FACTOR: read_factor,
    Kind.MONEY: read_money,
    Kind.RATIO: read_ratio,
    Kind.CURRENCY: read_currency,
    Kind.FLAG: read_flag,
    Kind.CLOCK: read_clock,
    Kind.ZONE: read_zone,
    Kind.WEEKDAYS: read_weekdays,
}
