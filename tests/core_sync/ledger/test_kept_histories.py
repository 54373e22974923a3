"""Histories in which the ledger once differed from the oracle, each as short as it can be told."""

from collections.abc import Iterator

import pytest

from core_sync.database.engine import Database
from core_sync.ledger.events import EventType
from tests.builders import a_count, a_receipt, a_shipment, an_event
from tests.core_sync.ledger.life import Life


@pytest.fixture
def life(database_url: str) -> Iterator[Life]:
    database = Database(database_url)
    yield Life(database)
    database.close()


def on_hand(life: Life) -> int:
    return life.oracle.stock["MUG", "LEEDS", ""].on_hand


def test_what_a_count_contained_moves_again_when_the_count_is_taken_back(life: Life) -> None:
    life.tell(a_receipt(9), a_count(7, hours=5, event_id="c"), a_shipment(2, hours=4))
    life.take_back(("wms", "c"))
    assert on_hand(life) == 7


def test_an_older_count_holds_again_when_the_last_one_is_taken_back(life: Life) -> None:
    life.tell(a_count(3, hours=9, event_id="c"), a_count(5, hours=4), a_shipment(1, hours=6))
    life.take_back(("wms", "c"))
    assert on_hand(life) == 4


def test_of_two_counts_at_one_moment_the_one_told_later_holds_whichever_is_taken_back(life: Life) -> None:
    life.tell(a_count(3, event_id="first"), a_count(5, event_id="second"))
    life.take_back(("wms", "first"))
    assert on_hand(life) == 5
    life.take_back(("wms", "second"))
    assert on_hand(life) == 0


def test_a_count_between_others_is_right_after_the_one_behind_it_was_taken_back(life: Life) -> None:
    life.tell(a_receipt(9), a_count(7, hours=8, event_id="c"), a_shipment(2, hours=4), a_shipment(1, hours=6))
    life.take_back(("wms", "c"))
    life.tell(a_count(20, hours=5))
    assert on_hand(life) == 19


def test_what_a_count_contained_can_be_taken_back_after_the_count_was(life: Life) -> None:
    life.tell(a_count(5, hours=16, event_id="c"), an_event(EventType.ADJUST, 2, event_id="a"))
    life.take_back(("wms", "c"))
    life.take_back(("wms", "a"))
    assert on_hand(life) == 0


def test_what_waited_for_stock_applies_when_a_shipment_is_taken_back(life: Life) -> None:
    life.tell(a_receipt(5), a_shipment(5, event_id="s"), a_shipment(4, event_id="waits"))
    life.take_back(("wms", "s"))
    assert (on_hand(life), life.oracle.ends["wms", "waits"]) == (1, "accepted")


def test_what_waited_applies_when_its_place_is_made_lenient(life: Life) -> None:
    life.tell(a_shipment(4, location="BATH", event_id="waits"))
    life.learn("BATH lenient")
    assert life.oracle.ends["wms", "waits"] == "accepted"


def test_what_waited_applies_when_its_source_says_that_its_opening_stock_is_unknown(life: Life) -> None:
    life.tell(an_event(EventType.SCRAP, 1, source="shop", event_id="waits"))
    life.learn("shop opens")
    assert life.oracle.ends["shop", "waits"] == "accepted"


def test_a_reversal_is_not_itself_taken_back(life: Life) -> None:
    life.tell(a_receipt(5, event_id="r"))
    life.take_back(("wms", "r"))
    life.refuses_to_take_back(("stocktriage", "reversal:wms:r"), "takes back another")
    assert on_hand(life) == 0
