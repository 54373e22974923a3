"""Work for people, opened by a run and closed by whoever did it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds


def open_item(
    connection: Connection,
    run_id: int,
    case_id: int,
    kind: str,
    title: str,
    detail: Mapping[str, Any],
    at: datetime,
    reference: str | None = None,
) -> None:
    """Put one item of work on the list; the same run and kind again is the same item."""
    connection.execute(
        text(
            "INSERT INTO work_item (run_id, case_id, kind, title, detail, reference, status, opened_at) "
            "VALUES (:run_id, :case_id, :kind, :title, :detail, :reference, 'open', :at) "
            "ON CONFLICT (run_id, kind) DO UPDATE SET reference = coalesce(excluded.reference, work_item.reference)"
        ),
        {
            "run_id": run_id,
            "case_id": case_id,
            "kind": kind,
            "title": title,
            "detail": msgspec.json.encode(detail).decode(),
            "reference": reference,
            "at": to_microseconds(at),
        },
    )


def close_items(connection: Connection, run_id: int, actor: str, at: datetime) -> None:
    """The work of a run is done."""
    connection.execute(
        text(
            "UPDATE work_item SET status = 'done', done_at = :at, done_by = :actor "
            "WHERE run_id = :run_id AND status = 'open'"
        ),
        {"run_id": run_id, "actor": actor, "at": to_microseconds(at)},
    )
