"""The pages, as a browser without JavaScript sees them."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.wiring import World
from core_sync.cases.detail import read_case
from core_sync.cases.signals import open_or_join
from simulation.peers.serve import running
from tests.api.repeats import a_case_of_a_repeat
from tests.core_sync.cases.worklist import MORNING, a_case, a_push_fails, the_case


def test_before_anything_is_told_the_page_says_how_to_begin(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "Nothing has been told yet" in page.text
    assert "stocktriage ingest FILE" in page.text


def test_the_worklist_shows_what_the_feed_tells(client: TestClient, world: World) -> None:
    a_case(world.database, "MUG", "1234.5", reasons=["the shop did not answer"], recommended_action="retry_push")
    page = client.get("/").text
    for shown in ("MUG cannot be pushed", "1,234.50 EUR", "timeout", "the shop did not answer", "retry push", "new"):
        assert shown in page


def test_what_others_wrote_is_never_markup(client: TestClient, world: World) -> None:
    case = a_case(world.database, "<script>alert(1)</script>", reasons=["<img src=x onerror=alert(1)>"])
    client.post(f"/cases/{case}/note", data={"note": "<b>bold</b>"})
    for address in ("/", f"/cases/{case}", "/?sku=%22%3E%3Cscript%3E"):
        page = client.get(address).text
        assert not re.search(r"<(script|img|b)\b", page)
    assert "&lt;b&gt;bold&lt;/b&gt;" in client.get(f"/cases/{case}").text


def test_filters_stay_filled_in_and_an_empty_answer_says_so(client: TestClient, world: World) -> None:
    a_case(world.database, "MUG")
    page = client.get("/?sku=NOPE&root_cause=duplicate").text
    assert "No case fits" in page
    assert 'value="NOPE"' in page
    assert '<option value="duplicate" selected>' in page


def test_pages_follow_each_other_and_keep_the_filter(client: TestClient, world: World) -> None:
    for number in range(27):
        a_case(world.database, f"SKU-{number:02}", str(100 - number))
    first = client.get("/?root_cause=timeout").text
    follow = re.search(r'rel="next" href="([^"]+)"', first)
    assert follow is not None
    second = client.get(follow.group(1).replace("&amp;", "&")).text
    assert "SKU-24 cannot" in first
    assert "SKU-25 cannot" not in first
    assert "SKU-25 cannot" in second
    assert '<option value="timeout" selected>' in second
    assert client.get("/?cursor=nonsense").headers["location"] == "/?"


def test_a_case_leads_on_to_the_next_of_its_list_and_back_to_it_also_after_a_verb(
    client: TestClient, world: World
) -> None:
    cases = [
        a_case(world.database, f"SKU-{n}", str(9 - n), root_cause=("timeout", "duplicate")[n % 2]) for n in range(4)
    ]
    listed = client.get("/?root_cause=timeout").text
    assert "SKU-1 cannot" not in listed
    opened = re.search(rf'href="(/cases/{cases[0]}[^"]*)"', listed)
    assert opened is not None
    done = client.post(opened.group(1).replace("?", "/acknowledge?"), follow_redirects=True)
    following = re.search(r'rel="next" href="([^"]+)"', done.text)
    assert following is not None
    last = client.get(following.group(1)).text
    assert "<h1>SKU-2 cannot be pushed</h1>" in last
    assert "the last of the list" in last
    assert 'href="/?root_cause=timeout" accesskey="w"' in last


def test_what_two_people_do_at_the_same_moment_is_all_done(stocked: World) -> None:
    case = a_case(stocked.database, "MUG", "50")
    with running(create_app(stocked)) as address, ThreadPoolExecutor(2) as both:

        def writes_down(person: str) -> list[int]:
            notes = [f"{person} {number}" for number in range(10)]
            return [httpx.post(f"{address}/cases/{case}/note", data={"note": note}).status_code for note in notes]

        answers = [*both.map(writes_down, ("ana", "ben"))]
    assert answers == [[303] * 10] * 2
    with stocked.database.reading() as connection:
        told = Counter(entry.note for entry in read_case(connection, case, MORNING).timeline if entry.verb == "note")
    assert told == Counter(f"{person} {number}" for person in ("ana", "ben") for number in range(10))


@pytest.mark.parametrize(
    ("deed", "fields", "name", "expected"),
    [
        ("acknowledge", {}, "status", "acknowledged"),
        ("begin", {}, "status", "in_progress"),
        ("wait", {}, "status", "waiting"),
        ("assign", {"owner": "ana"}, "owner", "ana"),
        ("snooze", {"until": "4h"}, "status", "snoozed"),
        ("resolve", {"resolution": "restarted"}, "resolution", "restarted"),
        ("override", {"root_cause": "duplicate", "reason": "I asked"}, "root_cause", "duplicate"),
    ],
)
def test_each_form_does_its_verb_and_leads_back(
    client: TestClient, world: World, deed: str, fields: dict[str, str], name: str, expected: str
) -> None:
    case = a_case(world.database)
    page = client.get(f"/cases/{case}").text
    assert f'action="/cases/{case}/{deed}"' in page
    answer = client.post(f"/cases/{case}/{deed}", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/cases/{case}")
    assert getattr(the_case(world.database, case), name) == expected


@pytest.mark.parametrize(
    ("deed", "fields", "why"),
    [
        ("override", {"root_cause": "duplicate"}, "needs a reason"),
        ("override", {"expected_loss": "a lot", "reason": "x"}, "a lot is no amount"),
        ("override", {"expected_loss": "-5", "reason": "x"}, "-5 is no amount"),
        ("override", {"expected_loss": "12,50", "reason": "x"}, "12,50 is no amount; write it like 1,234.50"),
        ("override", {"expected_loss": "1" * 14, "reason": "x"}, "more money than can be kept"),
        ("snooze", {"until": "forever"}, "choose one of the spans"),
        ("merge", {"into": "x"}, "x is no number"),
        ("merge", {"into": "999"}, "there is no case 999"),
        ("split", {}, "say which signals"),
        ("fly", {}, "there is no deed fly"),
    ],
)
def test_what_is_refused_is_said_on_the_page_and_changes_nothing(
    client: TestClient, world: World, deed: str, fields: dict[str, str], why: str
) -> None:
    case = a_case(world.database)
    before = the_case(world.database, case)
    answer = client.post(f"/cases/{case}/{deed}", data=fields)
    if why == "there is no case 999":
        assert answer.status_code == 404
    else:
        assert answer.status_code == 409
    assert why in answer.text
    assert the_case(world.database, case) == before


def test_a_verb_is_undone_from_the_timeline(client: TestClient, world: World) -> None:
    case = a_case(world.database)
    client.post(f"/cases/{case}/assign", data={"owner": "ana"})
    entry = re.findall(r'name="entry" value="(\d+)"', client.get(f"/cases/{case}").text)[0]
    assert client.post(f"/cases/{case}/undo", data={"entry": entry}).status_code == 303
    assert the_case(world.database, case).owner is None
    assert re.findall(r'name="entry" value="(\d+)"', client.get(f"/cases/{case}").text) == []


def test_ticked_signals_become_a_case_of_their_own(client: TestClient, world: World) -> None:
    case = a_case(world.database, "MUG", fingerprint="outage")
    failure = a_push_fails(world.database, "CUP")
    with world.database.transaction() as connection:
        open_or_join(connection, "outage", "failure", failure, MORNING)
    ticks = re.findall(r'name="signal" value="(\d+)"', client.get(f"/cases/{case}").text)
    assert len(ticks) == 2
    client.post(f"/cases/{case}/split", data={"signal": ticks[:1]})
    assert the_case(world.database, case).signals == 1


def test_an_action_is_asked_for_and_approved_on_the_page(client: TestClient, stocked: World) -> None:
    case = a_case_of_a_repeat(stocked)
    assert "decide duplicate" in client.get(f"/cases/{case}").text
    assert client.post(f"/cases/{case}/act", data={"action": "decide_duplicate"}).status_code == 303
    page = client.get(f"/cases/{case}").text
    assert "waits for approval" in page
    run = re.findall(r'name="run" value="(\d+)"', page)[0]
    assert "say why" in client.post(f"/cases/{case}/reject", data={"run": run}).text
    client.post(f"/cases/{case}/reject", data={"run": run, "reason": "not now"})
    page = client.get(f"/cases/{case}").text
    assert "Approve and run" not in page
    assert "not now" in page


def test_a_case_that_is_not_there_is_a_page_that_says_so(client: TestClient) -> None:
    page = client.get("/cases/7")
    assert page.status_code == 404
    assert "there is no case 7" in page.text


def test_pages_load_nothing_from_elsewhere(client: TestClient, world: World) -> None:
    case = a_case(world.database)
    for address in ("/", f"/cases/{case}", "/held", "/login", "/cases/999", "/static/console.css"):
        assert "//" not in re.sub(r"https?://127\.0\.0\.1[^\s]*", "", client.get(address).text)
