"""One verb to many cases through each door: preview, apply, undo of the whole."""

import json
import re
from decimal import Decimal

import pytest
from fastapi.testclient import TestClient

from api.wiring import World
from api.worklist_schemas import BulkShown, PastBulkShown
from core_sync.cases.deeds import DEEDS
from tests.api.conftest import Run
from tests.core_sync.cases.worklist import a_case, the_case


@pytest.fixture
def three(world: World, client: TestClient) -> list[int]:
    """Three cases; the last is resolved."""
    cases = [a_case(world.database, sku, loss) for sku, loss in (("MUG", "50"), ("CUP", "30"), ("POT", "9"))]
    client.post(f"/v1/cases/{cases[2]}/resolve", json={"resolution": "restarted"})
    return cases


def statuses(world: World, cases: list[int]) -> list[str]:
    return [the_case(world.database, case).status for case in cases]


def test_over_http_it_is_previewed_done_and_undone(client: TestClient, world: World, three: list[int]) -> None:
    body = {"verb": "acknowledge", "cases": three, "dry_run": True}
    foretold = BulkShown.model_validate(client.post("/v1/bulk", json=body).json())
    assert [one.case for one in foretold.done] == three[:2]
    assert [(one.case, one.refused) for one in foretold.refused] == [(three[2], "it is resolved")]
    assert foretold.expected_loss == {"EUR": 80.0}
    assert statuses(world, three) == ["new", "new", "resolved"]
    done = BulkShown.model_validate(client.post("/v1/bulk", json={**body, "dry_run": False}).json())
    assert (done.done, done.refused) == (foretold.done, foretold.refused)
    assert statuses(world, three) == ["acknowledged", "acknowledged", "resolved"]
    (past,) = (PastBulkShown.model_validate(one) for one in client.get("/v1/bulk").json())
    assert (past.bulk, past.cases, past.actor) == (done.bulk, 2, "operator")
    BulkShown.model_validate(client.post(f"/v1/bulk/{done.bulk}/undo", json={}).json())
    assert statuses(world, three) == ["new", "new", "resolved"]


def test_over_http_cases_are_taken_by_what_they_have_in_common(
    client: TestClient, world: World, three: list[int]
) -> None:
    told = client.post("/v1/bulk", json={"verb": "assign", "owner": "bo", "fitting": {"sku": "CUP"}}).json()
    assert [one["case"] for one in told["done"]] == [three[1]]
    assert the_case(world.database, three[1]).owner == "bo"
    for body in ({"verb": "acknowledge"}, {"verb": "fly", "cases": three}):
        assert client.post("/v1/bulk", json=body).status_code == 409


def test_on_the_command_line(stocktriage: Run, world: World, three: list[int]) -> None:
    trial = stocktriage("bulk", "ack", "--case", three[0], "--case", three[2], "--dry-run")
    assert trial.code == 0
    assert "1 case would change, expected loss 50.00 EUR" in trial.out
    assert f"case {three[2]} would refuse: it is resolved" in trial.out
    assert statuses(world, three) == ["new", "new", "resolved"]
    done = stocktriage("bulk", "snooze", "4h", "--cause", "timeout", "--json", "--actor", "ana")
    told = json.loads(done.out)
    assert [one["case"] for one in told["done"]] == three[:2]
    assert "snooze" in stocktriage("bulk").out
    assert "2 cases changed" in stocktriage("bulk", "undo", told["bulk"]).out
    assert statuses(world, three) == ["new", "new", "resolved"]
    assert stocktriage("bulk", "ack").code == 2, "all cases are never meant by saying nothing"
    assert stocktriage("bulk", "ack", "--case", three[2]).code == 1, "done, with some refused"


def test_on_the_page_what_is_ticked_is_previewed_done_and_undone(
    client: TestClient, world: World, three: list[int]
) -> None:
    ticks = {"case": [str(case) for case in three], "verb": "assign", "what": "bo", "back": "sku=MUG"}
    preview = client.post("/bulk", data=ticks).text
    assert "<strong>2</strong> cases would change" in preview
    assert "it is resolved" in preview
    assert the_case(world.database, three[0]).owner is None
    fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', preview)
    again: dict[str, list[str]] = {}
    for name, value in fields:
        again.setdefault(name, []).append(value)
    answer = client.post("/bulk", data=again)
    assert answer.headers["location"].startswith("/?sku=MUG&done=")
    assert [the_case(world.database, case).owner for case in three] == ["bo", "bo", None]
    page = client.get(answer.headers["location"]).text
    assert "2 cases: assign done." in page
    undo = re.search(r'action="(/bulk/\d+/undo)"', page)
    assert undo is not None
    assert "<strong>2</strong> cases changed" in client.post(undo.group(1), data={"back": "sku=MUG"}).text
    assert the_case(world.database, three[0]).owner is None
    assert "undo all of it" not in client.get(answer.headers["location"]).text


def test_the_page_offers_each_verb_with_what_it_needs_and_what_was_done_lately(
    client: TestClient, world: World, three: list[int]
) -> None:
    page = client.get("/").text
    assert all(f'<option value="{verb}">{verb}</option>' in page for verb in DEEDS)
    both = {"case": [str(case) for case in three[:2]], "what": "a key account", "do": "yes"}
    overridden = {**both, "verb": "override", "root_cause": "duplicate", "expected_loss": "1,700.50"}
    preview = client.post("/bulk", data={**overridden, "do": ""}).text
    assert "root cause: duplicate; ranked as: 1,700.50 EUR; why: a key account; until: taken back" in preview
    client.post("/bulk", data=overridden)
    client.post("/bulk", data={**both, "verb": "snooze", "until": "", "above": "900", "stock_below": "3"})
    for case in three[:2]:
        told = the_case(world.database, case)
        assert (told.root_cause, told.override_expected_loss) == ("duplicate", Decimal("1700.5"))
        assert told.override is not None
        assert (told.status, told.override.until) == ("snoozed", None)
        assert (told.snoozed_until, told.snoozed_above, told.snoozed_stock_below) == (None, Decimal(900), 3)
    lately = client.get("/").text
    assert lately.index("operator: snooze, 2 cases") < lately.index("operator: override, 2 cases")
    newest = re.search(r'action="(/bulk/\d+/undo)"', lately)
    assert newest is not None
    client.post(newest.group(1), data={})
    assert statuses(world, three) == ["new", "new", "resolved"]


def test_the_page_takes_all_that_fit_and_says_what_is_missing(
    client: TestClient, world: World, three: list[int]
) -> None:
    everything = {"which": "all", "verb": "acknowledge", "back": "sku=CUP", "do": "yes"}
    assert client.post("/bulk", data=everything).status_code == 303
    assert statuses(world, three) == ["new", "acknowledged", "resolved"]
    refused = client.post("/bulk", data={"verb": "acknowledge"})
    assert refused.status_code == 409
    assert "say which cases" in refused.text
