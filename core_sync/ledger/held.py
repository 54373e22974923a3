"""The list of held events: why each is held, what it asked and what is there, and its twin beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from core_sync.clock import from_microseconds
from core_sync.errors import CursorRefused, NotFound
from core_sync.ledger.arrivals import from_payload
from core_sync.ledger.events import Event
from core_sync.ledger.own_ids import sql_reversal_id
from core_sync.ledger.tables import UNDECIDED

WAITING = ("parked", "refused", "suspected_duplicate", "conflict")
"""Statuses of events that wait for something, or for somebody; the others are decided."""

STATUSES = (*WAITING, "applied", "dismissed")

VERBS = {
    "parked": ("apply", "refuse"),
    "refused": ("apply", "refuse"),
    "suspected_duplicate": ("confirm", "apply", "refuse"),
    "conflict": ("confirm", "apply"),
    "dismissed": ("apply",),
    "applied": (),
}
"""What may be decided about an event of each status."""

PAGE_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFilter:
    """Which held events to show; without ``statuses`` those that are undecided."""

    statuses: Sequence[str] = ()
    source: str | None = None
    sku: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """The event that a held one seems to repeat or contradicts; ``status`` may also be ``accepted`` or ``reversed``.

    ``differs`` names what the two do not agree on, in our words for SKU, location and units.
    """

    event: str
    status: str
    type: str
    sku: str
    location: str
    lot: str
    quantity: int
    document: str | None
    line: str | None
    occurred_at: datetime
    recorded_at: datetime
    differs: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldEventShown:
    """One held event, as told and as understood.

    ``quantity`` is as told, in ``uom``. ``state``, ``asked`` and ``there`` say what was lacking in stock when it was
    held, ``there_now`` what is there today, all in stock-keeping units. ``verbs`` are what may be decided.
    """

    held: int
    status: str
    reason: str
    message: str
    source: str
    event: str
    type: str
    sku: str
    location: str
    lot: str
    quantity: int
    uom: str
    document: str
    line: str
    reservation_id: str
    to_location: str
    state: str | None
    asked: int | None
    there: int | None
    there_now: int | None
    lacks: str | None
    lacked: str | None
    twin: Twin | None
    occurred_at: datetime
    recorded_at: datetime
    file: str | None
    row: int | None
    decided_at: datetime | None
    decided_by: str | None
    verbs: Sequence[str]


@dataclass(frozen=True, slots=True)
class HeldPage:
    """Some held events, the longest held first; ``next_cursor`` is None on the last page."""

    items: list[HeldEventShown]
    next_cursor: str | None


def read_held(
    connection: Connection, shown: HeldFilter | None = None, cursor: str | None = None, limit: int = 50
) -> HeldPage:
    """One page. Pages stay put while others decide: each goes on behind the event with which the last one ended.

    Raises:
        CursorRefused: ``cursor`` is none that we gave out.
    """
    limit = max(1, min(limit, PAGE_MAX))
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise CursorRefused(cursor)
    where, bound = _conditions(connection, shown or HeldFilter())
    page = f"SELECT h.held_id FROM held_event h {_PLACE} WHERE h.held_id > :after AND {where} {_PAGE_ORDER}"
    statement = text(f"{_COLUMNS} WHERE h.held_id IN ({page}) ORDER BY h.held_id")
    rows = connection.execute(statement, {**bound, "after": int(cursor or 0), "limit": limit + 1}).all()
    items = [_shown(row) for row in rows[:limit]]
    return HeldPage(items, str(items[-1].held) if len(rows) > limit else None)


def read_held_event(connection: Connection, held_id: int) -> HeldEventShown:
    """The held event ``held_id``.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(text(f"{_COLUMNS} WHERE h.held_id = :held_id"), {"held_id": held_id}).one_or_none()
    if row is None:
        raise NotFound("held event", held_id)
    return _shown(row)


def held_at(connection: Connection, sku: str, location: str | None = None, limit: int = 50) -> list[HeldEventShown]:
    """The undecided events that wait at the positions of our ``sku``, the longest held first."""
    bound = {"sku": sku, "location": location, "limit": limit}
    return [_shown(row) for row in connection.execute(text(f"{_COLUMNS} {_AT_POSITIONS} {_PAGE_ORDER}"), bound)]


def count_held(connection: Connection) -> dict[str, int]:
    """How many events are undecided, by status."""
    rows = connection.execute(text(f"SELECT status, count(*) FROM held_event WHERE {UNDECIDED} GROUP BY status")).all()
    return {status: int(count) for status, count in rows}


def _conditions(connection: Connection, shown: HeldFilter) -> tuple[str, dict[str, Any]]:
    """SQL over ``h`` (the held event), ``s`` (its source) and ``p`` (its position), and what it binds."""
    conditions = [_one_of(shown.statuses) if shown.statuses else f"h.{UNDECIDED}"]
    bound: dict[str, Any] = {f"status{n}": status for n, status in enumerate(shown.statuses)}
    if shown.source:
        conditions.append("s.name = :source")
        bound["source"] = shown.source
    as_told = "json_extract(h.payload, '$.{}')" if connection.dialect.name == "sqlite" else "h.payload::json ->> '{}'"
    for name, wanted in (("sku", shown.sku), ("location", shown.location)):
        if wanted:
            conditions.append(f"(p.{name} = :{name} OR {as_told.format(name)} = :{name})")
            bound[name] = wanted
    return " AND ".join(conditions), bound


def _one_of(statuses: Sequence[str]) -> str:
    return f"h.status IN ({', '.join(f':status{n}' for n in range(len(statuses)))})"


def _shown(row: Row[Any]) -> HeldEventShown:
    event = from_payload(row.payload)
    return HeldEventShown(
        held=row.held_id,
        status=row.status,
        reason=row.reason,
        message=row.message,
        source=row.source,
        event=row.event_id,
        type=str(event.type),
        sku=row.sku or event.sku,
        location=row.location or event.location,
        lot=event.lot,
        quantity=event.quantity,
        uom=event.uom,
        document=event.document,
        line=event.line,
        reservation_id=event.reservation_id,
        to_location=event.to_location,
        state=row.state,
        asked=row.quantity_asked if row.state else None,
        there=row.quantity_there,
        there_now=getattr(row, row.state) if row.state else None,
        lacks=row.lacks,
        lacked=row.lacked,
        twin=_twin(row, event),
        occurred_at=from_microseconds(row.occurred_at),
        recorded_at=from_microseconds(row.recorded_at),
        file=row.file,
        row=row.row,
        decided_at=_moment(row.decided_at),
        decided_by=row.decided_by,
        verbs=VERBS[row.status],
    )


def _twin(row: Row[Any], event: Event) -> Twin | None:
    if row.duplicate_of is None:
        return None
    if row.twin_type is not None:
        status = "reversed" if row.twin_reversed else "accepted"
        first = {name: getattr(row, f"twin_{name}") for name in (*_COMPARED, "recorded_at")}
    elif row.twin_payload is not None:
        status = row.twin_status
        told = from_payload(row.twin_payload)
        first = {name: getattr(told, name) for name in _COMPARED}
        first |= {"occurred_at": row.twin_held_occurred_at, "recorded_at": row.twin_held_recorded_at}
    else:
        return None
    own: dict[str, Any] = {name: getattr(event, name) for name in _COMPARED}
    own |= {"sku": row.sku or event.sku, "location": row.location or event.location, "occurred_at": row.occurred_at}
    if row.state is None and row.quantity_asked is not None:
        own["quantity"] = row.quantity_asked
    return Twin(
        event=row.duplicate_of,
        status=status,
        **{name: first[name] for name in ("sku", "location", "lot", "quantity")},
        type=str(first["type"]),
        document=first["document"] or None,
        line=first["line"] or None,
        occurred_at=from_microseconds(first["occurred_at"]),
        recorded_at=from_microseconds(first["recorded_at"]),
        differs=[name for name in _COMPARED if (own[name] or "") != (first[name] or "")],
    )


def _moment(microseconds: int | None) -> datetime | None:
    return from_microseconds(microseconds) if microseconds is not None else None


_COMPARED = (
    "type", "sku", "location", "lot", "quantity", "document", "line", "occurred_at", "reservation_id", "channel",
    "account", "reason",
)  # fmt: skip
"""What two tellings may disagree on."""

_ENTRY_COLUMNS = [name for name in _COMPARED if name not in ("sku", "location", "lot")]

_PLACE = "JOIN source s ON s.source_id = h.source_id LEFT JOIN position p ON p.position_id = h.position_id"
_AT_POSITIONS = f"""WHERE h.{UNDECIDED} AND h.position_id IN (
    SELECT position_id FROM position
    WHERE sku = :sku AND (CAST(:location AS TEXT) IS NULL OR location = :location)
)"""
_PAGE_ORDER = "ORDER BY h.held_id LIMIT :limit"

_COLUMNS = f"""
SELECT h.held_id, h.status, h.reason, h.message, s.name AS source, h.event_id, h.payload, h.state, h.quantity_asked,
       h.quantity_there, h.lacks, h.lacked, h.duplicate_of, h.occurred_at, h.recorded_at, h.file, h.row,
       h.decided_at, h.decided_by, p.sku, p.location, p.on_hand, p.allocated, p.quality_hold, p.in_transit,
       {", ".join(f"t.{name} AS twin_{name}" for name in (*_ENTRY_COLUMNS, "recorded_at"))},
       tp.sku AS twin_sku, tp.location AS twin_location, tp.lot AS twin_lot,
       r.entry_id AS twin_reversed, th.status AS twin_status, th.payload AS twin_payload,
       th.occurred_at AS twin_held_occurred_at, th.recorded_at AS twin_held_recorded_at
FROM held_event h {_PLACE}
LEFT JOIN ledger_entry t ON t.source_id = h.source_id AND t.event_id = h.duplicate_of
LEFT JOIN position tp ON tp.position_id = t.position_id
LEFT JOIN held_event th ON th.source_id = h.source_id AND th.event_id = h.duplicate_of
LEFT JOIN source ours ON ours.name = 'stocktriage'
LEFT JOIN ledger_entry r ON r.source_id = ours.source_id
  AND r.event_id = {sql_reversal_id("s.name", "h.duplicate_of")}
"""
