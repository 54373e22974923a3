"""Eight writers at once on overlapping SKUs and ids: none is told of a deadlock, and nothing is lost."""

from collections import Counter
from functools import partial

import pytest
from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds
from core_sync.database.engine import Database
from core_sync.ledger.collisions import settle_collisions
from core_sync.ledger.events import CORRECTIONS, Event, EventType
from core_sync.master_data.load import bump_version
from tests.core_sync.ledger.busy_writers import AT, PLACES, work
from tests.core_sync.ledger.laws import assert_lawful, ends, figures, figures_told, telling_id
from tests.core_sync.ledger.oracle import Oracle
from tests.processes import at_once
from tests.proof import counted, keep_result

WRITERS = 8
SECONDS = counted(60, 5)


@pytest.mark.proof
@pytest.mark.timeout(0)
def test_no_deadlock_reaches_a_writer_and_no_update_is_lost(postgresql: Database) -> None:
    with postgresql.transaction() as connection:
        insert = text("INSERT INTO location (location, stock_control) VALUES (:name, :control)")
        connection.execute(insert, [{"name": name, "control": control} for name, control in PLACES.items()])
        bump_version(connection)
    told = at_once(*(partial(work, postgresql.url, number, SECONDS) for number in range(WRITERS)))
    with postgresql.transaction() as connection:
        collided = settle_collisions(connection, AT)
    assert [error for one in told for error in one.errors] == []
    counts = sum((one.counts for one in told), Counter[str]())
    handed_in = set().union(*(one.names for one in told))
    with postgresql.reading() as connection:
        assert_lawful(connection, {"YORK"})
        ended = ends(connection)
        assert {(source, name.partition("#")[0]) for source, name in ended} == handed_in
        assert sum(end == "accepted" for end in ended.values()) == counts["accepted"]
        assert figures(connection) == figures_told(in_order_of_entry(connection))
        deadlocks = connection.execute(text(_DEADLOCKS)).scalar_one()
    keep_result(
        "ledger_concurrency",
        "tests/core_sync/ledger/test_concurrency.py",
        {
            "writers": WRITERS,
            "seconds": SECONDS,
            **counts,
            "ends": dict(Counter(ended.values())),
            "ids taken by two writers at once": collided,
            "deadlocks that PostgreSQL broke": deadlocks,
            "errors that reached a writer": 0,
            "updates lost": 0,
        },
    )


def in_order_of_entry(connection: Connection) -> Oracle:
    """An oracle that applied every entry by itself, one after the other: each one must have been possible."""
    oracle = Oracle(telling_id, lenient={name for name, control in PLACES.items() if control == "lenient"})
    for row in connection.execute(text(_ENTRIES)):
        if row.event_id.startswith(("drawn:", f"reversal:{CORRECTIONS}:")):
            continue  # what an event draws on beyond its own reservation, the oracle draws with the event
        if row.source == CORRECTIONS:
            _, source, event_id = row.event_id.split(":", 2)
            assert oracle.take_back((source, event_id)), row
            continue
        event = Event(
            row.event_id, row.source, EventType(row.type), from_microseconds(row.occurred_at), row.sku, row.location,
            row.quantity, lot=row.lot, account=row.account or "", document=row.document or "", line=row.line or "",
            reservation_id=row.reservation_id or "", to_location=row.to_location or "",
        )  # fmt: skip
        assert oracle.post(event), row
    return oracle


_ENTRIES = """
SELECT s.name AS source, l.event_id, l.type, l.occurred_at, p.sku, p.location, p.lot, l.quantity, l.document, l.line,
       l.account, l.reservation_id, d.location AS to_location
FROM ledger_entry l JOIN source s ON s.source_id = l.source_id JOIN position p ON p.position_id = l.position_id
LEFT JOIN position d ON d.position_id = l.to_position_id ORDER BY l.entry_id
"""
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
