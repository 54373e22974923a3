"""When sources spoke of which places: read from new ledger entries, set by set."""

from collections.abc import Mapping

from sqlalchemy import Connection, text

from core_sync.expectations.working_time import HOUR_US, SLOT_US, SLOTS_AN_HOUR, WorkingTime, slots_of

OURSELVES = "stocktriage"
"""The source of our own corrections, which is no source to wait for."""

ANYWHERE = ""
"""Instead of a location: of any."""


def note_activity(connection: Connection, first: int, last: int) -> None:
    """Add what the ledger entries after ``first`` up to ``last`` tell of when their sources spoke."""
    bound: dict[str, object] = {"first": first, "last": last, "ourselves": OURSELVES}
    for clock in ("occurred", "recorded"):
        for location in ("p.location", "''"):
            statement = _ADD.format(moment=f"l.{clock}_at", location=location)
            connection.execute(text(statement), bound | {"clock": clock})
    for location in ("p.location", "''"):
        connection.execute(text(_HEARD.format(location=location)), bound)


def hours_with_words(
    connection: Connection, source_id: int, location: str, clock: str, since_hour: int
) -> Mapping[int, int]:
    """Bits of the slots in which ``source_id`` told of ``location``, by hour since 1970, from ``since_hour`` on."""
    bound = {"source": source_id, "location": location, "clock": clock, "since": since_hour}
    return dict(connection.execute(text(_HOURS), bound).all())


def working_time(connection: Connection, source_id: int, location: str, since: int) -> WorkingTime:
    """When ``location`` worked by what ``source_id`` told of it, from the hour of ``since`` on."""
    hours = hours_with_words(connection, source_id, location, "occurred", since // HOUR_US)
    return WorkingTime(slots_of(hours))


_ADD = f"""
INSERT INTO source_activity (source_id, location, clock, hour, slots)
SELECT l.source_id, {{location}}, :clock, {{moment}} / {HOUR_US},
       SUM(DISTINCT 1 << CAST({{moment}} / {SLOT_US} % {SLOTS_AN_HOUR} AS integer))
FROM ledger_entry l JOIN position p ON p.position_id = l.position_id
JOIN source s ON s.source_id = l.source_id
WHERE l.entry_id > :first AND l.entry_id <= :last AND s.name <> :ourselves
GROUP BY l.source_id, 2, {{moment}} / {HOUR_US}
ON CONFLICT (source_id, location, clock, hour) DO UPDATE SET slots = source_activity.slots | excluded.slots
"""

_HEARD = """
INSERT INTO source_rhythm (source_id, location, last_heard_at, silent)
SELECT l.source_id, {location}, MAX(l.recorded_at), FALSE
FROM ledger_entry l JOIN position p ON p.position_id = l.position_id
JOIN source s ON s.source_id = l.source_id
WHERE l.entry_id > :first AND l.entry_id <= :last AND s.name <> :ourselves
GROUP BY l.source_id, 2
ON CONFLICT (source_id, location) DO UPDATE SET last_heard_at =
    CASE WHEN excluded.last_heard_at > source_rhythm.last_heard_at THEN excluded.last_heard_at
    ELSE source_rhythm.last_heard_at END
"""

_HOURS = """
SELECT hour, slots FROM source_activity
WHERE source_id = :source AND location = :location AND clock = :clock AND hour >= :since
"""
