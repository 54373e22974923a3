"""Read new ledger entries: what begins an expectation, what meets it and how long that took.

A round costs what is new. Activity is read ahead of everything else, so that lengths in working time are measured
against all that is known. An entry is read once, by whichever process is first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, text

from core_sync.clock import from_microseconds
from core_sync.database.engine import Database
from core_sync.database.settled import settled_up_to
from core_sync.expectations.activity import note_activity, working_time
from core_sync.expectations.kinds import EVENT_TYPES, KINDS, ORDER_TO_RESERVE
from core_sync.expectations.pace import Pace
from core_sync.expectations.paces import EVENT_LAG, Observations
from core_sync.expectations.reading import Entry, Met, Open, Reading
from core_sync.expectations.sales import note_sales
from core_sync.failures.record import resolve_subjects
from core_sync.kpis.daily import DAY_US, count_events, write
from core_sync.orders.days import count_orders

ACTIVITY_ENTRIES = 200_000
"""Entries whose activity is added in one transaction."""

ENTRIES_AT_ONCE = 5_000
"""Entries that begin or meet something, in one transaction."""

ORDERS_AGAIN = 1_000
"""Orders looked at again: on PostgreSQL one may be committed after a later number."""

LONGEST_LAG_US = 7 * 86_400_000_000
"""What we hear of later than this is history that was loaded, and no lag."""


@dataclass(frozen=True, slots=True)
class Followed:
    """How many entries were looked at, how many expectations began, were met, and ended otherwise."""

    entries: int = 0
    begun: int = 0
    met: int = 0
    ended: int = 0


def follow(database: Database, at: datetime) -> Followed:
    """Read every new entry of the ledger, and every order that was told anew."""
    entries = _follow_entries(database, at)
    _follow_orders(database)
    return entries


def _follow_orders(database: Database) -> None:
    """Expect a reservation for each open order that has none yet."""
    with database.reading() as connection:
        first = _read_up_to(connection, "order_id")
        newest: int = connection.execute(text("SELECT COALESCE(MAX(order_id), 0) FROM told_order")).scalar_one()
    if newest > first:
        with database.transaction() as connection:
            if _advance(connection, "order_id", first, newest):
                bound = {"first": max(0, first - ORDERS_AGAIN)}
                connection.execute(text(_SOURCES), bound)
                connection.execute(text(_ORDERS), bound | {"kind": ORDER_TO_RESERVE.kind})


def _follow_entries(database: Database, at: datetime) -> Followed:
    with database.reading() as connection:
        newest = connection.execute(text("SELECT COALESCE(MAX(entry_id), 0) FROM ledger_entry")).scalar_one()
        if newest == _read_up_to(connection, "entry_id"):
            return Followed()
    with database.transaction() as connection:
        last = settled_up_to(connection, "ledger_entry", "entry_id")
    if last is None:
        return Followed()
    while _note_part(database, last):
        pass
    done = Followed()
    while (part := _follow_part(database, last, at)) is not None:
        done = Followed(
            done.entries + part.entries, done.begun + part.begun, done.met + part.met, done.ended + part.ended
        )
    return done


def _note_part(database: Database, last: int) -> bool:
    """Add the activity of some entries; False when there are no more."""
    with database.transaction() as connection:
        first = _read_up_to(connection, "activity_entry_id")
        stop = min(last, first + ACTIVITY_ENTRIES)
        if stop <= first or not _advance(connection, "activity_entry_id", first, stop):
            return False
        note_activity(connection, first, stop)
        note_sales(connection, first, stop)
        count_events(connection, first, stop)
        count_orders(connection, first, stop)
    return True


def _follow_part(database: Database, last: int, at: datetime) -> Followed | None:
    """Read some entries; None when there are no more."""
    with database.transaction() as connection:
        first = _read_up_to(connection, "entry_id")
        if first >= last:
            return None
        entries = _entries(connection, first, last)
        stop = last if len(entries) < ENTRIES_AT_ONCE else entries[-1].entry_id
        if not _advance(connection, "entry_id", first, stop):
            return None
        reading = Reading(_open_for(connection, entries))
        for entry in entries:
            reading.take(entry)
        _observe(connection, entries, reading.met)
        _write(connection, reading, at)
    return Followed(len(entries), len(reading.begun), len(reading.met), len(reading.ended))


def _read_up_to(connection: Connection, column: str) -> int:
    read: int = connection.execute(text(f"SELECT {column} FROM expectations_read")).scalar_one()
    return read


def _advance(connection: Connection, column: str, before: int, after: int) -> bool:
    """Move on, unless another process has done so."""
    statement = text(f"UPDATE expectations_read SET {column} = :after WHERE {column} = :before")
    return connection.execute(statement, {"before": before, "after": after}).rowcount == 1


def _entries(connection: Connection, first: int, last: int) -> list[Entry]:
    statement = text(_ENTRIES).bindparams(bindparam("types", expanding=True))
    bound = {"first": first, "last": last, "types": EVENT_TYPES, "most": ENTRIES_AT_ONCE}
    return [Entry(*row) for row in connection.execute(statement, bound).all()]


def _open_for(connection: Connection, entries: Sequence[Entry]) -> list[Open]:
    """Everything open for the documents of ``entries``."""
    documents = sorted({entry.document for entry in entries})
    if not documents:
        return []
    statement = text(_OPEN).bindparams(bindparam("documents", expanding=True))
    found = []
    for start in range(0, len(documents), 1_000):
        rows = connection.execute(statement, {"documents": documents[start : start + 1_000]})
        found += [Open(*row) for row in rows.all()]
    return found


def _observe(connection: Connection, entries: Sequence[Entry], met: Sequence[Met]) -> None:
    """Learn how long what was met took, and how long after each event we heard of it."""
    seen = Observations()
    since: dict[tuple[int, str], int] = {}
    for one in met:
        place = (one.by.source_id, one.open.location)
        since[place] = min(one.open.since, since.get(place, one.open.since))
    worked = {place: working_time(connection, *place, moment) for place, moment in since.items()}
    for one in met:
        began, came, place = one.open.since, one.by.occurred_at, (one.by.source_id, one.open.location)
        in_working_time = KINDS[one.open.kind].in_working_time
        seconds = worked[place].seconds(began, came) if in_working_time else max(0, came - began) / 1e6
        seen.add(one.open.kind, *place, began, seconds)
    lags: dict[tuple[int, str], list[float]] = {}
    for entry in entries:
        lag = entry.recorded_at - entry.occurred_at
        if 0 <= lag <= LONGEST_LAG_US:
            seen.add(EVENT_LAG, entry.source_id, entry.location, entry.occurred_at, lag / 1e6)
            lags.setdefault((entry.recorded_at // DAY_US, entry.location), []).append(lag / 1e6)
    seen.write(connection)
    for (day, location), late in sorted(lags.items()):
        write(connection, Pace.of(late).counts, EVENT_LAG, day, location=location)


def _write(connection: Connection, reading: Reading, at: datetime) -> None:
    """Write what is open now, and close the failures of what was met after all or is expected no more."""
    if reading.begun:
        rows = [
            {
                "kind": one.kind, "document": one.document, "line": one.line, "sku": one.sku, "location": one.location,
                "source": one.source_id, "quantity": one.quantity, "since": one.since,
            }
            for one in reading.begun
        ]  # fmt: skip
        connection.execute(text(_BEGIN), rows)
    if reading.changed:
        rows = [{"row": one.row, "quantity": one.quantity} for one in reading.changed]
        connection.execute(text("UPDATE open_expectation SET quantity = :quantity WHERE expectation_id = :row"), rows)
    gone = [*(one.open for one in reading.met), *reading.ended]
    close(connection, [one.row for one in gone if one.row is not None])
    for one in reading.met:
        if one.open.breached:
            came = from_microseconds(one.by.occurred_at)
            resolve_subjects(connection, [one.open.subject], at, f"it came on {came:%Y-%m-%d %H:%M} UTC")
    ended = [one.subject for one in reading.ended if one.breached]
    resolve_subjects(connection, ended, at, "it is not expected any more")


def close(connection: Connection, expectations: Iterable[int]) -> None:
    """Forget the open expectations with these numbers."""
    rows = [{"row": number} for number in expectations]
    if rows:
        connection.execute(text("DELETE FROM open_expectation WHERE expectation_id = :row"), rows)


_ENTRIES = """
SELECT l.entry_id, l.type, l.source_id, p.sku, p.location, d.location AS to_location, l.quantity, l.document,
       COALESCE(l.line, ''), l.occurred_at, l.recorded_at, l.flags
FROM ledger_entry l JOIN position p ON p.position_id = l.position_id
LEFT JOIN position d ON d.position_id = l.to_position_id
WHERE l.entry_id > :first AND l.entry_id <= :last AND l.document IS NOT NULL AND l.type IN :types
ORDER BY l.entry_id LIMIT :most
"""

_OPEN = """
SELECT kind, document, line, sku, location, source_id, quantity, since, breached, expectation_id
FROM open_expectation WHERE document IN :documents ORDER BY since, expectation_id
"""

_BEGIN = """
INSERT INTO open_expectation (kind, document, line, sku, location, source_id, quantity, since, breached)
VALUES (:kind, :document, :line, :sku, :location, :source, :quantity, :since, FALSE)
ON CONFLICT (kind, document, sku, location, line) DO NOTHING
"""

_SOURCES = """
INSERT INTO source (name, opening, winner, tolerance)
SELECT DISTINCT t.system, 'zero', '', 0 FROM told_order t WHERE t.order_id > :first
ON CONFLICT (name) DO NOTHING
"""

_ORDERS = """
INSERT INTO open_expectation (kind, document, line, sku, location, source_id, quantity, since, breached)
SELECT :kind, t.document, '', '', '', s.source_id, 0, COALESCE(t.placed_at, t.as_of), FALSE
FROM told_order t JOIN source s ON s.name = t.system
WHERE t.order_id > :first AND t.state = 'open'
  AND NOT EXISTS (SELECT 1 FROM ledger_entry l WHERE l.document = t.document AND l.type IN ('reserve', 'ship'))
ON CONFLICT (kind, document, sku, location, line) DO NOTHING
"""
