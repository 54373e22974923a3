"""A channel that forbids one listing goes on with the others; one that forbids several in a row lets nobody in."""

from core_sync.channels.port import PushAnswer, PushRequest, Rejected
from core_sync.outbox.rules import ATTEMPTS_MAX
from tests.core_sync.outbox.conftest import Shop
from tests.core_sync.stocked import a_sku, open_failures

FORBIDDEN = Rejected("not yours", "HTTP_403", 403)


def forbids(shop: Shop, *skus: str) -> None:
    """From now on the channel forbids ``skus``."""

    def answer(request: PushRequest) -> PushAnswer:
        return FORBIDDEN if request.sku in skus else shop.channel.applies(request)

    shop.channel.script.clear()
    shop.channel.script.extend([answer] * 10_000)


def subjects(shop: Shop) -> list[str | None]:
    return [subject for subject, *_ in open_failures(shop.database)]


def test_a_zero_that_is_forbidden_holds_up_nobody_else(shop: Shop) -> None:
    names = [f"N{number:02d}" for number in range(30)]
    a_sku(shop.database, *names)
    shop.stock(S=5)
    shop.settled()
    forbids(shop, "S")
    shop.stock(S=0, **dict.fromkeys(names, 9))
    shop.push()
    assert [shop.channel.shown.get(name) for name in names] == [9] * 30
    assert (subjects(shop), shop.control().breaker.state) == (["push:shop:S"], "closed")


def test_a_listing_that_alone_is_forbidden_is_given_up_and_no_outage(shop: Shop) -> None:
    shop.stock(S=5, T=5)
    shop.settled()
    forbids(shop, "S")
    shop.stock(S=0)
    for turn in range(3 * ATTEMPTS_MAX):
        shop.clock.pass_(seconds=60)
        shop.stock(T=100 + turn)
        shop.push()
        assert "channel:shop" not in subjects(shop)
    assert (shop.state("S"), subjects(shop)) == ("failed", ["push:shop:S"])
    assert sum(sku == "S" for sku, _ in shop.channel.writes) == 1 + ATTEMPTS_MAX


def test_two_listings_that_are_forbidden_in_a_row_are_the_channels_failure(shop: Shop) -> None:
    shop.stock(S=5, T=5, U=5)
    shop.settled()
    forbids(shop, "S", "T", "U")
    sent = len(shop.channel.writes)
    shop.stock(S=4, T=4, U=4)
    shop.push()
    assert len(shop.channel.writes) - sent == 2
    assert (subjects(shop), shop.control().breaker.state) == (["channel:shop"], "open")
    forbids(shop)
    for _ in range(4):
        shop.clock.pass_(seconds=60)
        shop.push()
    shop.look(seconds=1)
    assert (shop.channel.shown, subjects(shop)) == ({"S": 4, "T": 4, "U": 4}, [])
