"""A simulated world as it was told: what a snapshot is held against is what was known when it came."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from api.jobs.told_world import tell_by_snapshot
from core_sync.database.engine import Database
from core_sync.ledger.ledger import Ledger
from simulation.scenario import Constants, Scenario
from simulation.world import Rows, World

START = datetime(2026, 3, 1, 18, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def an_event(event_id: str, type: str, quantity: int, hours: float, recorded: float, **said: Any) -> dict[str, Any]:
    row = {"id": event_id, "source": "wms", "type": type, "time": at(hours), "sku": "MUG", "location": "EAST"}
    return {**row, "quantity": quantity, **said, "recorded_at": at(recorded)}


def world(events: Rows, warehouse: list[tuple[float, int]], faults: Rows, **tables: Rows) -> World:
    """MUG in EAST: what was told of it, and what the warehouse system had at which hour."""
    snapshots = [
        {"system": "wms", "sku": "MUG", "location": "EAST", "state": "on_hand", "quantity": units, "as_of": at(hours)}
        for hours, units in warehouse
    ]
    empty: dict[str, Rows] = {name: [] for name in ("uom", "aliases", "rates", "channels", "suppliers", "deliveries")}
    known: dict[str, Rows] = {"skus": [{"sku": "MUG", "base_uom": "EA"}], "locations": [{"location": "EAST"}]}
    told = {"events": sorted(events, key=lambda row: row["recorded_at"]), "snapshots": snapshots, "failures": []}
    scenario = Scenario(seed=1, days=1, skus=1, start=START, constants=Constants(source_lag_s=(4, 150)))
    return World(scenario, empty | known | told | tables, {"faults": faults, "losses": [], "benign": []})


def differences(database: Database) -> list[tuple[int, int, int]]:
    with database.reading() as connection:
        rows = connection.execute(text("SELECT as_of, expected, reported FROM delta ORDER BY as_of")).all()
    first = round(START.timestamp() * 1e6)
    return [((row.as_of - first) // 3_600_000_000, row.expected, row.reported) for row in rows]


def test_what_was_told_late_was_not_known_before_and_is_no_difference_after(database: Database, tmp_path: Path) -> None:
    events = [
        an_event("e-1", "receipt", 50, 1, 1.01),
        an_event("e-2", "ship", 12, 3, 14),  # told eleven hours late
        an_event("e-3", "ship", 2, 5.99, 6.02),  # under way while the snapshot is
    ]
    tell_by_snapshot(Ledger(database), world(events, [(6, 36), (12, 36), (18, 36)], []), tmp_path)
    assert differences(database) == [(6, 48, 36), (12, 48, 36)]


def test_a_name_that_nobody_knew_until_the_fault_was_cured_is_unknown_until_then(
    database: Database, tmp_path: Path
) -> None:
    events = [an_event("e-1", "receipt", 50, 1, 1.01), an_event("e-2", "ship", 4, 3, 3.01, sku="MUGX")]
    fault = {"subclass": "unmapped_sku", "sku": "MUG", "started_at": at(3), "ended_at": at(10)}
    alias = {"system": "wms", "external_sku": "MUGX", "sku": "MUG", "valid_from": at(3)}
    told = world(events, [(6, 46), (12, 46)], [fault], aliases=[alias])
    tell_by_snapshot(Ledger(database), told, tmp_path)
    assert differences(database) == [(6, 50, 46)]


def test_a_failure_is_known_from_when_it_was_recorded(database: Database, tmp_path: Path) -> None:
    failure = {"id": "f-1", "occurred_at": at(5), "recorded_at": at(5.5), "message": "timed out", "resolved_at": at(9)}
    events = [an_event("e-1", "receipt", 50, 1, 1.01)]
    tell_by_snapshot(Ledger(database), world(events, [(6, 50)], [], failures=[failure]), tmp_path)
    with database.reading() as connection:
        found = connection.execute(text("SELECT recorded_at, resolved_at FROM failure WHERE id = 'f-1'")).one()
    assert found == (round(at(5.5).timestamp() * 1e6), None)
