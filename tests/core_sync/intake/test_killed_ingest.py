"""Killed anywhere, the same command again ends where an undisturbed run ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core_sync.clock import now
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.intake import ingest
from core_sync.intake.ingest import ingest_files
from core_sync.interchange.writing import write_rows
from core_sync.ledger.history import disagreements, positions
from core_sync.ledger.ledger import Ledger

EVENTS = 6_000
CHECKOUT = Path(__file__).resolve().parents[3]

INGEST = """
import sys
from pathlib import Path
from core_sync.clock import now
from core_sync.database.engine import Database
from core_sync.intake import ingest
from core_sync.ledger.ledger import Ledger
ingest.BATCH = 100
ledger = Ledger(Database(sys.argv[1]))
ingest.ingest_files(ledger, [Path(sys.argv[2])], now, progress=lambda done: print(done, flush=True))
"""


def a_file_of_events(folder: Path) -> Path:
    rows = (
        {
            "id": f"e{number}",
            "source": "wms",
            "type": "ship" if number % 3 == 2 else "receipt",
            "time": f"2026-03-02T{number % 24:02}:00:00Z",
            "sku": f"SKU-{number % 50}",
            "location": "LEEDS",
            "quantity": number % 7,
        }
        for number in range(EVENTS)
    )
    file = folder / "events.csv"
    write_rows(file, rows, ["id", "source", "type", "time", "sku", "location", "quantity"])
    return file


def figures(url: str) -> list[tuple[str, int]]:
    with Database(url).reading() as connection:
        assert disagreements(connection) == []
        return [(position.sku, position.on_hand) for position in positions(connection)]


@pytest.mark.parametrize(
    "kill_after_batches", [pytest.param(1, marks=pytest.mark.proof), 7, pytest.param(20, marks=pytest.mark.proof)]
)
def test_a_killed_ingest_goes_on_to_the_same_positions(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill_after_batches: int
) -> None:
    file = a_file_of_events(tmp_path)
    command = [sys.executable, "-c", INGEST, database_url, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=CHECKOUT, text=True) as running:
        assert running.stdout is not None
        for _ in range(kill_after_batches):
            running.stdout.readline()
        time.sleep(0.003 * kill_after_batches)
        os.kill(running.pid, signal.SIGKILL)
    monkeypatch.setattr(ingest, "BATCH", 1_000)
    resumed = ingest_files(Ledger(Database(database_url)), [file], now)
    assert resumed.rejected == 0
    assert resumed.duplicates >= 100 * kill_after_batches
    undisturbed = f"sqlite:///{tmp_path}/undisturbed.db"
    upgrade(Database(undisturbed))
    ingest_files(Ledger(Database(undisturbed)), [file], now)
    assert figures(database_url) == figures(undisturbed)
