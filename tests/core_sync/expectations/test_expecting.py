"""What does not come in time is told once, with what is missing and since when, and closes itself when it comes."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.errors import NotFound, VerbRefused
from core_sync.expectations.kinds import PICK_TO_SHIP, SOURCE_SPEAKS
from core_sync.expectations.limits import learn_again, set_limit
from core_sync.expectations.listing import list_expectations
from core_sync.expectations.round import expect
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.ledger import Ledger
from tests.builders import MONDAY, a_receipt, an_event

HOUR = timedelta(hours=1)


def hours(number: float) -> datetime:
    """So many hours after Monday morning, 8 o'clock."""
    return MONDAY + timedelta(hours=number)


def working(*spans: tuple[float, float]) -> Iterator[Event]:
    """The warehouse puts something away every five minutes, from and to so many hours after Monday morning."""
    for since, until in spans:
        for minutes in range(int(since * 60), int(until * 60), 5):
            yield an_event(EventType.PUT_AWAY, 1, hours=minutes / 60, event_id=f"at-{minutes}")


def picked(at: float, document: str = "SO-1", **said: Any) -> Event:
    return an_event(EventType.PICK, 2, hours=at, document=document, line="1", **said)


def shipped(at: float, document: str = "SO-1", quantity: int = 2, **said: Any) -> Event:
    return an_event(EventType.SHIP, quantity, hours=at, document=document, line="1", **said)


class Warehouse:
    """Leeds, where shipping may take two hours of working time after the pick."""

    def __init__(self, database: Database) -> None:
        self.database, self.ledger = database, Ledger(database)
        self.tells(a_receipt(50), at=0)
        self.set("pick_to_ship", 2 * 3600)

    def tells(self, *events: Event, at: float) -> None:
        self.ledger.apply(list(events), hours(at))

    def set(self, kind: str, seconds: float | None, source: str = "", location: str = "") -> None:
        with self.database.transaction() as connection:
            set_limit(connection, kind, seconds, "ann", "so agreed", MONDAY, source, location)

    def missing(self, at: float) -> list[tuple[str, str | None]]:
        """After a round: what is open of breaches, by operation and document."""
        expect(self.database, hours(at))
        with self.database.reading() as connection:
            rows = connection.execute(
                text(
                    "SELECT operation, document FROM failure WHERE kind = 'expectation' AND resolved_at IS NULL "
                    "ORDER BY failure_id"
                )
            )
            return [(row.operation.removeprefix("expect."), row.document) for row in rows]

    def failure(self) -> Any:
        with self.database.reading() as connection:
            return connection.execute(text("SELECT * FROM failure WHERE kind = 'expectation'")).one()


@pytest.fixture
def leeds(database: Database) -> Warehouse:
    return Warehouse(database)


def test_goods_that_were_picked_and_have_not_left_are_missed_until_they_leave(leeds: Warehouse) -> None:
    leeds.tells(picked(1), *working((1, 2.9)), at=2.9)
    assert leeds.missing(2.9) == []
    leeds.tells(*working((2.9, 4)), at=4)
    assert leeds.missing(4) == [("pick_to_ship", "SO-1")]
    assert leeds.missing(4) == [("pick_to_ship", "SO-1")]
    leeds.tells(shipped(4.2), at=4.5)
    assert leeds.missing(4.5) == []
    assert leeds.failure().resolution == "it came on 2026-03-02 12:12 UTC"


def test_a_breach_says_what_is_missing_since_when_and_how_long_it_may_take(leeds: Warehouse) -> None:
    leeds.tells(picked(1), *working((1, 4)), at=4)
    leeds.missing(4)
    told = leeds.failure()
    assert told.message == (
        "no shipment of SO-1 line 1 (2 of MUG at LEEDS) since the pick on 2026-03-02 09:00 UTC: "
        "at most 2 h of working time, and 3 h have passed"
    )
    assert (told.system, told.sku, told.location, told.quantity) == ("wms", "MUG", "LEEDS", 2)
    evidence = msgspec.json.decode(told.evidence)
    assert (evidence["missing"], evidence["since"], evidence["limit_s"], evidence["set_by"]) == (
        "shipment", "2026-03-02T09:00:00+00:00", 7200, "ann",
    )  # fmt: skip
    assert hours(3) <= datetime.fromtimestamp(told.occurred_at / 1e6, tz=MONDAY.tzinfo) <= hours(3.1)


def test_a_night_in_which_the_warehouse_is_closed_takes_no_time(leeds: Warehouse) -> None:
    leeds.tells(picked(11.5), *working((1, 12), (22, 23)), at=23)  # 60 minutes of the two hours, and 14 of night
    assert leeds.missing(23) == []
    leeds.tells(*working((23, 24.5)), at=24.5)
    assert leeds.missing(24.5) == [("pick_to_ship", "SO-1")]


def test_while_a_source_is_late_with_everything_nothing_of_it_is_missing(leeds: Warehouse) -> None:
    leeds.tells(picked(1), *working((1, 2)), at=2)
    assert leeds.missing(12) == []


def test_what_was_told_and_is_held_is_not_missing(leeds: Warehouse) -> None:
    leeds.tells(picked(1), shipped(2, quantity=500), *working((1, 5)), at=5)
    assert leeds.missing(5) == []


def test_what_was_told_before_its_beginning_is_not_missing(leeds: Warehouse) -> None:
    leeds.tells(shipped(1.5), at=1.6)
    leeds.missing(1.6)
    leeds.tells(picked(1), *working((1, 5)), at=5)
    assert leeds.missing(5) == []


def test_a_return_is_missed_until_every_unit_is_decided(leeds: Warehouse) -> None:
    leeds.set("return_to_decision", 3600)
    of = {"document": "RMA-1", "line": "1"}
    leeds.tells(an_event(EventType.RETURN_RECEIVED, 3, hours=1, **of), *working((1, 3)), at=3)
    leeds.tells(an_event(EventType.RESTOCK, 2, hours=2.9, **of), at=3)
    assert leeds.missing(3) == [("return_to_decision", "RMA-1")]
    leeds.tells(an_event(EventType.SCRAP, 1, hours=3.5, **of), at=3.5)
    assert leeds.missing(3.5) == []


def test_a_transfer_is_missed_where_it_should_arrive(leeds: Warehouse) -> None:
    leeds.set("transfer_to_arrival", 3600)
    leeds.tells(an_event(EventType.TRANSFER_OUT, 5, hours=1, document="TR-1", to_location="HULL"), at=1)
    leeds.tells(*working((1, 5)), at=5)
    assert leeds.missing(5) == []  # nobody works in Hull
    hull = [an_event(EventType.PUT_AWAY, 1, hours=1 + n / 12, location="HULL") for n in range(24)]
    leeds.tells(*hull, at=5)
    assert leeds.missing(5) == [("transfer_to_arrival", "TR-1")]
    assert leeds.failure().location == "HULL"
    leeds.tells(an_event(EventType.TRANSFER_IN, 5, hours=5.2, document="TR-1", location="HULL"), at=5.5)
    assert leeds.missing(5.5) == []


def test_where_an_announcement_says_when_it_is_due_that_decides(leeds: Warehouse) -> None:
    leeds.set("announced_to_receipt", 3600)
    for document, due in (("PO-1", None), ("PO-2", hours(48))):
        leeds.tells(
            an_event(EventType.INBOUND_ANNOUNCED, 9, hours=1, document=document, expires_at=due), at=1
        )  # fmt: skip
    leeds.tells(*working((1, 4)), at=4)
    assert leeds.missing(4) == [("announced_to_receipt", "PO-1")]


def test_how_long_it_takes_is_learned_and_what_takes_far_longer_is_missed(leeds: Warehouse) -> None:
    with leeds.database.transaction() as connection:
        learn_again(connection, "pick_to_ship", "ann", "enough is known", MONDAY)
    for number in range(60):
        leeds.tells(picked(number, f"SO-{number}"), shipped(number + 0.75, f"SO-{number}", 0), at=number + 1)
    leeds.tells(*working((0, 60)), at=60)
    leeds.missing(60)
    with leeds.database.reading() as connection:
        usual, learned = list_expectations(connection, hours(60), "pick_to_ship")
    assert (usual.basis, learned.basis, learned.observations) == ("default", "learned", 60)
    assert learned.usual_s is not None
    assert 2_600 < learned.usual_s < 3_000
    leeds.tells(picked(60, "SO-LATE"), *working((60, 66)), at=66)
    assert leeds.missing(66) == [("pick_to_ship", "SO-LATE")]


def test_what_is_switched_off_is_not_missed_and_the_closest_setting_decides(leeds: Warehouse) -> None:
    leeds.set("pick_to_ship", None, location="LEEDS")
    leeds.tells(picked(1), *working((1, 9)), at=9)
    assert leeds.missing(9) == []
    leeds.set("pick_to_ship", 3600, source="wms", location="LEEDS")
    assert leeds.missing(9) == [("pick_to_ship", "SO-1")]


def test_setting_needs_a_kind_that_there_is_a_reason_and_a_length(leeds: Warehouse) -> None:
    with leeds.database.transaction() as connection:
        with pytest.raises(NotFound):
            set_limit(connection, "nonsense", 60, "ann", "why not", MONDAY)
        with pytest.raises(VerbRefused, match="reason"):
            set_limit(connection, PICK_TO_SHIP.kind, 60, "ann", " ", MONDAY)
        with pytest.raises(VerbRefused, match="between a second and a year"):
            set_limit(connection, PICK_TO_SHIP.kind, -5, "ann", "why not", MONDAY)
        with pytest.raises(VerbRefused, match="nothing is set"):
            learn_again(connection, SOURCE_SPEAKS.kind, "ann", "why not", MONDAY)


def speaks(leeds: Warehouse, *spans: tuple[float, float]) -> None:
    """The warehouse tells something every five minutes, and is heard a minute later."""
    events = list(working(*spans))
    leeds.ledger.apply(events, [one.occurred_at + timedelta(minutes=1) for one in events])


def working_weeks(leeds: Warehouse, weeks: int) -> None:
    """It speaks from 8 to 18 o'clock on weekdays."""
    speaks(leeds, *((24 * day, 24 * day + 10) for day in range(7 * weeks) if day % 7 < 5))


def test_a_silent_source_is_told_once_for_all_its_places_and_speaks_again(leeds: Warehouse) -> None:
    working_weeks(leeds, 2)
    monday = 24 * 14
    speaks(leeds, (monday, monday + 2))
    assert leeds.missing(monday + 2.1) == []
    assert leeds.missing(monday + 4) == [("source_speaks", None)]
    assert leeds.missing(monday + 5) == [("source_speaks", None)]
    assert leeds.failure().message == (
        "no messages from wms since 2026-03-16 09:56 UTC, which usually come every 5 min: "
        "its interface or its queue stands still"
    )
    speaks(leeds, (monday + 6, monday + 7))
    assert leeds.missing(monday + 7) == []


def test_a_quiet_night_a_weekend_and_a_first_week_raise_nothing(leeds: Warehouse) -> None:
    working_weeks(leeds, 2)
    for at in range(0, 24 * 7, 5):
        assert leeds.missing(24 * 7 + 24 * 4 + 10 + at * 62 / 168) == []  # from Friday evening to Monday morning


def test_a_silence_that_people_allow_is_counted_in_the_hours_in_which_a_source_speaks(leeds: Warehouse) -> None:
    working_weeks(leeds, 2)
    leeds.set("source_speaks", 4 * 3600)
    monday = 24 * 14
    assert leeds.missing(monday + 3) == []
    assert leeds.missing(monday + 4.5) == [("source_speaks", None)]


def test_history_that_is_loaded_at_once_makes_nobody_silent(leeds: Warehouse) -> None:
    events = [one for day in range(20) for one in working((24 * day, 24 * day + 10))]
    leeds.tells(*events, at=24 * 21)
    assert leeds.missing(24 * 40) == []
