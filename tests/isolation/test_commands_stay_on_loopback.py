"""What a user starts opens no socket beyond loopback, telemetry of libraries included."""

import re
import sys
from pathlib import Path

import httpx
import pytest

from core_sync.interchange.writing import write_rows
from tests.isolation.watched import run_watched, watched

STOCKTRIAGE = (sys.executable, "-m", "api.cli.main")


@pytest.mark.proof
def test_up_with_the_sample_serves_and_stays_on_loopback(tmp_path: Path) -> None:
    with watched([*STOCKTRIAGE, "up", "--port", "0"], tmp_path, STOCKTRIAGE_HOME=str(tmp_path / "home")) as service:
        service.wait_until(lambda: "the first 10" in service.said(), 120)
        address = re.search(r"http://127\.0\.0\.1:\d+", service.said())
        assert address is not None
        feed = httpx.get(f"{address.group()}/v1/feed?limit=1", timeout=30).json()
        assert feed["items"][0]["expected_loss"] > 0
        assert service.sockets_outside() == []
        assert service.attempts() == []


def test_ingest_stays_on_loopback(tmp_path: Path) -> None:
    row = {"id": "1", "source": "wms", "type": "receipt", "time": "2026-03-02T08:00:00Z", "sku": "MUG",
           "location": "LEEDS", "quantity": 5}  # fmt: skip
    write_rows(tmp_path / "events.csv", [row], list(row))
    command = [*STOCKTRIAGE, "ingest", str(tmp_path / "events.csv"), "--json"]
    ended = run_watched(command, tmp_path, STOCKTRIAGE_HOME=str(tmp_path / "home"))
    assert (ended.process.returncode, ended.attempts()) == (0, [])
    assert '"accepted":1' in ended.said()


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_train_stays_on_loopback(tmp_path: Path) -> None:
    home = tmp_path / "home"
    ended = run_watched(
        [*STOCKTRIAGE, "train", "movement_detector"], tmp_path, seconds_max=800, STOCKTRIAGE_HOME=str(home)
    )
    assert (ended.process.returncode, ended.attempts()) == (0, []), ended.said()
    assert (home / "mlflow.db").is_file()
