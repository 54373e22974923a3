"""Mode shadow at all three kinds of channels, over real HTTP: read, compared, told by day, and never written to."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta

import pytest

from core_sync.channels.connect import Connections
from core_sync.database.engine import Database
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.ledger import Ledger
from core_sync.outbox.dispatch import Pushed, push_channel
from core_sync.outbox.shadow import compare_channel, shadow_days
from simulation.peers.fleet import Fleet
from tests.builders import MONDAY
from tests.journey.trading import LOCATION, connect, names

KINDS = ("shopify", "amazon", "edi")
SHOWN = {"MUG": 9, "LID": 4, "TRAY": 6}
STOCK = {"MUG": 0, "LID": 7, "TRAY": 6}


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet.start(KINDS, listings=SHOWN, generous=True) as fleet:
        yield fleet


def test_no_kind_of_channel_is_written_to_and_the_variance_of_each_day_is_told(fleet: Fleet, sqlite_url: str) -> None:
    with ExitStack() as up:
        database = Database(sqlite_url)
        up.callback(database.close)
        ledger = up.enter_context(closing(Ledger(database)))
        connections = up.enter_context(closing(Connections(database)))
        connect(database, fleet, {}, mode="shadow")
        names(database, STOCK)
        ledger.apply(
            [
                Event(event_id=f"c-{sku}", type=EventType.COUNT, occurred_at=MONDAY, sku=sku, quantity=units,
                      source="wms", location=LOCATION)
                for sku, units in STOCK.items()
            ],
            MONDAY,
        )  # fmt: skip
        assert [compare_channel(database, connections, kind, MONDAY) for kind in KINDS] == [3, 3, 3]
        assert [push_channel(database, connections, kind, MONDAY) for kind in KINDS] == [Pushed()] * 3
        with database.reading() as connection:
            days = {day.channel: day for day in shadow_days(connection, MONDAY, MONDAY + timedelta(days=1))}
    for kind in KINDS:
        assert fleet[kind].counters()["figures_received"] == 0
        assert fleet[kind].shown() == SHOWN
        day = days[kind]
        assert (day.updates, day.zeros, day.decreases, day.compared, day.differing) == (3, 1, 1, 3, 2)
        assert (day.units_too_many, day.units_too_few, day.variance) == (9, 3, (9**2 + 3**2) / 3)
