"""How much each channel may promise of one SKU, and who goes without in a shortage: the pure rule."""

from collections.abc import Sequence
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from core_sync.availability.rules import (
    ChannelTerms,
    LocationStock,
    SellingChannel,
    promised_quantities,
    promised_quantity,
    promises_of,
    served,
)

EVERYWHERE = ("A", "B", "C")
SHOP, MARKET, EDI = (SellingChannel(name, priority) for priority, name in enumerate(("shop", "market", "edi")))

units = st.integers(-10_000, 10_000)
terms = st.builds(
    ChannelTerms,
    share_ten_thousandths=st.integers(0, 10_000),
    buffer=st.integers(0, 1_000),
    allotment=st.integers(0, 1_000),
)
few_places = st.fixed_dictionaries({place: st.integers(-3, 12) for place in EVERYWHERE})
channels = st.lists(
    st.builds(
        SellingChannel,
        channel=st.sampled_from(["a", "b", "c", "d", "e"]),
        priority=st.integers(1, 3),
        oversell_penalty=st.none() | st.integers(0, 3),
        locations=st.none() | st.frozensets(st.sampled_from(EVERYWHERE), min_size=1),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda one: one.channel,
)
short_terms = st.builds(
    ChannelTerms, st.integers(0, 10_000), st.integers(0, 4), st.integers(0, 3), st.none(), st.just(1_000)
)


def each(wanted: Sequence[SellingChannel], *, everywhere: bool) -> list[SellingChannel]:
    """The channels by rank; ``everywhere``: served by every location."""
    return sorted(
        (SellingChannel(one.channel, one.priority, one.oversell_penalty) if everywhere else one for one in wanted),
        key=lambda one: one.rank,
    )


@given(units, terms)
def test_no_channel_promises_less_than_its_allotment_nor_more_than_stock_and_allotment(
    available: int, terms: ChannelTerms
) -> None:
    promised = promised_quantity(available, terms)
    assert terms.allotment <= promised <= max(0, available) + terms.allotment


@given(units, units, terms)
def test_more_stock_never_promises_less(one: int, other: int, terms: ChannelTerms) -> None:
    assert promised_quantity(min(one, other), terms) <= promised_quantity(max(one, other), terms)


@given(few_places, channels, st.data())
def test_in_a_shortage_no_unit_is_promised_twice(
    available: dict[str, int], channels: list[SellingChannel], data: st.DataObject
) -> None:
    rules = [data.draw(short_terms) for _ in channels]
    quantities = promised_quantities(available, channels, rules)
    free = {one.channel: units - rule.allotment for one, rule, units in zip(channels, rules, quantities, strict=True)}
    assert sum(free.values()) <= sum(max(0, units) for units in available.values())
    for one in channels:
        assert 0 <= free[one.channel] <= max(0, served(one, available))


@given(st.integers(0, 40), channels, st.data())
def test_more_stock_never_gives_the_first_channels_together_less_in_a_shortage(
    available: int, channels: list[SellingChannel], data: st.DataObject
) -> None:
    ranked = each(channels, everywhere=True)
    rules = [data.draw(short_terms) for _ in ranked]
    fewer, more = (list(accumulate(promised_quantities({"A": n}, ranked, rules))) for n in (available, available + 1))
    assert all(one <= other for one, other in zip(fewer, more, strict=True))


@given(few_places, channels, st.data())
def test_each_term_of_every_promise_adds_up_to_it(
    available: dict[str, int], channels: list[SellingChannel], data: st.DataObject
) -> None:
    rules = [data.draw(short_terms | terms) for _ in channels]
    stock = [LocationStock(place, units + 3, 1, 1, 1) for place, units in available.items()]
    promises = promises_of("S", stock, channels, rules)
    assert [one.quantity for one in promises] == promised_quantities(available, channels, rules)
    for one in promises:
        assert one.available == sum(place.available for place in one.locations)
        assert one.quantity == max(0, one.free) - one.withheld + one.terms.allotment
        assert one.withheld >= 0
        if one.shortage is None:
            assert one.withheld == 0
        else:
            assert one.quantity == one.shortage.granted(one.channel) + one.terms.allotment


def test_share_buffer_and_allotment_make_the_promise() -> None:
    stock = (LocationStock("A", 10, 3, 1, 2), LocationStock("B", 20, 0, 0, 0))
    (promised,) = promises_of("S", stock, [SHOP], [ChannelTerms(5_000, 4, 6)])
    assert promised.available == 4 + 20
    assert promised.quantity == 24 // 2 - 4 + 6


def test_an_oversold_sku_tells_by_how_much() -> None:
    (promised,) = promises_of("S", (LocationStock("A", 1, 5, 0, 0),), [SHOP], [ChannelTerms(buffer=2)])
    assert (promised.quantity, promised.shortfall) == (0, 6)


def test_by_default_it_is_a_shortage_when_there_is_not_one_unit_for_each_channel() -> None:
    rules = [ChannelTerms()] * 3
    assert promised_quantities({"A": 3}, [SHOP, MARKET, EDI], rules) == [3, 3, 3]
    assert promised_quantities({"A": 2}, [SHOP, MARKET, EDI], rules) == [2, 0, 0]


def test_shares_that_do_not_overlap_are_never_short() -> None:
    rules = [ChannelTerms(5_000, shortage_below=1_000), ChannelTerms(3_000), ChannelTerms(2_000)]
    assert promised_quantities({"A": 10}, [SHOP, MARKET, EDI], rules) == [5, 3, 2]


def test_of_two_channels_with_one_priority_the_smaller_penalty_goes_first() -> None:
    dear, cheap = SellingChannel("dear", 1, 200_000), SellingChannel("mild", 1, 50_000)
    rules = [ChannelTerms(shortage_below=10)] * 2
    assert promised_quantities({"A": 4}, [dear, cheap], rules) == [0, 4]


def test_a_channel_takes_nothing_from_one_that_no_location_serves_with_it() -> None:
    east, west = (
        SellingChannel("east", 1, None, None, frozenset("A")),
        SellingChannel("west", 2, None, None, frozenset("B")),
    )
    both = SellingChannel("both", 3)
    rules = [ChannelTerms(shortage_below=100)] * 3
    assert promised_quantities({"A": 4, "B": 3}, [east, west, both], rules) == [4, 3, 0]


def test_an_allotment_is_kept_in_a_shortage_too() -> None:
    assert promised_quantities({"A": 1}, [SHOP, EDI], [ChannelTerms(), ChannelTerms(allotment=5)]) == [1, 5]
