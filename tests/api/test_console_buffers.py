"""The page of buffers, as a browser without JavaScript sees it."""

import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from api.jobs import buffer_replay, kept_replay
from api.jobs.buffer_replay import WhatIf, replay_buffers
from api.jobs.order_sizes import read_orders
from api.jobs.rounds import ROLES
from api.wiring import World
from core_sync.ledger.decisions import reverse
from core_sync.ledger.ledger import Ledger
from ml.buffers.targets import set_target
from tests.core_sync.stocked import Clock, a_channel, a_sku, happened, happens, movement


@pytest.fixture
def selling(stocked: World) -> World:
    """MUG in stock, two weeks of sales on two channels."""
    now = stocked.clock()
    a_channel(stocked.database, "market", mode="shadow")
    movements = [movement("receipt", "MUG", 2_000, now - timedelta(days=20), location="LEEDS")]
    for day in range(1, 15):
        for channel, units in (("market", 12), ("shop", 3)):
            at = now - timedelta(days=day)
            movements.append(movement("ship", "MUG", units, at, location="LEEDS", channel=channel))
    happened(stocked.database, movements)
    return stocked


def test_the_page_shows_what_is_recommended_why_and_the_frontier(selling: World, client: TestClient) -> None:
    ROLES["replay"].round(selling)
    page = client.get("/buffers?channel=shop").text
    assert "MUG" in page
    assert re.search(r"in \d+ h; [\d.]+ a day", page)
    assert len(re.findall("<polyline", page)) == 5
    assert "k·σ·√L" in page
    assert "days up to" in page
    assert page.count("no refresh of the channel was ever confirmed") == 1


def test_a_buffer_that_a_limit_holds_down_shows_how_many_units_are_wanted(selling: World, client: TestClient) -> None:
    limited = re.compile(r"<strong>\d+</strong><div>limited, of \d+</div>")
    assert not limited.search(client.get("/buffers?channel=shop").text)
    with selling.database.transaction() as connection:
        set_target(connection, 0.0001, "planner", "hardly any", selling.clock(), "shop", "MUG")
    gone = movement("ship", "MUG", 1_786, selling.clock() - timedelta(minutes=5), location="LEEDS")
    happened(selling.database, [gone])
    assert limited.search(client.get("/buffers?channel=shop").text)


def test_another_rule_is_played_over_the_last_weeks(selling: World, client: TestClient) -> None:
    ROLES["replay"].round(selling)
    open_hand = client.get("/buffers?channel=shop&buffer=0&share=100&penalty=20").text
    closed = client.get("/buffers?channel=shop&buffer=0&share=0&penalty=20").text
    assert lost(closed) > lost(open_hand)
    assert "0.00 EUR" in closed
    assert "The nearest rule" in client.get("/buffers?channel=shop&buffer=22&share=100&penalty=20").text


def lost(page: str) -> float:
    found = re.search(r"<strong>([\d.,]+) lost</strong>", page)
    assert found is not None
    return float(found.group(1).replace(",", ""))


def test_weeks_are_replayed_again_only_when_there_is_more_to_play(selling: World, client: TestClient) -> None:
    clock = selling.clock
    assert isinstance(clock, Clock)
    assert "have not been replayed yet" in client.get("/buffers?channel=shop").text
    assert ROLES["replay"].round(selling) == {"replayed": 2}
    before = client.get("/buffers?channel=shop&buffer=3").text
    read = selling.estimates.read_at
    happens(selling.database, "ship", "MUG", 5, clock(), location="LEEDS", channel="shop")
    assert ROLES["replay"].round(selling) == {"replayed": 0}
    assert lost(client.get("/buffers?channel=shop&buffer=3").text) == lost(before)
    assert selling.estimates.read_at == read
    told_late = clock() - timedelta(days=2)
    happens(selling.database, "ship", "MUG", 700, told_late, location="LEEDS", channel="shop")
    assert ROLES["replay"].round(selling) == {"replayed": 0}
    clock.pass_(hours=1)
    assert ROLES["replay"].round(selling) == {"replayed": 2}
    assert ROLES["replay"].round(selling) == {"replayed": 0}
    clock.pass_(days=1)
    assert ROLES["replay"].round(selling) == {"replayed": 2}


def test_many_skus_stand_on_pages_and_a_page_begins_where_one_likes(selling: World, client: TestClient) -> None:
    names = [f"SKU-{number:02d}" for number in range(60)]
    a_sku(selling.database, *names)
    happened(selling.database, [movement("receipt", name, 5, selling.clock(), location="LEEDS") for name in names])
    page = client.get("/buffers?channel=shop").text
    found = re.search(r'class="next" href="([^"]+)"', page)
    assert found is not None
    following = client.get(found.group(1).replace("&amp;", "&")).text
    shown = [re.findall(r"<td class=\"age\"><strong>([^<]+)</strong>", one) for one in (page, following)]
    assert shown[0] + shown[1] == ["MUG", *names]
    assert "SKU-57" not in client.get("/buffers?channel=shop&first=SKU-58").text
    assert "There is no channel shpo" in client.get("/buffers?channel=shpo").text


@pytest.mark.parametrize(
    ("said", "told"),
    [("buffer=-1", "What is held back"), ("buffer=few", "What is held back"), ("share=200", "The share of stock"),
     ("penalty=nan", "The cost of an oversold unit")],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_named_and_the_page_still_stands(
    selling: World, client: TestClient, said: str, told: str
) -> None:
    page = client.get(f"/buffers?channel=shop&{said}")
    assert page.status_code == 200
    assert f"{told} is a number from 0 to" in page.text.replace(" in per cent", "")
    assert "MUG" in page.text


def test_pages_of_recommendations_over_http_are_all_of_them_together(selling: World, client: TestClient) -> None:
    a_sku(selling.database, "JUG", "POT")
    for name in ("JUG", "POT"):
        happens(selling.database, "receipt", name, 5, selling.clock(), location="LEEDS")
    told, cursor = [], None
    while True:
        answer = client.get("/v1/buffers", params={"limit": 4} | ({"cursor": cursor} if cursor else {})).json()
        told += [(one["sku"], one["channel"]) for one in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert told == [(sku, channel) for sku in ("JUG", "MUG", "POT") for channel in ("market", "shop")]


def test_too_little_history_is_said_and_the_table_still_stands(stocked: World, client: TestClient) -> None:
    happens(stocked.database, "receipt", "MUG", 20, stocked.clock() - timedelta(days=1), location="LEEDS")
    ROLES["replay"].round(stocked)
    page = client.get("/buffers?channel=shop").text
    assert "cannot be replayed: nothing was sold" in page
    assert "keeps 0: no demand history of MUG" in page


def test_a_history_that_comes_in_after_the_start_is_replayed_with_the_next_round(
    stocked: World, client: TestClient
) -> None:
    assert ROLES["replay"].round(stocked) == {"replayed": 1}
    assert ROLES["replay"].round(stocked) == {"replayed": 0}
    for day in range(1, 12):
        at = stocked.clock() - timedelta(days=day)
        happens(stocked.database, "receipt", "MUG", 3, at, location="LEEDS")
        happens(stocked.database, "ship", "MUG", 2, at, location="LEEDS", channel="shop")
    assert ROLES["replay"].round(stocked) == {"replayed": 1}
    assert "units asked of shop" in client.get("/buffers?channel=shop").text


def test_of_more_skus_than_can_be_played_some_are_drawn_and_the_page_says_so(
    selling: World, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"SKU-{number}" for number in range(8)]
    a_sku(selling.database, *names)
    for name in names:
        long_ago, lately = (selling.clock() - timedelta(days=days) for days in (11, 1))
        happens(selling.database, "receipt", name, 5, long_ago, location="LEEDS")
        for at in (long_ago, lately):
            happens(selling.database, "ship", name, 1, at, location="LEEDS", channel="shop")
    for module in (buffer_replay, kept_replay):
        monkeypatch.setattr(module, "REPLAYED_MOST", 4)
    ROLES["replay"].round(selling)
    assert "4 SKUs (drawn from all that it sells)" in client.get("/buffers?channel=shop").text


def test_without_channels_the_page_says_how_to_load_them(client: TestClient) -> None:
    assert "stocktriage load channels FILE" in client.get("/buffers").text


def test_a_rate_is_accepted_on_the_page_and_what_came_true_is_shown(selling: World, client: TestClient) -> None:
    assert "Came true" not in client.get("/buffers/targets").text
    told = {"percent": "0.4 %", "channel": "shop", "sku": "", "reason": "agreed", "keep": "yes"}
    assert client.post("/buffers/targets", data=told).status_code == 303
    page = client.get("/buffers/targets").text
    assert "0.4 %" in page
    assert "agreed" in page
    clock, left = selling.clock, 2_000 - 14 * 15
    assert isinstance(clock, Clock)
    for order in ("A", "B"):
        ROLES["steer"].round(selling)
        happens(
            selling.database, "reserve", "MUG", left, clock(), location="LEEDS", channel="shop", reservation_id=order
        )
        clock.pass_(days=28)
    ROLES["steer"].round(selling)
    page = client.get("/buffers/targets").text
    assert "What came true on shop" in page
    assert "1,790 of 1,790 units" in page
    assert len(re.findall("<polyline", page)) == 2
    steps = client.get("/v1/buffers/steps", params={"channel": "shop"}).json()
    assert [(one["asked"], one["oversold"]) for one in steps] == [(0, 0), (1_790, 0), (1_790, 1_790)]


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"percent": "few"}, "no percentage"), ({"percent": "50000"}, "50000 % is not between 0 and 100 %"),
     ({"reason": " "}, "reason"), ({"sku": "MUG"}, "whole channels only")],
)  # fmt: skip
def test_a_rate_that_cannot_be_is_refused_and_nothing_said_is_lost(
    selling: World, client: TestClient, changed: dict[str, str], told: str
) -> None:
    said = {"percent": "0.4", "channel": "shop", "sku": "", "reason": "agreed", "keep": "yes", **changed}
    page = client.post("/buffers/targets", data=said)
    assert page.status_code == 409
    assert told in page.text
    assert f'value="{said["percent"]}"' in page.text
    assert client.get("/v1/buffers/targets").json() == []


def test_a_shipment_that_was_taken_back_is_neither_replayed_nor_an_order(selling: World) -> None:
    def told() -> tuple[list[WhatIf], list[float]]:
        with selling.database.reading() as connection:
            sizes = read_orders(connection, selling.clock()).of_sku["MUG"]["shop"]
            return replay_buffers(connection, "shop", [3], selling.clock(), 28), sizes.tolist()

    before, yesterday = told(), selling.clock() - timedelta(days=1)
    happens(selling.database, "ship", "MUG", 700, yesterday, location="LEEDS", channel="shop", event_id="mistake")
    assert told() != before
    reverse(Ledger(selling.database), "wms", "mistake", "ana", selling.clock())
    assert told() == before
