"""Announced stock that comes in part, in excess or never; what is overdue is told until it comes."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.ledger.events import EventType
from core_sync.ledger.history import disagreements, positions
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.transits import overdue_transits, tell_overdue_transits
from tests.builders import MONDAY, a_receipt, an_event

DUE = MONDAY + timedelta(days=1)
LATER = MONDAY + timedelta(days=2)


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    """Ten mugs are announced for Tuesday."""
    ledger = Ledger(Database(database_url))
    ledger.apply([an_event(EventType.INBOUND_ANNOUNCED, 10, document="PO-1", expires_at=DUE)], MONDAY)
    return ledger


def there(ledger: Ledger) -> tuple[int, int]:
    with ledger.database.reading() as connection:
        assert disagreements(connection) == []
        (mugs,) = positions(connection)
        return mugs.on_hand, mugs.in_transit


def overdue(ledger: Ledger) -> list[tuple[int, int, int]]:
    with ledger.database.reading() as connection:
        assert overdue_transits(connection, MONDAY) == []
        return [(one.announced, one.arrived, one.under_way) for one in overdue_transits(connection, LATER)]


@pytest.mark.parametrize(
    ("comes", "stock", "late"),
    [([], (0, 10), [(10, 0, 10)]), ([4], (4, 6), [(10, 4, 6)]), ([4, 6], (10, 0), []), ([4, 9], (13, 0), [])],
)
def test_what_was_announced_comes_never_in_part_whole_or_in_excess(
    ledger: Ledger, comes: list[int], stock: tuple[int, int], late: list[tuple[int, int, int]]
) -> None:
    ledger.apply([a_receipt(quantity, hours=2, document="PO-1") for quantity in comes], MONDAY)
    assert (there(ledger), overdue(ledger)) == (stock, late)


def test_what_is_overdue_is_a_failure_until_it_comes(ledger: Ledger) -> None:
    ledger.apply([a_receipt(4, hours=2, document="PO-1")], MONDAY)
    with ledger.database.transaction() as connection:
        assert tell_overdue_transits(connection, MONDAY) == 0
        assert tell_overdue_transits(connection, LATER) == tell_overdue_transits(connection, LATER) == 1
        (message,) = connection.execute(text("SELECT message FROM failure WHERE resolved_at IS NULL")).scalars()
    assert message == "6 of 10 MUG are still under way to LEEDS for PO-1, due on 2026-03-03 08:00 UTC: 4 came"
    ledger.apply([a_receipt(6, hours=49, document="PO-1")], LATER)
    with ledger.database.transaction() as connection:
        assert tell_overdue_transits(connection, LATER) == 0
        assert connection.execute(text("SELECT count(*) FROM failure WHERE resolved_at IS NULL")).scalar_one() == 0
