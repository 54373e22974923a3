"""Load master data: every load is a new version, and events that lacked it are tried again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text
from sqlmodel import SQLModel

from core_sync.clock import to_microseconds
from core_sync.database.upsert import insert_new, upsert
from core_sync.interchange.rows import Row
from core_sync.master_data.kits import define_kits
from core_sync.master_data.rows import ROW_OF, channel_rule_values
from core_sync.master_data.tables import (
    Alias,
    Channel,
    ChannelRule,
    Delivery,
    Location,
    Rate,
    SafetyStock,
    Sku,
    Supplier,
    UnitOfMeasure,
)

_KEYS: dict[str, tuple[type[SQLModel], tuple[str, ...]]] = {
    "skus": (Sku, ("sku",)),
    "uom": (UnitOfMeasure, ("sku", "uom")),
    "locations": (Location, ("location",)),
    "safety_stock": (SafetyStock, ("sku", "location")),
    "rates": (Rate, ("currency", "as_of")),
    "channels": (Channel, ("channel",)),
    "suppliers": (Supplier, ("supplier",)),
}

MASTER_DATA = (*_KEYS, "aliases", "kits", "deliveries")
"""The interchange tables that are master data."""


def load_master_data(connection: Connection, table: str, rows: Sequence[Row], at: datetime) -> int:
    """Write ``rows`` of the interchange table ``table``; returns how many were new or replaced one.

    Rows that say what is known already are written again, to no effect, except in ``aliases``, ``kits`` and
    ``deliveries``, which only grow: there a known row is not counted.
    """
    values = [ROW_OF[table](row) for row in rows]
    written = len(values)
    if table == "aliases":
        written = _add_aliases(connection, values)
    elif table == "kits":
        written = define_kits(connection, values, to_microseconds(at))
    elif table == "deliveries":
        written = insert_new(connection, Delivery, values, ("content",))
    else:
        model, key = _KEYS[table]
        by_key = {tuple(value[name] for name in key): value for value in values}
        upsert(connection, model, list(by_key.values()), key, keep_when_missing=True)
    if table == "channels":
        _add_rules(connection, rows, at)
    bump_version(connection)
    return written


def add_alias(
    connection: Connection, system: str, external_sku: str, sku: str, owner: str, valid_from: int | None = None
) -> None:
    """``system`` calls our ``sku`` by the name ``external_sku``, says ``owner``."""
    connection.execute(
        insert(Alias).values(
            system=system, external_sku=external_sku, sku=sku, owner=owner, valid_from=valid_from, valid_to=None
        )
    )
    bump_version(connection)


def bump_version(connection: Connection) -> None:
    """Say that master data has changed, so that every process reads it again."""
    connection.execute(text("UPDATE master_data_version SET version = version + 1"))


def _add_aliases(connection: Connection, values: Sequence[dict[str, Any]]) -> int:
    columns = (Alias.system, Alias.external_sku, Alias.sku, Alias.valid_from, Alias.valid_to)
    known = {tuple(row) for row in connection.execute(select(*columns))}  # type: ignore[call-overload]  # SQLModel columns
    fresh = [value for value in values if tuple(value.values()) not in known]
    if fresh:
        connection.execute(insert(Alias), fresh)
    return len(fresh)


def _add_rules(connection: Connection, rows: Sequence[Row], at: datetime) -> None:
    """A version of each channel's rule, where it says something new."""
    said = ("share_ten_thousandths", "buffer", "shortage_below")
    rules = text(f"SELECT channel, {', '.join(said)} FROM channel_rule WHERE sku = '' ORDER BY version")
    newest = {channel: terms for channel, *terms in connection.execute(rules)}
    values = [channel_rule_values(row, at) for row in rows]
    fresh = [value for value in values if newest.get(value["channel"]) != [value[name] for name in said]]
    for value in fresh:
        if value["channel"] not in newest:
            value["valid_from"] = 0  # the first rule is all we know of the time before it
    if fresh:
        connection.execute(insert(ChannelRule), fresh)
