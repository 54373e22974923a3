"""The worklist as a whole, alike over HTTP, on the command line and on the pages."""

import json
import re

from fastapi.testclient import TestClient

from api.app import create_app
from api.console.deeds import DEEDS as FORMS
from api.wiring import World
from api.worklist_schemas import SinceShown, ViewShown
from core_sync.cases.attendance import visit
from core_sync.cases.deeds import DEEDS
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


def test_every_verb_is_there_through_each_door(world: World, stocktriage: Run) -> None:
    verbs = {*DEEDS, "split", "undo"}
    routes = create_app(world).openapi()["paths"]
    assert [verb for verb in verbs if f"/v1/cases/{{case_id}}/{verb}" not in routes] == []
    assert verbs - FORMS.keys() == set()
    told = stocktriage("case", "--help").out.replace("ack,", "acknowledge,")
    assert [verb for verb in verbs if verb not in told] == []


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


def test_a_view_saved_through_one_door_is_there_in_the_others(
    client: TestClient, world: World, stocktriage: Run
) -> None:
    cup = a_case(world.database, "CUP", "40", root_cause="duplicate")
    pot = a_case(world.database, "POT", "90", root_cause="duplicate")
    a_case(world.database, "MUG", "50")
    body = {"fitting": {"root_cause": "duplicate"}, "order": "oldest", "shared": True}
    saved = ViewShown.model_validate(client.put("/v1/views/doubles", json=body).json())
    assert (saved.owner, saved.fitting.root_cause, saved.fitting.status) == (None, "duplicate", [])
    assert [item["case"] for item in client.get("/v1/feed?view=doubles").json()["items"]] == [cup, pot]
    assert client.get("/v1/feed?view=nope").status_code == 404
    rows = stocktriage("feed", "--view", "doubles", "--actor", "ana", "--json").out.splitlines()
    assert [json.loads(row)["case"] for row in rows] == [cup, pot]
    link = re.search(r'href="(/\?[^"]+)">doubles</a>', client.get("/").text)
    assert link is not None
    page = client.get(link.group(1).replace("&amp;", "&")).text
    assert "<strong>doubles</strong>" in page
    assert page.index("CUP cannot") < page.index("POT cannot")
    assert "MUG cannot" not in page
    client.post("/views", data={"name": "mine", "here": "sku=MUG&status=all"})
    stocktriage("views", "--save", "hers", "--status", "new", "--status", "waiting", "--actor", "operator")
    told = {one["name"]: one["fitting"] for one in client.get("/v1/views").json()}
    assert (told["mine"]["sku"], told["hers"]["status"]) == ("MUG", ["new", "waiting"])
    listed = stocktriage("views", "--actor", "operator").out
    assert all(name in listed for name in ("doubles", "mine", "hers"))
    client.post("/views", data={"forget": "mine"})
    assert client.delete("/v1/views/hers").status_code == 200
    assert [one["name"] for one in client.get("/v1/views").json()] == ["doubles"]


def test_what_is_on_the_list_is_counted_through_each_door(client: TestClient, world: World, stocktriage: Run) -> None:
    for number, cause in enumerate(("timeout", "timeout", "duplicate")):
        a_case(world.database, f"SKU-{number}", "10", root_cause=cause)
    page = client.get("/").text
    assert re.search(r'root_cause=timeout">timeout</a> <span class="dim">2</span>', page)
    assert "<dt>root cause</dt>" not in client.get("/?root_cause=timeout").text, "it is narrowed by that already"
    printed = stocktriage("feed", "--facets").out
    assert "timeout 2, duplicate 1" in printed
    told = json.loads(stocktriage("feed", "--facets", "--json", "--root-cause", "duplicate").out)
    assert (told["total_cases"], told["facets"]["root_cause"]) == (1, {"duplicate": 1})
