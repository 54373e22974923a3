"""Each event type does to the four states what the effect table says."""

import pytest

from core_sync.database.engine import Database
from core_sync.ledger.events import EPCIS_BUSINESS_STEP, EventType
from core_sync.ledger.history import positions
from core_sync.ledger.ledger import Ledger
from tests.builders import MONDAY, an_event

T = EventType

AFTER_TEN_ON_HAND = [
    ([(T.INBOUND_ANNOUNCED, 4, "PO")], (10, 0, 0, 4)),
    ([(T.INBOUND_ANNOUNCED, 4, "PO"), (T.RECEIPT, 3, "PO")], (13, 0, 0, 1)),
    ([(T.INBOUND_ANNOUNCED, 4, "PO"), (T.RECEIPT, 6, "PO")], (16, 0, 0, 0)),
    ([(T.INBOUND_ANNOUNCED, 4, "PO"), (T.RECEIPT, 6, "OTHER")], (16, 0, 0, 4)),
    ([(T.PICK, 3, ""), (T.PACK, 3, ""), (T.PUT_AWAY, 3, "")], (10, 0, 0, 0)),
    ([(T.RESERVE, 4, "SO")], (10, 4, 0, 0)),
    ([(T.RESERVE, 4, "SO"), (T.RELEASE_RESERVATION, 9, "SO")], (10, 0, 0, 0)),
    ([(T.RESERVE, 4, "SO"), (T.RELEASE_RESERVATION, 9, "OTHER")], (10, 4, 0, 0)),
    ([(T.RESERVE, 4, "SO"), (T.ORDER_CANCELLED, 1, "SO"), (T.RELEASE_RESERVATION, 4, "SO")], (10, 0, 0, 0)),
    ([(T.RESERVE, 4, "SO"), (T.SHIP, 3, "SO")], (7, 1, 0, 0)),
    ([(T.RESERVE, 4, "SO"), (T.SHIP, 6, "SO")], (4, 0, 0, 0)),
    ([(T.RETURN_RECEIVED, 2, "RMA")], (12, 0, 2, 0)),
    ([(T.RETURN_RECEIVED, 2, "RMA"), (T.RESTOCK, 2, "RMA")], (12, 0, 0, 0)),
    ([(T.RETURN_RECEIVED, 2, "RMA"), (T.RESTOCK, 3, "RMA")], (13, 0, 0, 0)),
    ([(T.RETURN_RECEIVED, 2, "RMA"), (T.SCRAP, 2, "RMA")], (10, 0, 0, 0)),
    ([(T.SCRAP, 2, "")], (8, 0, 0, 0)),
    ([(T.HOLD, 5, "Q"), (T.RELEASE_HOLD, 2, "Q")], (10, 0, 3, 0)),
    ([(T.ADJUST, -4, "")], (6, 0, 0, 0)),
    ([(T.ADJUST, 4, "")], (14, 0, 0, 0)),
    ([(T.COUNT, 7, "")], (7, 0, 0, 0)),
]


@pytest.mark.parametrize(("steps", "expected"), AFTER_TEN_ON_HAND)
def test_after_ten_on_hand_the_states_are(
    database_url: str, steps: list[tuple[EventType, int, str]], expected: tuple[int, int, int, int]
) -> None:
    ledger = Ledger(Database(database_url))
    events = [an_event(T.RECEIPT, 10)]
    events += [
        an_event(type, quantity, hours=place + 1, document=document)
        for place, (type, quantity, document) in enumerate(steps)
    ]
    outcome = ledger.apply(events, MONDAY)
    assert outcome.accepted == len(events)
    with ledger.database.reading() as connection:
        (mugs,) = positions(connection)
    assert (mugs.on_hand, mugs.allocated, mugs.quality_hold, mugs.in_transit) == expected


def test_a_transfer_is_in_transit_at_its_destination_until_it_arrives(database_url: str) -> None:
    ledger = Ledger(Database(database_url))
    out = an_event(T.TRANSFER_OUT, 4, hours=1, document="TO-1", to_location="BATH")
    arrived = an_event(T.TRANSFER_IN, 3, hours=2, location="BATH", document="TO-1")
    ledger.apply([an_event(T.RECEIPT, 10), out, arrived], MONDAY)
    with ledger.database.reading() as connection:
        states = {p.location: (p.on_hand, p.in_transit) for p in positions(connection)}
    assert states == {"LEEDS": (6, 0), "BATH": (3, 1)}


def test_every_event_type_has_its_epcis_business_step() -> None:
    assert set(EPCIS_BUSINESS_STEP) == set(EventType)
