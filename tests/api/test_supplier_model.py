"""The model of lateness from one's own deliveries: trained, promoted, heeded by recommendations, watched."""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.candidates import candidates_of, promote_candidate, train_candidate
from api.models import model_rows
from api.wiring import World, build_world
from core_sync.clock import to_microseconds
from core_sync.settings import read_settings
from ml.registry.manifest import write_manifest
from ml.suppliers.storage import SIDECAR
from tests.api.conftest import Run
from tests.core_sync.stocked import Clock, a_sku, happens

DAY = timedelta(days=1)
LINES = 600


def delivers(world: World, supplier: str, ordered: datetime, late: int | None, sku: str = "PLATE") -> None:
    """A line promised 20 days after ``ordered`` that came ``late`` days after that; None: it is still open."""
    promised = ordered + 20 * DAY
    came = None if late is None else promised + late * DAY
    with world.database.transaction() as connection:
        number = connection.execute(text("SELECT COUNT(*) FROM delivery")).scalar_one()
        connection.execute(
            text(
                "INSERT INTO delivery (supplier, sku, ordered_at, promised_at, received_at, ordered_quantity, "
                "received_quantity, content) VALUES (:s, :sku, :o, :p, :r, 10, 10, :c)"
            ),
            {"s": supplier, "sku": sku, "o": to_microseconds(ordered), "p": to_microseconds(promised),
             "r": None if came is None else to_microseconds(came), "c": str(number).encode()},
        )  # fmt: skip


def deliveries(world: World) -> None:
    """Two years with one supplier that is late with most of what it promised for midweek, and one that is not."""
    chance, now = np.random.default_rng(0), world.clock()
    for line in range(LINES):
        ordered = now - (LINES - line + 30) * DAY
        supplier = str(chance.choice(["swift", "slow"]))
        busy = (ordered + 20 * DAY).weekday() in (1, 2, 3)
        late = chance.random() < (0.7 if supplier == "slow" and busy else 0.05)
        delivers(world, supplier, ordered, 5 if late else -1)


@pytest.fixture
def supplied(stocked: World) -> World:
    deliveries(stocked)
    return stocked


@pytest.fixture(scope="module")
def candidate(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was trained on those deliveries, once for all that do not look at the training."""
    home = tmp_path_factory.mktemp("trained")
    database_url = f"sqlite:///{shutil.copyfile(sqlite_template, home / 'stock.sqlite')}"
    world = build_world(read_settings(home=home, database_url=database_url), Clock())
    a_sku(world.database, "PLATE")
    deliveries(world)
    told = train_candidate(world, "supplier_lateness", 1, None, say=lambda _: None)
    world.close()
    return candidates_of(world, "supplier_lateness") / str(told["version"])


@pytest.fixture
def promoted(supplied: World, candidate: Path) -> World:
    shutil.copytree(candidate, candidates_of(supplied, "supplier_lateness") / candidate.name)
    promote_candidate(supplied, "supplier_lateness", candidate.name, "ada")
    return supplied


def test_a_trained_model_is_promoted_by_the_gate_and_tells_how_likely_the_open_order_comes_late(
    supplied: World, client: TestClient, stocktriage: Run
) -> None:
    now = supplied.clock()
    happens(supplied.database, "receipt", "MUG", 40, now - 9 * DAY, location="LEEDS")
    delivers(supplied, "slow", now - 19 * DAY, None, sku="MUG")
    chance = terms(client)["order_late_chance"]
    assert (chance["value"], "no model" in chance["note"]) == (None, True)

    assert stocktriage("models").out.count("supplier_lateness") == 0
    trained = stocktriage("train", "supplier_lateness")
    assert trained.code == 0, trained.err
    assert "not kept in MLflow" not in trained.err
    assert "it may be promoted" in trained.out, trained.out
    assert "your deliveries promised since" in trained.out
    assert stocktriage("promote", "supplier_lateness").code == 0
    listed = stocktriage("models").out
    assert "supplier_lateness" in listed
    assert "late of 1" in listed  # of the lines since it learned
    assert "train it anew" not in listed, "nothing has changed since"
    assert "since it learned" in client.get("/models").text

    del supplied.estimates  # five minutes pass
    told = terms(client)
    assert told["order_late_chance"]["value"] > 0.3
    version = supplied.models.version("supplier_lateness")
    for term in ("supply", "order_late_chance"):
        assert f"model of lateness {version}" in told[term]["note"]
    assert told["supply"]["value"] == pytest.approx(1 - told["order_late_chance"]["value"])

    again = stocktriage("promote", "supplier_lateness")
    assert "it is live already" in again.err

    back = stocktriage("rollback", "supplier_lateness")
    assert (back.code, back.out.strip()) == (0, "supplier_lateness is withdrawn: no version is live")
    assert supplied.models.supplier_lateness is None
    roles = [row["role"] for row in model_rows(supplied) if row["name"] == "supplier_lateness"]
    assert roles == ["withdrawn", "before"]
    assert "no version is live, and nothing was before it" in stocktriage("rollback", "supplier_lateness").err
    assert stocktriage("promote", "supplier_lateness").code == 0
    assert supplied.models.supplier_lateness is not None


def test_lines_that_came_before_they_were_due_do_not_tell_how_many_come_late(promoted: World) -> None:
    now = promoted.clock()
    before = since_it_learned(promoted)
    for _ in range(20):
        delivers(promoted, "swift", now - 15 * DAY, -10)
        delivers(promoted, "swift", now - 15 * DAY, None)
    assert since_it_learned(promoted) == before


def since_it_learned(world: World) -> dict[str, Any]:
    (found,) = (row["drift"] for row in model_rows(world) if row["name"] == "supplier_lateness")
    assert isinstance(found, dict)
    return found


def test_a_model_that_this_version_cannot_use_is_told_and_hides_no_other(promoted: World, stocktriage: Run) -> None:
    folder = promoted.models.folders["supplier_lateness"]
    said = json.loads((folder / SIDECAR).read_text())
    (folder / SIDECAR).write_text(json.dumps({**said, "features": ["weather"]}))
    write_manifest(folder, "supplier_lateness", promoted.clock(), "deliveries", 1, {})
    listed = stocktriage("models")
    assert (listed.code, "other features" in listed.out, "root_cause" in listed.out) == (0, True, True)


def test_too_few_deliveries_are_refused_with_what_is_needed(stocked: World, stocktriage: Run) -> None:
    for day in range(20):
        delivers(stocked, "swift", stocked.clock() - (day + 40) * DAY, -1)
    told = stocktriage("train", "supplier_lateness")
    assert told.code != 0
    assert "200 are needed" in told.err
    assert "stocktriage load deliveries FILE" in told.err


def terms(client: TestClient) -> dict[str, dict[str, Any]]:
    found = client.get("/v1/buffers", params={"sku": "MUG", "channel": "shop"}).json()["items"][0]["terms"]
    assert isinstance(found, dict)
    return found
