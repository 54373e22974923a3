"""Writing what was decided: entries, held events, positions and open items, set by set."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from core_sync.database.bulk import Bulk, Row
from core_sync.ledger.arrivals import to_payload
from core_sync.ledger.knowledge import Decision, Entry, EventKey, Held, ItemKey, Knowledge
from core_sync.ledger.tables import CorrectedTelling, HeldEvent, LedgerEntry, OpenItem, Position
from core_sync.money import to_ten_thousandths

ENTRY_COLUMNS = (
    "source_id", "event_id", "type", "occurred_at", "recorded_at", "position_id", "quantity",
    "on_hand_delta", "allocated_delta", "quality_hold_delta", "in_transit_delta", "to_position_id",
    "document", "line", "channel", "account", "reservation_id", "unit_price", "reason", "attributes",
    "flags", "actor", "map_version", "content",
)  # fmt: skip
HELD_COLUMNS = (
    "source_id", "event_id", "status", "reason", "message", "position_id", "state", "quantity_asked",
    "quantity_there", "lacks", "lacked", "duplicate_of", "payload", "content", "occurred_at",
    "recorded_at", "file", "row",
)  # fmt: skip
ITEM_COLUMNS = (
    "position_id", "kind", "reference", "placed_quantity", "open_quantity", "placed_at", "expires_at",
    "document", "channel", "account", "cancelled_at",
)  # fmt: skip


def write(
    bulk: Bulk, decision: Decision, knowledge: Knowledge, recorded_at: int, actor: str | None, map_version: int
) -> None:
    """Write the whole decision; ``knowledge`` is the state after it."""
    bulk.insert(LedgerEntry, ENTRY_COLUMNS, [_entry_row(e, actor, map_version) for e in decision.entries])
    _write_positions(bulk, decision.touched_positions, knowledge, recorded_at)
    _write_items(bulk, decision.touched_items, knowledge)
    _write_held(bulk, decision.held.values())
    mark_applied(bulk, decision.freed, recorded_at)
    bulk.insert(
        CorrectedTelling,
        ("source_id", "event_id", "content"),
        [(source, event, content) for (source, event), content in decision.corrected],
    )


def mark_applied(bulk: Bulk, keys: Sequence[EventKey], decided_at: int) -> None:
    """Say of held events that they are in the ledger now."""
    bulk.execute(
        "UPDATE held_event SET status = 'applied', decided_at = ? WHERE source_id = ? AND event_id = ?"
        "||UPDATE held_event h SET status = 'applied', decided_at = r.decided_at FROM {rows} "
        "WHERE h.source_id = r.source_id AND h.event_id = r.event_id",
        HeldEvent,
        ("decided_at", "source_id", "event_id"),
        [(decided_at, source, event) for source, event in keys],
    )


def _entry_row(entry: Entry, actor: str | None, map_version: int) -> Row:
    arrival = entry.arrival
    event = arrival.event
    return (
        arrival.source_id,
        event.event_id,
        str(event.type),
        arrival.occurred_at,
        arrival.recorded_at,
        arrival.position,
        arrival.quantity,
        entry.on_hand,
        entry.allocated,
        entry.quality_hold,
        entry.in_transit,
        entry.to_position,
        event.document or None,
        event.line or None,
        event.channel or None,
        event.account or None,
        event.reservation_id or None,
        to_ten_thousandths(event.unit_price) if event.unit_price is not None else None,
        event.reason or None,
        msgspec.json.encode(dict(event.attributes)).decode() if event.attributes else None,
        entry.flags,
        actor,
        map_version,
        arrival.content,
    )


def _write_positions(bulk: Bulk, touched: Iterable[int], knowledge: Knowledge, recorded_at: int) -> None:
    columns = (
        "on_hand",
        "allocated",
        "quality_hold",
        "in_transit",
        "relative",
        "last_event_at",
        "last_recorded_at",
        "last_count_at",
        "position_id",
    )
    rows: list[Row] = []
    for position_id in touched:
        p = knowledge.positions[position_id]
        rows.append(
            (p.on_hand, p.allocated, p.quality_hold, p.in_transit, p.relative, p.last_event_at, recorded_at,
             p.last_count_at, position_id)
        )  # fmt: skip
    changed = columns[:-1]
    bulk.execute(
        f"UPDATE position SET {', '.join(f'{c} = ?' for c in changed)} WHERE position_id = ?"
        f"||UPDATE position p SET {', '.join(f'{c} = r.{c}' for c in changed)} FROM {{rows}} "
        "WHERE p.position_id = r.position_id",
        Position,
        columns,
        rows,
    )


def _write_items(bulk: Bulk, touched: Iterable[ItemKey], knowledge: Knowledge) -> None:
    rows: list[Row] = []
    for key in touched:
        item = knowledge.items[key]
        position, kind, reference = key
        rows.append(
            (position, str(kind), reference, item.placed_quantity, item.open_quantity, item.placed_at,
             item.expires_at, *item.owner, item.cancelled_at)
        )  # fmt: skip
    changed = ("placed_quantity", "open_quantity", "expires_at", "cancelled_at")
    _upsert(bulk, OpenItem, ITEM_COLUMNS, ("position_id", "kind", "reference"), changed, rows)


def _write_held(bulk: Bulk, held: Iterable[Held]) -> None:
    rows = [_held_row(h) for h in held]
    _upsert(bulk, HeldEvent, HELD_COLUMNS, ("source_id", "event_id"), HELD_COLUMNS[2:], rows, kept=("file", "row"))


def _held_row(held: Held) -> Row:
    arrival = held.arrival
    short = held.shortfall
    return (
        arrival.source_id,
        arrival.event.event_id,
        held.status,
        held.reason,
        held.message,
        arrival.position or None,
        short.state if short else None,
        short.asked if short else None,
        short.there if short else None,
        arrival.lack.kind if arrival.lack else None,
        arrival.lack.name if arrival.lack else None,
        held.duplicate_of,
        to_payload(arrival.event),
        arrival.content,
        arrival.occurred_at,
        arrival.recorded_at,
        arrival.file,
        arrival.row,
    )


def _upsert(
    bulk: Bulk,
    table: Any,
    columns: Sequence[str],
    key: Sequence[str],
    changed: Sequence[str],
    rows: Sequence[Row],
    kept: Sequence[str] = (),
) -> None:
    """Insert ``rows``, or change those that are there; what is ``kept`` stays where nothing new is said of it."""
    named, marks = ", ".join(columns), ", ".join("?" * len(columns))
    said = {c: f"COALESCE(excluded.{c}, {table.__tablename__}.{c})" if c in kept else f"excluded.{c}" for c in changed}
    on_conflict = f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {', '.join(f'{c} = {v}' for c, v in said.items())}"
    bulk.execute(
        f"INSERT INTO {table.__tablename__} ({named}) VALUES ({marks}) {on_conflict}"
        f"||INSERT INTO {table.__tablename__} ({named}) SELECT {named} FROM {{rows}} {on_conflict}",
        table,
        columns,
        rows,
    )
