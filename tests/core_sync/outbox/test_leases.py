"""Several dispatchers on one channel: each listing is one's at a time, and who stalled or died does no harm."""

import threading
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from core_sync.channels.port import Accepted, ChannelLimits, PushAnswer, PushRequest
from core_sync.database.engine import Database
from core_sync.outbox.dispatch import Dispatcher, Pushed, push_channel
from core_sync.outbox.due import latest, renew_leases, take_due
from core_sync.outbox.listing import Listing
from tests.core_sync.outbox.conftest import Shop
from tests.core_sync.outbox.scripted import QUICK
from tests.core_sync.stocked import MORNING, a_sku

SHORT = timedelta(seconds=1)


def test_what_is_leased_is_nobody_elses_until_the_lease_ends(shop: Shop) -> None:
    shop.stock(S=8)
    with shop.database.transaction() as connection:
        taken = take_due(connection, "shop", QUICK, shop.now(), 10, dispatcher="died", lease=SHORT)
    assert [push.listing for push in taken.due] == [Listing("shop", "S")]
    assert shop.push() == Pushed()
    shop.clock.pass_(seconds=2)
    assert shop.push().accepted == [Listing("shop", "S")]
    assert shop.channel.shown == {"S": 8}


def test_a_stalled_dispatcher_that_lost_its_lease_sends_nothing_more(shop: Shop) -> None:
    shop.stock(S=8)
    with shop.database.transaction() as connection:
        (stale,) = take_due(connection, "shop", QUICK, shop.now(), 10, dispatcher="stalled", lease=SHORT).due
    shop.clock.pass_(seconds=2)
    shop.push(name="other")
    with shop.database.reading() as connection:
        assert latest(connection, [stale], shop.now())[0] == []


def test_what_a_lost_lease_pushed_all_the_same_is_found_and_set_right(shop: Shop) -> None:
    """The request left in time, and the process stood still before its answer was written down."""
    shop.stock(S=8)

    def stalls(request: PushRequest) -> PushAnswer:
        shop.clock.pass_(seconds=5)
        shop.stock(S=3)
        shop.push(name="other")  # has pushed 3 by now, and so has it been seen:
        shop.look()
        shop.channel.shown["S"] = request.quantity  # ours arrives last
        return Accepted()

    shop.channel.script.append(stalls)
    shop.push(name="stalled", lease=SHORT)
    assert (shop.channel.shown["S"], shop.state()) == (8, "visible")
    shop.look()
    assert shop.state() == "pending"
    shop.settled()
    assert (shop.channel.shown["S"], shop.state()) == (3, "visible")


def test_the_word_of_a_lost_lease_is_not_taken(shop: Shop) -> None:
    shop.stock(S=8)

    def stalls(request: PushRequest) -> PushAnswer:
        with shop.database.transaction() as connection:  # another took it over, and is at work
            connection.execute(text("UPDATE push_intent SET lease = lease + 1, leased_by = 'other'"))
        return shop.channel.applies(request)

    shop.channel.script.append(stalls)
    shop.push()
    assert shop.state() == "sent"


def test_a_lease_is_renewed_while_its_dispatcher_is_at_work(shop: Shop) -> None:
    shop.stock(S=8)
    with shop.database.transaction() as connection:
        due = take_due(connection, "shop", QUICK, shop.now(), 10, dispatcher="one", lease=SHORT).due
        renew_leases(connection, due, shop.now() + timedelta(seconds=10))
    shop.clock.pass_(seconds=5)
    assert shop.push() == Pushed()
    with shop.database.reading() as connection:
        assert latest(connection, due, shop.now())[0] == list(due)


def test_a_value_that_changes_before_its_turn_is_pushed_as_it_is_then(shop: Shop) -> None:
    shop.stock(S=8, T=9)

    def meanwhile(request: PushRequest) -> PushAnswer:
        shop.stock(S=2)
        return shop.channel.applies(request)

    shop.channel.script.append(meanwhile)
    shop.push()
    assert shop.channel.writes == [("T", 9), ("S", 2)]


def test_a_value_that_changes_while_it_is_pushed_is_pushed_again_and_by_nobody_at_the_same_time(shop: Shop) -> None:
    shop.stock(S=8)
    others: list[Pushed] = []

    def meanwhile(request: PushRequest) -> PushAnswer:
        shop.stock(S=9)
        others.append(shop.push(name="other"))
        return shop.channel.applies(request)

    shop.channel.script.append(meanwhile)
    shop.push()
    assert others == [Pushed()]
    assert shop.channel.writes == [("S", 8), ("S", 9)]
    shop.look()
    assert shop.state() == "visible"


def test_dispatchers_side_by_side_push_each_listing_once(database: Database, shop: Shop) -> None:
    skus = [f"S{number}" for number in range(30)]
    a_sku(database, *skus)
    shop.stock(**{sku: number + 1 for number, sku in enumerate(skus)})
    limits = ChannelLimits(1e6, 1, 30.0, burst=5)
    shop.channel.limits = limits

    def work(name: str) -> None:
        for _ in range(5):
            push_channel(database, shop.connectors, "shop", shop.now(), dispatcher=Dispatcher(name))

    workers = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(shop.channel.writes) == sorted((sku, number + 1) for number, sku in enumerate(skus))


def test_a_round_keeps_to_the_channels_request_budget(shop: Shop) -> None:
    shop.channel.limits = replace(QUICK, pushes_per_second=0.5, burst=2)
    shop.stock(S=8, T=9, U=10)
    assert len(shop.push().accepted) == 2
    assert shop.push() == Pushed()
    shop.clock.pass_(seconds=3)
    assert len(shop.push().accepted) == 1


def test_a_submission_carries_as_many_listings_as_the_channel_takes(shop: Shop) -> None:
    shop.channel.limits = replace(QUICK, pushes_per_second=0.1, burst=1, skus_per_push=3)
    shop.stock(S=8, T=9, U=10, V=11)
    assert len(shop.push().accepted) == 3
    assert shop.now() > MORNING
