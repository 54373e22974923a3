"""Expectations are listed and set over HTTP and on the command line alike."""

import json

from fastapi.testclient import TestClient

from api.schemas import ExpectationShown
from tests.api.conftest import Run


def listed(client: TestClient, kind: str) -> ExpectationShown:
    (only,) = client.get("/v1/expectations", params={"expectation": kind}).json()
    return ExpectationShown.model_validate(only)


def test_a_kind_has_its_default_until_somebody_sets_it_and_says_why(client: TestClient) -> None:
    assert (listed(client, "pick_to_ship").basis, listed(client, "pick_to_ship").limit_s) == ("default", 16 * 3600)
    body = {"limit": "90m", "reason": "the carrier leaves at noon"}
    assert client.put("/v1/expectations/pick_to_ship", json=body).status_code == 200
    told = listed(client, "pick_to_ship")
    assert (told.basis, told.limit_s, told.reason) == ("set", 5400, "the carrier leaves at noon")
    client.put("/v1/expectations/pick_to_ship", json={"limit": "learned", "reason": "no more"})
    assert listed(client, "pick_to_ship").basis == "default"


def test_what_cannot_be_set_is_refused_with_the_reason(client: TestClient) -> None:
    assert client.put("/v1/expectations/nonsense", json={"limit": "1h", "reason": "x"}).status_code == 404
    refused = client.put("/v1/expectations/pick_to_ship", json={"limit": "soon", "reason": "x"})
    assert refused.status_code == 409
    assert "write 90m, 4h or 2d" in refused.json()["detail"]
    assert client.get("/v1/expectations?expectation=nonsense").status_code == 404


def test_the_command_line_lists_and_sets_them(stocktriage: Run) -> None:
    assert stocktriage("expectations", "source_speaks", "off", "--source", "erp").code == 2  # no reason
    set_off = stocktriage("expectations", "pick_to_ship", "off", "--reason", "moving house", "--actor", "ann", "--json")
    assert [json.loads(line)["basis"] for line in set_off.out.splitlines()] == ["off"]
    listed = [json.loads(line) for line in stocktriage("expectations", "--json").out.splitlines()]
    assert {row["expectation"]: row["owner"] for row in listed}["pick_to_ship"] == "ann"
    assert "working time" in stocktriage("expectations").out
