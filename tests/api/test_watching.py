"""Models over time: drift is looked for and shown, and the service trains anew when enough labels have ripened."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, text

from api.jobs.model_drift import LEAST, LEAST_LABELLED, MOST, look
from api.jobs.retraining import LONGEST, due_now, retrain_when_due
from api.jobs.rounds import ROLES
from api.watching import drift_kept, retraining_rows
from api.wiring import World, build_world
from core_sync.clock import to_microseconds
from core_sync.failures.record import NewFailure, record_failure, record_failures
from core_sync.settings import Settings
from ml.labels.tables import CauseLabel
from tests.api.conftest import Run
from tests.core_sync.stocked import Clock

SMALL = ("worlds=1", "texts=3000", "evidence_rows=2000", "held_out=600", "text_rounds=20", "trees=20")
USUAL = (
    "barcode # does not match any item", "this receipt has already been posted", "quantity must be greater than zero",
    "posting date is outside the open period", "reservation of the abandoned cart has expired", "gateway timed out",
)  # fmt: skip


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(settings: Settings, clock: Clock) -> Iterator[World]:
    """A world that trains anew after three labels, or a week."""
    eager = settings.model_copy(update={"retrain_after_labels": 3, "retrain_every_days": 7, "retrain_set": SMALL})
    built = build_world(eager, clock)
    yield built
    built.close()


def fail(world: World, messages: tuple[str, ...], count: int, at: datetime) -> None:
    with world.database.transaction() as connection:
        for number in range(count):
            said = messages[number % len(messages)]
            told = NewFailure(kind="push", message=said, occurred_at=at, recorded_at=at, system="shop")
            record_failure(connection, told)


def labels(world: World, count: int, ripe_at: datetime) -> None:
    """One label each of ``count`` more failures."""
    fail(world, ("# says no",), count, ripe_at)
    with world.database.transaction() as connection:
        newest = connection.execute(text("SELECT MAX(failure_id) FROM failure")).scalar_one()
        for failure in range(newest - count + 1, newest + 1):
            connection.execute(
                insert(CauseLabel).values(
                    failure_id=failure, case_id=1, entry_id=failure, source="override", root_cause="duplicate",
                    actor="ada", told_at=1, ripe_at=to_microseconds(ripe_at), taken_at=1,
                    evidence='{"message":"noch einmal gekommen"}',
                )
            )  # fmt: skip


def test_a_week_of_outages_is_told_as_drift_and_a_week_like_those_before_is_not(world: World, clock: Clock) -> None:
    fail(world, USUAL, 2 * LEAST, clock() - timedelta(days=20))
    fail(world, USUAL, 2 * LEAST, clock() - timedelta(days=3))
    assert look(world).warnings == []
    clock.at += timedelta(days=7)
    fail(world, ("the shop is down for maintenance",), LEAST, clock() - timedelta(days=1))
    assert "causes told" in {one.what for one in look(world).warnings}


def test_of_few_labels_misses_are_told_and_no_calibration_error(world: World, clock: Clock) -> None:
    fail(world, USUAL, LEAST, clock() - timedelta(days=20))
    fail(world, USUAL, LEAST, clock() - timedelta(days=1))
    labels(world, LEAST_LABELLED, ripe_at=clock() - timedelta(hours=1))
    told = {one.what for one in look(world).moved}
    assert ("true cause outside its set" in told, "calibration error" in told) == (True, False)


def test_of_very_many_failures_some_are_looked_at_and_all_are_counted(world: World, clock: Clock) -> None:
    fail(world, USUAL, LEAST, clock() - timedelta(days=20))
    at = clock() - timedelta(days=3)
    with world.database.transaction() as connection:
        said = (USUAL[number % len(USUAL)] for number in range(MOST + 1))
        record_failures(
            connection,
            (NewFailure(kind="push", message=one, occurred_at=at, recorded_at=at, system="shop") for one in said),
        )
    found = look(world)
    assert (found.failures, found.failures_before, found.warnings) == (MOST + 1, LEAST, [])


def test_the_service_looks_once_a_day_and_the_console_shows_it(
    world: World, clock: Clock, client: TestClient, stocktriage: Run
) -> None:
    assert drift_kept(world) is None
    assert ROLES["watch"].round(world) == {"moved": 0}
    assert f"{LEAST} of each are needed" in client.get("/models").text
    fail(world, USUAL, LEAST, clock() - timedelta(days=20))
    fail(world, ("the shop is down for maintenance",), LEAST, clock() - timedelta(hours=1))
    assert ROLES["watch"].round(world) == {"moved": 0}
    clock.at += timedelta(days=1)
    assert ROLES["watch"].round(world)["moved"] > 0
    assert "Failures have moved much" in client.get("/models").text
    assert "causes told" in client.get("/v1/models/drift").json()["warnings"]
    assert "of each are needed" in stocktriage("drift").out, "by the clock of today nothing has failed lately"


def test_it_trains_once_enough_labels_are_ripe_or_a_week_is_over_with_a_new_one(world: World, clock: Clock) -> None:
    def due() -> str | None:
        with world.database.reading() as connection:
            found = due_now(connection, world.settings, clock())
        return found.reason if found else None

    labels(world, 3, ripe_at=clock() + timedelta(days=1))
    assert due() is None
    clock.at += timedelta(days=1)
    assert due() == "3 labels are new"
    with world.database.transaction() as connection:
        connection.execute(
            text("INSERT INTO retraining (name, after, labels, reason, begun_at) VALUES ('root_cause', 0, 3, '', :at)"),
            {"at": to_microseconds(clock())},
        )
    labels(world, 3, ripe_at=clock())
    assert due() is None, "one is running"
    clock.at += LONGEST
    assert due() == "6 labels are new", "it was cut off and learned nothing"
    assert [row["outcome"] for row in retraining_rows(world)] == ["was cut off"]
    with world.database.transaction() as connection:
        connection.execute(text("UPDATE retraining SET ended_at = begun_at, labels = 5"))
    assert due() is None
    clock.at += timedelta(days=7)
    assert due() == "7 days are over, 1 labels are new"
    with world.database.transaction() as connection:
        connection.execute(text("UPDATE retraining SET labels = 6"))
    assert due() is None, "nothing is new"


def test_a_training_that_fails_is_told_and_waits_for_more_labels(settings: Settings, clock: Clock) -> None:
    wrong = {"retrain_after_labels": 1, "retrain_set": ("texts=many",)}
    world = build_world(settings.model_copy(update=wrong), clock)
    labels(world, 1, ripe_at=clock())
    assert "not a whole number" in str(retrain_when_due(world))
    assert retrain_when_due(world) is None
    (row,) = retraining_rows(world)
    assert (row["reason"], row["labels"], row["version"]) == ("1 labels are new", 1, None)
    assert row["outcome"].startswith("failed:")
    world.close()


def test_the_console_shows_labels_with_where_they_are_from(world: World, clock: Clock, client: TestClient) -> None:
    labels(world, 1, ripe_at=clock() + timedelta(hours=1))
    page = client.get("/models").text
    for shown in ("# says no", "duplicate", "override", "ada", 'href="/cases/1"', "ripening", "shipped baseline"):
        assert shown in page


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_what_the_service_trained_is_kept_as_a_candidate_and_never_goes_live_by_itself(
    world: World, clock: Clock
) -> None:
    live = world.models.version("root_cause")
    labels(world, 3, ripe_at=clock())
    assert ROLES["retrain"].round(world) == {"trained": 1}
    (row,) = retraining_rows(world)
    assert row["version"]
    assert row["ended_at"]
    assert world.models.version("root_cause") == live
    assert (world.challenger is not None) == row["outcome"].startswith("passed")
