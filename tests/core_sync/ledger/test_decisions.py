"""What is held can be seen, with why and what it is like, and each verb can be asked first what it would do."""

import pytest
from sqlalchemy import text

from core_sync.cases.signals import open_or_join
from core_sync.database.engine import Database
from core_sync.errors import CursorRefused, NotFound, VerbRefused
from core_sync.ledger.decisions import apply_after_all, confirm_duplicate, refuse, reverse
from core_sync.ledger.events import EventType
from core_sync.ledger.held import HeldEventShown, HeldFilter, count_held, read_held, read_held_event
from core_sync.ledger.history import disagreements, positions
from core_sync.ledger.ledger import Ledger
from tests.builders import MONDAY, a_receipt, a_reservation, a_shipment, an_event


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    return Ledger(Database(database_url))


def the_held(ledger: Ledger, **shown: object) -> list[HeldEventShown]:
    with ledger.database.reading() as connection:
        return read_held(connection, HeldFilter(**shown)).items  # type: ignore[arg-type]  # the test's own words


def on_hand(ledger: Ledger) -> int:
    with ledger.database.reading() as connection:
        assert disagreements(connection) == []
        return sum(position.on_hand for position in positions(connection))


def open_failures(ledger: Ledger) -> int:
    with ledger.database.reading() as connection:
        return int(connection.execute(text("SELECT count(*) FROM failure WHERE resolved_at IS NULL")).scalar_one())


def test_each_held_event_says_what_it_asked_what_is_there_and_what_it_repeats(ledger: Ledger) -> None:
    line = {"document": "PO-1", "line": "1"}
    ledger.apply([a_receipt(3, event_id="first", **line), a_receipt(3, event_id="second", **line)], MONDAY)
    ledger.apply([a_shipment(5, event_id="too-much"), an_event(EventType.SHIP, -1, event_id="nonsense")], MONDAY)
    suspected, parked, refused = the_held(ledger)
    assert (suspected.event, suspected.status, suspected.verbs) == (
        "second", "suspected_duplicate", ("confirm", "apply", "refuse"),
    )  # fmt: skip
    assert suspected.twin is not None
    assert (suspected.twin.event, suspected.twin.status, suspected.twin.quantity) == ("first", "accepted", 3)
    assert suspected.twin.differs == []
    assert (parked.event, parked.state, parked.asked, parked.there, parked.there_now) == (
        "too-much", "on_hand", 5, 3, 3,
    )  # fmt: skip
    assert (refused.event, refused.status, refused.twin) == ("nonsense", "refused", None)
    with ledger.database.reading() as connection:
        assert count_held(connection) == {"parked": 1, "refused": 1, "suspected_duplicate": 1}


def test_the_list_is_narrowed_by_status_source_sku_and_place_and_goes_on_where_it_ended(ledger: Ledger) -> None:
    ledger.apply([a_shipment(1, sku=sku, event_id=sku) for sku in ("A", "B", "C", "D", "E")], MONDAY)
    ledger.apply([a_shipment(1, sku="A", source="erp", event_id="E1")], MONDAY)
    assert [one.event for one in the_held(ledger, source="erp")] == ["E1"]
    assert [one.event for one in the_held(ledger, sku="A")] == ["A", "E1"]
    assert the_held(ledger, location="BATH") == the_held(ledger, statuses=("refused",)) == []
    with ledger.database.reading() as connection:
        first = read_held(connection, limit=2)
    refuse(ledger, first.items[0].held, "ops", MONDAY)
    with ledger.database.reading() as connection:
        second = read_held(connection, cursor=first.next_cursor, limit=2)
        assert [one.event for one in second.items] == ["C", "D"]
        assert read_held(connection, cursor=second.next_cursor, limit=2).next_cursor is None
        with pytest.raises(CursorRefused):
            read_held(connection, cursor="x")
    assert [one.event for one in the_held(ledger, statuses=("dismissed",))] == ["A"]


def test_asked_first_a_verb_tells_what_it_would_do_and_does_nothing(ledger: Ledger) -> None:
    line = {"document": "PO-1", "line": "1"}
    ledger.apply([a_receipt(5, event_id="r", **line), a_receipt(5, **line)], MONDAY)
    (held,) = the_held(ledger)
    would = apply_after_all(ledger, held.held, "ops", MONDAY, dry_run=True)
    assert (would.status, [entry.on_hand for entry in would.entries]) == ("applied", [5])
    assert [position.on_hand for position in would.positions] == [10]
    back = reverse(ledger, "wms", "r", "ops", MONDAY, dry_run=True)
    assert [entry.on_hand for entry in back.entries] == [-5]
    assert (on_hand(ledger), open_failures(ledger)) == (5, 1)
    assert the_held(ledger) == [held]
    assert apply_after_all(ledger, held.held, "ops", MONDAY).positions == would.positions
    assert on_hand(ledger) == 10


def test_an_event_refused_by_a_person_stays_so_when_it_comes_again_until_it_is_released(ledger: Ledger) -> None:
    shipment = a_shipment(5)
    ledger.apply([shipment], MONDAY)
    (held,) = the_held(ledger)
    refuse(ledger, held.held, "ops", MONDAY)
    again = ledger.apply([a_receipt(9), shipment], MONDAY)
    assert (again.duplicates, on_hand(ledger)) == (1, 9)
    assert apply_after_all(ledger, held.held, "ops", MONDAY).status == "applied"
    assert on_hand(ledger) == 4


def test_a_telling_that_contradicts_the_first_is_kept_whole_beside_it(ledger: Ledger) -> None:
    ledger.apply([a_receipt(10, event_id="r", document="PO-1")], MONDAY)
    other = a_receipt(9, event_id="r", document="PO-2")
    assert ledger.apply([other, other], MONDAY).conflicts == 2
    (held,) = the_held(ledger)
    assert (held.status, held.quantity, held.document, held.verbs) == ("conflict", 9, "PO-2", ("confirm", "apply"))
    assert held.twin is not None
    assert (held.twin.event, held.twin.quantity, held.twin.differs) == ("r", 10, ["quantity", "document"])
    assert open_failures(ledger) == 1


def test_when_the_first_telling_is_kept_the_other_is_known_and_changes_nothing(ledger: Ledger) -> None:
    tellings = [a_receipt(10, event_id="r"), a_receipt(9, event_id="r")]
    ledger.apply(tellings, MONDAY)
    (held,) = the_held(ledger)
    confirm_duplicate(ledger, held.held, "ops", MONDAY)
    again = ledger.apply(tellings, MONDAY)
    assert (again.duplicates, again.conflicts, on_hand(ledger), open_failures(ledger)) == (2, 0, 10, 0)


def test_when_the_other_telling_is_right_it_takes_the_place_of_the_first(ledger: Ledger) -> None:
    tellings = [a_receipt(10, event_id="r"), a_receipt(9, event_id="r")]
    ledger.apply(tellings, MONDAY)
    (held,) = the_held(ledger)
    done = apply_after_all(ledger, held.held, "ops", MONDAY)
    assert (done.status, [entry.on_hand for entry in done.entries]) == ("applied", [-10, 9])
    again = ledger.apply(tellings, MONDAY)
    assert (again.duplicates, again.conflicts, on_hand(ledger), open_failures(ledger)) == (2, 0, 9, 0)


def test_a_telling_may_take_the_place_of_a_first_whose_goods_are_gone_as_long_as_stock_suffices(ledger: Ledger) -> None:
    ledger.apply([a_receipt(10, event_id="r"), a_shipment(8, hours=1), a_shipment(3, hours=2, event_id="s")], MONDAY)
    ledger.apply([a_receipt(9, event_id="r"), a_receipt(7, event_id="r")], MONDAY)
    _, nine, seven = the_held(ledger)
    with pytest.raises(VerbRefused, match="MUG at LEEDS would have -1 of on_hand; the first telling stands"):
        apply_after_all(ledger, seven.held, "ops", MONDAY)
    apply_after_all(ledger, nine.held, "ops", MONDAY)
    assert (on_hand(ledger), [one.event for one in the_held(ledger)]) == (1, ["s", seven.event])


def test_what_waits_is_freed_when_another_telling_takes_the_place_of_the_first(ledger: Ledger) -> None:
    ledger.apply([a_receipt(10), a_shipment(8, event_id="x", hours=1), a_shipment(4, hours=2)], MONDAY)
    ledger.apply([a_shipment(8, event_id="x", hours=1, location="BATH"), a_receipt(8, location="BATH")], MONDAY)
    (conflict,) = (one for one in the_held(ledger) if one.status == "conflict")
    done = apply_after_all(ledger, conflict.held, "ops", MONDAY)
    assert ([entry.on_hand for entry in done.entries], on_hand(ledger)) == ([8, -8, -4], 6)


def test_a_telling_that_cannot_take_the_place_of_the_first_leaves_it_as_it_is(ledger: Ledger) -> None:
    ledger.apply([a_receipt(10), a_shipment(4, event_id="s")], MONDAY)
    ledger.apply([a_shipment(40, event_id="s")], MONDAY)
    (held,) = the_held(ledger)
    with pytest.raises(VerbRefused, match="asks 40 of on_hand where 10 are; the first telling stands"):
        apply_after_all(ledger, held.held, "ops", MONDAY)
    assert (on_hand(ledger), the_held(ledger)) == (6, [held])


def test_a_telling_that_mends_a_refused_one_takes_its_place(ledger: Ledger) -> None:
    ledger.apply([an_event(EventType.RECEIPT, -5, event_id="r")], MONDAY)
    ledger.apply([a_receipt(5, event_id="r")], MONDAY)
    refused, held = the_held(ledger)
    assert apply_after_all(ledger, held.held, "ops", MONDAY).status == "applied"
    assert (on_hand(ledger), the_held(ledger), open_failures(ledger)) == (5, [], 0)
    with ledger.database.reading() as connection:
        assert read_held_event(connection, refused.held).decided_by == "ops"


def test_what_was_decided_about_an_event_stands_in_the_timeline_of_its_case(ledger: Ledger) -> None:
    line = {"document": "PO-1", "line": "1"}
    ledger.apply([a_receipt(5, event_id="a", **line), a_receipt(5, event_id="b", **line)], MONDAY)
    with ledger.database.transaction() as connection:
        failure = connection.execute(text("SELECT failure_id FROM failure")).scalar_one()
        case = open_or_join(connection, "repeat", "failure", failure, MONDAY)
    (held,) = the_held(ledger)
    apply_after_all(ledger, held.held, "ana", MONDAY, note="two pallets", dry_run=True)
    apply_after_all(ledger, held.held, "ana", MONDAY, note="two pallets")
    reverse(ledger, "wms", "b", "ben", MONDAY)
    with ledger.database.reading() as connection:
        statement = text("SELECT actor, verb, note FROM case_entry WHERE case_id = :case ORDER BY entry_id")
        lines = [tuple(row) for row in connection.execute(statement, {"case": case})]
    assert lines[1:] == [
        ("ana", "apply", "event b of wms, suspected duplicate: two pallets"),
        ("ben", "reverse", "event b of wms is taken back"),
    ]


def test_what_is_not_held_cannot_be_decided(ledger: Ledger) -> None:
    for verb in (confirm_duplicate, refuse, apply_after_all):
        with pytest.raises(NotFound):
            verb(ledger, 7, "ops", MONDAY)
    ledger.apply([a_reservation(1, event_id="x"), a_shipment(1)], MONDAY)
    (parked,) = the_held(ledger)
    with pytest.raises(VerbRefused, match="it is parked"):
        confirm_duplicate(ledger, parked.held, "ops", MONDAY)
