"""The hand-over: what is open, whose it is, what was noted and what comes next, as a page and as files."""

import csv
import io
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.wiring import World
from tests.api.conftest import Run
from tests.api.repeats import a_case_of_a_repeat
from tests.core_sync.cases.worklist import a_case


@pytest.fixture
def evening(client: TestClient, world: World) -> dict[str, int]:
    """One case in work with notes, one asleep, one resolved."""
    cases = {sku: a_case(world.database, sku, loss) for sku, loss in (("MUG", "90"), ("CUP", "50"), ("POT", "10"))}
    client.post(f"/v1/cases/{cases['MUG']}/assign", json={"owner": "ana", "note": "=HYPERLINK(1)"})
    client.post(f"/v1/cases/{cases['MUG']}/note", json={"note": "called | the <shop>"})
    client.post(f"/v1/cases/{cases['CUP']}/snooze", json={"stock_below": 4})
    client.post(f"/v1/cases/{cases['POT']}/resolve", json={"resolution": "over"})
    return cases


def test_as_csv_each_open_case_is_a_row_with_owner_notes_and_next_step(
    client: TestClient, evening: dict[str, int]
) -> None:
    answer = client.get("/v1/handover?format=csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="handover.csv"'
    mug, cup = csv.DictReader(io.StringIO(answer.text))
    assert (mug["case"], mug["owner"], mug["expected_loss"]) == (str(evening["MUG"]), "ana", "90")
    assert mug["notes"].startswith("operator, 2026-03-02 08:00 UTC: called | the <shop>")
    assert cup["next_step"] == "asleep until fewer than 4 units available"


def test_what_a_spreadsheet_would_run_is_text(client: TestClient, world: World) -> None:
    case = a_case(world.database, "=SUM(A1)")
    client.post(f"/v1/cases/{case}/assign", json={"owner": "@cmd"})
    (row,) = csv.DictReader(io.StringIO(client.get("/v1/handover?format=csv").text))
    assert (row["title"], row["owner"], row["skus"]) == ("'=SUM(A1) cannot be pushed", "'@cmd", "'=SUM(A1)")


def test_as_a_page_it_stands_for_itself_and_what_others_wrote_is_text(
    client: TestClient, evening: dict[str, int]
) -> None:
    page = client.get("/v1/handover").text
    assert "called | the &lt;shop&gt;" in page
    assert page.index("MUG cannot") < page.index("CUP cannot")
    assert "POT cannot" not in page
    assert "//" not in page.replace("</", "")
    assert "MUG cannot" not in client.get("/v1/handover?sku=CUP").text


def test_the_next_step_is_the_approval_that_is_waited_for(client: TestClient, stocked: World) -> None:
    case = a_case_of_a_repeat(stocked)
    client.post(f"/v1/cases/{case}/actions", json={"action": "decide_duplicate"})
    client.post(f"/cases/{case}/act", data={"action": "decide_duplicate"})
    assert "approve or reject decide duplicate" in client.get("/v1/handover").text


def test_on_the_command_line_the_name_says_in_what(stocktriage: Run, evening: dict[str, int], tmp_path: Path) -> None:
    printed = stocktriage("handover", "--actor", "ana").out
    assert "2 open cases, expected loss 140.00 EUR." in printed
    assert "called \\| the &lt;shop>" in printed
    for suffix, begins in (("csv", "rank,case"), ("md", "# Hand-over"), ("html", "<!doctype html>")):
        told = stocktriage("handover", tmp_path / f"evening.{suffix}")
        assert "2 of 2 open cases" in told.out
        assert (tmp_path / f"evening.{suffix}").read_text().startswith(begins)
    assert "tells no format" in " ".join(stocktriage("handover", tmp_path / "evening.doc").err.split())


def test_the_page_of_the_list_leads_to_what_it_shows(client: TestClient, evening: dict[str, int]) -> None:
    assert 'href="/v1/handover?format=csv"' in client.get("/").text
    assert 'href="/v1/handover?sku=CUP&amp;status=snoozed&amp;format=csv"' in client.get(
        "/?sku=CUP&status=snoozed"
    ).text.replace("&format", "&amp;format")
