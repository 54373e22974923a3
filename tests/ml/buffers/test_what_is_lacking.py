"""What a recommendation says where the books are wrong or say too little: never a silent default."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ml.buffers.others import others_demand
from ml.buffers.recommend import Recommendation, recommend
from ml.buffers.supplier import Received, reliability, supplier_terms, supply_chance
from ml.buffers.window import Window
from ml.exposure.demand import DemandBook
from ml.exposure.situation import NO_DEMAND_KNOWN, ChannelDemand, UnitPrices
from ml.exposure.terms import Basis, Term, unknown
from tests.ml.buffers.test_recommend import LISTING, NOON

UNMEASURED = Window(*(unknown("h", "0 spans: too few") for _ in range(3)))


def told(**changed: object) -> Recommendation:
    return recommend([replace(LISTING, **changed)], NOON)[0]  # type: ignore[arg-type]  # any field of a listing


def test_without_history_the_buffer_in_force_stays_and_it_is_said() -> None:
    one = told(others=NO_DEMAND_KNOWN, own=NO_DEMAND_KNOWN, current=7)
    assert one.buffer == 7
    assert one.reason.startswith("keeps 7")
    assert one.expected_oversell_rate is None


def test_a_negative_lead_time_is_refused_and_says_whose_and_how_far() -> None:
    with pytest.raises(ValueError, match="POTTERY: received 2 days, 0:00:00 before it was ordered"):
        Received("POTTERY", NOON, None, NOON - timedelta(days=2), 4, 4)


def test_deliveries_left_out_are_counted_beside_those_used() -> None:
    book = reliability([Received("POTTERY", NOON - timedelta(days=5), None, NOON, 4, 4)], {"POTTERY": 3})
    assert "3 left out" in supply_chance(book.of("POTTERY"), 1.0, 2.0).note
    assert "3 left out" in supplier_terms(book.of("POTTERY"), None)["lead_time"].note


def test_demand_that_is_only_usual_elsewhere_is_said_to_be_so_and_which_pools_nothing_is_known_of() -> None:
    borrowed = ChannelDemand(
        Term(4.0, "units/day", Basis.POOLED, "mean of its category"), unknown("variance/mean", "too few days")
    )
    demand = others_demand(DemandBook({("MUG", "market"): borrowed}, {}, {}, {}), "MUG", "shop", ["shop", "market", ""])
    one = told(others=demand)
    assert "demand of the others: market 4 (not its own: that of its category or channel)" in one.reason
    assert "nothing known of direct sales" in one.reason
    assert one.reason.endswith("; ".join(one.lacked))


@pytest.mark.parametrize("price", [None, Decimal(0)])
def test_without_a_price_above_zero_the_mistakes_are_weighed_by_the_policy_and_it_is_said(
    price: Decimal | None,
) -> None:
    one = told(prices=UnitPrices(price, None, "EUR"))
    assert (one.terms["accepted_chance"].basis, one.terms["lost_cost"].value) == (Basis.ASSUMED, None)
    assert "without a price above 0" in one.reason


def test_a_price_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="the price of a unit is -3"):
        UnitPrices(Decimal(-3), None, "EUR")


def test_a_channel_without_latency_says_what_was_assumed_of_each_span() -> None:
    one = told(window=UNMEASURED)
    assert [one.terms[name].basis for name in ("sync_age_p90", "confirmation", "fulfilment_latency")] == [
        Basis.ASSUMED
    ] * 3
    for said in ("no refresh of the channel was ever confirmed", "no push", "no pick", "no late refresh"):
        assert said in one.reason


def test_a_sku_without_a_supplier_counts_on_no_receipt_and_says_so() -> None:
    one = told(supply=supply_chance(None, None, 2.0), supplier=supplier_terms(None, None))
    assert one.terms["supply"].value == 0
    assert one.terms["supply"].note == "no order is open with a supplier"
    assert one.terms["lead_time"].basis is Basis.UNKNOWN


def test_an_open_order_of_a_supplier_that_never_delivered_is_not_counted_on_and_it_is_said() -> None:
    one = told(supply=supply_chance(None, 3.0, 2.0))
    assert "an open order is not counted on" in one.reason
