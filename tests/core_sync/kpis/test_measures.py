"""What is measured from the first day on, and frozen at the first connection to be compared with later."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from core_sync.channels.connect import Connections
from core_sync.database.engine import Database
from core_sync.expectations.round import expect
from core_sync.kpis.baseline import beside_baselines, freeze_baselines, read_baselines
from core_sync.kpis.daily import SYNC_LATENCY, lengths, measure
from core_sync.kpis.figures import Kpi, read_kpis
from core_sync.outbox.dispatch import push_due
from core_sync.outbox.read_back import confirm_visible
from core_sync.snapshots.reconcile import reconcile
from core_sync.snapshots.store import Figure, store_figures
from tests.core_sync.channels.peers import Peer, a_shop
from tests.core_sync.stocked import MORNING, a_channel, a_location, a_sku, connections, happens

DAY = timedelta(days=1)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with a_shop(S=0) as peer:
        yield peer


@pytest.fixture
def connected(database: Database, peer: Peer) -> Iterator[Connections]:
    a_sku(database, "S")
    a_location(database, "WH")
    a_channel(database, "shop", endpoint=peer.url)
    connectors = connections(database)
    yield connectors
    connectors.close()


def figures(database: Database, days: float = 1) -> dict[tuple[str, str, str], Kpi]:
    with database.reading() as connection:
        found = read_kpis(connection, MORNING - DAY, MORNING + timedelta(days=days))
    return {(one.kpi, one.channel or "", one.location or ""): one for one in found}


def test_how_long_a_change_takes_to_be_seen_on_a_channel_is_measured(
    database: Database, connected: Connections
) -> None:
    happens(database, "receipt", "S", 8)
    push_due(database, connected, MORNING + timedelta(minutes=20))
    confirm_visible(database, connected, MORNING + timedelta(minutes=60))
    told = figures(database)
    assert told["sync_latency_p50", "shop", ""].value == pytest.approx(3600, rel=0.11)
    assert told["accepted_to_visible_p95", "shop", ""].value == pytest.approx(2400, rel=0.11)
    assert told["failure_rate", "shop", ""].value == 0


def test_pushes_that_are_not_accepted_count_as_failed(database: Database, connected: Connections, peer: Peer) -> None:
    happens(database, "receipt", "S", 8)
    peer.goes_wrong("401")
    push_due(database, connected, MORNING)
    assert figures(database)["failure_rate", "shop", ""].value == 1


def test_locations_tell_how_late_their_events_come_and_how_many_of_them_fail(database: Database) -> None:
    a_sku(database, "S")
    a_location(database, "WH")
    happens(database, "receipt", "S", 8, at=MORNING, document="PO-1")
    with database.transaction() as connection:
        connection.execute(text("UPDATE source SET opening = 'zero'"))
    happens(database, "ship", "UNKNOWN", 1, at=MORNING)
    expect(database, MORNING)
    told = figures(database)
    assert told["failure_rate", "", "WH"].value == 1  # one accepted, one held
    assert told["event_lag_p50", "", "WH"].value <= 1


def test_days_outside_the_span_do_not_count(database: Database) -> None:
    with database.transaction() as connection:
        for days, seconds in ((-3, 500.0), (0, 60.0)):
            measure(connection, SYNC_LATENCY, [seconds], MORNING + timedelta(days=days), "shop")
    with database.reading() as connection:
        found = lengths(connection, SYNC_LATENCY, MORNING - DAY, MORNING)
    assert found["shop", ""].observations == 1


def a_snapshot(database: Database, quantity: int) -> None:
    with database.transaction() as connection:
        store_figures(connection, [Figure("shop", "S", "", "available", quantity, MORNING)], MORNING)
    reconcile(database, MORNING)


def test_figures_are_frozen_when_a_channel_is_first_connected_and_never_change(
    database: Database, connected: Connections
) -> None:
    assert freeze_baselines(database, MORNING) == 0
    happens(database, "receipt", "S", 8)
    a_snapshot(database, 5)
    assert freeze_baselines(database, MORNING) > 0
    happens(database, "receipt", "S", 9)
    assert freeze_baselines(database, MORNING + timedelta(minutes=1)) == 0
    with database.reading() as connection:
        frozen = read_baselines(connection)
        rows = {
            row["kpi"]: row
            for row in beside_baselines(read_kpis(connection, MORNING - DAY, MORNING + DAY), frozen)
        }  # fmt: skip
    assert (rows["events_accepted"]["value"], rows["events_accepted"]["baseline"]) == (2, 1)
    assert rows["events_accepted"]["change"] == 1
    assert frozen["figures_that_agree", "", ""].value == 0
    assert frozen["figures_that_agree", "", ""].since == MORNING - timedelta(days=7)


def test_what_could_not_be_measured_at_first_is_frozen_over_the_first_week(
    database: Database, connected: Connections
) -> None:
    a_snapshot(database, 0)
    freeze_baselines(database, MORNING)
    happens(database, "receipt", "S", 8)
    push_due(database, connected, MORNING)
    confirm_visible(database, connected, MORNING + timedelta(seconds=30))
    assert freeze_baselines(database, MORNING + timedelta(days=6)) == 0
    assert freeze_baselines(database, MORNING + timedelta(days=7)) > 0
    with database.reading() as connection:
        frozen = read_baselines(connection)["sync_latency_p50", "shop", ""]
    assert (frozen.since, frozen.until) == (MORNING, MORNING + timedelta(days=7))
    assert freeze_baselines(database, MORNING + timedelta(days=7, hours=1)) == 0
