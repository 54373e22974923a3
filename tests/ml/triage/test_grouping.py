"""Which signals are one trouble, and what they put at stake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.anomaly.reasons import Reason
from ml.triage.attribution import Claim, standing
from ml.triage.grouping import Scope, anomaly_fingerprint, failure_fingerprint, is_lonely, told_together
from ml.triage.sentences import sentence
from ml.triage.stakes import Shown, SignalFacts, gap, stakes_of

SHOWN = Shown(promised={("shop", "MUG"): 10, ("market", "MUG"): 8}, shown={("shop", "MUG"): 14})


def test_failures_of_one_cause_on_one_sku_are_one_trouble() -> None:
    shop, market = Scope("hub", "shop", "MUG"), Scope("hub", "market", "MUG")
    assert failure_fingerprint("timeout", None, shop) == failure_fingerprint("timeout", None, market)
    assert failure_fingerprint("timeout", None, shop) != failure_fingerprint("duplicate", None, shop)


def test_an_outage_is_one_trouble_of_its_channel_whatever_the_sku() -> None:
    mug, tray = Scope("hub", "shop", "MUG"), Scope("hub", "shop", "TRAY")
    assert failure_fingerprint("timeout", "outage", mug) == failure_fingerprint("timeout", "outage", tray)
    assert failure_fingerprint("timeout", "outage", mug) != failure_fingerprint(
        "timeout", "outage", Scope("hub", "market")
    )


def test_what_looks_like_an_outage_while_hardly_another_sku_fails_is_the_skus_own_trouble() -> None:
    mug = Scope("hub", "shop", "MUG")
    assert not is_lonely("outage", neighbours=60, worst=100)
    assert not is_lonely("outage", neighbours=None, worst=100), "nobody counted"
    assert not is_lonely("auth", neighbours=0, worst=100), "a bad token spoils everything, however quiet it is"
    assert is_lonely("outage", neighbours=4, worst=100)
    assert failure_fingerprint("timeout", "outage", mug, lonely=True) == failure_fingerprint("timeout", None, mug)


def test_a_posting_backlog_is_one_trouble_of_its_warehouse_in_its_system() -> None:
    mug, tray = Scope("erp", "", "MUG", "EAST"), Scope("erp", "", "TRAY", "EAST")
    backlog = failure_fingerprint("posting_delay", "backlog", mug)
    assert backlog == failure_fingerprint("posting_delay", "backlog", tray)
    assert backlog != failure_fingerprint("posting_delay", "backlog", Scope("erp", "", "MUG", "WEST"))
    assert backlog != failure_fingerprint("posting_delay", "backlog", Scope("wms", "", "MUG", "EAST"))
    own = failure_fingerprint("posting_delay", None, mug)
    assert failure_fingerprint("posting_delay", "backlog", mug, lonely=True) == own, "it shows on no other SKU"


@pytest.mark.parametrize(
    ("fingerprint", "said"),
    [
        ("timeout|MUG", "of timeout and about MUG"),
        ("timeout|outage|shop", "of outage and of shop as a whole"),
        ("posting_delay||erp", "of posting delay and of erp as a whole"),
        ("posting_delay|backlog|erp@EAST", "erp does not post what happens at EAST"),
        ("anomaly|MUG", "figures of MUG that are strange"),
        ("timeout|MUG#2", "of timeout and about MUG#2"),
    ],
)
def test_why_signals_are_one_case_is_said_in_words(fingerprint: str, said: str) -> None:
    assert said in told_together(fingerprint)
    assert told_together(fingerprint, is_placed=True).endswith(("placed some of them here", "out of another case"))


def test_a_case_that_a_person_split_off_says_so() -> None:
    assert told_together("timeout|MUG#2", is_placed=True) == "a person took these signals out of another case"


def test_an_anomaly_joins_the_failure_that_explains_it() -> None:
    assert anomaly_fingerprint(Scope(sku="MUG"), {"MUG": "timeout|MUG"}) == "timeout|MUG"
    assert anomaly_fingerprint(Scope(sku="TRAY"), {"MUG": "timeout|MUG"}) == "anomaly|TRAY"


def test_an_update_that_did_not_arrive_leaves_the_listing_as_it_was() -> None:
    (stake,) = stakes_of(SignalFacts("failure", "MUG", channel="shop"), SHOWN)
    assert (stake.published, stake.available, stake.belief) == (14, 10, 1.0)


def test_a_shipment_without_effect_makes_every_channel_promise_too_much() -> None:
    held = SignalFacts("failure", "MUG", operation="ledger.ship", error_code="unmapped_sku", quantity=3)
    assert {(s.channel, s.published, s.available) for s in stakes_of(held, SHOWN)} == {
        ("shop", 10, 7),
        ("market", 8, 5),
    }


def test_a_receipt_that_may_be_a_repeat_is_believed_half() -> None:
    held = SignalFacts("failure", "MUG", operation="ledger.receipt", error_code="business_key", quantity=3)
    assert {(s.available - s.published, s.belief) for s in stakes_of(held, SHOWN)} == {(3, 0.5)}


@pytest.mark.parametrize(
    ("operation", "quantity", "effect"),
    [
        ("ledger.adjust", -3, -3),
        ("ledger.adjust", 3, 3),
        ("ledger.release_reservation", 3, 3),
        ("ledger.reserve", 3, -3),
        ("reservation", 3, 3),
    ],
)
def test_what_is_held_moves_available_stock_by_what_its_type_does(operation: str, quantity: int, effect: int) -> None:
    held = SignalFacts("failure", "MUG", channel="shop", operation=operation, quantity=quantity)
    assert {(s.channel, s.available - s.published) for s in stakes_of(held, SHOWN)} == {
        ("shop", effect),
        ("market", effect),
    }


@pytest.mark.parametrize("kind", ["pick", "pack", "put_away", "inbound_announced", "return_received", "count"])
def test_a_held_movement_that_leaves_available_stock_alone_puts_nothing_at_stake(kind: str) -> None:
    assert stakes_of(SignalFacts("failure", "MUG", operation=f"ledger.{kind}", quantity=3), SHOWN) == []


def test_a_channel_that_shows_another_figure_is_wrong_for_sure() -> None:
    (stake,) = stakes_of(SignalFacts("delta", "MUG", channel="shop", expected=4, actual=9), SHOWN)
    assert (stake.published, stake.available, stake.belief) == (9, 4, 1.0)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=5))
def test_several_signals_of_one_listing_are_one_stake_the_widest(figures: list[tuple[int, int]]) -> None:
    claims = [
        Claim(("anomaly", number), "anomaly|MUG", "other", stake)
        for number, (right, shown) in enumerate(figures)
        for stake in stakes_of(SignalFacts("delta", "MUG", channel="shop", expected=right, actual=shown), SHOWN)
    ]
    (claim,) = standing(claims)
    assert gap(claim.stake) == max(abs(right - shown) for right, shown in figures)


def test_a_signal_without_a_sku_puts_nothing_at_stake_that_can_be_told() -> None:
    assert stakes_of(SignalFacts("failure", "", channel="shop"), SHOWN) == []


def test_a_reason_is_a_sentence_with_how_rare_it_is() -> None:
    rare = "; ordinary rows are as far out once in 1,100"
    assert sentence(Reason("erp_wms_z", "19.4 sd", 1 / 1100)) == f"ERP and WMS are 19.4 sd apart{rare}"
    assert sentence(Reason("quantity_rarity", "0.2 % of lines have it", 1 / 1100)) == f"0.2 % of lines have it{rare}"
