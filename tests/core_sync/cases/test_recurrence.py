"""A trouble that was over and came back is counted, as the same case or as a new one."""

from core_sync.cases.recurrence import Known, known_troubles, most_at, raised_by, times_at, times_back
from core_sync.cases.verbs import override, resolve
from core_sync.database.engine import Database
from tests.core_sync.cases.worklist import MORNING, a_case, after, the_push_works_again


def over(database: Database, case: int, **span: float) -> None:
    the_push_works_again(database, "MUG", at=after(**span))
    with database.transaction() as connection:
        resolve(connection, case, "restarted", "ana", after(**span))


def back(database: Database, case: int, **span: float) -> dict[int, int]:
    with database.reading() as connection:
        return times_back(connection, [case], after(**span))


def test_it_is_counted_across_cases_within_the_window(database: Database) -> None:
    first = a_case(database, "MUG")
    assert back(database, first, days=-30) == {}
    over(database, first, hours=1)
    assert a_case(database, "MUG", at=after(days=2)) == first, "lately over: the same case"
    assert back(database, first, days=-30) == {first: 1}
    over(database, first, days=3)
    second = a_case(database, "MUG", at=after(days=20))
    assert second != first
    assert back(database, second, days=-10) == {second: 1}
    assert back(database, second, days=4) == {}, "what was over before the window says nothing"


def test_another_trouble_of_another_sku_does_not_count(database: Database) -> None:
    over(database, a_case(database, "MUG"), hours=1)
    cup = a_case(database, "CUP", at=MORNING)
    assert back(database, cup, days=-30) == {}


def test_what_a_person_said_of_the_cause_counts_and_not_what_the_model_did(database: Database) -> None:
    case = a_case(database, "CUP", root_cause="timeout")
    with database.transaction() as connection:
        override(connection, case, "ana", after(hours=1), "I asked them", root_cause="posting_delay")
        known = known_troubles(connection, [case], after(hours=2))
        resolve(connection, case, "posted", "ana", after(hours=2))
        times = times_at(connection, after(days=-30))
    assert known[case] == Known("push:CUP", "posting_delay")
    assert most_at(times, "posting_delay", ["LEEDS"]) == (1, "LEEDS")
    assert most_at(times, "timeout", ["LEEDS"]) == (0, "LEEDS")


def test_others_of_one_cause_that_were_over_at_a_place_raise_the_next_there(database: Database) -> None:
    for number in range(6):
        sku = f"CUP-{number}"
        over_there = a_case(database, sku, locations=["LEEDS"], root_cause="posting_delay")
        the_push_works_again(database, sku, at=after(hours=1))
        with database.transaction() as connection:
            resolve(connection, over_there, "posted", "ana", after(hours=2))
    with database.reading() as connection:
        times = times_at(connection, after(days=-30))
    assert most_at(times, "posting_delay", ["BATH", "LEEDS"]) == (6, "LEEDS")
    assert most_at(times, "timeout", ["LEEDS"])[0] == 0, "another cause there says nothing of it"
    assert most_at(times, "posting_delay", []) == (0, "")
    assert most_at(times, "posting_delay", ["LEEDS"], own="push:CUP-0") == (5, "LEEDS"), "itself is no other"
    assert raised_by(0, there=6) == raised_by(1) > raised_by(0, there=4) == 1.0
