"""Channels, listings, dead letters and shadow through every door."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.wiring import World
from core_sync.channels.port import Rejected
from core_sync.outbox.dispatch import push_channel
from core_sync.outbox.shadow import compare_channel
from tests.api.conftest import Run
from tests.core_sync.outbox.scripted import Connected, ScriptedChannel
from tests.core_sync.stocked import a_channel, happens


@pytest.fixture
def published(stocked: World) -> World:
    """A market that refused MUG and was to be sent PLATE, beside a shop in shadow."""
    a_channel(stocked.database, "market", kind="amazon", priority=2)
    market = ScriptedChannel()
    market.script.append(Rejected("no price", "NO_PRICE", 400))
    happens(stocked.database, "receipt", "MUG", 12, location="LEEDS")
    push_channel(stocked.database, Connected({"market": market}), "market", stocked.clock())
    happens(stocked.database, "receipt", "PLATE", 5, location="LEEDS")
    shop = Connected({"shop": ScriptedChannel({"MUG": 10})})
    compare_channel(stocked.database, shop, "shop", stocked.clock())
    return stocked


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_the_api_tells_how_channels_and_listings_stand(published: World, client: TestClient) -> None:
    shop, market = client.get("/v1/channels").json()
    assert (shop["channel"], shop["mode"], shop["waiting"]) == ("shop", "shadow", 2)
    assert (market["breaker"], market["dead_letters"], market["waiting"], market["current"]) == ("closed", 1, 1, 0)
    (plate,) = client.get("/v1/outbox", params={"channel": "market", "state": "pending"}).json()
    assert (plate["sku"], plate["quantity"], plate["goes"]) == ("PLATE", 5, "increase")


def test_dead_letters_are_replayed_over_http(published: World, client: TestClient) -> None:
    (letter,) = client.get("/v1/outbox/dead-letters").json()
    assert (letter["sku"], letter["dead_letter"], letter["error_code"], letter["message"]) == (
        "MUG", "refused", "NO_PRICE", "no price",
    )  # fmt: skip
    assert client.post("/v1/outbox/requeue", json={"why": "unlisted"}).json() == {"requeued": 0}
    assert client.post("/v1/outbox/requeue", json={"channel": "market", "why": "refused"}).json() == {"requeued": 1}
    assert client.get("/v1/outbox/dead-letters").json() == []


def test_shadow_is_told_by_day_over_http(published: World, client: TestClient) -> None:
    (day,) = client.get("/v1/shadow").json()
    assert (day["channel"], day["updates"], day["compared"], day["differing"]) == ("shop", 2, 1, 1)
    assert (day["units_too_few"], day["variance"]) == (2, 4.0)


def test_a_channels_mode_is_set_over_http_and_a_pilot_needs_its_skus(published: World, client: TestClient) -> None:
    assert client.put("/v1/channels/shop/mode", json={"mode": "pilot"}).status_code == 409
    body = {"mode": "pilot", "pilot_skus": ["MUG"]}
    assert client.put("/v1/channels/shop/mode", json=body).json() == {
        "channel": "shop",
        "before": "shadow",
        "mode": "pilot",
    }
    assert client.put("/v1/channels/nowhere/mode", json={"mode": "live"}).status_code == 404


def test_the_command_line_tells_the_same(published: World, stocktriage: Run) -> None:
    channels = lines(stocktriage("channels", "--json").out)
    assert [(one["channel"], one["mode"], one["dead_letters"]) for one in channels] == [
        ("shop", "shadow", 0),
        ("market", "live", 1),
    ]
    assert [one["sku"] for one in lines(stocktriage("outbox", "--state", "failed", "--json").out)] == ["MUG"]
    assert [one["error_code"] for one in lines(stocktriage("requeue", "--dry-run", "--json").out)] == ["NO_PRICE"]
    assert lines(stocktriage("requeue", "--why", "refused", "--json").out) == [{"requeued": 1}]
    assert [one["updates"] for one in lines(stocktriage("shadow", "--days", "3650", "--json").out)] == [2]
    assert lines(stocktriage("channels", "market", "shadow", "--json").out) == [
        {"channel": "market", "before": "live", "mode": "shadow"}
    ]
    assert stocktriage("channels", "market", "loud").code == 2


def test_the_console_shows_channels_and_replays_what_was_given_up(published: World, client: TestClient) -> None:
    page = client.get("/channels").text
    assert "no price" in page
    assert "answers" in page
    answer = client.post(
        "/channels/market/requeue", data={"why": "refused"}, headers={"origin": "http://127.0.0.1:8765"}
    )
    assert answer.status_code == 303
    assert "Given up</h2>" not in client.get("/channels").text
