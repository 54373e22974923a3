"""The worklist and the verbs over HTTP."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.case_schemas import CaseShown, FacetsShown, FeedPage, PlanShown, RunShown
from api.shapes import FEED_FIELDS, SKUS_LISTED
from api.wiring import World
from core_sync.cases.weigh import Opinion, write_opinion
from tests.api.repeats import a_case_of_a_repeat
from tests.core_sync.cases.worklist import MORNING, a_case


def test_the_feed_is_ranked_and_paged_and_says_what_openapi_says(client: TestClient, world: World) -> None:
    cases = [a_case(world.database, f"SKU-{n}", str(100 - n)) for n in range(5)]
    first = FeedPage.model_validate(client.get("/v1/feed?limit=2").json())
    second = FeedPage.model_validate(client.get(f"/v1/feed?limit=3&cursor={first.next_cursor}").json())
    assert [item.case for item in first.items + second.items] == cases
    assert [item.rank for item in second.items] == [3, 4, 5]
    assert second.next_cursor is None
    assert (first.total_cases, first.total_expected_loss) == (5, {"EUR": 490.0})


def test_the_list_in_sum_counts_what_fits_and_says_how_much_the_first_cases_cover(
    client: TestClient, world: World
) -> None:
    for number, loss in enumerate((90, 60, 30, 20)):
        a_case(world.database, f"SKU-{number}", str(loss), root_cause="timeout" if number else "duplicate")
    told = FacetsShown.model_validate(client.get("/v1/feed/facets").json())
    assert (told.total_cases, told.facets["root_cause"]) == (4, {"timeout": 3, "duplicate": 1})
    assert [(one.cases, one.share, one.left) for one in told.coverage] == [(1, 0.45, 110.0), (4, 1.0, 0.0)]
    narrowed = FacetsShown.model_validate(client.get("/v1/feed/facets?root_cause=timeout").json())
    assert (narrowed.total_cases, narrowed.total_expected_loss) == (3, {"EUR": 110.0})


def test_words_find_cases_by_their_beginning(client: TestClient, world: World) -> None:
    mug, _ = a_case(world.database, "MUG"), a_case(world.database, "PLATE")
    assert [item["case"] for item in client.get("/v1/feed?search=mu+push").json()["items"]] == [mug]


def test_every_promised_field_is_there_and_money_is_a_number(client: TestClient, world: World) -> None:
    a_case(world.database, "MUG", "12.34")
    item = client.get("/v1/feed").json()["items"][0]
    assert list(item)[: len(FEED_FIELDS)] == list(FEED_FIELDS)
    assert (item["expected_loss"], item["currency"], item["opened_at"]) == (12.34, "EUR", "2026-03-02T08:00:00Z")


def test_a_page_names_the_first_skus_of_an_outage_and_the_case_names_all(client: TestClient, world: World) -> None:
    case = a_case(world.database)
    touched = [f"SKU-{number:04}" for number in range(SKUS_LISTED + 1)]
    with world.database.transaction() as connection:
        write_opinion(connection, case, Opinion(title="outage", root_cause="timeout", skus=touched), MORNING)
    (item,) = FeedPage.model_validate(client.get("/v1/feed").json()).items
    assert (item.skus, item.sku_count) == (touched[:SKUS_LISTED], len(touched))
    assert client.get(f"/v1/cases/{case}").json()["skus"] == touched


def test_filters_narrow_and_nonsense_is_refused(client: TestClient, world: World) -> None:
    a_case(world.database, "MUG", "50")
    cup = a_case(world.database, "CUP", "40", root_cause="duplicate")
    assert [item["case"] for item in client.get("/v1/feed?root_cause=duplicate").json()["items"]] == [cup]
    assert client.get("/v1/feed?sku=NOPE").json()["items"] == []
    for query in ("status=asleep", "limit=0", "limit=501", "abstained=perhaps"):
        answer = client.get(f"/v1/feed?{query}")
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:stocktriage:problem:invalid-request")
        assert answer.json()["errors"][0]["field"].startswith(query.partition("=")[0])
    assert client.get("/v1/feed?cursor=nonsense").json()["type"] == "urn:stocktriage:problem:cursor-refused"


@pytest.mark.parametrize(
    ("verb", "body", "expected"),
    [
        ("acknowledge", {"note": "looking"}, {"status": "acknowledged"}),
        ("begin", {}, {"status": "in_progress"}),
        ("wait", {"note": "the carrier calls back"}, {"status": "waiting"}),
        ("assign", {"owner": "ana"}, {"owner": "ana"}),
        ("snooze", {"until": "2026-03-02T12:00:00Z"}, {"status": "snoozed", "snoozed_until": "2026-03-02T12:00:00Z"}),
        ("resolve", {"resolution": "restarted"}, {"status": "resolved", "resolution": "restarted"}),
        (
            "override",
            {"reason": "I know", "root_cause": "other"},
            {"root_cause": "other", "model_root_cause": "timeout"},
        ),
    ],
)
def test_a_verb_changes_the_case_and_can_be_undone(
    client: TestClient, world: World, verb: str, body: dict[str, Any], expected: dict[str, Any]
) -> None:
    case = a_case(world.database)
    before = client.get(f"/v1/cases/{case}").json()
    answer = client.post(f"/v1/cases/{case}/{verb}", json=body)
    assert answer.status_code == 200
    told = CaseShown.model_validate(answer.json())
    assert {name: answer.json()[name] for name in expected} == expected
    entry = told.timeline[-1]
    assert (entry.actor, entry.verb, entry.can_be_undone) == ("operator", verb, True)
    undone = client.post(f"/v1/cases/{case}/undo", json={"entry": entry.entry}).json()
    assert {name: undone[name] for name in expected} == {name: before[name] for name in expected}


def test_a_verb_that_the_state_does_not_allow_is_a_conflict_with_its_data(client: TestClient, world: World) -> None:
    case = a_case(world.database)
    client.post(f"/v1/cases/{case}/resolve", json={"resolution": "done"})
    answer = client.post(f"/v1/cases/{case}/acknowledge", json={})
    assert answer.status_code == 409
    told = answer.json()
    assert (told["verb"], told["subject"], told["reason"]) == ("acknowledge", f"case {case}", "it is resolved")


def test_a_case_that_is_not_there_is_not_found(client: TestClient) -> None:
    for answer in (client.get("/v1/cases/7"), client.post("/v1/cases/7/acknowledge", json={})):
        assert (answer.status_code, answer.json()["detail"]) == (404, "there is no case 7")


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("snooze", {"until": "2026-03-02T12:00:00"}),
        ("override", {"reason": ""}),
        ("split", {"signals": []}),
        ("acknowledge", {"nonsense": 1}),
    ],
)
def test_a_body_that_is_not_understood_is_refused_and_nothing_changes(
    client: TestClient, world: World, verb: str, body: dict[str, Any]
) -> None:
    case = a_case(world.database)
    before = client.get(f"/v1/cases/{case}").json()
    assert client.post(f"/v1/cases/{case}/{verb}", json=body).status_code == 422
    assert client.get(f"/v1/cases/{case}").json() == before


def test_merge_and_split_go_through_the_api(client: TestClient, world: World) -> None:
    one, other = a_case(world.database, "MUG"), a_case(world.database, "CUP")
    assert client.post(f"/v1/cases/{one}/merge", json={"into": other}).json()["merged_into"] == other
    signals = [signal["signal"] for signal in client.get(f"/v1/cases/{other}").json()["evidence"]]
    assert len(signals) == 2
    assert client.post(f"/v1/cases/{other}/split", json={"signals": signals[:1]}).json()["signals"] == 1


def test_an_action_is_previewed_asked_for_and_rejected(client: TestClient, stocked: World) -> None:
    case = a_case_of_a_repeat(stocked)
    plan = client.post(f"/v1/cases/{case}/act", json={"dry_run": True})
    assert PlanShown.model_validate(plan.json()).action == "decide_duplicate"
    assert client.get(f"/v1/cases/{case}/runs").json() == []
    run = RunShown.model_validate(client.post(f"/v1/cases/{case}/act", json={}).json())
    assert run.status == "awaiting_approval"
    assert client.post(f"/v1/cases/{case}/act", json={}).json()["run"] == run.run, "asked twice, it is one run"
    rejected = client.post(f"/v1/runs/{run.run}/reject", json={"reason": "not now"}).json()
    assert (rejected["status"], rejected["outcome"]) == ("rejected", "not now")
    assert client.post(f"/v1/runs/{run.run}/approve", json={}).status_code == 409
    assert client.post("/v1/runs/999/approve", json={}).status_code == 404


def test_autonomy_is_shown_and_set_with_a_reason(client: TestClient) -> None:
    ladder = {row["action"]: row["level"] for row in client.get("/v1/autonomy").json()}
    assert (ladder["retry_push"], ladder["decide_duplicate"]) == ("auto", "approve")
    answer = client.put("/v1/autonomy/retry_push", json={"level": "off", "reason": "peak week"})
    assert (answer.status_code, answer.json()[0]["level"], answer.json()[0]["owner"]) == (200, "off", "operator")
    assert client.put("/v1/autonomy/retry_push", json={"level": "always", "reason": "x"}).status_code == 409
    assert client.put("/v1/autonomy/fly", json={"level": "off", "reason": "x"}).status_code == 404
