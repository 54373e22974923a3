"""Anomalies are judged by the same words over HTTP, on the command line and in the console."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from api.jobs.triage import triage
from api.wiring import World
from core_sync.snapshots.reconcile import reconcile
from core_sync.snapshots.store import Figure, store_figures
from tests.api.conftest import Run
from tests.builders import MONDAY, a_receipt


@pytest.fixture
def strange(stocked: World) -> World:
    """The shop shows four hundred of twenty mugs: case 1."""
    at = stocked.clock()
    with stocked.ledger() as ledger:
        ledger.apply([a_receipt(20, hours=-24)], MONDAY)
    with stocked.database.transaction() as connection:
        store_figures(connection, [Figure("shop", "MUG", "", "available", 400, at)], at)
    reconcile(stocked.database, at)
    triage(stocked)
    return stocked


def test_a_false_alarm_needs_a_reason_and_can_be_undone(client: TestClient, strange: World) -> None:
    assert client.post("/v1/cases/1/judge", json={"said": "false"}).status_code == 409
    case = client.post("/v1/cases/1/judge", json={"said": "false", "reason": "a display set"}).json()
    assert case["status"] == "resolved"
    (said,) = client.get("/v1/judgements", params={"case": 1}).json()
    assert (said["said"], said["reason"], said["rows"]) == ("false", "a display set", 1)
    (undone,) = client.post(f"/v1/judgements/{said['judgement']}/undo").json()
    assert undone["ended_by"] == said["said_by"]
    assert client.get("/v1/cases/1").json()["status"] == "acknowledged"


def test_what_is_expected_is_listed_with_what_it_keeps_off_the_list(client: TestClient, strange: World) -> None:
    until = (strange.clock() + timedelta(days=7)).isoformat()
    body = {"said": "expected", "until": until, "within": ["sku"], "reason": "promotion"}
    client.post("/v1/cases/1/judge", json=body)
    (kept_off,) = client.get("/v1/expected").json()
    assert (kept_off["sku"], kept_off["channel"], kept_off["suppressed"]) == ("MUG", "", 1)
    (found,) = client.get("/v1/anomalies", params={"suppressed": True, "sku": "MUG"}).json()
    assert found["suppressed_by"] == kept_off["judgement"]
    assert client.get("/v1/anomalies", params={"suppressed": False}).json() == []


def test_a_case_shows_its_course_in_a_picture_and_in_words(client: TestClient, strange: World) -> None:
    course = client.get("/v1/cases/1/past").json()["course"]
    assert course["days"][-1]["on_hand"] == 20
    assert "a figure of 400" in course["alternative"]
    assert client.get("/v1/cases/9/past").status_code == 404
    shown = client.get("/cases/1").text
    assert 'role="img"' in shown
    assert "a figure of 400" in shown


def test_cases_like_it_are_told_with_what_became_of_them(client: TestClient, strange: World) -> None:
    client.post("/v1/cases/1/judge", json={"said": "false", "reason": "a display set"})
    at = strange.clock() + timedelta(minutes=1)
    with strange.database.transaction() as connection:
        store_figures(connection, [Figure("shop", "PLATE", "", "available", 400, at)], at)
    with strange.ledger() as ledger:
        ledger.apply([a_receipt(20, hours=-24, sku="PLATE")], MONDAY)
    reconcile(strange.database, at)
    triage(strange)
    (like,) = client.get("/v1/cases/2/past").json()["similar"]
    assert (like["case"], like["said"], like["reason"]) == (1, "false", "a display set")
    assert "a display set" in client.get("/cases/2").text


def test_how_many_false_alarms_are_accepted_is_said_with_a_reason(client: TestClient, stocktriage: Run) -> None:
    body = {"accept": "5", "reason": "two people"}
    rows = {row["kind"]: row for row in client.put("/v1/detection/delta", json=body).json()}
    assert (rows["delta"]["a_day"], rows["delta"]["guarantee_suspended"]) == (5, False)
    assert client.put("/v1/detection/delta", json={"accept": "90%", "reason": "x"}).status_code == 409
    assert client.put("/v1/detection/orders", json=body).status_code == 404
    told = stocktriage("detection", "movement", "20%", "--reason", "a quiet month", "--actor", "ann")
    assert "0.2 of alarms" in told.out
    assert "5 a day" in stocktriage("detection").out
    assert stocktriage("detection", "movement", "often", "--reason", "x").code == 2


def test_the_command_line_judges_and_takes_back(strange: World, stocktriage: Run) -> None:
    assert stocktriage("judge", 1, "false").code == 2
    assert stocktriage("judge", 1, "expected", "--until", "7d", "--reason", "promotion", "--actor", "ann").code == 0
    assert "promotion" in stocktriage("expected").out
    assert stocktriage("judgements", 1, "undo", "--actor", "ben").code == 0
    assert "ben" in stocktriage("judgements").out
    assert "nothing is expected" in stocktriage("expected").out
    assert "no audits today" in stocktriage("audits").out
    assert "MUG" in stocktriage("anomalies").out


def test_the_console_judges_a_case_and_shows_what_was_said(client: TestClient, strange: World) -> None:
    assert "say until" not in client.get("/cases/1").text
    refused = client.post("/cases/1/judge", data={"said": "false"})
    assert (refused.status_code, "needs a reason" in refused.text) == (409, True)
    assert client.post("/cases/1/judge", data={"said": "true", "reason": "lost parcel"}).status_code == 303
    page = client.get("/detection").text
    assert "lost parcel" in page
    client.post("/cases/1/unjudge", data={"judgement": "1"})
    assert "taken back by" in client.get("/cases/1").text
    client.post("/detection/accept/delta", data={"accept": "5", "reason": "two people"})
    assert "two people" in client.get("/detection").text
