"""The limits of what becomes an anomaly, round after round, and with several processes at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.failures.record import NewFailure, record_failure
from core_sync.ledger.ledger import Ledger
from core_sync.snapshots.reconcile import reconcile
from core_sync.snapshots.store import Figure, store_figures
from ml.registry.service_models import ServiceModels, shipped_models
from ml.triage.detect import DAILY_MOVEMENT_ALARMS, detect, within_budget
from ml.triage.diagnose import diagnose
from tests.builders import MONDAY, a_receipt

NOON = MONDAY + timedelta(hours=4)
MODELS = shipped_models()


@dataclass(frozen=True)
class Overtaken(ServiceModels):
    """The shipped models in a process that another one overtakes between reading and writing."""

    rival: Callable[[], int]

    @cached_property
    def found_by_rival(self) -> int:
        """What the other process found; it runs once."""
        return self.rival()

    def version(self, name: str) -> str:
        """The version, told once the other process is done."""
        assert self.found_by_rival
        return super().version(name)


def strange(places: range, day: int) -> list[tuple[int, dict[str, object]]]:
    return [(place, {"occurred_at": day * 86_400_000_000, "score": float(place)}) for place in places]


def test_a_days_alarms_are_counted_over_all_rounds() -> None:
    assert len(within_budget(strange(range(20), day=3), {})) == DAILY_MOVEMENT_ALARMS
    kept = within_budget(strange(range(20), day=3), {3: DAILY_MOVEMENT_ALARMS - 2, 4: 1})
    assert [place for place, _ in kept] == [18, 19]
    assert within_budget(strange(range(20), day=3), {3: DAILY_MOVEMENT_ALARMS + 1}) == []


def test_two_processes_that_score_the_same_facts_find_each_anomaly_once(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(
            text("INSERT INTO channel (channel, kind, priority, mode) VALUES ('shop', 'shopify', 1, 'live')")
        )
        store_figures(connection, [Figure("shop", "MUG", "", "available", 400, NOON)], NOON)
    Ledger(database).apply([a_receipt(20, hours=-24)], MONDAY)
    reconcile(database, NOON)
    overtaken = Overtaken(MODELS.folders, lambda: detect(database, MODELS, NOON))
    assert detect(database, overtaken, NOON) == 0
    assert overtaken.found_by_rival == 1


def test_two_processes_that_diagnose_the_same_failure_write_one_diagnosis(database: Database) -> None:
    with database.transaction() as connection:
        record_failure(
            connection, NewFailure(kind="push", message="timed out", occurred_at=NOON, recorded_at=NOON, sku="MUG")
        )
    overtaken = Overtaken(MODELS.folders, lambda: diagnose(database, MODELS, NOON))
    assert diagnose(database, overtaken, NOON) == 0
    assert overtaken.found_by_rival == 1
