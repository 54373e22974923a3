"""What listings shall show, pushed in the right order and seen to be shown."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from core_sync.channels.connect import Connections
from core_sync.channels.port import Accepted, Rejected, Unknown
from core_sync.database.engine import Database
from core_sync.outbox.dispatch import Pushed, push_due
from core_sync.outbox.intend import Listing, hold, refresh_all_intents, refresh_intents, release, requeue
from core_sync.outbox.read_back import confirm_visible
from core_sync.outbox.rules import ATTEMPTS_MAX, Next, after, wait_before
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


def push(database: Database, connectors: Connections, minutes: float = 0) -> Pushed:
    return push_due(database, connectors, MORNING + timedelta(minutes=minutes), jitter=lambda: 1.0)


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
    with database.transaction() as connection:
        assert refresh_all_intents(connection, MORNING) == 1
    assert intent(database, "shop", "S")[1] == 5


def test_a_pushed_listing_is_visible_once_it_is_read_back(
    database: Database, connected: Connections, peer: Peer
) -> None:
    happens(database, "receipt", "S", 8)
    assert push(database, connected).accepted == [SHOP]
    assert intent(database, "shop", "S")[0] == "accepted"
    assert confirm_visible(database, connected, MORNING).visible == [SHOP]
    assert intent(database, "shop", "S") == ("visible", 8, 8)
    assert push(database, connected).accepted == []


def test_zero_goes_first_then_decreases_then_the_rest(database: Database, connected: Connections, peer: Peer) -> None:
    for sku in ("S", "T", "U"):
        happens(database, "receipt", sku, 50)
    push(database, connected)
    confirm_visible(database, connected, MORNING)
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
    assert push(database, connections(database)).given_back == [SHOP]
    assert intent(database, "shop", "S")[0] == "pending"


def test_a_busy_channel_is_a_failure_that_heals_itself(database: Database, connected: Connections, peer: Peer) -> None:
    happens(database, "receipt", "S", 8)
    peer.goes_wrong("503", "throttled")
    assert push(database, connected).retried_later == [SHOP]
    assert push(database, connected) == Pushed()  # it waits first
    push(database, connected, minutes=1)
    assert open_failures(database) == [("push:shop:S", "THROTTLED", 200, 2)]
    push(database, connected, minutes=2)
    confirm_visible(database, connected, MORNING + timedelta(minutes=2))
    assert intent(database, "shop", "S") == ("visible", 8, 8)
    assert open_failures(database) == []


def test_the_wait_that_a_channel_asks_for_is_kept(database: Database, connected: Connections, peer: Peer) -> None:
    happens(database, "receipt", "S", 8)
    peer.goes_wrong("429")

    def pushed_after(seconds: float) -> Pushed:
        return push_due(database, connected, MORNING + timedelta(seconds=seconds), jitter=lambda: 0.0)

    assert pushed_after(0).retried_later == [SHOP]
    assert pushed_after(1) == Pushed()
    assert pushed_after(3).accepted == [SHOP]


def test_a_push_without_an_answer_that_was_applied_counts_as_accepted(
    database: Database, connected: Connections, peer: Peer
) -> None:
    happens(database, "receipt", "S", 8)
    peer.goes_wrong("timeout_applied")
    assert push(database, connected).accepted == [SHOP]
    assert open_failures(database) == []


def test_a_silent_channel_keeps_its_other_listings_for_the_next_round(
    database: Database, connected: Connections, peer: Peer
) -> None:
    for sku in ("S", "T", "U"):
        happens(database, "receipt", sku, 8)
    peer.goes_wrong("timeout")
    pushed = push(database, connected)
    assert (len(pushed.retried_later), len(pushed.given_back)) == (1, 2)
    assert [failure[1] for failure in open_failures(database)] == ["READ_TIMEOUT"]
    assert sorted(push(database, connected).accepted) == sorted(pushed.given_back)


def test_a_refusal_waits_for_a_person_until_the_value_changes(
    database: Database, connected: Connections, peer: Peer
) -> None:
    del peer.shown["S"]
    happens(database, "receipt", "S", 8)
    assert push(database, connected).failed == [SHOP]
    assert push(database, connected, minutes=60) == Pushed()
    assert open_failures(database) == [("push:shop:S", "UNKNOWN_SKU", 200, 1)]
    peer.shown["S"] = 0
    happens(database, "receipt", "S", 1)
    assert push(database, connected).accepted == [SHOP]


def test_accepted_and_never_shown_becomes_a_failure_when_its_time_is_over(
    database: Database, connected: Connections, peer: Peer
) -> None:
    happens(database, "receipt", "S", 8)
    peer.goes_wrong("accepted_not_applied")
    push(database, connected)
    assert confirm_visible(database, connected, MORNING).waiting == [SHOP]
    assert open_failures(database) == []
    assert confirm_visible(database, connected, MORNING + timedelta(minutes=20)).overdue == [SHOP]
    assert open_failures(database)[0][:2] == ("push:shop:S", "ACCEPTED_NOT_APPLIED")
    peer.catches_up()
    assert confirm_visible(database, connected, MORNING + timedelta(minutes=21)).visible == [SHOP]
    assert open_failures(database) == []


def test_a_figure_that_moved_at_the_shop_is_read_again_and_set(
    database: Database, connected: Connections, peer: Peer
) -> None:
    happens(database, "receipt", "S", 8)
    push(database, connected)
    confirm_visible(database, connected, MORNING)
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


def test_a_listing_whose_dispatcher_died_is_pushed_by_another(
    database: Database, connected: Connections, peer: Peer
) -> None:
    happens(database, "receipt", "S", 8)
    with database.transaction() as connection:
        connection.execute(text("UPDATE push_intent SET state = 'sent', leased_until = :until"), {"until": 0})
    assert push(database, connected).accepted == [SHOP]
    assert peer.shown["S"] == 8


def test_a_value_that_changes_while_it_is_pushed_is_pushed_again(
    database: Database, connected: Connections, peer: Peer
) -> None:
    happens(database, "receipt", "S", 8)

    class SlowShop(Connections):
        def get(self, name: str):  # type: ignore[no-untyped-def]  # as the base has it
            happens(database, "receipt", "S", 1, at=MORNING + timedelta(seconds=1))
            return super().get(name)

    push_due(database, SlowShop(database), MORNING)
    assert intent(database, "shop", "S")[:2] == ("pending", 9)
    push(database, connected, minutes=1)
    assert peer.shown["S"] == 9


@pytest.mark.parametrize(
    ("answer", "attempt", "expected"),
    [
        (Accepted(), 1, Next("accepted")),
        (Rejected("no such listing", "UNKNOWN_SKU"), 1, Next("failed")),
        (Rejected("busy", "E503", 503, transient=True), 1, Next("pending", 2.0)),
        (Rejected("busy", "E503", 503, transient=True, retry_after_s=90), 1, Next("pending", 90.0)),
        (Unknown("no answer"), 3, Next("pending", 8.0)),
        (Unknown("no answer"), ATTEMPTS_MAX, Next("failed")),
    ],
)
def test_what_becomes_of_a_listing_after_each_answer(
    answer: Accepted | Rejected | Unknown, attempt: int, expected: Next
) -> None:
    assert after(answer, attempt, jitter=1.0) == expected


def test_waits_double_up_to_a_bound_and_jitter_may_shorten_them_to_nothing() -> None:
    assert [wait_before(attempt, 1.0) for attempt in (1, 2, 3)] == [2.0, 4.0, 8.0]
    assert wait_before(50, 1.0) == 300.0
    assert wait_before(5, 0.0) == 0.0
