"""What surrounds a failure is gathered once, afterwards, from what is known; what nobody knows is left out."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.expectations.round import expect
from core_sync.failures.record import NewFailure, record_failure, record_failures
from core_sync.failures.redaction import REDACTED
from core_sync.failures.surroundings import NEIGHBOURS_MAX, gather_surroundings
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.ledger import Ledger
from core_sync.orders.state import read_orders
from tests.builders import MONDAY, a_receipt, a_reservation, an_event

NOON = MONDAY + timedelta(hours=4)


def a_failure(**said: Any) -> NewFailure:
    told: dict[str, Any] = {"kind": "push", "message": "no answer", "occurred_at": NOON, "recorded_at": NOON, **said}
    return NewFailure(**told)


def around(database: Database, *failures: NewFailure) -> list[dict[str, Any]]:
    with database.transaction() as connection:
        record_failures(connection, failures)
    gather_surroundings(database)
    with database.reading() as connection:
        told = connection.execute(text("SELECT surroundings FROM failure ORDER BY failure_id")).scalars()
        return [msgspec.json.decode(one) for one in told]


def happens(database: Database, *events: Event, at: datetime = MONDAY) -> None:
    Ledger(database).apply(list(events), at)


def test_others_of_the_same_connector_within_five_minutes_are_neighbours(database: Database) -> None:
    near, far = NOON + timedelta(minutes=4), NOON + timedelta(minutes=6)
    found = around(
        database,
        a_failure(system="shop"),
        a_failure(system="shop", occurred_at=near),
        a_failure(system="shop", occurred_at=far),
        a_failure(system="market", occurred_at=near),
        a_failure(system="shop", kind="parked"),
    )
    assert [one.get("neighbours") for one in found] == [1, 2, 1, 0, None]


def test_what_a_connector_refuses_for_a_reason_of_its_own_is_no_neighbour_and_has_none(database: Database) -> None:
    statuses = (401, 422, None, 503, 429)
    found = around(database, *(a_failure(system="shop", http_status=status) for status in statuses))
    assert [one.get("neighbours") for one in found] == [None, None, 2, 2, 2]


def test_a_long_outage_is_not_counted_to_its_end(database: Database) -> None:
    found = around(database, *(a_failure(system="shop") for _ in range(NEIGHBOURS_MAX + 20)))
    assert {one["neighbours"] for one in found} == {NEIGHBOURS_MAX}


def test_what_is_usual_for_the_warehouse_stands_beside_a_lag(database: Database) -> None:
    told = [
        an_event(EventType.PICK, 1, hours=n / 60, document=f"SO-{n}") for n in range(40)
    ]  # fmt: skip
    Ledger(database).apply(told, [one.occurred_at + timedelta(seconds=90) for one in told])
    expect(database, NOON)
    (found,) = around(database, a_failure(kind="parked", system="wms", location="LEEDS", event_lag_s=7200.0))
    assert found["event_lag_normal_s"] == pytest.approx(90, rel=0.11)


def test_the_order_behind_a_document_is_named_with_its_state_and_the_age_of_its_reservation(database: Database) -> None:
    happens(database, a_receipt(50), *(a_reservation(2, document=f"SO-{n}", reservation_id=f"R-{n}") for n in (1, 2)))
    happens(database, a_reservation(2, document="SO-3"))
    happens(database, an_event(EventType.ORDER_CANCELLED, 2, hours=1, document="SO-1"), at=NOON)
    with database.transaction() as connection:
        read_orders(connection)
    with database.transaction() as connection:
        connection.execute(
            text("INSERT INTO told_order (system, document, state, as_of) VALUES ('erp', 'SO-2', 'shipped', 0)")
        )
    found = around(database, *(a_failure(kind="parked", sku="MUG", document=f"SO-{n}") for n in (1, 2, 3, 4)))
    assert [one.get("order_state") for one in found] == ["cancelled", "shipped", "open", None]
    assert found[2]["reservation_age_s"] == 4 * 3600


def test_a_listing_tells_since_when_it_was_not_seen_to_be_right(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO push_intent (channel, sku, quantity, revision, state, urgency, attempts, lease, "
                "intended_at, accepted_at, visible_at) VALUES ('shop', 'MUG', 3, 1, 'accepted', 0, 0, 0, 0, :acc, :vis)"
            ),
            {"acc": int((NOON - timedelta(minutes=5)).timestamp() * 1e6),
             "vis": int((NOON - timedelta(hours=1)).timestamp() * 1e6)},
        )  # fmt: skip
    plain, unapplied = around(
        database,
        a_failure(channel="shop", sku="MUG"),
        a_failure(channel="shop", sku="MUG", error_code="ACCEPTED_NOT_APPLIED"),
    )
    assert (plain["published_age_s"], plain.get("visible_age_s")) == (3600, None)
    assert (unapplied["published_age_s"], unapplied["visible_age_s"]) == (3600, 300)


def test_a_suspected_repeat_says_whether_it_has_the_same_business_key_and_how_often_it_was_told(
    database: Database,
) -> None:
    happens(database, a_receipt(5, document="PO-1", line="1"), a_receipt(5, document="PO-1", line="1"))
    (found,) = around(database)
    assert (found["business_key_hit"], found["duplicate_hits"]) == (True, 1)


def test_candidates_tell_how_like_the_best_is(database: Database) -> None:
    told = '[{"sku":"MUG","likeness":0.91},{"sku":"JUG","likeness":0.8}]'
    found = around(database, a_failure(kind="parked", mapping_candidates=told), a_failure(mapping_candidates="no JSON"))
    assert [one.get("best_candidate_score") for one in found] == [0.91, None]


def test_what_others_say_and_what_is_told_beside_is_redacted_before_it_is_kept(database: Database) -> None:
    with database.transaction() as connection:
        record_failure(
            connection,
            a_failure(
                message="refused for ann@mail.example.invalid",
                evidence={"exchange": {"request": "PUT /x Bearer abc.def"}, "customer": {"phone": "5550100"}},
            ),
        )
        message, evidence = connection.execute(text("SELECT message, evidence FROM failure")).one()
    assert message == f"refused for {REDACTED}"
    assert msgspec.json.decode(evidence) == {
        "exchange": {"request": f"PUT /x Bearer {REDACTED}"}, "customer": REDACTED,
    }  # fmt: skip
