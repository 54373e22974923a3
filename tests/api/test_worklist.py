"""The worklist as a whole, alike over HTTP, on the command line and on the pages."""

import json

from fastapi.testclient import TestClient

from api.wiring import World
from api.worklist_schemas import SinceShown
from core_sync.cases.attendance import visit
from tests.api.conftest import Run
from tests.core_sync.cases.worklist import MORNING, a_case, after, the_case


def test_who_comes_back_is_told_what_happened_since(client: TestClient, world: World, stocktriage: Run) -> None:
    for person in ("operator", "ana"):
        visit(world.database, person, after(days=-2))
    case = a_case(world.database, "MUG", "50")
    told = SinceShown.model_validate(client.get("/v1/feed/since").json())
    assert (told.since, told.new.count, told.new.cases[0].case) == (after(days=-2), 1, case)
    page = client.get("/").text
    assert "Since you left 2 d ago" in page
    assert f'<li><a href="/cases/{case}">MUG cannot be pushed</a>' in page
    line = json.loads(stocktriage("since", "--actor", "ana", "--json").out)
    assert line["new"]["cases"][0]["expected_loss"] == 50.0
    assert "1 new" in stocktriage("feed", "--actor", "ana").out
    client.post("/seen")
    assert "Since you left" not in client.get("/").text
    assert client.get("/v1/feed/since").json()["new"]["count"] == 0
    long_ago = client.get("/v1/feed/since", params={"since": "2026-03-01T00:00:00Z"}).json()
    assert long_ago["new"]["count"] == 1


def test_who_was_never_there_hears_no_news(client: TestClient, stocktriage: Run, world: World) -> None:
    a_case(world.database)
    assert client.get("/v1/feed/since").json()["since"] is None
    assert "ben was not here before" in stocktriage("since", "--actor", "ben").out


def test_a_case_is_snoozed_by_exposure_and_by_stock_through_each_door(
    client: TestClient, world: World, stocktriage: Run
) -> None:
    one, two, three = (a_case(world.database, sku) for sku in ("MUG", "CUP", "POT"))
    told = client.post(f"/v1/cases/{one}/snooze", json={"exposure_above": 20, "stock_below": 3}).json()
    assert (told["status"], told["snoozed_above"], told["snoozed_stock_below"]) == ("snoozed", 20.0, 3)
    client.post(f"/cases/{two}/snooze", data={"until": "", "above": "20", "stock_below": "3"})
    assert "exposure above 20.00 EUR or fewer than 3 units available" in client.get(f"/cases/{two}").text
    shown = stocktriage("case", three, "snooze", "--above", "20", "--stock-below", "3").out
    assert "exposure above 20.00 EUR or fewer than 3 units available" in " ".join(shown.split())
    for case in (one, two, three):
        asleep = the_case(world.database, case, MORNING)
        assert (asleep.status, asleep.snoozed_stock_below) == ("snoozed", 3)
    assert client.post(f"/v1/cases/{one}/snooze", json={}).status_code == 409
