"""The evidence of one failure. Every field may be missing, and missing is not zero."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class FailureEvidence:
    """What is known of one failure: the columns of the failures table, and what its surroundings tell.

    Times are seconds (``_s``) or milliseconds (``_ms``). ``None`` says that nobody looked or nobody knows.
    """

    message: str = ""
    system: str | None = None
    channel: str | None = None
    operation: str | None = None
    sku: str | None = None
    location: str | None = None
    http_status: int | None = None
    error_code: str | None = None
    attempts: int | None = None
    latency_ms: float | None = None
    event_lag_s: float | None = None
    """How long the books lag behind the movement."""
    event_lag_normal_s: float | None = None
    """The lag that is usual for this warehouse."""
    reservation_age_s: float | None = None
    order_state: str | None = None
    """State of the order behind the reservation, such as ``open``, ``cancelled``, ``shipped``."""
    duplicate_of: str | None = None
    """The earlier event with the same id or the same business key."""
    business_key_hit: bool | None = None
    """The earlier event has another id but the same document, line, SKU, location and quantity."""
    mapping_candidates: int | None = None
    """How many SKUs might be meant; 0 says that a search found none."""
    best_candidate_score: float | None = None
    """Likeness of the best candidate, 0 to 1."""
    visible_age_s: float | None = None
    """Since when the other side has accepted the update without showing it."""
    neighbours: int | None = None
    """Others of the same system that got no sound answer within five minutes: many speak for an outage."""
    document: str | None = None


_WHOLE = ("http_status", "attempts", "neighbours")
_REAL = (
    "latency_ms",
    "event_lag_s",
    "event_lag_normal_s",
    "reservation_age_s",
    "best_candidate_score",
    "visible_age_s",
)
_TEXT = ("system", "channel", "operation", "sku", "location", "error_code", "order_state", "duplicate_of", "document")
FIELDS: tuple[str, ...] = tuple(field.name for field in fields(FailureEvidence))
NUMBERS = frozenset((*_WHOLE, *_REAL, "mapping_candidates"))
"""The fields that are numbers."""


def evidence_from(row: Mapping[str, Any]) -> FailureEvidence:
    """The evidence in a row of the failures table, in its ``attributes`` and ``evidence``, and what surrounds it.

    What was told wins over what was gathered around it afterwards.

    A field that cannot be read counts as missing: a strange value must not stop the classification.
    """
    inner: dict[str, Any] = {}
    for name in ("surroundings", "evidence", "attributes"):
        inner |= _mapping(row.get(name))
    known = inner | {name: value for name, value in row.items() if value is not None}
    message = known.get("message")
    values: dict[str, Any] = {name: _whole(known.get(name)) for name in _WHOLE}
    values |= {name: _real(known.get(name)) for name in _REAL}
    values |= {name: _text(known.get(name)) for name in _TEXT}
    return FailureEvidence(
        message="" if message is None else str(message),
        mapping_candidates=_count(known.get("mapping_candidates")),
        business_key_hit=_flag(known.get("business_key_hit")),
        **values,
    )


def _mapping(value: object) -> dict[str, Any]:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return {}
    return dict(value) if isinstance(value, Mapping) else {}


def _real(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _whole(value: object) -> int | None:
    number = _real(value)
    return None if number is None or number != int(number) else int(number)


def _text(value: object) -> str | None:
    if value is None:
        return None
    text = str(value).strip()
    return text or None


def _flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).strip().lower())


def _count(value: object) -> int | None:
    """Candidates as a number, as a list, or as text with one separated by ``;``, ``|`` or ``,`` from the next."""
    number = _whole(value)
    if number is not None:
        return max(0, number)
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("["):
            try:
                value = json.loads(text)
            except json.JSONDecodeError:
                return None
        elif not text:
            return None
        else:
            return len([part for part in text.replace("|", ";").replace(",", ";").split(";") if part.strip()])
    return len(value) if isinstance(value, list | tuple) else None
