"""Sources, ids and references are others' words: whatever they hold, no two are taken for one."""

import random
import string
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.intake.messages import ingest_messages
from core_sync.ledger.decisions import reverse
from core_sync.ledger.entries import Span, entries_of
from core_sync.ledger.events import EventType
from core_sync.ledger.history import disagreements, positions
from core_sync.ledger.ledger import Ledger
from tests.builders import MONDAY, a_receipt, a_reservation, a_shipment, an_event

ODD = [
    "NULL", "null", '"', "{", "}", "{}", ",", "a,b", "\\", "a\\b", "'", "a'b\"c", " ", " x ", "é😀", "\u2028", "\x7f",
    "\x01", "\t", "$1", "%s", "?", "true", "9007199254740993", "||", "{keys}", "{rows}", "a:b", "a#b", "~", "~1",
]  # fmt: skip


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    ledger = Ledger(Database(database_url))
    yield ledger
    ledger.close()
    ledger.database.close()


@pytest.mark.parametrize("together", [1, len(ODD)])
def test_odd_characters_are_kept_as_they_are_in_every_name(ledger: Ledger, together: int) -> None:
    for start in range(0, len(ODD), together):
        part = ODD[start : start + together]
        events = [
            a_receipt(3, event_id=s, document=s, line=s, lot=s, reason=s, account=s, channel=s, source=f"wms{s}")
            for s in part
        ]
        events += [an_event(EventType.RESERVE, 1, event_id=f"r{s}", reservation_id=s, lot=s, account=s) for s in part]
        events += [an_event(EventType.SHIP, 99, event_id=f"p{s}", reservation_id=s, lot=s, sku=s) for s in part]
        assert ledger.apply(events, MONDAY).accepted >= 2 * len(part)
        again = ledger.apply(events, MONDAY)
        assert (again.accepted, again.duplicates) == (0, len(events))
    with ledger.database.reading() as connection:
        assert disagreements(connection) == []
        assert {one.lot for one in positions(connection, "MUG")} == set(ODD)


def test_two_sources_whose_names_and_ids_read_alike_are_reversed_apart(ledger: Ledger) -> None:
    ledger.apply([a_receipt(5, event_id="b:c", source="a"), a_receipt(7, event_id="c", source="a:b")], MONDAY)
    reverse(ledger, "a", "b:c", "ops", MONDAY)
    with ledger.database.reading() as connection:
        assert [one.reversed_by for one in entries_of(connection, Span(sku="MUG")) if one.event_id == "c"] == [None]
    reverse(ledger, "a:b", "c", "ops", MONDAY)
    with ledger.database.reading() as connection:
        assert [one.on_hand for one in positions(connection)] == [0]


def test_two_sources_whose_names_and_ids_read_alike_draw_on_an_allotment_apart(ledger: Ledger) -> None:
    ledger.apply([a_receipt(50), a_reservation(9, reservation_id="allotment:ACME")], MONDAY)
    for source, event_id in (("a", "b:c"), ("a:b", "c")):
        told = a_shipment(2, event_id=event_id, source=source, document=event_id, account="ACME")
        assert ledger.apply([told], MONDAY).accepted == 1


def test_an_event_that_draws_twice_leaves_the_id_of_another_alone(ledger: Ledger) -> None:
    ledger.apply(
        [
            a_receipt(50, lot="L1"),
            a_reservation(1, document="SO-1"),
            a_reservation(1, lot="L1", reservation_id="allotment:ACME"),
            a_reservation(9, reservation_id="allotment:ACME"),
        ],
        MONDAY,
    )
    for event_id, units, document in (("o1", 5, "SO-1"), ("o1:2", 2, "SO-9")):
        told = a_shipment(units, event_id=event_id, lot="L1", document=document, account="ACME")
        assert ledger.apply([told], MONDAY).accepted == 1


def message(event_id: str, **more: object) -> dict[str, object]:
    return {
        "id": event_id, "source": "wms", "type": "receipt", "time": "2026-03-02T08:00:00Z", "sku": "MUG",
        "location": "LEEDS", "quantity": 1, **more,
    }  # fmt: skip


def test_nobody_speaks_as_the_ledger_itself(ledger: Ledger) -> None:
    said = message("reversal:wms:e1", source="stocktriage", type="pick")
    summary = ingest_messages(ledger, [said, message("e1")], MONDAY)
    assert (summary.accepted, summary.rejected) == (1, 1)
    assert [(one.field, one.raw["id"]) for one in summary.refused_rows] == [("source", "reversal:wms:e1")]


@pytest.mark.parametrize("field", ["id", "source", "sku", "location", "lot", "document", "line", "reservation_id"])
def test_a_name_too_long_for_an_index_is_refused_by_itself(ledger: Ledger, field: str) -> None:
    letters = random.Random(1).choices(string.ascii_letters, k=20_000)
    summary = ingest_messages(ledger, [message("good"), message("bad") | {field: "".join(letters)}], MONDAY)
    assert (summary.accepted, [one.field for one in summary.refused_rows]) == (1, [field])
    longest = {name: "".join(letters[:800]) for name in ("sku", "location", "lot", "document")}
    longest["source"] = "".join(letters[100:900])
    ingest_messages(ledger, [message("".join(letters[:800]), **longest)], MONDAY)
    with ledger.database.reading() as connection:
        told = connection.execute(text("SELECT count(*) FROM ledger_entry")).scalar_one()
        held = connection.execute(text("SELECT count(*) FROM held_event")).scalar_one()
    assert told + held == 2
