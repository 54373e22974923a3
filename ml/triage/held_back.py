"""Channels that are out, systems that do not post, and the listings that they hold back: what such a failure costs.

Where our own pushes wait, these are the listings. Where others push and tell of it, every listing may be meant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json
from core_sync.outbox.backlog import backlog
from core_sync.outbox.failures import PUSH
from core_sync.outbox.listing import Listing
from ml.triage.grouping import BACKLOG, Waiting, backlogs_among
from ml.triage.stakes import SignalFacts
from ml.triage.told import numbers

HELD_BACK_MAX = 2_000
"""Listings of a channel that is out that are priced, the first to go first: these are what it costs most."""


FOLLOWS = 0.25
"""A listing follows a system's figure where it is off by at least this part of what that is off by: shares differ."""


@dataclass(frozen=True, slots=True)
class Outage:
    """The failure that says that a channel or a system takes nothing, with its case and diagnosis, and what waits."""

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
    elsewhere = [Outage(row, _listings(connection, row["channel"])) for row in told]
    return [*ours, *elsewhere, *_backlogs(connection)]


def _backlogs(connection: Connection) -> list[Outage]:
    """Each system that does not post what happens at a location, and the listings that follow its figures."""
    of_one = backlogs_among([Waiting(*row) for row in connection.execute(text(_UNPOSTED))])
    places = {min(rows).failure_id: next(row.location for row in rows if row.location) for rows in of_one.values()}
    first = connection.execute(text(_FIRST.format(wanted=numbers(connection))), {"numbers": as_json(places)})
    rows = [{**row, "location": places[row["signal_id"]]} for row in first.mappings()]
    return [Outage(row, _following(connection, row["system"], row["location"])) for row in rows]


def _following(connection: Connection, system: str, location: str) -> list[Listing]:
    """Listings whose figure is off the way the system's is: what it does not post, they do not show.

    What is on its way counts, for that is what waits.
    """
    bound = {"system": system, "location": location, "most": HELD_BACK_MAX, "part": FOLLOWS}
    return [Listing(row.channel, row.sku) for row in connection.execute(text(_FOLLOWING), bound)]


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

_UNPOSTED = f"""
SELECT MIN(o.failure_id), e.root_cause, o.system, o.location, o.sku
FROM diagnosis e JOIN failure o ON o.failure_id = e.failure_id
WHERE e.subclass = '{BACKLOG}' AND o.resolved_at IS NULL AND o.system IS NOT NULL AND o.sku IS NOT NULL
GROUP BY e.root_cause, o.system, o.location, o.sku
"""

_FIRST = """
SELECT s.case_id, 'failure' AS kind, f.failure_id AS signal_id, f.system, f.channel, f.sku, f.location,
       d.root_cause, d.subclass
FROM {wanted} w JOIN failure f ON f.failure_id = w.number JOIN diagnosis d ON d.failure_id = f.failure_id
JOIN case_signal s ON s.kind = 'failure' AND s.signal_id = f.failure_id
ORDER BY f.failure_id
"""

_FOLLOWING = """
SELECT c.channel, c.sku
FROM snapshot n
JOIN delta b ON b.sku = n.sku AND b.location = n.location AND b.channel = '' AND b.as_of = n.as_of
 AND b.system = n.system AND b.state = n.state
JOIN channel h ON TRUE
JOIN delta c ON c.sku = n.sku AND c.location = '' AND c.channel = h.channel AND c.state = 'available'
 AND c.as_of = (SELECT MAX(r.as_of) FROM reconciliation r WHERE r.system = c.system)
WHERE n.system = :system AND n.location = :location AND n.state = 'on_hand'
  AND n.as_of = (SELECT MAX(r.as_of) FROM reconciliation r WHERE r.system = :system)
  AND (b.reported - b.expected) * (c.reported - c.expected) > 0
  AND ABS(c.reported - c.expected) >= :part * ABS(b.reported - b.expected)
ORDER BY ABS(c.reported - c.expected) DESC, c.channel, c.sku LIMIT :most
"""

_SHOWN = """
SELECT DISTINCT n.sku FROM channel c JOIN snapshot n ON n.system IN (c.channel, c.system)
WHERE c.channel = :channel AND n.location = '' AND n.state = 'available'
  AND n.as_of = (SELECT MAX(m.as_of) FROM snapshot m WHERE m.system IN (c.channel, c.system))
ORDER BY n.sku LIMIT :most
"""
