"""Writing what was decided: entries, held events, positions and open items, set by set."""

from collections.abc import Iterable, Sequence
from operator import itemgetter

import msgspec

from core_sync.database.bulk import Bulk, Row
from core_sync.ledger.arrivals import to_payload
from core_sync.ledger.events import EventType
from core_sync.ledger.knowledge import NEWLY_HELD, Decision, Entry, EventKey, Held, Knowledge
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
    "quantity_there", "lacks", "lacked", "duplicate_of", "document", "line", "payload", "content",
    "occurred_at", "recorded_at", "file", "row",
)  # fmt: skip
_MOVED_COLUMNS = (
    "on_hand", "allocated", "quality_hold", "in_transit", "last_event_at", "last_recorded_at", "position_id",
)  # fmt: skip
_ITEM_QUANTITIES = ("placed_quantity", "open_quantity")
_ITEM_DATES = ("placed_at", "expires_at", "cancelled_at")
_ITEM_COLUMNS = (
    "position_id", "kind", "reference", *_ITEM_QUANTITIES, *_ITEM_DATES, "document", "channel", "account",
)  # fmt: skip
_CORRECTED_COLUMNS = ("source_id", "event_id", "content")

_BY_REFERENCE = itemgetter(2, 1, 0)
"""The order of the items' index: neighbours in it are written together."""


def _change(table: str, columns: Sequence[str], key: str) -> str:
    """An update of ``columns`` by ``key``, in the words of either database."""
    return (
        f"UPDATE {table} SET {', '.join(f'{c} = ?' for c in columns)} WHERE {key} = ?"
        f"||UPDATE {table} t SET {', '.join(f'{c} = r.{c}' for c in columns)} FROM {{rows}} WHERE t.{key} = r.{key}"
    )


_MOVE_POSITIONS = _change("position", _MOVED_COLUMNS[:-1], "position_id")
_DRAW_ITEMS = _change("open_item", _ITEM_QUANTITIES, "item_id")
_DATE_ITEMS = _change("open_item", _ITEM_DATES, "item_id")

_HOLD_AGAIN = (
    # where it was read first stays, where nothing new is said of it
    f"UPDATE held_event SET {', '.join(f'{c} = ?' for c in HELD_COLUMNS[2:-2])}, "
    "file = COALESCE(?, file), row = COALESCE(?, row) WHERE source_id = ? AND event_id = ?"
    f"||UPDATE held_event h SET {', '.join(f'{c} = r.{c}' for c in HELD_COLUMNS[2:-2])}, "
    "file = COALESCE(r.file, h.file), row = COALESCE(r.row, h.row) FROM {rows} "
    "WHERE h.source_id = r.source_id AND h.event_id = r.event_id"
)


def write(
    bulk: Bulk, decision: Decision, knowledge: Knowledge, recorded_at: int, actor: str | None, map_version: int
) -> None:
    """Write the whole decision; ``knowledge`` is the state after it."""
    with bulk.together(len(decision.entries) + len(decision.held)):
        bulk.insert(LedgerEntry, ENTRY_COLUMNS, [_entry_row(e, actor, map_version) for e in decision.entries])
        _write_positions(bulk, decision, knowledge, recorded_at)
        _write_items(bulk, decision, knowledge)
        _write_held(bulk, decision.held.values())
        mark_applied(bulk, decision.freed, recorded_at)
        bulk.insert(CorrectedTelling, _CORRECTED_COLUMNS, [(*key, content) for key, content in decision.corrected])


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
        _TYPE_NAMES[event.type],
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
        bytearray(arrival.content),
    )


_TYPE_NAMES = {type: str(type.value) for type in EventType}
"""Plain strings and byte arrays: SQLite's driver looks for adapters of every other type, value by value."""


def _write_positions(bulk: Bulk, decision: Decision, knowledge: Knowledge, recorded_at: int) -> None:
    moved: list[Row] = []
    for position_id in sorted(decision.touched_positions()):
        p = knowledge.positions[position_id]
        moved.append((p.on_hand, p.allocated, p.quality_hold, p.in_transit, p.last_event_at, recorded_at, position_id))
    bulk.execute(_MOVE_POSITIONS, Position, _MOVED_COLUMNS, moved)
    for column, changed in (("last_count_at", decision.counted), ("relative", decision.made_relative)):
        rows = [(getattr(knowledge.positions[position_id], column), position_id) for position_id in sorted(changed)]
        bulk.execute(_change("position", (column,), "position_id"), Position, (column, "position_id"), rows)


def _write_items(bulk: Bulk, decision: Decision, knowledge: Knowledge) -> None:
    new: list[Row] = []
    drawn: list[Row] = []
    dated: list[Row] = []
    for key in sorted(decision.touched_items, key=_BY_REFERENCE):
        item = knowledge.items[key]
        if item.item_id is None:
            position, kind, reference = key
            new.append(
                (position, kind.value, reference, item.placed_quantity, item.open_quantity, item.placed_at,
                 item.expires_at, item.cancelled_at, *item.owner)
            )  # fmt: skip
            continue
        drawn.append((item.placed_quantity, item.open_quantity, item.item_id))
        if key in decision.dated_items:
            dated.append((item.placed_at, item.expires_at, item.cancelled_at, item.item_id))
    bulk.insert(OpenItem, _ITEM_COLUMNS, new)
    bulk.execute(_DRAW_ITEMS, OpenItem, (*_ITEM_QUANTITIES, "item_id"), drawn)
    bulk.execute(_DATE_ITEMS, OpenItem, (*_ITEM_DATES, "item_id"), dated)


def _write_held(bulk: Bulk, held: Iterable[Held]) -> None:
    """What is held for the first time is inserted, so that a writer that holds the same id at once is met."""
    new: list[Row] = []
    again: list[Row] = []
    for one in held:
        row = _held_row(one)
        if one.arrival.turn >= NEWLY_HELD:
            new.append(row)
        else:
            again.append((*row[2:], *row[:2]))
    bulk.insert(HeldEvent, HELD_COLUMNS, new)
    bulk.execute(_HOLD_AGAIN, HeldEvent, (*HELD_COLUMNS[2:], *HELD_COLUMNS[:2]), again)


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
        arrival.event.document or None,
        arrival.event.line or None,
        to_payload(arrival.event),
        arrival.content,
        arrival.occurred_at,
        arrival.recorded_at,
        arrival.file,
        arrival.row,
    )
