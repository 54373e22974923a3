"""Held events through every door: the list, its pages, and the verbs, asked first or carried out."""

import json
import re

import pytest
from fastapi.testclient import TestClient

from api.stock_schemas import EntryExplained, Explanation, HeldPage, VerdictShown
from api.wiring import World
from core_sync.database.engine import Database
from core_sync.ledger.events import EventType
from core_sync.ledger.ledger import Ledger
from tests.api.conftest import Run
from tests.builders import MONDAY, a_receipt, a_reservation, a_shipment, an_event

LINE = {"document": "PO-1", "line": "1"}
HELD = [
    a_receipt(5, event_id="first", **LINE), a_receipt(5, event_id="second", **LINE),
    a_shipment(9, event_id="too-much"), a_receipt(6, event_id="first", **LINE),
]  # fmt: skip


@pytest.fixture
def held(stocked: World) -> World:
    """A world with a suspected duplicate (1), a parked shipment (2) and a contradicting telling (3)."""
    with stocked.ledger() as ledger:
        ledger.apply(HELD, MONDAY)
    return stocked


def on_hand(client: TestClient) -> int:
    return int(client.get("/v1/positions").json()["items"][0]["on_hand"])


def test_the_list_tells_why_each_is_held_in_pages(client: TestClient, held: World) -> None:
    first = HeldPage.model_validate(client.get("/v1/held?limit=2").json())
    second = HeldPage.model_validate(client.get("/v1/held", params={"cursor": first.next_cursor}).json())
    assert [(one.event.split("#")[0], one.status) for one in first.items + second.items] == [
        ("second", "suspected_duplicate"), ("too-much", "parked"), ("first", "conflict"),
    ]  # fmt: skip
    assert first.items[0].twin is not None
    assert (first.items[0].twin.event, first.items[1].asked, first.items[1].there) == ("first", 9, 5)
    assert first.waiting == {"conflict": 1, "parked": 1, "suspected_duplicate": 1}
    assert [one["event"] for one in client.get("/v1/held?status=parked&sku=MUG&source=wms").json()["items"]] == [
        "too-much"
    ]
    assert client.get("/v1/held?cursor=x").status_code == 400
    assert client.get("/v1/held?status=odd").status_code == 422
    assert client.get("/v1/held/99").status_code == 404


def test_a_verb_is_asked_first_and_then_carried_out(client: TestClient, held: World) -> None:
    would = VerdictShown.model_validate(client.post("/v1/held/1/apply", json={"dry_run": True}).json())
    assert (would.status, would.positions[0].on_hand, on_hand(client)) == ("applied", 1, 5)
    assert [entry.event_id for entry in would.entries] == ["second", "too-much"]
    done = VerdictShown.model_validate(client.post("/v1/held/1/apply", json={"note": "two pallets"}).json())
    assert (done.dry_run, on_hand(client)) == (False, 1)
    assert client.post("/v1/held/1/apply", json={}).status_code == 409
    assert client.post("/v1/held/3/confirm", json={}).json()["status"] == "dismissed"
    assert client.get("/v1/held/3").json()["decided_by"] == "operator"


def test_an_entry_is_taken_back_by_its_number(client: TestClient, held: World) -> None:
    entry = EntryExplained.model_validate(client.get("/v1/entries?source=wms&event_id=first").json())
    asked = client.post(f"/v1/entries/{entry.entry}/reverse", json={"dry_run": True}).json()
    assert ([one["on_hand"] for one in asked["entries"]], on_hand(client)) == ([-5], 5)
    assert client.post(f"/v1/entries/{entry.entry}/reverse", json={}).status_code == 200
    assert on_hand(client) == 0
    assert client.post(f"/v1/entries/{entry.entry}/reverse", json={}).status_code == 409
    assert client.post("/v1/entries/99/reverse", json={}).status_code == 404


def test_the_command_line_lists_shows_and_decides(stocktriage: Run, sqlite_url: str) -> None:
    database = Database(sqlite_url)
    Ledger(database).apply(HELD, MONDAY)
    rows = [json.loads(line) for line in stocktriage("held", "--json").out.splitlines()]
    assert [(row["held"], row["status"]) for row in rows] == [
        (1, "suspected_duplicate"),
        (2, "parked"),
        (3, "conflict"),
    ]
    assert "ship asks 9 of on_hand where 5 are" in stocktriage("held", "--status", "parked").out
    assert "they differ in quantity" in stocktriage("held", 3).out
    asked = json.loads(stocktriage("held", 3, "apply", "--dry-run", "--json").out)
    assert ([one["on_hand"] for one in asked["entries"]], asked["dry_run"]) == ([-5, 6], True)
    assert "is dismissed" in stocktriage("held", 1, "confirm", "--actor", "ana").out
    assert stocktriage("held", 2, "refuse").code == 0
    assert "would be reversed" in stocktriage("reverse", "wms", "first", "--dry-run").out
    assert json.loads(stocktriage("reverse", "wms", "first", "--json").out)["positions"][0]["on_hand"] == 0
    assert stocktriage("reverse", "wms", "first").code == 2
    assert stocktriage("held", 1, "explode").code == 2
    assert stocktriage("held", "--status", "odd").code == 2


def test_the_page_shows_twins_and_does_what_its_buttons_say(client: TestClient, held: World) -> None:
    page = client.get("/held").text
    for shown in ("ship asks 9 of on_hand where 5 are", "It is the same movement", "This one is right", "differs in"):
        assert shown in page
    asked = client.post("/held/1/apply", data={"dry_run": "yes", "status": "suspected_duplicate"}).text
    assert "would make it applied" in asked
    assert "on hand 1, available 1 units" in asked
    assert on_hand(client) == 5
    done = client.post("/held/1/apply", data={"status": "suspected_duplicate"})
    assert (done.status_code, done.headers["location"]) == (303, "/held?status=suspected_duplicate")
    assert "No held event fits" in client.get("/held?status=suspected_duplicate").text
    again = client.post("/held/1/apply", data={})
    assert again.status_code == 409
    assert "in the ledger already" in again.text
    assert "there is no deed" in client.post("/held/1/fly", data={}).text


def test_what_a_source_wrote_is_never_markup(client: TestClient, stocked: World) -> None:
    with stocked.ledger() as ledger:
        ledger.apply([a_shipment(1, event_id="<script>1</script>", document="<img src=x>")], MONDAY)
    assert not re.search(r"<(script|img)\b", client.get("/held?sku=%22%3E%3Cscript%3E").text + client.get("/held").text)


def test_behind_a_figure_stand_its_entries_and_what_waits(client: TestClient, held: World) -> None:
    told = Explanation.model_validate(client.get("/v1/explain/MUG?place=LEEDS").json())
    assert ([entry.event_id for entry in told.entries], [one.held for one in told.held]) == (["first"], [1, 2, 3])
    before = client.get("/v1/explain/MUG?as_of=2026-03-02T07:00:00Z")
    assert before.status_code == 404
    page = client.get("/stock?sku=MUG&place=LEEDS").text
    for shown in ("receipt 5", "ship asks 9 of on_hand where 5 are", "take back…"):
        assert shown in page
    entry = told.entries[0].entry
    asked = client.post(f"/stock/{entry}/reverse", data={"sku": "MUG", "dry_run": "yes"}).text
    assert "on hand 0, available 0 units" in asked
    done = client.post(f"/stock/{entry}/reverse", data={"sku": "MUG"})
    assert (done.status_code, done.headers["location"], on_hand(client)) == (303, "/stock?sku=MUG", 0)
    assert "taken back before" in client.post(f"/stock/{entry}/reverse", data={"sku": "MUG"}).text
    assert "taken back" in client.get("/stock?sku=MUG").text
    assert "no moment" in client.get("/stock?sku=MUG&as_of=soon").text
    assert "Which SKU?" in client.get("/stock").text


def test_entries_follow_in_pages_on_every_door(client: TestClient, stocked: World, stocktriage: Run) -> None:
    with stocked.ledger() as ledger:
        ledger.apply([a_receipt(1, event_id=f"r{n:03}", hours=n) for n in range(60)], MONDAY)
    first = client.get("/v1/explain/MUG?limit=40").json()
    second = client.get("/v1/explain/MUG", params={"limit": 40, "cursor": first["next_cursor"]}).json()
    assert [one["event_id"] for one in (first["entries"] + second["entries"])[::59]] == ["r059", "r000"]
    assert second["next_cursor"] is None
    more = re.search(r'href="(/stock\?[^"]*)">older', client.get("/stock?sku=MUG").text)
    assert more is not None
    assert "r009" in client.get(more.group(1).replace("&amp;", "&")).text
    assert len(json.loads(stocktriage("explain", "MUG", "--json").out)["entries"]) == 60
    shown = stocktriage("explain", "MUG").out
    assert "r040" in shown
    assert "r039" not in shown
    cursor = re.search(r"--cursor '(.+)'", shown)
    assert cursor is not None
    assert "r039" in stocktriage("explain", "MUG", "--cursor", cursor.group(1)).out
    then = json.loads(stocktriage("explain", "MUG", "--as-of", "2026-03-02T09:00:00Z", "--json").out)
    assert ([one["on_hand"] for one in then["positions"]], len(then["entries"])) == ([2], 2)


def test_what_is_reserved_under_way_and_held_stands_behind_the_figures(
    client: TestClient, stocked: World, stocktriage: Run
) -> None:
    with stocked.ledger() as ledger:
        announced = an_event(EventType.INBOUND_ANNOUNCED, 4, document="PO-2", expires_at=MONDAY)
        ledger.apply([a_receipt(9), a_reservation(3, document="SO-1", account="ACME"), announced], MONDAY)
        ledger.apply([a_shipment(1, document="SO-1")], MONDAY)
    told = Explanation.model_validate(client.get("/v1/explain/MUG").json())
    assert sorted((one.kind, one.reference, one.placed, one.open) for one in told.open_items) == [
        ("reservation", "SO-1", 3, 2), ("transit", "PO-2", 4, 4),
    ]  # fmt: skip
    assert "PO-2" in stocktriage("explain", "MUG").out
    assert "past" in client.get("/stock?sku=MUG").text
