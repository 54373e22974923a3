"""Looks at two channels whose failures one case holds end one after the other, and neither ends the other."""

import threading
from collections import deque
from datetime import datetime

from sqlalchemy import text

from core_sync.cases.signals import open_or_join
from core_sync.channels.port import Accepted
from core_sync.database.engine import Database
from core_sync.outbox.dispatch import push_channel
from core_sync.outbox.read_back import look
from tests.core_sync.outbox.scripted import Connected, ScriptedChannel
from tests.core_sync.stocked import MORNING, Clock, a_channel, a_location, a_sku, happens

CHANNELS = ("shop", "other")
SKUS = [f"S{number:02d}" for number in range(40)]


def test_looks_at_two_channels_in_cases_of_opposite_order_both_come_to_their_end(database: Database) -> None:
    clock = Clock(MORNING)
    a_sku(database, *SKUS)
    a_location(database, "WH", control="lenient")
    for name in CHANNELS:
        a_channel(database, name)
    channels = {name: ScriptedChannel(script=deque([Accepted()] * len(SKUS))) for name in CHANNELS}
    connectors = Connected(channels)
    for sku in SKUS:
        happens(database, "count", sku, 5, at=clock.pass_(milliseconds=10))
    for name in CHANNELS:
        push_channel(database, connectors, name, clock.pass_(seconds=1))
        look(database, connectors, name, clock.pass_(minutes=1))
        channels[name].shown.update(dict.fromkeys(SKUS, 5))
    join_in_opposite_order(database, clock.at)
    at, both = clock.pass_(minutes=10), threading.Barrier(len(CHANNELS))

    def one(name: str) -> None:
        both.wait()
        look(database, connectors, name, at)

    threads = [threading.Thread(target=one, args=(name,)) for name in CHANNELS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not open_failures_by_subject(database)


def join_in_opposite_order(database: Database, at: datetime) -> None:
    """Cases of one failure of each channel, in the order of SKUs for the one and against it for the other."""
    told = open_failures_by_subject(database)
    assert len(told) == len(CHANNELS) * len(SKUS)
    with database.transaction() as connection:
        for case, (first, last) in enumerate(zip(SKUS, reversed(SKUS), strict=True)):
            open_or_join(connection, f"case-{case}", "failure", told[f"push:shop:{first}"], at)
            open_or_join(connection, f"case-{case}", "failure", told[f"push:other:{last}"], at)


def open_failures_by_subject(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        rows = connection.execute(text("SELECT subject, failure_id FROM failure WHERE resolved_at IS NULL"))
        return {row.subject: row.failure_id for row in rows}
