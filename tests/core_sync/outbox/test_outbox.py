"""What listings shall show, pushed in the right order and seen to be shown."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from core_sync.channels.connect import Connections
from core_sync.database.engine import Database
from core_sync.outbox.dispatch import Dispatcher, Pushed, push_due
from core_sync.outbox.intend import hold, now_listed, refresh_all_intents, refresh_intents, release, requeue
from core_sync.outbox.listing import Listing
from core_sync.outbox.read_back import ReadBack, confirm_visible
from tests.core_sync.channels.peers import Peer, a_shop
from tests.core_sync.stocked import (
    MORNING,
    a_channel,
    a_location,
    a_rule,
    a_sku,
    connections,
    happens,
    intent,
    open_failures,
)

SHOP = Listing("shop", "S")


@pytest.fixture
def peer() -> Iterator[Peer]:
    with a_shop(S=0, T=50, U=50) as peer:
        yield peer


@pytest.fixture
def connected(database: Database, peer: Peer) -> Iterator[Connections]:
    a_sku(database, "S", "T", "U")
    a_location(database, "WH")
    a_channel(database, "shop", endpoint=peer.url)
    connectors = connections(database)
    yield connectors
    connectors.close()


def push(database: Database, connectors: Connections, *, jitter: float = 1.0, **after: float) -> Pushed:
    """A round that begins ``after`` the morning."""
    dispatcher = Dispatcher(jitter=lambda: jitter)
    return push_due(database, connectors, MORNING + timedelta(**after), dispatcher=dispatcher)


def look(database: Database, connectors: Connections, **after: float) -> ReadBack:
    """A look at what channels show, ``after`` the morning and a moment later than a round of that time."""
    return confirm_visible(database, connectors, MORNING + timedelta(**after) + timedelta(seconds=1))


def test_a_change_of_stock_and_its_push_intent_commit_together(database: Database, connected: Connections) -> None:
    happens(database, "receipt", "S", 8)
    assert intent(database, "shop", "S") == ("pending", 8, None)


def test_only_the_last_value_of_a_listing_is_pushed(database: Database, connected: Connections, peer: Peer) -> None:
    for quantity in (8, 4, 3):
        happens(database, "receipt", "S", quantity)
    push(database, connected)
    assert peer.writes == [("S", 15)]


def test_a_promise_that_did_not_change_intends_nothing(database: Database, connected: Connections) -> None:
    happens(database, "receipt", "S", 8)
    with database.transaction() as connection:
        assert refresh_intents(connection, ["S"], MORNING) == 0
    assert intent(database, "shop", "S")[0] == "pending"


def test_a_new_buffer_changes_what_every_listing_shall_show(database: Database, connected: Connections) -> None:
    happens(database, "receipt", "S", 8)
    a_rule(database, "shop", buffer=3)
    assert refresh_all_intents(database, MORNING) == 1
    assert intent(database, "shop", "S")[1] == 5


def test_a_pushed_listing_is_visible_once_it_is_read_back(
    database: Database, connected: Connections, peer: Peer
) -> None:
    happens(database, "receipt", "S", 8)
    assert push(database, connected).accepted == [SHOP]
    assert intent(database, "shop", "S")[0] == "accepted"
    assert look(database, connected).visible == [SHOP]
    assert intent(database, "shop", "S") == ("visible", 8, 8)
    assert push(database, connected).accepted == []


def test_zero_goes_first_then_decreases_then_the_rest(database: Database, connected: Connections, peer: Peer) -> None:
    for sku in ("S", "T", "U"):
        happens(database, "receipt", sku, 50)
    push(database, connected)
    look(database, connected)
    peer.forgets_writes()
    happens(database, "receipt", "S", 1)
    happens(database, "ship", "T", 1)
    happens(database, "ship", "U", 50)
    push(database, connected)
    assert peer.writes == [("U", 0), ("T", 49), ("S", 51)]


def test_a_channel_in_shadow_is_never_written_to(database: Database, peer: Peer) -> None:
    a_sku(database, "S")
    a_location(database, "WH")
    a_channel(database, "shop", mode="shadow", endpoint=peer.url)
    happens(database, "receipt", "S", 8)
    connectors = connections(database)
    assert push(database, connectors) == Pushed()
    assert peer.writes == []
    assert intent(database, "shop", "S") == ("pending", 8, None)


def test_a_pilot_channel_is_written_to_for_its_own_skus_only(database: Database, peer: Peer) -> None:
    a_sku(database, "S", "T")
    a_location(database, "WH")
    a_channel(database, "shop", mode="pilot", endpoint=peer.url, pilot_skus=["T"])
    happens(database, "receipt", "S", 8)
    happens(database, "receipt", "T", 9)
    push(database, connections(database))
    assert peer.writes == [("T", 9)]


def test_a_channel_without_an_endpoint_leaves_its_listings_due(database: Database) -> None:
    a_sku(database, "S")
    a_location(database, "WH")
    a_channel(database, "shop")
    happens(database, "receipt", "S", 8)
    assert push(database, connections(database)) == Pushed()
    assert intent(database, "shop", "S")[0] == "pending"


def test_a_busy_channel_is_a_failure_that_heals_itself(database: Database, connected: Connections, peer: Peer) -> None:
    happens(database, "receipt", "S", 8)
    peer.goes_wrong("503", "throttled")
    assert push(database, connected).retried_later == [SHOP]
    assert push(database, connected) == Pushed()  # it waits first
    push(database, connected, minutes=1)
    assert open_failures(database) == [("push:shop:S", "THROTTLED", 200, 2)]
    push(database, connected, minutes=2)
    look(database, connected, minutes=2)
    assert intent(database, "shop", "S") == ("visible", 8, 8)
    assert open_failures(database) == []


def test_the_wait_that_a_channel_asks_for_is_kept(database: Database, connected: Connections, peer: Peer) -> None:
    happens(database, "receipt", "S", 8)
    peer.goes_wrong("429")

    assert push(database, connected, jitter=0).retried_later == [SHOP]
    assert push(database, connected, jitter=0, seconds=1) == Pushed()
    assert push(database, connected, jitter=0, seconds=4).accepted == [SHOP]


def test_a_push_without_an_answer_that_was_applied_counts_as_accepted(
    database: Database, connected: Connections, peer: Peer
) -> None:
    happens(database, "receipt", "S", 8)
    peer.goes_wrong("timeout_applied")
    assert push(database, connected).accepted == [SHOP]
    assert open_failures(database) == []


def test_what_a_shop_does_not_list_waits_until_it_is_seen_there(
    database: Database, connected: Connections, peer: Peer
) -> None:
    del peer.shown["S"]
    happens(database, "receipt", "S", 8)
    assert push(database, connected).failed == [SHOP]
    assert push(database, connected, minutes=60) == Pushed()
    assert open_failures(database) == [("push:shop:S", "UNKNOWN_SKU", 200, 1)]
    peer.shown["S"] = 0
    happens(database, "receipt", "S", 1)
    with database.transaction() as connection:
        assert now_listed(connection, "shop", ["S"]) == 1
    assert push(database, connected).accepted == [SHOP]


def test_accepted_and_never_shown_becomes_a_failure_when_its_time_is_over(
    database: Database, connected: Connections, peer: Peer
) -> None:
    happens(database, "receipt", "S", 8)
    peer.goes_wrong("accepted_not_applied")
    push(database, connected)
    assert look(database, connected).waiting == [SHOP]
    assert open_failures(database) == []
    assert look(database, connected, minutes=20).overdue == [SHOP]
    assert open_failures(database)[0][:2] == ("push:shop:S", "ACCEPTED_NOT_APPLIED")
    peer.catches_up()
    assert look(database, connected, minutes=25).visible == [SHOP]
    assert open_failures(database) == []


def test_a_figure_that_moved_at_the_shop_is_read_again_and_set(
    database: Database, connected: Connections, peer: Peer
) -> None:
    happens(database, "receipt", "S", 8)
    push(database, connected)
    look(database, connected)
    peer.shown["S"] = 7  # sold there meanwhile
    happens(database, "ship", "S", 1)
    happens(database, "receipt", "S", 5)
    assert push(database, connected).accepted == [SHOP]
    assert peer.shown["S"] == 12


def test_a_held_listing_remembers_its_value_and_is_pushed_when_released(
    database: Database, connected: Connections, peer: Peer
) -> None:
    happens(database, "receipt", "S", 8)
    with database.transaction() as connection:
        assert hold(connection, [SHOP], "the warehouse is being asked") == 1
    happens(database, "receipt", "S", 2)
    with database.transaction() as connection:
        requeue(connection, [SHOP])
    assert push(database, connected) == Pushed()
    assert intent(database, "shop", "S") == ("held", 10, None)
    with database.transaction() as connection:
        assert release(connection, [SHOP], MORNING) == 1
    push(database, connected)
    assert peer.writes == [("S", 10)]
