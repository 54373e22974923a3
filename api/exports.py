"""Any table as a file: what is in the database, in the columns of the interchange formats where there are such."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from api.shapes import POSITION_FIELDS, case_shape, position_shape
from core_sync.cases.feed import read_feed
from core_sync.cases.narrow import Filter
from core_sync.clock import from_microseconds
from core_sync.database.engine import Database
from core_sync.errors import NotFound
from core_sync.interchange.formats import TABLES, Column, Kind
from core_sync.interchange.writing import write_rows
from core_sync.ledger.history import positions
from core_sync.money import TEN_THOUSANDTHS, from_ten_thousandths
from ml.labels.training_set import COLUMNS as TRAINING_COLUMNS
from ml.labels.training_set import training_set

Rows = Iterator[Mapping[str, Any]]
Reader = Callable[[Connection, datetime], Rows]


@dataclass(frozen=True)
class Export:
    """One table that can be written: what it holds, its columns (None: those of the first rows), how it is read."""

    holds: str
    columns: tuple[str, ...] | None
    read: Reader


def export_table(database: Database, table: str, file: Path, at: datetime) -> int:
    """Write ``table`` to ``file``; returns how many rows there were.

    Raises:
        NotFound: there is no such table to write.
        FormatUnknown: the file's name tells no format.
    """
    if table not in EXPORTS:
        raise NotFound("table to export called", f"{table}; there are {', '.join(EXPORTS)}")
    export = EXPORTS[table]
    with database.reading() as connection:
        return write_rows(file, export.read(connection, at), export.columns)


def interchange_rows(connection: Connection, table: str) -> Rows:
    """The rows of an interchange table as they are kept."""
    return _rows(connection, table, _SELECTS[table], {})


def deltas_after(connection: Connection, delta_id: int) -> Rows:
    """The rows of the interchange table deltas that were written after ``delta_id``."""
    return _rows(connection, "deltas", _DELTAS_AFTER, {"after": delta_id})


def _rows(connection: Connection, table: str, statement: str, bound: Mapping[str, Any]) -> Rows:
    columns = TABLES[table].columns
    for row in connection.execution_options(stream_results=True).execute(text(statement), bound).mappings():
        yield {column.name: _outside(column, row[column.name]) for column in columns}


def _outside(column: Column, value: Any) -> Any:
    if value is None:
        return None
    match column.kind:
        case Kind.TIME:
            return from_microseconds(int(value))
        case Kind.MONEY:
            return from_ten_thousandths(int(value))
        case Kind.RATIO:
            return Decimal(int(value)) / TEN_THOUSANDTHS
        case Kind.FLAG:
            return bool(value)
        case _:
            return from_ten_thousandths(int(value)) if column.name == "per_reporting_unit" else value


def _interchange(table: str) -> Reader:
    return lambda connection, at: interchange_rows(connection, table)  # noqa: ARG005 (every reader is handed the moment)


def _positions(connection: Connection, at: datetime) -> Rows:  # noqa: ARG001 (every reader is handed the moment)
    return (position_shape(position) for position in positions(connection))


def _feed(connection: Connection, at: datetime) -> Rows:
    cursor: str | None = None
    while True:
        page = read_feed(connection, at, Filter(statuses=()), cursor, limit=500)
        for case in page.cases:
            yield {name: _cell(value) for name, value in case_shape(case).items()}
        cursor = page.next_cursor
        if cursor is None:
            return


def _cell(value: Any) -> Any:
    return msgspec.json.encode(value).decode() if isinstance(value, list | dict) else value


def _ledger(connection: Connection, at: datetime) -> Rows:  # noqa: ARG001 (every reader is handed the moment)
    for row in connection.execution_options(stream_results=True).execute(text(_LEDGER)).mappings():
        told = dict(row)
        for name in ("occurred_at", "recorded_at"):
            told[name] = from_microseconds(told[name])
        yield told


_LEDGER_COLUMNS = (
    "entry", "sku", "source", "event_id", "type", "occurred_at", "recorded_at", "location", "lot", "quantity",
    "on_hand", "allocated", "quality_hold", "in_transit", "to_location", "document", "line", "reservation_id", "reason",
    "actor",
)  # fmt: skip

_LEDGER = """
SELECT l.entry_id AS entry, p.sku, o.name AS source, l.event_id, l.type, l.occurred_at, l.recorded_at,
       p.location, p.lot, l.quantity, l.on_hand_delta AS on_hand, l.allocated_delta AS allocated,
       l.quality_hold_delta AS quality_hold,
       l.in_transit_delta AS in_transit, d.location AS to_location, l.document, l.line, l.reservation_id, l.reason,
       l.actor
FROM ledger_entry l JOIN position p ON p.position_id = l.position_id JOIN source o ON o.source_id = l.source_id
LEFT JOIN position d ON d.position_id = l.to_position_id ORDER BY l.entry_id
"""

_DELTAS_AFTER = "SELECT d.*, d.delta_id AS id FROM delta d WHERE d.delta_id > :after ORDER BY d.delta_id"

_SELECTS = {
    "events": """SELECT l.event_id AS id, o.name AS source, l.type, l.occurred_at AS time, p.sku, p.location,
        CASE l.type WHEN 'adjust' THEN l.on_hand_delta ELSE l.quantity END AS quantity, NULL AS uom, p.lot, l.document,
        l.line, l.channel, l.account, l.reservation_id, d.location AS to_location, NULL AS expires_at, l.unit_price,
        l.reason FROM ledger_entry l JOIN position p ON p.position_id = l.position_id
        JOIN source o ON o.source_id = l.source_id LEFT JOIN position d ON d.position_id = l.to_position_id
        ORDER BY l.entry_id""",
    "snapshots": "SELECT * FROM snapshot ORDER BY as_of, system, sku, location, state",
    "orders": "SELECT * FROM told_order ORDER BY system, document",
    "failures": "SELECT * FROM failure ORDER BY failure_id",
    "deltas": "SELECT d.*, d.delta_id AS id FROM delta d ORDER BY d.delta_id",
    "skus": "SELECT * FROM sku ORDER BY sku",
    "aliases": "SELECT * FROM alias ORDER BY version",
    "kits": "SELECT * FROM kit_component ORDER BY version",
    "safety_stock": "SELECT * FROM safety_stock ORDER BY sku, location",
    "locations": "SELECT * FROM location ORDER BY location",
    "rates": "SELECT * FROM rate ORDER BY as_of, currency",
    "channels": """SELECT c.*, r.share_ten_thousandths AS share, r.buffer, r.shortage_below
        FROM channel c LEFT JOIN channel_rule r ON r.version = (
            SELECT max(n.version) FROM channel_rule n WHERE n.channel = c.channel AND n.sku = '')
        ORDER BY c.priority, c.channel""",
    "tiers": "SELECT * FROM customer_tier ORDER BY tier",
    "accounts": "SELECT * FROM account ORDER BY account",
    "cut_offs": "SELECT *, clock AS time FROM cut_off ORDER BY cut_off",
    "suppliers": "SELECT * FROM supplier ORDER BY supplier",
    "deliveries": "SELECT * FROM delivery ORDER BY delivery_id",
}


def _units(connection: Connection, at: datetime) -> Rows:  # noqa: ARG001 (every reader is handed the moment)
    rows = connection.execute(text("SELECT sku, uom, numerator, denominator FROM unit_of_measure ORDER BY sku, uom"))
    for sku, uom, numerator, denominator in rows:
        yield {"sku": sku, "uom": uom, "factor": Decimal(numerator) / Decimal(denominator)}


_INTERCHANGE = {
    name: Export(f"the interchange table {name}", TABLES[name].column_names, _interchange(name)) for name in _SELECTS
}

EXPORTS: Mapping[str, Export] = {
    **_INTERCHANGE,
    "uom": Export("the interchange table uom", TABLES["uom"].column_names, _units),
    "positions": Export("every position with its states", POSITION_FIELDS, _positions),
    "ledger": Export("every ledger entry with what it did", _LEDGER_COLUMNS, _ledger),
    "training-set": Export("labelled failures to train on, as of a moment", TRAINING_COLUMNS, training_set),
    "feed": Export("every case, resolved ones too", None, _feed),
}
"""Every table that can be written."""
