"""How much a channel holds back, and why."""

import re
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.buffers.big_orders import BigOrder
from ml.buffers.bulk import Listings, buffers
from ml.buffers.listing import Listing, as_arrays
from ml.buffers.mistakes import accepted_chance, expected_mistakes, held_back
from ml.buffers.others import others_demand
from ml.buffers.race import Stretches
from ml.buffers.rails import Policy, within
from ml.buffers.recommend import Recommendation, recommend
from ml.buffers.supplier import OpenOrder, Received, receipt_chance, reliability
from ml.buffers.weight import MOST_WEIGHT, expected_rate, next_weight, weight_for_target
from ml.buffers.window import Window
from ml.exposure.demand import DemandBook
from ml.exposure.distribution import Demand
from ml.exposure.situation import NO_DEMAND_KNOWN, ChannelDemand, UnitPrices
from ml.exposure.terms import Basis, Term, unknown

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
NO_SUPPLY = Term(0.0, "chance", Basis.GIVEN, "no order is open with a supplier")
FREE = Policy(most_share=1.0, slow_per_hour=0.0, keep_share=0.0)


def hours(value: float) -> Term:
    return Term(value, "h", Basis.MEASURED)


def demand_of(rate: float, dispersion: float = 3.0) -> ChannelDemand:
    return ChannelDemand(Term(rate, "units/day", Basis.MEASURED), Term(dispersion, "variance/mean", Basis.POOLED))


LISTING = Listing(
    sku="A",
    channel="marketplace",
    location="",
    others=demand_of(48.0),
    own=demand_of(24.0),
    window=Window(hours(4.0), hours(0.5), hours(1.5)),
    prices=UnitPrices(Decimal(20), Decimal(12), "EUR", Decimal(10)),
    supply=NO_SUPPLY,
    available=60,
    current=0,
)


def only(listing: Listing, policy: Policy = FREE) -> Recommendation:
    return recommend([listing], NOON, policy)[0]


def certain(own: Demand, others: Demand) -> Stretches:
    """A window that ends for certain, the channel served at its end."""
    asked, taken = (Demand(pool.mean[None], pool.dispersion[None]) for pool in (own, others))
    for_certain = np.ones((1, len(own)))
    return Stretches(np.ones(1, dtype=bool), for_certain, asked, taken, for_certain)


def test_a_recommendation_has_the_agreed_fields() -> None:
    names = "sku channel location buffer current terms target_oversell_rate expected_oversell_rate"
    assert [field.name for field in fields(Recommendation)] == [
        *names.split(),
        *["expected_lost_units", "reason", "valid_until", "change_value", "needs_approval", "lacked"],
    ]
    assert only(LISTING).valid_until == NOON + timedelta(days=1)


def test_the_buffer_covers_what_the_others_take_in_the_window_with_the_chance_the_costs_accept() -> None:
    found = only(LISTING)
    alpha = 8 / (8 + 18)
    others = Demand.of([12.0], [1 + 2 * 6 / 24])
    assert found.terms["accepted_chance"].value == pytest.approx(alpha)
    assert found.buffer == held_back(others, alpha)[0]


LEAST_LEFT = 0.75
"""Three stretches stand for the time from a refresh, and their middles move with the window's length; where the channel
just comes to reach the end of the stock it is a race, where it does not a quantile."""


@given(st.floats(0, 200), st.floats(0, 100), st.floats(0, 48))
def test_more_demand_of_others_holds_back_no_less_but_for_what_the_stretches_round(
    rate: float, more: float, span: float
) -> None:
    few = only(replace(LISTING, others=demand_of(rate), window=Window(hours(span), hours(0), hours(0))))
    many = only(replace(LISTING, others=demand_of(rate + more), window=Window(hours(span), hours(0), hours(0))))
    assert wanted_units(many) >= LEAST_LEFT * wanted_units(few) - 1


@given(st.floats(0, 200), st.floats(0, 48), st.floats(0, 48))
def test_a_longer_window_holds_back_no_less_but_for_what_its_stretches_round(
    rate: float, span: float, longer: float
) -> None:
    short = only(replace(LISTING, others=demand_of(rate), window=Window(hours(span), hours(0), hours(0))))
    long = only(replace(LISTING, others=demand_of(rate), window=Window(hours(span), hours(longer), hours(0))))
    assert wanted_units(long) >= LEAST_LEFT * wanted_units(short) - 1


def wanted_units(found: Recommendation) -> float:
    """Units that the rule wants held back, before the limits."""
    told = found.terms["quantile"].value
    assert told is not None
    return told


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_a_dearer_oversell_never_accepts_a_greater_chance(lost: float, oversold: float, more: float) -> None:
    cheap, dear = accepted_chance(lost, oversold)[0], accepted_chance(lost, oversold + more)[0]
    assert np.isnan(cheap) or dear <= cheap


def test_an_order_about_to_come_in_lets_the_channel_show_more() -> None:
    covered = replace(LISTING, supply=Term(0.9, "chance", Basis.MEASURED))
    assert only(covered).buffer < only(LISTING).buffer
    assert only(covered).terms["without_supply"].value == only(LISTING).terms["quantile"].value


def test_each_driver_is_told_with_what_the_buffer_would_be_without_it() -> None:
    prices = replace(LISTING.prices, cost=Decimal(18))
    covered = replace(LISTING, supply=Term(0.5, "chance", Basis.MEASURED), prices=prices, others=demand_of(48, 8))
    terms = only(covered).terms
    quantile = terms["quantile"].value or 0
    assert (terms["without_bursts"].value or 0) < quantile
    assert (terms["without_fulfilment_latency"].value or 0) < quantile
    assert (terms["without_supply"].value or 0) > quantile


@pytest.mark.parametrize("available", [60, 400])
def test_without_bursts_as_much_is_asked_for_unit_by_unit(available: int) -> None:
    plain = replace(LISTING, others=demand_of(48, 1), own=demand_of(24, 1), available=available)
    bulk = replace(plain, big=BigOrder(above=5, rate=2, units=12, dispersion=1))
    wild = replace(plain, others=demand_of(48, 8), own=demand_of(24, 8), others_lot=4, own_lot=4, shared=0.3)
    expected = wanted_units(only(plain))
    assert wanted_units(only(bulk)) != expected
    assert [only(one).terms["without_bursts"].value for one in (plain, bulk, wild)] == [expected] * 3


def test_without_demand_of_the_others_the_buffer_in_force_stays_and_the_reason_says_why() -> None:
    found = only(replace(LISTING, others=NO_DEMAND_KNOWN, current=7))
    assert found.buffer == 7
    assert "no demand history" in found.reason
    assert found.expected_oversell_rate is None


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ({"prices": UnitPrices()}, "price"),
        ({"prices": UnitPrices(Decimal(0), Decimal(0), "EUR", Decimal(0))}, "without a price above 0"),
        ({"prices": UnitPrices(Decimal(5), Decimal(5), "EUR", Decimal(0))}, "neither mistake costs"),
        ({"window": Window(unknown("h", "-"), hours(0), hours(0))}, "no refresh"),
        ({"window": Window(hours(1), unknown("h", "-"), unknown("h", "-"))}, "no pick"),
        ({"others": ChannelDemand(demand_of(9.0).rate_per_day, unknown("variance/mean", "-"))}, "too little history"),
    ],
)
def test_what_was_lacking_is_said_in_the_reason(lacking: dict[str, object], said: str) -> None:
    found = only(replace(LISTING, **lacking))  # type: ignore[arg-type]  # one field of each case
    assert said in found.reason
    assert found.buffer >= 0


@pytest.mark.parametrize(
    ("case", "policy", "said"),
    [
        ({"available": 20}, FREE, "which is steered over all of marketplace, not SKU by SKU"),
        (
            {"available": 20},
            replace(FREE, most_share=0.25),
            "share of stock; expected [0-9.]+% .* leaves 5 of 11 units",
        ),
        ({"available": 20, "current": 9}, replace(FREE, keep_share=0.2), "too small .* leaves 9 of 11 units"),
        ({"available": 20}, replace(FREE, slow_per_hour=9.0), "slow mover; .* leaves 1 of 11 units"),
    ],
)
def test_a_rate_above_the_accepted_one_is_told_with_what_leaves_it(
    case: dict[str, int], policy: Policy, said: str
) -> None:
    found = only(replace(LISTING, **case), policy)  # type: ignore[arg-type]  # one field of each case
    assert (found.expected_oversell_rate or 0.0) > found.target_oversell_rate
    assert "% of what is asked oversold against the accepted 0.5%" in found.reason
    assert re.search(said, found.reason)


@pytest.mark.parametrize("case", [{"available": 10**6}, {"available": None}, {"available": 20, "target": 0.9}])
def test_a_rate_within_the_accepted_one_or_unknown_is_not_told_as_above_it(case: dict[str, float | None]) -> None:
    assert "accepted" not in only(replace(LISTING, **case)).reason  # type: ignore[arg-type]  # one field of each case


def test_without_a_stock_figure_no_rate_is_expected() -> None:
    found = only(replace(LISTING, available=None))
    assert found.expected_oversell_rate is None
    assert found.expected_lost_units is None
    assert found.terms["available"].basis is Basis.UNKNOWN


def test_a_negative_latency_is_refused() -> None:
    with pytest.raises(ValueError, match="hours"):
        Window(hours(-1), hours(0), hours(0))


def test_limits_bound_the_buffer_and_are_named() -> None:
    found = within(
        np.array([40.0, 9.0, 11.0, 3.0, 1.0]),
        np.array([0.0, 0.0, 10.0, 2.0, 0.0]),
        np.array([50.0, 50.0, 50.0, np.nan, 50.0]),
        np.array([2.0, 0.01, 2.0, 2.0, 2.0]),
    )
    assert found.buffer.tolist() == [25, 1, 10, 2, 1]
    assert found.limit == ["share of stock", "slow mover", "too small a change", "too small a change", ""]


@pytest.mark.parametrize("available", [0, 1, 3, 8, 30])
@pytest.mark.parametrize("held", [0, 1, 4])
def test_both_mistakes_agree_with_counting_random_demands(available: int, held: int) -> None:
    own, others = Demand.of([4.0], [2.5]), Demand.of([3.0], [1.5])
    found = expected_mistakes(held, available, certain(own, others))
    chance, draws = np.random.default_rng(available * 10 + held), 200_000
    asked = chance.poisson(chance.gamma(4.0 / 1.5, 1.5, draws))
    taken = chance.poisson(chance.gamma(3.0 / 0.5, 0.5, draws))
    sold = np.minimum(asked, max(available - held, 0))
    oversold = np.maximum(sold + taken - available, 0) - np.maximum(taken - available, 0)
    left = np.maximum(available - taken, 0)
    lost = np.minimum(asked, left) - np.minimum(sold, left)
    assert found.oversold[0] == pytest.approx(oversold.mean(), abs=0.02)
    assert found.lost[0] == pytest.approx(lost.mean(), abs=0.02)


@settings(max_examples=60)
@given(st.floats(0, 60), st.floats(0, 60), st.floats(1, 12), st.integers(0, 200), st.floats(0.01, 0.5))
def test_no_other_buffer_makes_the_two_mistakes_cheaper(
    own_mean: float, others_mean: float, dispersion: float, available: int, alpha: float
) -> None:
    own, others = Demand.of([own_mean], [dispersion]), Demand.of([others_mean], [dispersion])
    best = min(float(held_back(others, alpha)[0]), available)

    def cost(held: float) -> float:
        found = expected_mistakes(held, available, certain(own, others))
        return float(alpha * found.lost[0] + (1 - alpha) * found.oversold[0])

    if available <= 60:
        assert cost(best) <= min(cost(float(held)) for held in range(available + 1)) + 1e-6


@settings(max_examples=100)
@given(st.data())
def test_every_admissible_listing_gets_a_whole_buffer_within_the_limits(data: st.DataObject) -> None:
    def draw(low: float, high: float) -> np.ndarray:
        return np.array([data.draw(st.floats(low, high))])

    available = np.array([data.draw(st.one_of(st.just(float("nan")), st.integers(-5, 10**9).map(float)))])
    rows = Listings(
        draw(0, 1e5), draw(1, 12), draw(1, 50), draw(0, 2), draw(0, 500), draw(1, 500),
        draw(0, 1e5), draw(1, 12), draw(1, 50), draw(0, 200),
        draw(0, 1), draw(1, 8), draw(0, 0.5), draw(0, 1e4), draw(0, 1e4), draw(1, 100),
        available, np.array([float(data.draw(st.integers(0, 1000)))]),
    )  # fmt: skip
    found = buffers(rows)
    assert found.buffer[0] == np.floor(found.buffer[0]) >= 0
    if np.isnan(available[0]):
        assert np.isnan(found.oversell_rate[0])
    else:
        assert found.buffer[0] <= max(available[0], 0) / 2
        assert 0 <= found.oversell_rate[0] <= 1
        assert np.isfinite(found.lost[0])


def test_many_listings_get_what_each_gets_alone() -> None:
    many = [LISTING, replace(LISTING, sku="B", available=None), replace(LISTING, sku="C", prices=UnitPrices())]
    assert recommend(many, NOON) == [recommend([listing], NOON)[0] for listing in many]


def test_a_weight_brings_the_expected_oversell_rate_down_to_the_target() -> None:
    scarce = [replace(LISTING, available=units, others=demand_of(2.0 * units)) for units in range(4, 60)]
    rows = as_arrays(scarce)
    before = expected_rate(rows, 1.0, FREE)
    assert before is not None
    assert before > 0.005
    assert 0.004 < (expected_rate(rows, weight_for_target(rows, 0.005, FREE), FREE) or 0) <= 0.005


def test_where_stock_is_plentiful_an_oversell_counts_its_money_and_no_more() -> None:
    assert weight_for_target(as_arrays([replace(LISTING, available=10**6)]), 0.005) == 1.0


def test_the_weight_follows_what_came_true_by_a_fifth_at_most() -> None:
    assert next_weight(10.0, 0.05, 0.005) == pytest.approx(12.0)
    assert next_weight(10.0, 0.0, 0.005) == pytest.approx(8.0)
    assert next_weight(10.0, 0.005, 0.005) == pytest.approx(10.0)
    assert next_weight(1.0, 0.0, 0.005) == 1.0


def test_the_others_are_all_channels_but_the_one_and_the_unknown_ones_are_named() -> None:
    book = DemandBook({("A", "web"): demand_of(3.0), ("A", "edi"): demand_of(5.0, 7.0)}, {}, {}, {})
    found = others_demand(book, "A", "web", ["web", "edi", "shop"])
    assert found.rate_per_day.value == 5.0
    assert "shop" in found.rate_per_day.note
    assert found.dispersion.value == 7.0
    assert others_demand(book, "A", "web", ["web"]).rate_per_day.value == 0.0
    assert others_demand(book, "B", "web", ["web", "edi"]).rate_per_day.value is None


def test_where_no_buffer_within_the_limits_serves_the_target_no_more_is_held_back_than_helps() -> None:
    scarce = as_arrays([replace(LISTING, available=units, others=demand_of(2.0 * units)) for units in range(4, 60)])
    limited = replace(FREE, most_share=0.7)
    lowest = expected_rate(scarce, MOST_WEIGHT, limited) or 0.0
    weight = weight_for_target(scarce, 0.0005, limited)
    assert 0.0005 < lowest < (expected_rate(scarce, weight, limited) or 0.0) <= 1.1 * lowest
    assert weight < MOST_WEIGHT / 2


def test_an_order_that_comes_before_the_channel_is_put_right_holds_back_less_and_none_changes_nothing() -> None:
    came = [Received("S", NOON, None, NOON + timedelta(days=2), 10, 10) for _ in range(40)]
    known = reliability(came).of("S")
    slow = replace(LISTING, window=Window(hours(30), hours(0), hours(0)))
    due, new = (replace(slow, reliability=known, order=OpenOrder("S", waited, None)) for waited in (1.8, 0.0))
    assert receipt_chance(known, due.order, 0.5).value == pytest.approx(1.0)
    held = [one.terms["quantile"].value or 0.0 for one in recommend([due, new, slow], NOON)]
    assert held[0] < held[1] == held[2]
    told = recommend([due], NOON)[0].terms
    assert told["without_supply"].value == held[2]
    assert (told["without_fulfilment_latency"].value or 0.0) <= held[0]
