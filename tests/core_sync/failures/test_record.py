"""A failure is written down once an open subject, and closed when its cause is gone."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from core_sync.cases.signals import open_or_join
from core_sync.database.engine import Database
from core_sync.failures.record import NewFailure, record_failure, record_failures, resolve_failures, resolve_subject
from tests.core_sync.stocked import MORNING

TROUBLE = NewFailure(
    kind="push", message="no answer", subject="push:shop:S", occurred_at=MORNING, recorded_at=MORNING, error_code="A"
)


def rows(connection: Connection) -> list[tuple[str | None, str, int | None, bool]]:
    """Subject, message, attempts and whether it is open."""
    told = connection.execute(
        text("SELECT subject, message, attempts, resolved_at IS NULL AS open FROM failure ORDER BY failure_id")
    )
    return [(row.subject, row.message, row.attempts, bool(row.open)) for row in told]


def test_the_same_trouble_again_is_one_failure_with_its_newest_message(database: Database) -> None:
    with database.transaction() as connection:
        first = record_failure(connection, TROUBLE)
        assert record_failure(connection, replace(TROUBLE, message="busy", error_code=None)) == first
        assert rows(connection) == [("push:shop:S", "busy", 2, True)]
        assert connection.execute(text("SELECT error_code FROM failure")).scalar_one() == "A"


def test_attempts_that_the_teller_counts_are_kept_as_told(database: Database) -> None:
    with database.transaction() as connection:
        for attempts in (1, 5):
            record_failure(connection, replace(TROUBLE, attempts=attempts))
        assert rows(connection)[0][2] == 5


def test_trouble_after_a_resolution_is_a_new_failure(database: Database) -> None:
    with database.transaction() as connection:
        record_failure(connection, TROUBLE)
        assert resolve_subject(connection, "push:shop:S", MORNING, "it was shown")
        assert not resolve_subject(connection, "push:shop:S", MORNING, "it was shown")
        record_failure(connection, replace(TROUBLE, occurred_at=MORNING + timedelta(hours=1)))
        assert [row[3] for row in rows(connection)] == [False, True]


def test_failures_without_a_subject_are_each_their_own_and_closed_by_their_number(database: Database) -> None:
    nameless = replace(TROUBLE, subject=None)
    with database.transaction() as connection:
        record_failures(connection, [nameless, nameless])
        third = record_failure(connection, nameless)
        assert resolve_failures(connection, [third, third], MORNING, "seen to") == 1
        assert [row[3] for row in rows(connection)] == [True, True, False]


def test_the_case_that_holds_a_failure_is_to_be_weighed_again_when_it_is_told_or_closed(database: Database) -> None:
    def reviewed(connection: Connection) -> None:
        connection.execute(text("UPDATE exception_case SET needs_review = false"))

    def asks_for_review(connection: Connection) -> bool:
        return bool(connection.execute(text("SELECT needs_review FROM exception_case")).scalar_one())

    with database.transaction() as connection:
        open_or_join(connection, "timeout:shop", "failure", record_failure(connection, TROUBLE), MORNING)
        reviewed(connection)
        record_failure(connection, replace(TROUBLE, subject="push:shop:T"))
        assert not asks_for_review(connection)
        record_failures(connection, [TROUBLE])
        assert asks_for_review(connection)
        reviewed(connection)
        resolve_subject(connection, "push:shop:S", MORNING, "it was shown")
        assert asks_for_review(connection)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from("ABC")), max_size=12))
def test_no_subject_ever_has_two_open_failures(database: Database, told: list[tuple[bool, str]]) -> None:
    open_now: set[str] = set()
    with database.transaction() as connection:
        connection.execute(text("DELETE FROM failure"))
        for goes_wrong, subject in told:
            if goes_wrong:
                record_failures(connection, [replace(TROUBLE, subject=subject)] * 2)
                open_now.add(subject)
            else:
                assert resolve_subject(connection, subject, MORNING, "gone") == (subject in open_now)
                open_now.discard(subject)
        assert sorted(row[0] or "" for row in rows(connection) if row[3]) == sorted(open_now)
