"""Load failures that other software recorded: each keeps its own id, and is known when it comes again.

Secrets and personal data in them are redacted. A file may say more than the interchange table: ``quantity``, and
``resolved_at`` where the source knows that the trouble is over.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from core_sync.clock import to_microseconds
from core_sync.database.upsert import insert_new
from core_sync.failures.redaction import redacted, redacted_text
from core_sync.failures.tables import Failure
from core_sync.interchange.rows import Row

_TEXTS = (
    "system", "channel", "operation", "sku", "location", "error_code", "duplicate_of", "mapping_candidates",
    "document",
)  # fmt: skip
_WHOLES = ("http_status", "attempts")
_NUMBERS = ("latency_ms", "event_lag_s", "reservation_age_s")


def load_failures(connection: Connection, rows: Sequence[Row], at: datetime) -> int:
    """Write ``rows`` of the interchange table failures; returns how many were new."""
    values = []
    for row in rows:
        occurred_at = row.moment("occurred_at")
        assert occurred_at is not None  # the table requires it, and the reader refuses rows without
        numbers = {name: row.number(name) for name in _NUMBERS}
        values.append(
            {
                "id": row.text("id"),
                "kind": "told",
                "occurred_at": to_microseconds(occurred_at),
                "recorded_at": to_microseconds(at),
                "message": redacted_text(row.text("message")),
                **{name: row.text(name) or None for name in _TEXTS},
                **{name: row.whole(name) for name in _WHOLES},
                **{name: float(number) if number is not None else None for name, number in numbers.items()},
                "evidence": msgspec.json.encode(redacted(row.attributes)).decode() if row.attributes else None,
                "quantity": _whole(row.attributes.get("quantity", "")),
                **_resolution(row.attributes.get("resolved_at", "")),
            }
        )
    return insert_new(connection, Failure, values, ("id",))


def _whole(told: str) -> int | None:
    return int(told) if told.removeprefix("-").isdigit() else None


def _resolution(told: str) -> dict[str, object]:
    """When and how the source says that it ended; a moment that cannot be read says nothing."""
    try:
        resolved_at = to_microseconds(datetime.fromisoformat(told))
    except ValueError:
        return {"resolved_at": None, "resolution": None}
    return {"resolved_at": resolved_at, "resolution": "its source says that it is over"}
