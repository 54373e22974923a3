"""A channel that forbids one listing goes on with the others; one that forbids very many in a row lets nobody in."""

from core_sync.channels.port import PushAnswer, PushRequest, Rejected
from core_sync.outbox.rules import ATTEMPTS_MAX, FORBIDDEN_MAX
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


def test_a_few_zeros_that_are_forbidden_hold_up_nobody_and_are_given_up(shop: Shop) -> None:
    zeros, others = [f"Z{number:02d}" for number in range(20)], [f"N{number:02d}" for number in range(20)]
    a_sku(shop.database, *zeros, *others)
    shop.stock(**dict.fromkeys(zeros, 5))
    shop.settled()
    forbids(shop, *zeros)
    shop.stock(**dict.fromkeys(zeros, 0), **dict.fromkeys(others, 9))
    shop.push()
    assert [shop.channel.shown.get(name) for name in others] == [9] * 20
    for turn in range(3 * ATTEMPTS_MAX):
        shop.clock.pass_(seconds=60)
        shop.stock(T=100 + turn)
        shop.push()
    assert {shop.state(name) for name in zeros} == {"failed"}
    assert "channel:shop" not in subjects(shop)


def test_a_channel_that_lets_nobody_in_is_one_failure_and_nothing_is_given_up(shop: Shop) -> None:
    names = [f"N{number:02d}" for number in range(2 * FORBIDDEN_MAX)]
    a_sku(shop.database, *names)
    shop.stock(**dict.fromkeys(names, 5))
    shop.settled()
    forbids(shop, *names)
    sent = len(shop.channel.writes)
    shop.stock(**dict.fromkeys(names, 4))
    shop.push()
    assert len(shop.channel.writes) - sent == FORBIDDEN_MAX
    assert (subjects(shop), shop.control().breaker.state) == (["channel:shop"], "open")
    for _ in range(3 * ATTEMPTS_MAX):
        shop.clock.pass_(seconds=60)
        shop.push()
    assert {shop.state(name) for name in names} == {"pending"}
    forbids(shop)
    for _ in range(4):
        shop.clock.pass_(seconds=60)
        shop.push()
    shop.look(seconds=1)
    assert {shop.channel.shown[name] for name in names} == {4}
    assert subjects(shop) == []


def test_a_channel_that_lets_nobody_in_is_found_out_by_rounds_of_one_listing_too(shop: Shop) -> None:
    shop.stock(S=5, T=5)
    shop.settled()
    forbids(shop, "S", "T")
    for turn in range(FORBIDDEN_MAX):
        shop.clock.pass_(seconds=10)
        shop.stock(**{"ST"[turn % 2]: 100 + turn})
        shop.push()
    assert shop.control().breaker.state == "open"
    assert "channel:shop" in subjects(shop)
    assert (shop.state("S"), shop.state("T")) == ("pending", "pending")


def test_probes_of_a_channel_that_is_out_go_round(shop: Shop) -> None:
    shop.stock(S=5, T=5, U=5)
    shop.settled()
    shop.channel.is_out = True
    shop.stock(S=0, T=0, U=7)
    for _ in range(3):
        shop.push(jitter=0.0)
        shop.clock.pass_(seconds=3)
    assert shop.control().breaker.state == "open"
    shop.channel.is_out = False
    forbids(shop, "S", "T")
    for _ in range(3):
        shop.clock.pass_(seconds=60)
        shop.push()
    assert shop.channel.shown["U"] == 7
