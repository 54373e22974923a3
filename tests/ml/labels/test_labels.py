"""Labels come from what people did to cases, ripen, are withdrawn, and give the same training set whenever asked."""

from datetime import timedelta

from sqlalchemy import text

from core_sync.cases.undo import undo
from core_sync.cases.verbs import override, reopen, resolve
from core_sync.database.engine import Database
from core_sync.failures.record import NewFailure, record_failure
from ml.labels.held_out import LEAST, is_held_out, labels_to_measure_on, labels_to_train_on
from ml.labels.take import Taken, take_labels
from ml.labels.training_set import digest_of, training_set
from ml.registry.service_models import shipped_models
from ml.triage.diagnose import diagnose
from ml.triage.gather import gather
from tests.builders import MONDAY

MODELS = shipped_models()
DAY = timedelta(days=1)


def a_case(database: Database, message: str = "Anslutningen bröts") -> int:
    """A failure that says ``message``, in a case of its own."""
    with database.transaction() as connection:
        record_failure(
            connection,
            NewFailure(kind="push", message=message, occurred_at=MONDAY, recorded_at=MONDAY, system=message, sku="MUG"),
        )
    diagnose(database, MODELS, MONDAY)
    with database.transaction() as connection:
        gather(connection, MONDAY)
        return int(connection.execute(text("SELECT MAX(case_id) FROM exception_case")).scalar_one())


def told(database: Database, as_of_days: float) -> list[tuple[str, str, str]]:
    with database.reading() as connection:
        rows = list(training_set(connection, MONDAY + as_of_days * DAY))
    return [(row["message"], row["root_cause"], row["source"]) for row in rows]


def test_an_override_becomes_a_label_that_ripens_in_a_day(database: Database) -> None:
    case = a_case(database)
    with database.transaction() as connection:
        override(connection, case, "ada", MONDAY, "the line was down", root_cause="timeout")
    assert take_labels(database, MONDAY) == Taken(1, 0)
    assert take_labels(database, MONDAY) == Taken(0, 0)
    assert told(database, 0.5) == []
    assert told(database, 1.5) == [("Anslutningen bröts", "timeout", "override")]


def test_an_override_taken_back_is_withdrawn(database: Database) -> None:
    case = a_case(database)
    with database.transaction() as connection:
        entry = override(connection, case, "ada", MONDAY, "the line was down", root_cause="timeout")
    take_labels(database, MONDAY)
    with database.transaction() as connection:
        undo(connection, case, entry, "ada", MONDAY + 2 * DAY)
    assert take_labels(database, MONDAY + 3 * DAY) == Taken(0, 1)
    assert told(database, 4) == []
    assert len(told(database, 2)) == 1, "what a training of that moment saw is told again"


def test_of_two_overrides_the_later_counts(database: Database) -> None:
    case = a_case(database)
    with database.transaction() as connection:
        override(connection, case, "ada", MONDAY, "first thought", root_cause="timeout")
        override(connection, case, "bob", MONDAY, "second thought", root_cause="duplicate")
    take_labels(database, MONDAY)
    assert told(database, 2) == [("Anslutningen bröts", "duplicate", "override")]


def test_a_case_that_was_resolved_and_stays_so_is_a_label_after_two_weeks(database: Database) -> None:
    case = a_case(database, "upstream request timed out after 30 s")
    with database.transaction() as connection:
        connection.execute(text("UPDATE exception_case SET root_cause = 'timeout', abstained = FALSE"))
        resolve(connection, case, "the next try went through", "ada", MONDAY)
    take_labels(database, MONDAY)
    assert told(database, 13) == []
    assert told(database, 15) == [("upstream request timed out after 30 s", "timeout", "outcome")]


def test_a_case_that_came_back_confirms_nothing(database: Database) -> None:
    case = a_case(database, "upstream request timed out after 30 s")
    with database.transaction() as connection:
        connection.execute(text("UPDATE exception_case SET root_cause = 'timeout', abstained = FALSE"))
        resolve(connection, case, "the next try went through", "ada", MONDAY)
    take_labels(database, MONDAY)
    with database.transaction() as connection:
        reopen(connection, case, "ada", MONDAY + 3 * DAY)
    take_labels(database, MONDAY + 4 * DAY)
    assert told(database, 15) == []


def test_a_training_set_is_the_same_to_the_digest_whatever_happens_later(database: Database) -> None:
    for number in range(3):
        case = a_case(database, f"system {number} svarar inte")
        with database.transaction() as connection:
            override(connection, case, "ada", MONDAY, "known", root_cause="timeout")
    take_labels(database, MONDAY)
    with database.reading() as connection:
        before = digest_of(training_set(connection, MONDAY + 2 * DAY))
    with database.transaction() as connection:
        connection.execute(text("UPDATE failure SET attempts = 9, surroundings = '{\"neighbours\": 40}'"))
        override(connection, case, "bob", MONDAY + 5 * DAY, "after all", root_cause="other")
    take_labels(database, MONDAY + 5 * DAY)
    with database.reading() as connection:
        assert digest_of(training_set(connection, MONDAY + 2 * DAY)) == before
        assert digest_of(training_set(connection, MONDAY + 7 * DAY)) != before


def test_a_fifth_of_the_labels_is_measured_on_and_never_trained_on(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    cases = [a_case(database, f"Anslutningen {number} bröts") for number in range(6)]
    for case in cases:
        with database.transaction() as connection:
            override(connection, case, "ada", MONDAY, "it was late", root_cause="posting_delay")
    take_labels(database, MONDAY + DAY)
    with database.reading() as connection:
        every = {str(row["id"]) for row in training_set(connection, MONDAY + 3 * DAY)}
        trained = {str(row["id"]) for row in labels_to_train_on(connection, MONDAY + 3 * DAY)}
        assert labels_to_measure_on(connection, MONDAY + 3 * DAY) is None, f"fewer than {LEAST}"
    assert len(every) == 6
    assert every - trained == {failure for failure in every if is_held_out(failure)}
    assert 0.15 < sum(is_held_out(f"F-{number}") for number in range(2_000)) / 2_000 < 0.25
    database.close()
