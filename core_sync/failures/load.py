"""Load failures that other software recorded: each keeps its own id, and is known when it comes again."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from core_sync.clock import to_microseconds
from core_sync.database.upsert import insert_new
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
                "message": row.text("message"),
                **{name: row.text(name) or None for name in _TEXTS},
                **{name: row.whole(name) for name in _WHOLES},
                **{name: float(number) if number is not None else None for name, number in numbers.items()},
                "evidence": msgspec.json.encode(dict(row.attributes)).decode() if row.attributes else None,
            }
        )
    return insert_new(connection, Failure, values, ("id",))
