"""What a disagreement between two systems puts at stake, with and without a rule that says who is right."""

from ml.triage.stakes import EVEN_BELIEF, Shown, SignalFacts, stakes_of

SHOWN = Shown(promised={("shop", "MUG"): 20})


def disagreement(winner: str = "", believed: int | None = None) -> SignalFacts:
    """The WMS says 12 where 20 are expected."""
    return SignalFacts(
        "delta", "MUG", location="LEEDS", expected=20, actual=12, winner=winner, believed=believed
    )  # fmt: skip


def test_without_a_rule_each_of_two_systems_is_as_likely_to_be_right() -> None:
    (stake,) = stakes_of(disagreement(), SHOWN)
    assert (stake.published, stake.available, stake.belief) == (20, 12, EVEN_BELIEF)


def test_the_figure_that_wins_by_rule_is_taken_for_the_truth() -> None:
    (stake,) = stakes_of(disagreement("wms", 12), SHOWN)
    assert (stake.published, stake.available, stake.belief) == (20, 12, 1.0)
    assert "the figure of wms wins" in stake.why


def test_where_our_own_figure_wins_no_promise_is_wrong() -> None:
    (stake,) = stakes_of(disagreement("ledger", 20), SHOWN)
    assert stake.published == stake.available


def test_what_may_have_arrived_uncounted_could_be_sold_and_what_was_picked_is_reserved() -> None:
    def missing(operation: str) -> SignalFacts:
        return SignalFacts("failure", "MUG", location="LEEDS", operation=operation, quantity=5)

    (stake,) = stakes_of(missing("expect.transfer_to_arrival"), SHOWN)
    assert (stake.published, stake.available, stake.belief) == (20, 25, EVEN_BELIEF)
    assert stakes_of(missing("expect.pick_to_ship"), SHOWN) == []


def test_whoever_tells_of_a_stale_reservation_its_units_could_be_sold() -> None:
    told = SignalFacts("failure", "MUG", operation="sweep", quantity=6, root_cause="stale_reservation")
    (stake,) = stakes_of(told, SHOWN)
    assert (stake.published, stake.available, stake.pool) == (20, 26, 6)


def test_an_id_told_again_otherwise_is_wrong_by_no_more_than_the_difference() -> None:
    told = SignalFacts(
        "failure", "MUG", operation="ledger.receipt", error_code="id_conflict", quantity=30, first_quantity=24
    )
    (stake,) = stakes_of(told, SHOWN)
    assert (stake.published, stake.available, stake.belief) == (20, 26, EVEN_BELIEF)


def test_a_listing_that_takes_no_updates_is_frozen_and_one_that_others_book_wrongly_is_not() -> None:
    (named,) = stakes_of(SignalFacts("failure", "MUG", channel="shop", operation="push_inventory"), SHOWN)
    (of_books,) = stakes_of(SignalFacts("failure", "MUG", operation="post_goods_issue"), SHOWN)
    assert (named.frozen, of_books.frozen) == (True, False)


def test_only_what_names_an_order_is_the_oversell_of_its_units() -> None:
    def told(document: str) -> SignalFacts:
        return SignalFacts("failure", "MUG", channel="shop", quantity=32, subclass="out_of_stock", document=document)

    (order,), (update,) = stakes_of(told("SO-7"), SHOWN), stakes_of(told(""), SHOWN)
    assert (order.published, order.available, order.order) == (32, 0, "SO-7")
    assert (update.published, update.order, update.frozen) == (20, "", True)


def test_units_that_another_system_does_not_hold_reserved_could_be_sold() -> None:
    told = SignalFacts("delta", "MUG", location="LEEDS", state="allocated", expected=9, actual=4)
    (stake,) = stakes_of(told, SHOWN)
    assert (stake.published, stake.available) == (20, 25)


def test_of_a_trouble_of_few_units_no_listing_is_off_by_many() -> None:
    shown = Shown(promised={("shop", "MUG"): 20}, shown={("shop", "MUG"): 90})
    told = SignalFacts("failure", "MUG", operation="post_goods_issue", quantity=5)
    (stake,) = stakes_of(told, shown)
    assert (stake.published, stake.available) == (90, 85)
