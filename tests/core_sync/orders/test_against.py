"""Reservations stand against the orders that systems list; orders wait for their reservations."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from core_sync.availability.reservations import stale_reservations, tell_stale
from core_sync.database.engine import Database
from core_sync.expectations.round import expect
from core_sync.intake.load import load_files
from core_sync.ledger.events import Event
from core_sync.ledger.ledger import Ledger
from tests.builders import MONDAY, a_receipt, a_reservation

LATER = MONDAY + timedelta(hours=6)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    happens(database, a_receipt(50))
    yield database
    database.close()


def happens(database: Database, *events: Event) -> None:
    ledger = Ledger(database)
    ledger.apply(list(events), MONDAY)
    ledger.close()


def told(database: Database, folder: Path, *rows: str, as_of: datetime = LATER) -> tuple[int, int]:
    """Load a list of orders of the WMS, each ``DOCUMENT state``; how many were news, and how many were not."""
    lines = [f"wms,{row.replace(' ', ',')},{as_of.isoformat()},{MONDAY.isoformat()}" for row in rows]
    (folder / "orders.csv").write_text("system,document,state,as_of,placed_at\n" + "\n".join(lines) + "\n")
    ledger = Ledger(database)
    summary = load_files(ledger, "orders", [folder / "orders.csv"], as_of)
    ledger.close()
    return summary.accepted, summary.duplicates


def stale(database: Database) -> list[tuple[str | None, str, str | None]]:
    with database.transaction() as connection:
        tell_stale(connection, LATER)
        return [(one.document, one.why, one.order_state) for one in stale_reservations(connection, LATER)]


def test_a_reservation_whose_order_has_ended_is_stale(database: Database, tmp_path: Path) -> None:
    happens(database, *(a_reservation(1, document=f"SO-{n}") for n in (1, 2, 3)))
    told(database, tmp_path, "SO-1 open", "SO-2 cancelled", "SO-3 shipped")
    assert stale(database) == [("SO-2", "cancelled_order", "cancelled"), ("SO-3", "leaked", "shipped")]
    with database.reading() as connection:
        message = connection.execute(text("SELECT message FROM failure ORDER BY failure_id")).scalars().first()
    assert message == (
        "1 of MUG at LEEDS are still reserved for SO-2, though wms calls order SO-2 cancelled on 2026-03-02 14:00 UTC"
    )


def test_a_reservation_whose_order_its_own_system_does_not_know_is_stale(database: Database, tmp_path: Path) -> None:
    happens(
        database,
        a_reservation(1, document="SO-1"),
        a_reservation(1, document="SO-2", source="erp"),
        a_reservation(1, document="QT-1", expires_at=LATER + timedelta(days=1)),
        a_reservation(1, document="SO-3", hours=5.5),
    )
    told(database, tmp_path, "SO-9 open")
    assert stale(database) == [("SO-1", "leaked", "unknown")]


def test_an_order_that_is_open_again_keeps_its_reservation(database: Database, tmp_path: Path) -> None:
    happens(database, a_reservation(1, document="SO-1"))
    told(database, tmp_path, "SO-1 cancelled")
    assert stale(database) != []
    assert told(database, tmp_path, "SO-1 open", as_of=LATER + timedelta(hours=1)) == (1, 0)
    assert stale(database) == []
    assert told(database, tmp_path, "SO-1 cancelled", as_of=LATER) == (0, 1)  # an older word
    assert stale(database) == []


def missing(database: Database, after: timedelta) -> list[str]:
    expect(database, MONDAY + after)
    with database.reading() as connection:
        rows = connection.execute(
            text("SELECT document FROM failure WHERE operation = 'expect.order_to_reserve' AND resolved_at IS NULL")
        )
        return list(rows.scalars())


def test_an_order_is_missed_until_something_is_reserved_for_it(database: Database, tmp_path: Path) -> None:
    happens(database, a_reservation(1, document="SO-1"))
    told(database, tmp_path, "SO-1 open", "SO-2 open", "SO-3 open", as_of=MONDAY)
    assert missing(database, timedelta(hours=3)) == []
    assert missing(database, timedelta(hours=5)) == ["SO-2", "SO-3"]
    happens(database, a_reservation(1, document="SO-2", hours=6))
    assert missing(database, timedelta(hours=7)) == ["SO-3"]


def test_an_order_that_ended_before_anything_was_reserved_is_not_missed(database: Database, tmp_path: Path) -> None:
    told(database, tmp_path, "SO-1 open", as_of=MONDAY)
    assert missing(database, timedelta(hours=1)) == []
    told(database, tmp_path, "SO-1 cancelled", as_of=LATER)
    assert missing(database, timedelta(hours=8)) == []
