"""Snoozed cases wake by themselves when what was waited for has come, and say why."""

from decimal import Decimal
from typing import Any

import pytest

from core_sync.cases.detail import read_case
from core_sync.cases.undo import undo
from core_sync.cases.verbs import acknowledge, snooze
from core_sync.cases.waking import wake
from core_sync.database.engine import Database
from core_sync.errors import VerbRefused
from core_sync.ledger.ledger import Ledger
from tests.builders import a_receipt, a_reservation
from tests.core_sync.cases.test_since import weigh
from tests.core_sync.cases.worklist import MORNING, a_case, after, the_case, the_list
from tests.core_sync.stocked import a_location, a_sku


def snoozed(database: Database, case: int, **waits: Any) -> int:
    with database.transaction() as connection:
        return snooze(connection, case, waits.pop("until", None), "ana", MORNING, **waits)


def woken(database: Database, **span: float) -> list[int]:
    with database.transaction() as connection:
        return wake(connection, after(**span))


def why(database: Database, case: int) -> str | None:
    with database.reading() as connection:
        entry = read_case(connection, case, MORNING).timeline[-1]
    assert (entry.verb, entry.actor) == ("woken", "stocktriage")
    return entry.note


def test_it_wakes_when_the_time_has_come(database: Database) -> None:
    case = a_case(database)
    snoozed(database, case, until=after(hours=2))
    assert woken(database, hours=1) == []
    assert woken(database, hours=2) == [case]
    assert why(database, case) == "the time it was snoozed until has come"


def test_it_wakes_when_too_much_is_at_stake(database: Database) -> None:
    case = a_case(database, "MUG", "10")
    snoozed(database, case, above=500_000, until=after(days=7))
    weigh(database, case, "49.90", hours=1)
    assert woken(database, hours=1) == []
    weigh(database, case, "50.10", hours=2)
    assert woken(database, hours=2) == [case]
    assert why(database, case) == "its exposure is 50.10 EUR, above 50.00"
    awake = the_case(database, case)
    assert (awake.status, awake.snoozed_until, awake.snoozed_above) == ("acknowledged", None, None)


def test_it_wakes_when_stock_runs_low_where_the_case_is(database: Database) -> None:
    a_sku(database, "MUG", "CUP")
    for place in ("LEEDS", "BATH"):
        a_location(database, place)
    ledger = Ledger(database)
    ledger.apply([a_receipt(10), a_receipt(50, location="BATH")], MORNING)
    ledger.apply([a_receipt(3, sku="CUP"), a_receipt(3, sku="CUP", location="BATH")], MORNING)
    here, anywhere = a_case(database, "MUG"), a_case(database, "CUP", locations=[])
    for case in (here, anywhere):
        snoozed(database, case, stock_below=6)
    assert woken(database, hours=1) == []
    ledger.apply([a_reservation(5, reservation_id="r")], after(hours=2))
    assert woken(database, hours=2) == [here], "there are 5 mugs where the case is, and 6 cups in all"
    assert why(database, here) == "5 units of MUG are available, fewer than 6"
    assert the_case(database, anywhere).status == "snoozed"


def test_stock_that_nobody_told_of_is_none(database: Database) -> None:
    case = a_case(database, "GHOST")
    snoozed(database, case, stock_below=1)
    assert woken(database, hours=1) == [case]


def test_whoever_takes_it_up_wakes_it_and_undo_puts_it_to_sleep_again(database: Database) -> None:
    case = a_case(database)
    snoozed(database, case, above=900_000, stock_below=2)
    with database.transaction() as connection:
        entry = acknowledge(connection, case, "ben", MORNING)
    assert the_list(database) == [case]
    assert the_case(database, case).snoozed_stock_below is None
    with database.transaction() as connection:
        undo(connection, case, entry, "ben", MORNING)
    asleep = the_case(database, case)
    assert (asleep.status, asleep.snoozed_above, asleep.snoozed_stock_below) == ("snoozed", Decimal(90), 2)


@pytest.mark.parametrize(
    ("waits", "said"),
    [({}, "say until when"), ({"until": after(hours=-1)}, "is past"), ({"above": 50_000}, "is 10.00 EUR already")],
)
def test_a_snooze_that_waits_for_nothing_is_refused(database: Database, waits: dict[str, Any], said: str) -> None:
    case = a_case(database, "MUG", "10")
    with pytest.raises(VerbRefused, match=said):
        snoozed(database, case, **waits)
    assert the_case(database, case).status == "new"
