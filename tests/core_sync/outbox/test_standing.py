"""How a channel stands: mode, breaker, backlog, freshness, dead letters; and each of its listings."""

from core_sync.channels.port import Rejected
from core_sync.outbox.standing import ChannelStanding, ListingStanding, channel_standings, listing_standings
from tests.core_sync.outbox.conftest import Shop


def standing(shop: Shop) -> ChannelStanding:
    with shop.database.reading() as connection:
        (one,) = channel_standings(connection, shop.now())
    return one


def listings(shop: Shop, state: str | None = None) -> list[ListingStanding]:
    with shop.database.reading() as connection:
        return list(listing_standings(connection, shop.now(), "shop", state))


def test_a_channel_tells_its_backlog_its_dead_letters_and_the_age_of_its_truth(shop: Shop) -> None:
    shop.stock(S=8, T=9)
    shop.settled()
    now = standing(shop)
    assert (now.listings, now.current, now.waiting, now.oldest_truth_s) == (2, 2, 0, 0.0)
    shop.stock(S=0, T=3, U=4)
    shop.channel.script.append(shop.channel.applies)
    shop.channel.script.append(Rejected("no", "NO", 400))
    shop.clock.pass_(seconds=60)
    now = standing(shop)
    assert (now.mode, now.breaker, now.waiting, now.waiting_zeros, now.current) == ("live", "closed", 3, 1, 0)
    assert now.oldest_truth_s == 62.0
    shop.push()
    now = standing(shop)
    assert (now.unconfirmed, now.dead_letters, now.waiting) == (2, 1, 0)


def test_a_channel_that_is_out_says_since_when_why_and_when_it_is_tried_next(shop: Shop) -> None:
    shop.stock(S=8, T=8, U=8)
    shop.channel.is_out = True
    for _ in range(3):
        shop.push()
    now = standing(shop)
    assert (now.breaker, now.trouble, now.waiting) == ("open", "no connection", 3)
    assert now.out_since is not None
    assert now.resting_until is not None
    assert now.resting_until > shop.now()


def test_a_listing_tells_what_it_should_show_since_when_it_does_not_and_how_it_goes_out(shop: Shop) -> None:
    shop.stock(S=8, T=9)
    shop.settled()
    shop.stock(S=2)
    shop.clock.pass_(seconds=30)
    (waiting,) = listings(shop, "pending")
    assert (waiting.sku, waiting.quantity, waiting.shown_quantity, waiting.goes) == ("S", 2, 8, "decrease")
    assert waiting.truth_age_s == 30.0
    (well,) = listings(shop, "visible")
    assert (well.sku, well.truth_age_s) == ("T", 0.0)
