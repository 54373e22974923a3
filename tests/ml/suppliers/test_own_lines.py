"""One's own purchase order lines, read for the model of lateness."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from ml.suppliers.deliveries import with_past
from ml.suppliers.own_lines import own_lines

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    database = Database(database_url)
    with database.transaction() as connection:
        connection.execute(
            text("INSERT INTO sku (sku, base_uom, unit_cost, lot_controlled) VALUES ('MUG', 'EA', 25000, false)")
        )
        yield connection
    database.close()


def ordered(
    connection: Connection, sku: str, promised: timedelta | None, received: timedelta | None, units: int
) -> None:
    """A line ordered thirty days ago; promise and receipt are told from now."""
    connection.execute(
        text(
            "INSERT INTO delivery (supplier, sku, ordered_at, promised_at, received_at, ordered_quantity, content) "
            "SELECT 'swift', :sku, :o, :p, :r, :u, :c"
        ),
        {
            "sku": sku, "o": to_microseconds(NOON - 30 * DAY), "u": units, "c": f"{sku}{promised}{received}".encode(),
            "p": None if promised is None else to_microseconds(NOON + promised),
            "r": None if received is None else to_microseconds(NOON + received),
        },
    )  # fmt: skip


def test_a_line_is_told_as_it_was_known_and_one_past_its_promise_is_late_already(connection: Connection) -> None:
    ordered(connection, "MUG", -5 * DAY, -6 * DAY, 4)
    ordered(connection, "MUG", -5 * DAY, None, 4)
    ordered(connection, "CUP", 5 * DAY, None, 4)
    ordered(connection, "CUP", 5 * DAY, 4 * DAY, 4)
    told = with_past(own_lines(connection, NOON))
    assert told["late"].to_list() == [False, True, None, None]
    assert told["is_open"].to_list() == [False, True, True, True]
    assert told["value"].to_list() == [10.0, 10.0, None, None]


def test_lines_without_a_promise_or_that_cannot_be_true_are_left_out(connection: Connection) -> None:
    ordered(connection, "MUG", None, -6 * DAY, 4)
    ordered(connection, "MUG", -5 * DAY, -31 * DAY, 4)
    ordered(connection, "MUG", -5 * DAY, -4 * DAY, 0)
    assert own_lines(connection, NOON).is_empty()
