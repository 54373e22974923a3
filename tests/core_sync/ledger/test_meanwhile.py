"""What was read before the lock may be over by then: what is so under the lock holds."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from core_sync.availability.reservations import stale_reservations
from core_sync.database.engine import Database
from core_sync.ledger.again import free_held
from core_sync.ledger.decisions import apply_after_all, refuse
from core_sync.ledger.events import EventType
from core_sync.ledger.history import Clock, positions, positions_at
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.verdicts import waiting_for_nothing
from core_sync.master_data.load import bump_version
from tests.builders import MONDAY, a_count, a_receipt, a_reservation, a_shipment, an_event


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    ledger = Ledger(Database(database_url))
    yield ledger
    ledger.close()
    ledger.database.close()


@pytest.mark.parametrize(("decide", "status"), [(refuse, "dismissed"), (apply_after_all, "applied")])
def test_what_a_person_decided_meanwhile_is_not_freed(ledger: Ledger, decide: object, status: str) -> None:
    ledger.apply([a_shipment(3, event_id="s")], MONDAY)
    with ledger.database.transaction() as connection:
        connection.execute(text("INSERT INTO location (location, stock_control) VALUES ('LEEDS', 'lenient')"))
        bump_version(connection)
    with ledger.database.reading() as connection:
        read_before = waiting_for_nothing(connection)
    assert callable(decide)
    decide(Ledger(ledger.database), read_before[0].held_id, "ops", MONDAY)
    with ledger.database.reading() as connection:
        stands = [one.on_hand for one in positions(connection)]
    ledger.write(lambda connection: free_held(ledger, connection, read_before, MONDAY))
    with ledger.database.reading() as connection:
        assert connection.execute(text("SELECT status FROM held_event")).scalars().all() == [status]
        assert [one.on_hand for one in positions(connection)] == stands


@pytest.mark.parametrize("ended", ["cancelled", "expired"])
def test_a_reservation_placed_again_begins_anew(ledger: Ledger, ended: str) -> None:
    first = a_reservation(3, document="SO-1", expires_at=MONDAY + timedelta(hours=3))
    end = an_event(EventType.ORDER_CANCELLED, 0, document="SO-1", hours=1)
    if ended == "expired":
        end = an_event(EventType.RELEASE_RESERVATION, 3, document="SO-1", hours=3)
    for hours, event in ((0, a_receipt(50)), (0, first), (3, end), (24, a_reservation(3, document="SO-1", hours=24))):
        ledger.apply([event], MONDAY + timedelta(hours=hours))
    with ledger.database.reading() as connection:
        assert stale_reservations(connection, MONDAY + timedelta(hours=25)) == []


def test_as_of_a_moment_counts_what_a_later_count_already_contained(ledger: Ledger) -> None:
    for event in (a_receipt(10, hours=1), a_count(7, hours=10), a_shipment(3, hours=5)):
        ledger.apply([event], MONDAY + timedelta(days=1))

    def on_hand(hours: int, sku: str | None) -> list[int]:
        with ledger.database.reading() as connection:
            moment = MONDAY + timedelta(hours=hours)
            return [one.on_hand for one in positions_at(connection, moment, Clock.OCCURRED, sku)]

    for sku in ("MUG", None):
        assert [on_hand(hours, sku) for hours in (0, 1, 4, 5, 9, 10, 20)] == [[], [10], [10], [7], [7], [7], [7]]


def test_a_count_told_late_holds_from_its_own_time(ledger: Ledger) -> None:
    for event in (a_receipt(10, hours=1), a_count(7, hours=10), a_count(4, hours=5), a_receipt(2, hours=6)):
        ledger.apply([event], MONDAY + timedelta(days=1))
    with ledger.database.reading() as connection:
        found = [
            [one.on_hand for one in positions_at(connection, MONDAY + timedelta(hours=hours), Clock.OCCURRED)]
            for hours in (4, 5, 6, 10)
        ]
    assert found == [[10], [4], [6], [7]]


def test_who_waited_for_another_writer_sees_what_that_one_wrote(postgresql: Database) -> None:
    with postgresql.transaction() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'repeatable read'"))
    postgresql.engine.dispose()
    first, second = Ledger(postgresql), Ledger(postgresql)
    first.apply([a_receipt(1)], MONDAY)
    second.apply([a_shipment(1)], MONDAY)
    parked: list[int] = []
    with first.writing() as connection:
        first._apply_within(connection, [a_receipt(5)], [MONDAY], None, None)  # held open while the other comes
        waiting = threading.Thread(target=lambda: parked.append(second.apply([a_shipment(5)], MONDAY).parked))
        waiting.start()
        time.sleep(0.5)
    waiting.join(10)
    assert parked == [0]
