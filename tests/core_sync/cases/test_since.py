"""What happened while somebody was away: new, worse, awake again, over; and when they are away at all."""

from decimal import Decimal

import pytest

from core_sync.cases.attendance import caught_up, last_left, visit
from core_sync.cases.detail import read_case
from core_sync.cases.self_resolution import resolve_settled
from core_sync.cases.signals import open_or_join
from core_sync.cases.since import Changes, SinceThen, read_since
from core_sync.cases.verbs import resolve, snooze
from core_sync.cases.weigh import Opinion, write_opinion
from core_sync.database.engine import Database
from tests.core_sync.cases.worklist import MORNING, a_case, a_push_fails, after, the_push_works_again


def since(database: Database, **span: float) -> SinceThen:
    with database.reading() as connection:
        return read_since(connection, after(**span))


def named(changes: Changes) -> list[int]:
    assert changes.count == len(changes.cases)
    return [one.case for one in changes.cases]


def settle(database: Database, **span: float) -> None:
    with database.transaction() as connection:
        resolve_settled(connection, after(**span))


def weigh(database: Database, case: int, loss: str, **span: float) -> None:
    opinion = Opinion(
        title="weighed again", root_cause="timeout", exposure=Decimal(loss), expected_loss=Decimal(loss),
        currency="EUR", model_versions={"root_cause": "1"},
    )  # fmt: skip
    with database.transaction() as connection:
        write_opinion(connection, case, opinion, after(**span))


def test_what_is_new_and_what_is_over_by_itself_is_told_apart(database: Database) -> None:
    there, untouched = a_case(database, "MUG", "10"), a_case(database, "PLATE", "20")
    dear, cheap = a_case(database, "CUP", "90", after(hours=2)), a_case(database, "JUG", "5", after(hours=2))
    a_case(database, "POT", "30", after(hours=2))
    the_push_works_again(database, "MUG", at=after(hours=3))
    the_push_works_again(database, "POT", at=after(hours=3))
    settle(database, hours=3)
    then = since(database, hours=1)
    assert named(then.new) == [dear, cheap], "the dearest first"
    assert named(then.resolved) == [there]
    assert then.resolved.cases[0].said == "its cause is gone"
    assert then.came_and_went == 1
    assert untouched not in {one.case for kind in (then.new, then.worsened, then.resolved) for one in kind.cases}
    assert since(database, hours=4).is_quiet


def test_what_people_did_is_no_news(database: Database) -> None:
    case = a_case(database)
    with database.transaction() as connection:
        resolve(connection, case, "restarted", "ana", after(hours=2))
    assert since(database, hours=1).is_quiet


def test_a_case_that_came_back_is_worse(database: Database) -> None:
    case = a_case(database)
    the_push_works_again(database, "MUG")
    settle(database, hours=1)
    failure = a_push_fails(database, "MUG", at=after(hours=3))
    with database.transaction() as connection:
        open_or_join(connection, "push:MUG", "failure", failure, after(hours=3))
    then = since(database, hours=2)
    assert named(then.worsened) == [case]
    assert then.worsened.cases[0].said == "came back after it was resolved"


def test_a_loss_that_creeps_up_is_told_once_it_is_a_quarter_higher(database: Database) -> None:
    case = a_case(database, "MUG", "100")
    for hour, loss in enumerate(("110", "120", "130", "140"), 1):
        weigh(database, case, loss, hours=hour)
    then = since(database, minutes=30)
    assert named(then.worsened) == [case]
    assert (then.worsened.cases[0].before, then.worsened.cases[0].expected_loss) == (Decimal(100), Decimal(140))
    with database.reading() as connection:
        verbs = [entry.verb for entry in read_case(connection, case, MORNING).timeline]
    assert verbs.count("worsened") == 1
    weigh(database, case, "90", hours=6)
    assert since(database, minutes=30).is_quiet, "it is no dearer than it was when they left"


def test_a_snoozed_case_that_woke_is_told_with_the_reason(database: Database) -> None:
    case = a_case(database)
    with database.transaction() as connection:
        snooze(connection, case, after(hours=2), "ana", MORNING)
    settle(database, hours=3)
    then = since(database, hours=1)
    assert named(then.woken) == [case]
    assert then.woken.cases[0].said == "the time it was snoozed until has come"


def test_of_very_many_the_first_are_named_and_all_are_counted(database: Database) -> None:
    for number in range(4):
        a_case(database, f"SKU-{number}", str(10 + number), after(hours=1))
    with database.reading() as connection:
        new = read_since(connection, MORNING, shown=2).new
    assert (new.count, [one.expected_loss for one in new.cases]) == (4, [Decimal(13), Decimal(12)])


def test_a_visit_ends_after_half_an_hour_without_a_look(database: Database) -> None:
    assert visit(database, "ana", MORNING) is None, "the first time nothing was missed"
    assert visit(database, "ana", after(minutes=20)) is None
    assert visit(database, "ana", after(minutes=45)) is None, "still the same visit"
    assert visit(database, "ana", after(hours=9)) == after(minutes=45)
    assert visit(database, "ana", after(hours=9, minutes=20)) == after(minutes=45), "told for the whole visit"
    assert visit(database, "ben", after(hours=9)) is None, "everybody leaves for themselves"


@pytest.mark.parametrize("hours", [0.1, 9])
def test_who_caught_up_hears_only_what_comes_later(database: Database, hours: float) -> None:
    visit(database, "ana", MORNING)
    with database.transaction() as connection:
        caught_up(connection, "ana", after(hours=hours))
        assert last_left(connection, "ana", after(hours=hours)) == after(hours=hours)
