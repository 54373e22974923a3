"""Rows of .jsonl files: one JSON object a line, flat or as a CloudEvents 1.0 envelope."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from core_sync.interchange.cloud_events import flattened
from core_sync.interchange.errors import FileUnreadable
from core_sync.interchange.refusals import RAW_COLUMN, FieldRefused, RefusedRow
from core_sync.interchange.rows import RawRecord
from core_sync.interchange.text_lines import Line, opened

_PLAIN = json.JSONDecoder(parse_float=Decimal, parse_constant=str)
"""Several times as quick as one that looks at each pair, and blind to a key that is said twice."""


def json_records(path: Path) -> Iterator[RawRecord | RefusedRow]:
    """The objects in the .jsonl file at ``path``, numbers exact to the last digit; blank lines are no rows.

    Raises:
        FileUnreadable: it cannot be read, or is one JSON list.
    """
    name, row = str(path), 0
    with opened(path) as file:
        for line in file.lines():
            text = line.text.strip()
            if not text:
                continue
            row += 1
            if row == 1 and text.startswith("["):
                raise FileUnreadable(path, "is one JSON list; write one JSON object a line instead")
            try:
                said = _object(line)
            except FieldRefused as error:
                yield RefusedRow(name, row, "", error.reason, {RAW_COLUMN: text}, line.number)
                continue
            try:
                flat = flattened(said)
            except FieldRefused as error:
                yield RefusedRow(name, row, error.field, error.reason, said, line.number)
                continue
            yield RawRecord(name, row, line.number, tuple(flat), tuple(flat.values()))


def _object(line: Line) -> dict[str, object]:
    if not line.whole:
        raise FieldRefused("", "the line is far too long for a row; is the file one object a line?")
    if not line.sound:
        raise FieldRefused("", "holds bytes that are not UTF-8; save the file as UTF-8")
    return parse_object(line.text)


def parse_object(text: str) -> dict[str, object]:
    """The JSON object in ``text``; whole numbers and fractions keep every digit.

    Raises:
        FieldRefused: it does not parse, is no object, or says a key twice.
    """
    text = text.strip()
    try:
        said, end = _PLAIN.raw_decode(text)
    except (ValueError, ArithmeticError, RecursionError):
        return _parsed_with_care(text)
    plain = isinstance(said, dict) and end == len(text) and _says_each_key_once(said, text)
    return said if plain else _parsed_with_care(text)


def _says_each_key_once(said: dict[str, object], text: str) -> bool:
    """Whether it surely does: no space stands behind a quote, and as many colons as there are keys in ``said``."""
    keys = len(said)
    if text.count("{") > 1:
        keys += sum(len(value) for value in said.values() if isinstance(value, dict))
    return text.count('":') == keys and '" ' not in text and '"\t' not in text and '"\r' not in text


def _parsed_with_care(text: str) -> dict[str, object]:
    try:
        said = json.loads(text, parse_float=_exact, parse_constant=str, object_pairs_hook=_without_repeats)
    except FieldRefused:
        raise
    except json.JSONDecodeError as error:
        raise FieldRefused("", f"is not JSON: {error.msg} at character {error.pos + 1}") from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise FieldRefused("", "is not JSON that can be kept: a number too long or lists nested too deep") from error
    if not isinstance(said, dict):
        raise FieldRefused("", "is not a JSON object; write one {…} a line")
    return said


def _exact(text: str) -> Decimal:
    return Decimal(text)


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    said = dict(pairs)
    if len(said) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise FieldRefused(repeated, f"the key {repeated!r} is said twice; keep one")
    return said
