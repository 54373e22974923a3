"""Values as text, in the one way that is read again without loss."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum


def text_of(value: object) -> str:
    """``value`` as it stands in a CSV cell; what is not known is empty, times are UTC and end in ``Z``.

    Raises:
        ValueError: a time without a zone.
    """
    if value is None:
        return ""
    if isinstance(value, Enum):
        return text_of(value.value)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, date):
        return value.isoformat()
    return json_text(value)


def json_text(value: object) -> str:
    """``value`` as JSON text in one line; numbers keep every digit, what JSON cannot say is text.

    Raises:
        ValueError: a time without a zone.
    """
    if isinstance(value, Enum):
        return json_text(value.value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_quoted(str(name))}:{json_text(each)}" for name, each in value.items()) + "}"
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "null"
    if isinstance(value, bool | int | float | Decimal):
        return text_of(value) if not isinstance(value, Decimal) or value.is_finite() else "null"
    if isinstance(value, str | date):
        return _quoted(text_of(value))
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
        return "[" + ",".join(json_text(each) for each in value) + "]"
    return _quoted(str(value))


def _quoted(text: str) -> str:
    # Lone surrogates (bytes that were no UTF-8) can only be written escaped.
    return json.dumps(text, ensure_ascii=not _encodable(text))


def _encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _moment(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone, so it cannot be written as a point in time")
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
