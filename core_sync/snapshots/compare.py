"""Compare reported figures of one as-of time with the ledger, set by set; what differs becomes a row of ``delta``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json, wanted_skus
from core_sync.interchange.profile_rules import ReconciliationRule
from core_sync.snapshots.books import Books, Reported, open_books
from core_sync.snapshots.rules import in_flight, judge
from core_sync.snapshots.source_rules import source_rules
from core_sync.snapshots.stock_at import change_of

_NO_RULE = ReconciliationRule()


@dataclass(frozen=True, slots=True)
class Beside:
    """What another system says of the same thing, brought to the same moment."""

    system: str
    column: str
    quantity: int


def compare(connection: Connection, as_of: int, figures: Sequence[Reported], lag: timedelta) -> list[dict[str, Any]]:
    """A row of ``delta`` for each of ``figures`` that is not the expected one, in the order given.

    Args:
        connection: shows one state to every statement, as ``Database.reading`` does.
        as_of: the moment of all of them, microseconds since 1970.
        figures: what is reported, of any systems.
        lag: how far behind a system may usually be before that is a disagreement.
    """
    books = open_books(connection, as_of, figures, lag)
    rows: list[dict[str, Any]] = []
    differing: list[Reported] = []
    for figure in figures:
        if books.is_relative(figure):
            continue  # opening stock unknown: a figure of ours to compare with does not exist
        expected = books.expected(figure)
        if figure.quantity != expected:
            recent = books.recent(figure)
            explained = in_flight(figure.quantity, expected, books.earlier(figure, recent))
            lagging_since = recent[explained.entries - 1][0] if explained.entries else None
            differing.append(figure)
            rows.append(
                {
                    "reconciliation_id": figure.reconciliation_id,
                    "system": figure.system,
                    "as_of": as_of,
                    "sku": figure.sku,
                    "location": figure.location,
                    "channel": books.channels.get(figure.system, ""),
                    "state": figure.state,
                    "expected": expected,
                    "reported": figure.quantity,
                    "in_flight": explained.quantity,
                    "event_lag_s": (as_of - lagging_since) / 1e6 if lagging_since is not None else None,
                }
            )
    return _complete(connection, rows, differing, books, as_of, lag)


def role_of(system: str, channel_systems: Mapping[str, str]) -> str:
    """``channel_qty``, ``wms`` or ``erp``: which column of a delta a system's figure stands in."""
    if system in channel_systems:
        return "channel_qty"
    return "wms" if "wms" in system.lower() or "warehouse" in system.lower() else "erp"


def _complete(
    connection: Connection,
    rows: list[dict[str, Any]],
    differing: Sequence[Reported],
    books: Books,
    as_of: int,
    lag: timedelta,
) -> list[dict[str, Any]]:
    """Add to each row what other systems say, whose figure wins, and when its listing was last seen."""
    if not rows:
        return rows
    skus = {figure.sku for figure in differing}
    beside = _beside(connection, skus, books, as_of, lag)
    rules = source_rules(connection)
    published = _published(connection, skus, {row["channel"] for row in rows if row["channel"]})
    for row, figure in zip(rows, differing, strict=True):
        others = beside.get((figure.sku, figure.location, figure.state), [])
        own = Beside(figure.system, role_of(figure.system, books.channels), figure.quantity)
        row |= {"erp": None, "wms": None, "channel_qty": None}
        row |= {one.column: one.quantity for one in (*others, own)}
        rule = rules.get(figure.system, _NO_RULE)
        told = {one.system: one.quantity for one in others}
        found = judge(rule, figure.system, figure.quantity, row["expected"], row["in_flight"], told)
        seen = published.get((row["channel"], figure.sku))
        row |= {
            "winner": found.winner,
            "winning_quantity": found.winning_quantity,
            "tolerance": rule.tolerance,
            "within_tolerance": found.within_tolerance,
            "published_age_s": (as_of - seen) / 1e6 if seen is not None else None,
        }
    return rows


def _beside(
    connection: Connection, skus: set[str], books: Books, as_of: int, lag: timedelta
) -> dict[tuple[str, str, str], list[Beside]]:
    """The newest figure of each ERP and WMS up to ``as_of``, with what moved between then and ``as_of`` added."""
    bound: dict[str, object] = {"as_of": as_of, "since": as_of - lag // timedelta(microseconds=1)}
    told = connection.execute(text(_TOLD_LATELY), bound).all()
    statement = text(_BESIDE.format(wanted=wanted_skus(connection), pinned=_pinned(connection)))
    newest: dict[tuple[str, str, str], dict[str, Beside]] = {}
    for system, told_as_of in told:
        if system in books.channels:
            continue  # a channel's total stands beside nothing but itself
        column = role_of(system, books.channels)
        named = {"skus": as_json(skus), "system": system, "as_of": told_as_of}
        for sku, location, state, quantity in connection.execute(statement, named):
            place = books.stock.get((sku, location))
            moved = (
                sum(change_of(state, changes) for at, changes in place.recent if at > told_as_of)
                if told_as_of < as_of and place is not None
                else 0
            )
            newest.setdefault((sku, location, state), {})[system] = Beside(system, column, quantity + moved)
    return {key: list(by_system.values()) for key, by_system in newest.items()}


def _published(connection: Connection, skus: set[str], channels: set[str]) -> dict[tuple[str, str], int]:
    """When each listing was last seen to show what it should, by (channel, SKU)."""
    if not channels:
        return {}
    statement = _PUBLISHED.format(wanted=wanted_skus(connection), pinned=_pinned(connection))
    found = connection.execute(text(statement), {"skus": as_json(skus)})
    return {(row.channel, row.sku): row.visible_at for row in found}


def _pinned(connection: Connection) -> str:
    """SQLite takes the order of a CROSS JOIN as given: the few wanted SKUs first, never a whole table."""
    return "CROSS" if connection.dialect.name == "sqlite" else ""


_TOLD_LATELY = """
SELECT system, as_of FROM reconciliation WHERE as_of > :since AND as_of <= :as_of ORDER BY as_of, system
"""

_BESIDE = """
SELECT s.sku, s.location, s.state, s.quantity FROM ({wanted}) w
{pinned} JOIN snapshot s ON s.system = :system AND s.as_of = :as_of AND s.sku = w.sku
"""

_PUBLISHED = """
SELECT i.channel, i.sku, i.visible_at FROM channel c {pinned} JOIN ({wanted}) w ON true
{pinned} JOIN push_intent i ON i.channel = c.channel AND i.sku = w.sku
WHERE i.visible_at IS NOT NULL
"""
