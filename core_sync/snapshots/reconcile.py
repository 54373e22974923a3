"""Compare every system's snapshot with the ledger as of the same moment; what differs becomes a delta."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, insert, text

from core_sync.availability.promises import channel_terms
from core_sync.availability.rules import ChannelTerms, promised_quantity
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.engine import Database
from core_sync.snapshots.rules import InFlight, RecentMovement, in_flight
from core_sync.snapshots.stock_at import StockAt, stock_at
from core_sync.snapshots.tables import Delta, Reconciliation

POSTING_LAG = timedelta(hours=2)
"""How far behind a system may usually be before that is a disagreement."""


@dataclass(frozen=True, slots=True)
class Reported:
    """One figure of a snapshot."""

    sku: str
    location: str
    state: str
    quantity: int


@dataclass(frozen=True, slots=True)
class ReconcileSummary:
    """How much was compared, and how much of it differs."""

    snapshots: int
    compared: int
    differing: int


def reconcile(database: Database, at: datetime, lag: timedelta = POSTING_LAG) -> ReconcileSummary:
    """Compare each snapshot that has not been compared yet; one transaction for each as-of time."""
    with database.reading() as connection:
        pending = connection.execute(text(_PENDING)).all()
    compared = differing = 0
    for as_of, group in groupby(pending, key=lambda row: row.as_of):
        systems = [row.system for row in group]
        with database.transaction() as connection:
            stock = stock_at(connection, from_microseconds(as_of), lag)
            reports = {system: _reports(connection, system, as_of) for system in systems}
            beside = _beside(connection, as_of)
            for system in systems:
                rows = _deltas_of(connection, system, as_of, reports[system], stock, beside)
                _write(connection, system, as_of, len(reports[system]), rows, at)
                compared += len(reports[system])
                differing += len(rows)
    return ReconcileSummary(len(pending), compared, differing)


def role_of(system: str, channel_systems: Mapping[str, str]) -> str:
    """``channel``, ``wms`` or ``erp``: which column of a delta a system's figure stands in."""
    if system in channel_systems:
        return "channel_qty"
    return "wms" if "wms" in system.lower() or "warehouse" in system.lower() else "erp"


def _deltas_of(
    connection: Connection,
    system: str,
    as_of: int,
    reports: Sequence[Reported],
    stock: Mapping[tuple[str, str], StockAt],
    beside: Mapping[tuple[str, str, str], dict[str, int]],
) -> list[dict[str, Any]]:
    """The rows of ``delta`` for one system's snapshot: one for each figure that is not the expected one."""
    channel = _channel_systems(connection).get(system, "")
    skus = {report.sku for report in reports}
    terms = channel_terms(connection, skus, from_microseconds(as_of)) if channel else {}
    usual = terms.get((channel, ""), ChannelTerms())
    by_sku: dict[str, list[StockAt]] = {}
    for (sku, _), figures in stock.items():
        by_sku.setdefault(sku, []).append(figures)
    published = _published(connection, channel) if channel else {}
    rows = []
    for report in reports:
        if report.location:
            places = [stock[report.sku, report.location]] if (report.sku, report.location) in stock else []
        else:
            places = by_sku.get(report.sku, [])
        if any(place.relative for place in places):
            continue  # opening stock unknown: a figure of ours to compare with does not exist
        rule = terms.get((channel, report.sku), usual) if channel and not report.location else None
        expected, explained = _compare(report, places, rule)
        if report.quantity == expected:
            continue
        moved = sorted((m.occurred_at for place in places for m in place.movements(report.state)), reverse=True)
        seen = published.get(report.sku)
        rows.append(
            {
                "system": system,
                "as_of": as_of,
                "sku": report.sku,
                "location": report.location,
                "channel": channel,
                "state": report.state,
                "expected": expected,
                "reported": report.quantity,
                "in_flight": explained.quantity,
                "erp": None,
                "wms": None,
                "channel_qty": None,
                **beside.get((report.sku, report.location, report.state), {}),
                "published_age_s": (as_of - seen) / 1e6 if seen is not None else None,
                "event_lag_s": (as_of - moved[explained.entries - 1]) / 1e6 if explained.entries else None,
            }
        )
    return rows


def _compare(report: Reported, places: Sequence[StockAt], rule: ChannelTerms | None) -> tuple[int, InFlight]:
    """What we expected the system to report, and how much of the difference is under way."""
    figure = sum(place.figure(report.state) for place in places)
    recent: list[RecentMovement] = sorted(
        (movement for place in places for movement in place.movements(report.state)),
        key=lambda movement: movement.occurred_at,
        reverse=True,
    )
    if rule is None or report.state != "available":
        return figure, in_flight(report.quantity - figure, recent)

    def promise_without(units: int) -> int:
        return promised_quantity(figure - units, rule)

    expected = promise_without(0)
    return expected, in_flight(report.quantity - expected, recent, promise_without)


def _write(
    connection: Connection, system: str, as_of: int, compared: int, rows: list[dict[str, Any]], at: datetime
) -> None:
    recorded_at = to_microseconds(at)
    run = connection.execute(
        insert(Reconciliation)
        .values(system=system, as_of=as_of, compared=compared, differing=len(rows), recorded_at=recorded_at)
        .returning(Reconciliation.reconciliation_id)  # type: ignore[call-overload]  # an SQLModel column
    ).scalar_one()
    if rows:
        connection.execute(
            insert(Delta), [row | {"reconciliation_id": run, "recorded_at": recorded_at} for row in rows]
        )


def _reports(connection: Connection, system: str, as_of: int) -> list[Reported]:
    rows = connection.execute(
        text("SELECT sku, location, state, quantity FROM snapshot WHERE system = :system AND as_of = :as_of"),
        {"system": system, "as_of": as_of},
    )
    return [Reported(*row) for row in rows]


def _beside(connection: Connection, as_of: int) -> dict[tuple[str, str, str], dict[str, int]]:
    """What ERP, WMS and channel say at the same moment, by (SKU, location, state)."""
    channels = _channel_systems(connection)
    beside: dict[tuple[str, str, str], dict[str, int]] = {}
    for row in connection.execute(
        text("SELECT system, sku, location, state, quantity FROM snapshot WHERE as_of = :as_of"), {"as_of": as_of}
    ):
        beside.setdefault((row.sku, row.location, row.state), {})[role_of(row.system, channels)] = row.quantity
    return beside


def _channel_systems(connection: Connection) -> dict[str, str]:
    """Channel by the name under which it reports: its system, or its own name."""
    named = connection.execute(text("SELECT channel, system FROM channel")).all()
    return {row.channel: row.channel for row in named} | {row.system: row.channel for row in named if row.system}


def _published(connection: Connection, channel: str) -> dict[str, int]:
    rows = connection.execute(
        text("SELECT sku, visible_at FROM push_intent WHERE channel = :channel AND visible_at IS NOT NULL"),
        {"channel": channel},
    )
    return {row.sku: row.visible_at for row in rows}


_PENDING = """
SELECT DISTINCT s.system, s.as_of FROM snapshot s
WHERE NOT EXISTS (SELECT 1 FROM reconciliation r WHERE r.system = s.system AND r.as_of = s.as_of)
ORDER BY s.as_of, s.system
"""
