"""How far a supplier can be relied on, from what it delivered."""

from datetime import UTC, datetime, timedelta

import pytest

from ml.buffers.supplier import Received, reliability, supply_chance
from ml.exposure.terms import Basis

ORDERED = datetime(2026, 1, 5, tzinfo=UTC)


def delivery(supplier: str, days: float, promised: float | None = 10.0, came: int = 10) -> Received:
    promise = None if promised is None else ORDERED + timedelta(days=promised)
    return Received(supplier, ORDERED, promise, ORDERED + timedelta(days=days), 10, came)


def test_a_supplier_with_many_deliveries_is_judged_by_its_own() -> None:
    book = reliability([delivery("swift", 3.0) for _ in range(95)] + [delivery("slow", 20.0) for _ in range(95)])
    swift, slow = book.of("swift"), book.of("slow")
    assert swift is not None
    assert slow is not None
    assert swift.chance_within(5) > 0.95
    assert slow.chance_within(5) < 0.05
    assert (swift.late_share or 0) < 0.05 < 0.95 < (slow.late_share or 0)
    assert slow.lead_quantile(0.5) == 20.0


def test_a_new_supplier_is_judged_by_all_the_others() -> None:
    book = reliability([delivery("swift", 3.0)] * 4)
    assert book.of("new") == book.of_all
    assert book.of(None) == book.of_all


def test_an_order_that_is_late_already_is_judged_by_those_that_were_as_late() -> None:
    book = reliability([delivery("S", 3.0)] * 50 + [delivery("S", 30.0)] * 50)
    known = book.of("S")
    assert known is not None
    assert known.chance_within(5, waited=0) == pytest.approx(0.5, abs=0.02)
    assert known.chance_within(5, waited=10) == 0.0
    assert known.chance_within(25, waited=10) == pytest.approx(1.0)
    assert known.chance_within(25, waited=99) == 0.0


def test_what_comes_in_part_can_be_counted_on_in_part() -> None:
    known = reliability([delivery("S", 3.0, came=5)] * 50).of("S")
    assert known is not None
    assert known.chance_within(5) == pytest.approx(0.5)


def test_more_than_was_ordered_makes_up_for_nothing() -> None:
    known = reliability([delivery("S", 3.0, came=0), delivery("S", 3.0, came=20)]).of("S")
    assert known is not None
    assert known.fill_rate == pytest.approx(0.5)


def test_without_promises_no_share_is_late() -> None:
    known = reliability([delivery("S", 3.0, promised=None)]).of("S")
    assert known is not None
    assert known.late_share is None


def test_a_delivery_before_its_order_is_refused() -> None:
    with pytest.raises(ValueError, match="before it was ordered"):
        delivery("S", -1.0)


def test_the_chance_of_supply_says_where_it_comes_from() -> None:
    book = reliability([delivery("S", 3.0)] * 20)
    assert supply_chance(book.of("S"), None, 2.0).value == 0.0
    assert supply_chance(None, 4.0, 2.0).basis is Basis.ASSUMED
    assert supply_chance(book.of("S"), 2.0, 2.0).basis is Basis.MEASURED
    assert supply_chance(book.of("new"), 2.0, 2.0).basis is Basis.POOLED
    assert reliability([]).of("S") is None


def test_deliveries_that_could_not_be_used_are_told_with_the_chance() -> None:
    book = reliability([delivery("S", 3.0)] * 20, {"S": 2, "odd": 1})
    assert supply_chance(book.of("S"), 2.0, 2.0).note.endswith(
        "; 2 left out: received before ordered, or without a quantity"
    )
    assert "1 left out" in supply_chance(book.of("odd"), 2.0, 2.0).note
    assert supply_chance(book.of("odd"), 2.0, 2.0).basis is Basis.POOLED
    assert "left out" not in supply_chance(book.of("new"), 2.0, 2.0).note
