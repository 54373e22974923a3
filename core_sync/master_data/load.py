"""Load master data: every load is a new version, and events that lacked it are tried again.

A row says something of what it names: what it does not mention stays as it is, and is usual where it is new.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, insert, select, text
from sqlmodel import SQLModel

from core_sync.clock import to_microseconds
from core_sync.database.upsert import add_to
from core_sync.interchange.hours import WEEKDAYS
from core_sync.interchange.rows import Row
from core_sync.master_data.kits import define_kits
from core_sync.master_data.purchase_lines import tell_lines
from core_sync.master_data.rows import ROW_OF, channel_rule_values
from core_sync.master_data.tables import (
    Account,
    Alias,
    Channel,
    ChannelRule,
    CustomerTier,
    CutOff,
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
    "tiers": (CustomerTier, ("tier",)),
    "accounts": (Account, ("account",)),
    "cut_offs": (CutOff, ("cut_off",)),
    "suppliers": (Supplier, ("supplier",)),
}

_USUAL: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "skus": {"lot_controlled": False},
        "locations": {"stock_control": "strict"},
        "channels": {"priority": 100, "mode": "shadow"},
        "cut_offs": {"weekdays": " ".join(WEEKDAYS)},
    }
)
"""What holds for a new row that does not say otherwise."""

_USUAL_RULE: Mapping[str, Any] = MappingProxyType(
    {"share_ten_thousandths": 10_000, "buffer": 0, "shortage_below": None}
)

MASTER_DATA = (*_KEYS, "aliases", "kits", "deliveries")
"""The interchange tables that are master data."""


def load_master_data(connection: Connection, table: str, rows: Sequence[Row], at: datetime) -> int:
    """Write ``rows`` of the interchange table ``table``; returns how many were new or replaced one.

    Rows that say what is known already are written again, to no effect, except in ``aliases``, ``kits`` and
    ``deliveries``: there a known row is not counted.
    """
    values = [ROW_OF[table](row) for row in rows]
    written = len(values)
    if table == "aliases":
        written = _add_aliases(connection, values)
    elif table == "kits":
        written = define_kits(connection, values, to_microseconds(at))
    elif table == "deliveries":
        written = tell_lines(connection, values)
    else:
        model, key = _KEYS[table]
        by_key: dict[tuple[Any, ...], dict[str, Any]] = {}
        for value in values:
            said = {name: told for name, told in value.items() if told is not None}
            named = tuple(value[name] for name in key)
            by_key[named] = by_key.get(named, value) | said
        add_to(connection, model, list(by_key.values()), key, _USUAL.get(table, {}))
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
    rules = text(f"SELECT channel, {', '.join(_USUAL_RULE)} FROM channel_rule WHERE sku = '' ORDER BY version")
    newest = {channel: dict(zip(_USUAL_RULE, terms, strict=True)) for channel, *terms in connection.execute(rules)}
    fresh: list[dict[str, Any]] = []
    for value in (channel_rule_values(row, at) for row in rows):
        before = newest.get(value["channel"])
        terms = {**(before or _USUAL_RULE), **{name: value[name] for name in _USUAL_RULE if value[name] is not None}}
        if terms != before:
            since = {} if before is not None else {"valid_from": 0}  # the first is all we know of the time before it
            fresh.append({**value, **terms, **since})
            newest[value["channel"]] = terms
    if fresh:
        connection.execute(insert(ChannelRule), fresh)
