"""Cases end, wake and come to themselves without a person."""

from datetime import datetime, timedelta

from core_sync.cases.detail import read_case
from core_sync.cases.self_resolution import ASKED_AT_ONCE, OpenAmong, Settled, resolve_settled
from core_sync.cases.signals import Signal, open_or_join, open_or_join_all
from core_sync.cases.verbs import override, snooze
from core_sync.cases.weigh import (
    MANY_SIGNALS,
    RESTS_US,
    ask_for_review,
    cases_never_weighed,
    cases_to_review,
    close_at_next_look,
    narrow_among,
)
from core_sync.database.engine import Database
from tests.core_sync.cases.worklist import (
    MORNING,
    a_case,
    a_push_fails,
    after,
    the_case,
    the_list,
    the_push_works_again,
)


def settle(database: Database, at: datetime = MORNING, open_anomalies: OpenAmong | None = None) -> Settled:
    with database.transaction() as connection:
        return resolve_settled(connection, at, open_anomalies)


def test_a_case_resolves_itself_when_its_last_failure_is_gone_and_says_so(database: Database) -> None:
    case = a_case(database, "MUG", fingerprint="outage")
    cup = a_push_fails(database, "CUP")
    with database.transaction() as connection:
        assert open_or_join(connection, "outage", "failure", cup, MORNING) == case
    the_push_works_again(database, "MUG")
    assert settle(database).resolved == []
    the_push_works_again(database, "CUP")
    assert settle(database, after(hours=1)).resolved == [case]
    shown = the_case(database, case)
    assert (shown.status, shown.resolution, shown.resolved_at) == ("resolved", "its cause is gone", after(hours=1))
    with database.reading() as connection:
        entry = read_case(connection, case, MORNING).timeline[-1]
    assert (entry.actor, entry.verb, entry.note) == (
        "stocktriage", "resolved", "its cause is gone: the channel shows it",
    )  # fmt: skip


def test_a_case_with_an_anomaly_waits_until_the_anomaly_is_settled(database: Database) -> None:
    with database.transaction() as connection:
        case = open_or_join(connection, "odd", "anomaly", 7, MORNING)
    assert settle(database).resolved == [], "where nobody says that it is settled, it is not"
    assert settle(database, open_anomalies=lambda named: named).resolved == []
    assert settle(database, open_anomalies=lambda named: set(named) - {7}).resolved == [case]


def test_a_case_of_very_many_anomalies_waits_for_the_oldest_of_them(database: Database) -> None:
    strange = [Signal("odd", "anomaly", number) for number in range(1, 2 * ASKED_AT_ONCE + 2)]
    with database.transaction() as connection:
        case = open_or_join_all(connection, strange, MORNING)[0]
    assert settle(database, open_anomalies=lambda named: set(named) & {1}).resolved == []
    assert settle(database, open_anomalies=lambda named: set(named) & {ASKED_AT_ONCE}).resolved == []
    assert settle(database, open_anomalies=lambda _: set()).resolved == [case]


def test_what_is_new_is_weighed_first_and_what_takes_long_last(database: Database) -> None:
    strange = [Signal("wide", "anomaly", number) for number in range(1, MANY_SIGNALS + 2)]
    known = a_case(database, "MUG")
    with database.transaction() as connection:
        wide = open_or_join_all(connection, strange, MORNING)[0]
        new = open_or_join(connection, "odd", "anomaly", 5000, MORNING)
        ask_for_review(connection, [known])
        assert cases_to_review(connection, MORNING) == [new, wide, known], "even a wide one, where it was never weighed"
        assert cases_never_weighed(connection, 5) == [new, wide], "the newest first"
        assert cases_never_weighed(connection, 1) == [new]
        assert narrow_among(connection, [known, wide, new]) == [known, new]


def test_a_case_of_very_many_signals_rests_after_it_was_weighed(database: Database) -> None:
    strange = [Signal("wide", "anomaly", number) for number in range(1, MANY_SIGNALS + 2)]
    with database.transaction() as connection:
        wide = open_or_join_all(connection, strange, MORNING)[0]
        close_at_next_look(connection, [wide], MORNING)  # weighed, and asking again
        rest = timedelta(microseconds=RESTS_US * len(strange))
        assert cases_to_review(connection, MORNING + 0.9 * rest) == []
        assert cases_to_review(connection, MORNING + rest) == [wide]


def test_a_case_whose_failure_comes_back_is_regressed_and_asks_to_be_weighed(database: Database) -> None:
    case = a_case(database)
    the_push_works_again(database, "MUG")
    settle(database)
    failure = a_push_fails(database, "MUG", at=after(hours=2))
    with database.transaction() as connection:
        open_or_join(connection, "push:MUG", "failure", failure, after(hours=2))
        assert cases_to_review(connection, after(hours=2)) == [case]
    assert the_case(database, case).status == "regressed"
    assert settle(database).resolved == []


def test_a_snoozed_case_wakes_when_due(database: Database) -> None:
    case = a_case(database)
    with database.transaction() as connection:
        snooze(connection, case, after(hours=2), "ana", MORNING)
    assert settle(database, after(hours=1)).woken == []
    assert settle(database, after(hours=2)).woken == [case]
    assert the_list(database) == [case]


def test_an_override_expires_and_the_case_is_ranked_by_what_is_computed(database: Database) -> None:
    case, other = a_case(database, "MUG", "10"), a_case(database, "CUP", "500")
    with database.transaction() as connection:
        override(connection, case, "ana", MORNING, "key account", rank=9_000_000, until=after(hours=4))
    assert settle(database, after(hours=4)).overrides_expired == [case]
    assert the_list(database, at=after(hours=4)) == [other, case]
