"""Why something is on the worklist or is not: what every room knows of one SKU."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from core_sync.cases.whereabouts import Whereabout, whereabouts
from core_sync.clock import from_microseconds


def why_not(
    connection: Connection, at: datetime, sku: str, channel: str | None = None, location: str | None = None
) -> list[Whereabout]:
    """Where the troubles and differences of a SKU are; one answer at least."""
    found = whereabouts(connection, at, sku, channel, location)
    bound = {"sku": sku, "channel": channel, "location": location}
    found += [_difference(row) for row in connection.execute(text(_DIFFERENCES), bound).mappings()]
    return found or [Whereabout(where="nowhere", why=_nothing(connection, sku))]


def _difference(row: Any) -> Whereabout:
    where = " at ".join(part for part in (row["system"], row["location"] or row["channel"]) if part)
    apart = row["reported"] - row["expected"] - row["in_flight"]
    when = f"{from_microseconds(row['as_of']):%Y-%m-%d %H:%M} UTC"
    told = (
        f"{where} reported {row['reported']:,} {row['state'].replace('_', ' ')}, {row['expected']:,} expected ({when})"
    )
    if apart == 0:
        return Whereabout(where="suppressed", why=f"{told}: what is on its way explains it")
    if row["within_tolerance"]:
        why = f"{told}: {abs(apart):,} apart, and {row['tolerance']:,} are tolerated of that system"
        return Whereabout(where="suppressed", why=why)
    if row["anomaly_id"] is None:
        return Whereabout(where="below", why=f"{told}: {abs(apart):,} apart, which is usual there or not scored yet")
    if row["settled_at"] is not None:
        return Whereabout(where="resolved", why=f"{told}: it was strange and is settled: {row['settlement']}")
    return Whereabout(where="strange", why=f"{told}: {abs(apart):,} apart, which is strange", case=row["case_id"])


def _nothing(connection: Connection, sku: str) -> str:
    known = connection.execute(
        text("SELECT EXISTS (SELECT 1 FROM sku WHERE sku = :sku) OR EXISTS (SELECT 1 FROM position WHERE sku = :sku)"),
        {"sku": sku},
    ).scalar_one()
    if not known:
        return f"{sku} is in no master data and has no stock; is it called otherwise here?"
    return "no failure names it, and no system that reported it differs"


_DIFFERENCES = """
SELECT d.system, d.location, d.channel, d.state, d.as_of, d.expected, d.reported, d.in_flight, d.within_tolerance,
       d.tolerance, a.anomaly_id, a.settled_at, a.settlement, s.case_id
FROM (SELECT MAX(delta_id) AS delta_id FROM delta
      WHERE sku = :sku AND (CAST(:channel AS TEXT) IS NULL OR channel = :channel)
        AND (CAST(:location AS TEXT) IS NULL OR location = :location)
      GROUP BY system, location, channel, state) newest
JOIN delta d ON d.delta_id = newest.delta_id
LEFT JOIN anomaly a ON a.kind = 'delta' AND a.fact_id = d.delta_id
LEFT JOIN case_signal s ON s.kind = 'anomaly' AND s.signal_id = a.anomaly_id
WHERE NOT EXISTS (SELECT 1 FROM snapshot n WHERE n.system = d.system AND n.sku = d.sku AND n.location = d.location
                  AND n.state = d.state AND n.as_of > d.as_of)
ORDER BY d.delta_id DESC LIMIT 10
"""
