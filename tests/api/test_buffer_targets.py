"""Accepted oversell rates, and buffers that are steered towards them."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from api.jobs.rounds import ROLES
from api.wiring import World
from tests.api.conftest import Run
from tests.core_sync.stocked import Clock, happens


def shop(client: TestClient) -> dict[str, object]:
    found: dict[str, object] = client.get("/v1/buffers", params={"sku": "MUG", "channel": "shop"}).json()["items"][0]
    return found


def weight(client: TestClient) -> float:
    terms = shop(client)["terms"]
    assert isinstance(terms, dict)
    return float(terms["oversell_weight"]["value"])


def test_the_most_specific_rate_holds(scarce: World, client: TestClient) -> None:
    assert shop(client)["target_oversell_rate"] == 0.005
    for rate, place in ((0.02, {}), (0.01, {"channel": "shop"}), (0.004, {"sku": "MUG"})):
        told = {"oversell_rate": rate, "reason": "agreed", **place}
        assert client.put("/v1/buffers/targets", json=told).status_code == 200
        assert shop(client)["target_oversell_rate"] == rate
    rows = client.get("/v1/buffers/targets").json()
    assert [(row["channel"], row["sku"], row["oversell_rate"]) for row in rows] == [
        ("", "", 0.02), ("", "MUG", 0.004), ("shop", "", 0.01),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"oversell_rate": 1.5, "reason": "x"}, 422),
        ({"oversell_rate": 0.01, "reason": ""}, 422),
        ({"oversell_rate": 0.01, "reason": "x", "channel": "nowhere"}, 404),
        ({"oversell_rate": 0.01, "reason": "x", "sku": "MUGG"}, 404),
        ({"oversell_rate": 0.01, "reason": "x", "sku": "MUG", "keep": True}, 409),
    ],
)
def test_a_rate_that_cannot_be_is_refused(client: TestClient, told: dict[str, object], status: int) -> None:
    assert client.put("/v1/buffers/targets", json=told).status_code == status


def test_steps_of_a_channel_that_is_not_there_are_refused(scarce: World, client: TestClient) -> None:
    assert client.get("/v1/buffers/steps", params={"channel": "shop"}).json() == []
    assert client.get("/v1/buffers/steps", params={"channel": "shoop"}).status_code == 404


def test_what_came_true_moves_what_an_oversell_counts(scarce: World, client: TestClient) -> None:
    clock = scarce.clock
    assert isinstance(clock, Clock)
    assert ROLES["steer"].round(scarce)["steps"] == 1
    begun = weight(client)
    assert ROLES["steer"].round(scarce)["steps"] == 0
    left = 1_000 - 14 * (6 + 7 + 8 + 9 + 32)
    happens(scarce.database, "reserve", "MUG", left, clock(), location="LEEDS", reservation_id="counter")
    happens(scarce.database, "reserve", "MUG", 1_000, clock() + timedelta(hours=1), location="LEEDS", channel="shop",
            reservation_id="A")  # fmt: skip
    clock.pass_(days=7)
    assert ROLES["steer"].round(scarce)["steps"] == 1
    row = client.get("/v1/buffers/targets").json()[0]
    assert (row["channel"], row["asked"], row["oversold"]) == ("shop", 1_000, 1_000)
    assert row["weight"] == pytest.approx(1.2 * begun)


def test_a_kept_channel_is_applied_and_renewed_by_itself_in_its_owners_name(scarce: World, client: TestClient) -> None:
    clock = scarce.clock
    assert isinstance(clock, Clock)
    assert ROLES["steer"].round(scarce)["applied"] == 0
    told = {"oversell_rate": 0.001, "reason": "marketplace's terms", "channel": "shop", "keep": True}
    client.put("/v1/buffers/targets", json=told)
    wanted = shop(client)
    assert wanted["buffer"] != wanted["current"], wanted["reason"]
    assert ROLES["steer"].round(scarce)["applied"] == 1
    assert shop(client)["current"] == wanted["buffer"]
    assert ROLES["steer"].round(scarce)["applied"] == 0
    clock.pass_(hours=20)
    assert ROLES["steer"].round(scarce)["applied"] == 1
    versions = client.get("/v1/buffers/versions", params={"sku": "MUG", "channel": "shop"}).json()
    assert {one["owner"] for one in versions} == {client.get("/v1/buffers/targets").json()[0]["owner"]}


def test_a_comparison_recommends_for_the_rate_that_is_asked(scarce: World, client: TestClient) -> None:
    ROLES["steer"].round(scarce)
    for target in (0.0005, 0.4):
        asked = {"sku": "MUG", "channel": "shop", "target": target}
        wanted = client.get("/v1/buffers", params=asked).json()["items"][0]["buffer"]
        rows = {row["which"]: row["buffer"] for row in client.get("/v1/buffers/compare", params=asked).json()}
        assert (rows["in_force"], rows["recommended"], wanted > 0) == (0, wanted, target < 0.01)
    assert client.get("/v1/buffers/compare", params={"target": 7}).status_code == 422


def test_the_command_line_sets_and_shows_rates(scarce: World, stocktriage: Run) -> None:
    told = stocktriage("buffers", "target")
    assert "no rate is set" in told.out + told.err
    done = stocktriage("buffers", "target", "0.01", "--channel", "shop", "--reason", "agreed")
    assert (done.code, "0.01" in done.out) == (0, True), done.err
    assert "agreed" in stocktriage("buffers", "target").out
    assert stocktriage("buffers", "target", "7", "--reason", "agreed").code != 0
