"""Buffers that the service keeps by itself, and what people hold beside it; on both databases."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.jobs.applied_buffers import apply_recommendations
from api.jobs.buffers import recommend_buffers
from api.jobs.rounds import ROLES
from api.wiring import World
from core_sync.settings import Settings, read_settings
from tests.api.test_buffer_targets import shop
from tests.core_sync.stocked import Clock

KEPT = {"oversell_rate": 0.001, "reason": "marketplace's terms", "channel": "shop", "keep": True}
MUG = {"sku": "MUG", "channel": "shop"}


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return read_settings(home=tmp_path, database_url=database_url)


@pytest.fixture
def kept(scarce: World, client: TestClient) -> World:
    """The shop under control, its recommended buffers kept; a buffer above 0 is wanted for its mugs."""
    ROLES["steer"].round(scarce)
    client.put("/v1/buffers/targets", json=KEPT)
    assert (shop(client)["current"], shop(client)["buffer"] == 0) == (0, False)
    return scarce


def steered(world: World) -> tuple[int, int]:
    """How many buffers a round of the worker applied, and how many it left to people."""
    told = ROLES["steer"].round(world)
    return told["applied"], told["left_to_people"]


@pytest.mark.parametrize("units", [0, 9])
def test_keeping_leaves_what_a_person_set_until_the_person_applies_what_is_recommended(
    kept: World, client: TestClient, units: int
) -> None:
    client.put("/v1/buffers", json={**MUG, "buffer": units, "reason": f"promotion, hold {units}"})
    assert steered(kept) == (0, 1)
    assert (shop(client)["current"], shop(client)["buffer"] == units) == (units, False)
    assert client.get("/v1/buffers/targets").json()[0]["left_to_people"] == 1
    assert client.post("/v1/buffers/apply", json=MUG).json()[0]["outcome"] == "applied"
    assert client.get("/v1/buffers/targets").json()[0]["left_to_people"] == 0
    assert isinstance(kept.clock, Clock)
    kept.clock.pass_(hours=20)
    assert steered(kept) == (1, 0)


def test_a_person_who_set_what_is_recommended_gives_it_back_by_applying_it(kept: World, client: TestClient) -> None:
    client.put("/v1/buffers", json={**MUG, "buffer": shop(client)["buffer"], "reason": "as recommended"})
    assert steered(kept) == (0, 1)
    assert client.post("/v1/buffers/apply", json=MUG).json()[0]["outcome"] == "applied"
    assert steered(kept) == (0, 0)


def test_keeping_leaves_what_a_person_took_back(kept: World, client: TestClient) -> None:
    assert steered(kept) == (1, 0)
    back = client.post("/v1/buffers/rollback", json={**MUG, "reason": "too many lost sales"}).json()["buffer"]
    assert isinstance(kept.clock, Clock)
    kept.clock.pass_(days=2)
    assert steered(kept) == (0, 1)
    assert shop(client)["current"] == back


def test_taking_back_what_was_set_over_a_kept_buffer_gives_it_back(kept: World, client: TestClient) -> None:
    assert steered(kept) == (1, 0)
    applied = shop(client)["current"]
    client.put("/v1/buffers", json={**MUG, "buffer": 900, "reason": "promotion"})
    assert steered(kept) == (0, 1)
    back = {**MUG, "reason": "the promotion is over"}
    assert client.post("/v1/buffers/rollback", json=back).json()["buffer"] == applied
    assert steered(kept)[1] == 0
    client.post("/v1/buffers/rollback", json={**back, "reason": "further back"})
    assert steered(kept) == (0, 1)


def test_what_a_person_approved_stands_until_shortly_before_its_end_and_is_taken_up_from_there(
    kept: World, client: TestClient
) -> None:
    with kept.database.transaction() as connection:
        connection.execute(text("UPDATE sku SET unit_price = 900000000 WHERE sku = 'MUG'"))
    assert steered(kept) == (0, 0)
    (approved,) = client.post("/v1/buffers/apply", json={**MUG, "approve": True}).json()
    assert approved["outcome"] == "applied"
    assert steered(kept) == (0, 1)
    assert isinstance(kept.clock, Clock)
    kept.clock.pass_(hours=20)
    assert steered(kept) == (1, 0)
    assert shop(client)["current"] == approved["buffer"]


@pytest.mark.parametrize("by_itself", [False, True])
def test_a_recommendation_is_not_applied_over_a_buffer_set_since_it_was_worked_out(
    kept: World, client: TestClient, by_itself: bool
) -> None:
    with kept.database.reading() as connection:
        found = recommend_buffers(connection, kept.estimates, "EUR", kept.clock(), ["MUG"], "shop")
    assert [one.needs_approval for one in found] == [False]
    client.put("/v1/buffers", json={**MUG, "buffer": 900, "reason": "recalled"})
    with kept.database.transaction() as connection:
        (done,) = apply_recommendations(connection, found, "ada", kept.clock, by_itself=by_itself)
    assert (done.outcome, shop(client)["current"]) == ("changed_meanwhile", 900)
