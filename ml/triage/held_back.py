"""Channels that are out, and the listings that they hold back: what such a failure costs.

Where our own pushes wait, these are the listings. Where others push and tell of it, every listing may be meant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from core_sync.outbox.backlog import backlog
from core_sync.outbox.failures import PUSH
from core_sync.outbox.listing import Listing
from ml.triage.stakes import SignalFacts

HELD_BACK_MAX = 2_000
"""Listings of a channel that is out that are priced, the first to go first: these are what it costs most."""


@dataclass(frozen=True, slots=True)
class Outage:
    """The failure that says that a channel takes nothing, with its case and diagnosis, and what waits there."""

    failure: Mapping[str, Any]
    listings: Sequence[Listing]

    @property
    def facts(self) -> list[SignalFacts]:
        """Of each listing that it is not updated."""
        return [SignalFacts("failure", one.sku, one.channel, operation=PUSH) for one in self.listings]


def outages(connection: Connection) -> list[Outage]:
    """Each channel of which an open failure says that it as a whole takes nothing; the first such failure stands."""
    rows = connection.execute(text(_OUT), {"push": PUSH}).mappings()
    ours = [Outage(dict(row), backlog(connection, row["channel"], HELD_BACK_MAX)) for row in rows]
    known = {outage.failure["channel"] for outage in ours}
    told = [dict(row) for row in connection.execute(text(_TOLD_OUT)).mappings() if row["channel"] not in known]
    return [*ours, *(Outage(row, _listings(connection, row["channel"])) for row in told)]


def _listings(connection: Connection, channel: str) -> list[Listing]:
    """What the channel showed last."""
    rows = connection.execute(text(_SHOWN), {"channel": channel, "most": HELD_BACK_MAX})
    return [Listing(channel, sku) for sku in rows.scalars()]


_OUT = """
SELECT s.case_id, 'failure' AS kind, f.failure_id AS signal_id, f.system, f.channel, f.sku, f.location,
       d.root_cause, d.subclass
FROM (SELECT MIN(o.failure_id) AS failure_id FROM failure o
      WHERE o.resolved_at IS NULL AND o.sku IS NULL AND o.channel IS NOT NULL AND o.operation = :push
      GROUP BY o.channel) first
JOIN failure f ON f.failure_id = first.failure_id JOIN diagnosis d ON d.failure_id = f.failure_id
JOIN case_signal s ON s.kind = 'failure' AND s.signal_id = f.failure_id
"""

_TOLD_OUT = """
SELECT s.case_id, 'failure' AS kind, f.failure_id AS signal_id, f.system, f.channel, f.sku, f.location,
       d.root_cause, d.subclass
FROM (SELECT o.channel, MIN(o.failure_id) AS failure_id
      FROM failure o JOIN diagnosis e ON e.failure_id = o.failure_id
      WHERE o.resolved_at IS NULL AND o.kind = 'told' AND o.channel IS NOT NULL AND e.subclass IN ('outage', 'auth')
      GROUP BY o.channel, e.subclass HAVING COUNT(DISTINCT o.sku) >= 2) first
JOIN failure f ON f.failure_id = first.failure_id JOIN diagnosis d ON d.failure_id = f.failure_id
JOIN case_signal s ON s.kind = 'failure' AND s.signal_id = f.failure_id
"""
"""Of a channel; what is told of one SKU only may be that one's own."""

_SHOWN = """
SELECT DISTINCT n.sku FROM channel c JOIN snapshot n ON n.system IN (c.channel, c.system)
WHERE c.channel = :channel AND n.location = '' AND n.state = 'available'
  AND n.as_of = (SELECT MAX(m.as_of) FROM snapshot m WHERE m.system IN (c.channel, c.system))
ORDER BY n.sku LIMIT :most
"""
