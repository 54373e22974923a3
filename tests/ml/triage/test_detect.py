"""The limits of what becomes an anomaly, round after round, and with several processes at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np
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


DAY_US, HOUR_US, MINUTE_US = 86_400_000_000, 3_600_000_000, 60_000_000


def strange(count: int, day: int, apart_us: int) -> list[dict[str, object]]:
    """Movements of one day, the later the stranger."""
    return [{"occurred_at": day * DAY_US + at * apart_us, "score": float(at)} for at in range(count)]


def kept(rows: list[dict[str, object]], taken: list[int]) -> list[object]:
    return [row["score"] for row in within_budget(rows, np.array(taken, dtype=np.int64))]


def test_a_days_alarms_are_counted_over_all_rounds() -> None:
    rows = strange(20, 3, HOUR_US)
    assert len(kept(rows, [])) == DAILY_MOVEMENT_ALARMS
    earlier = [3 * DAY_US + at * HOUR_US for at in range(DAILY_MOVEMENT_ALARMS)]
    assert kept(rows, [*earlier[2:], 4 * DAY_US]) == [18.0, 19.0]
    assert kept(rows, earlier) == []


def test_of_a_burst_the_strangest_is_shown_and_takes_one_of_the_days_places() -> None:
    burst = strange(30, 3, MINUTE_US // 4)
    assert kept(burst, []) == [29.0]
    assert kept(burst, [3 * DAY_US + 2 * MINUTE_US]) == []
    shown_of_it = [3 * DAY_US + 5 * HOUR_US + at * MINUTE_US for at in range(9)]
    assert len(kept(strange(20, 3, HOUR_US), shown_of_it)) == DAILY_MOVEMENT_ALARMS - 1


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
