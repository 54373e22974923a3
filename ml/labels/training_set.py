"""The labels to train on as of a moment: the same rows in the same order, whenever it is asked again."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds, to_microseconds
from ml.root_cause.evidence import FIELDS

COLUMNS: tuple[str, ...] = (
    "id", "occurred_at", *FIELDS, "root_cause", "subclass", "source", "actor", "told_at", "ripe_at", "case",
)  # fmt: skip


def training_set(connection: Connection, as_of: datetime) -> Iterator[Mapping[str, Any]]:
    """Failures with their true cause, one row each: of several labels the newest that was ripe as of ``as_of``.

    A label that was withdrawn since then is still in it: the set is what a training of that moment would have seen.
    """
    moment = to_microseconds(as_of)
    for row in connection.execute(text(_RIPE), {"at": moment}).mappings():
        yield {
            "id": row["id"],
            "occurred_at": from_microseconds(row["occurred_at"]),
            **msgspec.json.decode(row["evidence"], type=dict[str, Any]),
            "root_cause": row["root_cause"],
            "subclass": row["subclass"],
            "source": row["source"],
            "actor": row["actor"],
            "told_at": from_microseconds(row["told_at"]),
            "ripe_at": from_microseconds(row["ripe_at"]),
            "case": row["case_id"],
        }


def digest_of(rows: Iterator[Mapping[str, Any]]) -> str:
    """The digest of a training set: of its rows' values, whatever file they are written to."""
    digest = sha256()
    for row in rows:
        digest.update(msgspec.json.encode({name: row.get(name) for name in COLUMNS}, order="sorted"))
    return digest.hexdigest()[:12]


_RIPE = """
SELECT l.*, f.id, f.occurred_at FROM cause_label l JOIN failure f ON f.failure_id = l.failure_id
WHERE l.taken_at <= :at AND l.ripe_at <= :at AND (l.withdrawn_at IS NULL OR l.withdrawn_at > :at)
  AND NOT EXISTS (
    SELECT 1 FROM cause_label n
    WHERE n.failure_id = l.failure_id AND n.entry_id > l.entry_id AND n.taken_at <= :at AND n.ripe_at <= :at
      AND (n.withdrawn_at IS NULL OR n.withdrawn_at > :at)
  )
ORDER BY l.failure_id
"""
