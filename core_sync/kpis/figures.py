"""Figures of a span of time, each from the facts alone: cases, failures, agreement of systems, publishing.

A figure that nothing was counted for is left out, rather than told as 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.expectations.paces import EVENT_LAG
from core_sync.kpis.daily import (
    ACCEPTED_TO_VISIBLE,
    EVENTS,
    PUSHES,
    PUSHES_FAILED,
    SYNC_LATENCY,
    Place,
    counts,
    lengths,
)
from core_sync.snapshots.sweep import coverage

_HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One figure of the span from ``since`` to ``until``, of one channel or location where one is named."""

    kpi: str
    value: float
    unit: str
    since: datetime
    until: datetime
    channel: str | None = None
    location: str | None = None

    def as_row(self) -> dict[str, Any]:
        """The figure in the columns of the interchange format."""
        return {
            "kpi": self.kpi,
            "value": self.value,
            "unit": self.unit,
            "from": self.since,
            "to": self.until,
            "channel": self.channel,
            "location": self.location,
        }


def read_kpis(connection: Connection, since: datetime, until: datetime) -> list[Kpi]:
    """Every figure of the span; those marked ``open`` are as of now."""
    bound = {"since": to_microseconds(since), "until": to_microseconds(until)}
    found = [
        Kpi(kpi=name, value=round(float(value), 4), unit=unit, since=since, until=until)
        for name, unit, value in _single(connection, bound)
        if value is not None
    ]
    found += [_of_place(*told, since, until) for told in _measured(connection, since, until)]
    for name, unit, statement in _BY_CHANNEL:
        found += [
            Kpi(kpi=name, value=round(float(value), 4), unit=unit, since=since, until=until, channel=channel)
            for channel, value in connection.execute(text(statement), bound)
            if value is not None
        ]
    return found


def _of_place(name: str, unit: str, value: float, place: Place, since: datetime, until: datetime) -> Kpi:
    channel, location = place
    return Kpi(
        kpi=name, value=round(value, 4), unit=unit, since=since, until=until,
        channel=channel or None, location=location or None,
    )  # fmt: skip


def _measured(connection: Connection, since: datetime, until: datetime) -> Iterator[tuple[str, str, float, Place]]:
    """What is measured day by day: how late channels and locations are, and how many updates fail; whole days count."""
    for name in (SYNC_LATENCY, ACCEPTED_TO_VISIBLE, EVENT_LAG):
        for place, pace in sorted(lengths(connection, name, since, until).items()):
            for share in (50, 95):
                yield f"{name}_p{share}", "s", pace.quantile(share / 100), place
    for one in coverage(connection, until):
        yield "listings_looked_at", "ratio", one.share, (one.channel, "")
    failed = counts(connection, PUSHES_FAILED, since, until)
    for place, pushes in sorted(counts(connection, PUSHES, since, until).items()):
        yield "failure_rate", "ratio", failed.get(place, 0) / pushes, place
    bound = {"since": to_microseconds(since), "until": to_microseconds(until)}
    failing = {location: seen for location, seen in connection.execute(text(_FAILING_AT), bound)}  # noqa: C416 (typed)
    for (channel, location), events in sorted(counts(connection, EVENTS, since, until).items()):
        yield "failure_rate", "ratio", failing.get(location, 0) / events, (channel, location)


def _single(connection: Connection, bound: dict[str, int]) -> Iterator[tuple[str, str, float | None]]:
    for name, unit, statement in _FIGURES:
        yield name, unit, connection.execute(text(statement), bound).scalar_one()
    hours = sorted(connection.execute(text(_HOURS_TO_RESOLVE), bound).scalars())
    if hours:
        yield "median_time_to_resolve", "h", hours[len(hours) // 2]


_IN_SPAN = "BETWEEN :since AND :until"

_FIGURES = (
    ("cases_open", "cases", "SELECT count(*) FROM exception_case WHERE status <> 'resolved'"),
    (
        "expected_loss_open",
        "money",
        "SELECT sum(expected_loss) / 10000.0 FROM exception_case WHERE status <> 'resolved'",
    ),
    ("cases_opened", "cases", f"SELECT count(*) FROM exception_case WHERE opened_at {_IN_SPAN}"),
    ("cases_resolved", "cases", f"SELECT count(*) FROM exception_case WHERE resolved_at {_IN_SPAN}"),
    (
        "cases_resolved_by_themselves",
        "ratio",
        f"""SELECT avg(CASE WHEN e.actor = 'stocktriage' THEN 1.0 ELSE 0.0 END) FROM exception_case c
        JOIN case_entry e ON e.entry_id = (SELECT max(n.entry_id) FROM case_entry n
            WHERE n.case_id = c.case_id AND n.verb IN ('resolved', 'resolve', 'merge'))
        WHERE c.resolved_at {_IN_SPAN}""",
    ),
    ("cases_regressed", "cases", f"SELECT count(*) FROM case_entry WHERE verb = 'regressed' AND at {_IN_SPAN}"),
    ("failures", "failures", f"SELECT count(*) FROM failure WHERE occurred_at {_IN_SPAN}"),
    ("failures_open", "failures", "SELECT count(*) FROM failure WHERE resolved_at IS NULL"),
    ("events_accepted", "events", f"SELECT count(*) FROM ledger_entry WHERE recorded_at {_IN_SPAN}"),
    ("events_parked", "events", "SELECT count(*) FROM held_event WHERE status = 'parked'"),
    ("suspected_duplicates", "events", "SELECT count(*) FROM held_event WHERE status = 'suspected_duplicate'"),
    (
        "figures_that_agree",
        "ratio",
        f"SELECT 1.0 - sum(differing) * 1.0 / nullif(sum(compared), 0) FROM reconciliation WHERE as_of {_IN_SPAN}",
    ),
)

_BY_CHANNEL = (
    (
        "failures_by_channel",
        "failures",
        f"""SELECT channel, count(*) FROM failure WHERE channel IS NOT NULL AND occurred_at {_IN_SPAN}
        GROUP BY channel ORDER BY channel""",
    ),
)

_HOURS_TO_RESOLVE = f"""SELECT (resolved_at - opened_at) * 1.0 / {_HOUR} FROM exception_case
WHERE resolved_at {_IN_SPAN} AND merged_into IS NULL"""

_FAILING_AT = f"""
SELECT location, count(*) FROM failure
WHERE location IS NOT NULL AND recorded_at {_IN_SPAN} AND operation LIKE 'ledger.%' GROUP BY location
"""
