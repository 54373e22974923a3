"""Why something is on the list or is not, through each door and on both databases."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert

from api.handover import Format, hand_over, written
from api.why import why_not
from api.wiring import World, build_world
from api.worklist_schemas import RankTermsShown, WhereaboutShown
from core_sync.cases.narrow import Filter
from core_sync.cases.verbs import note
from core_sync.clock import to_microseconds
from core_sync.settings import read_settings
from core_sync.snapshots.tables import Delta, Reconciliation, Snapshot
from tests.api.conftest import Run
from tests.core_sync.cases.worklist import MORNING, a_case, after
from tests.core_sync.stocked import Clock, a_sku


@pytest.fixture
def anywhere(database_url: str, tmp_path: Path) -> Iterator[World]:
    world = build_world(read_settings(home=tmp_path, database_url=database_url), Clock())
    yield world
    world.close()


def a_difference(world: World, reported: int, in_flight: int = 0, tolerated: bool = False) -> None:
    """The WMS reports so many mugs where ten are expected."""
    at = to_microseconds(MORNING)
    with world.database.transaction() as connection:
        done = {"system": "wms", "as_of": at, "compared": 1, "differing": 1, "recorded_at": at}
        (number,) = connection.execute(insert(Reconciliation).values(done)).inserted_primary_key or (None,)
        delta = {
            "reconciliation_id": number, "system": "wms", "as_of": at, "recorded_at": at, "sku": "MUG",
            "location": "LEEDS", "state": "on_hand", "expected": 10, "reported": reported, "in_flight": in_flight,
            "tolerance": 2 if tolerated else 0, "within_tolerance": tolerated,
        }  # fmt: skip
        connection.execute(insert(Delta).values(delta))


def where(world: World, sku: str = "MUG") -> tuple[str, str]:
    with world.database.reading() as connection:
        (one,) = why_not(connection, MORNING, sku)
    return one.where, one.why


@pytest.mark.parametrize(
    ("reported", "in_flight", "tolerated", "place", "why"),
    [
        (9, 0, True, "suppressed", "1 apart, and 2 are tolerated of that system"),
        (8, -2, False, "suppressed", "what is on its way explains it"),
        (9, 0, False, "below", "1 apart, which is usual there or not scored yet"),
    ],
)
def test_a_difference_that_raised_nothing_says_why(
    anywhere: World, reported: int, in_flight: int, tolerated: bool, place: str, why: str
) -> None:
    a_difference(anywhere, reported, in_flight, tolerated)
    told = where(anywhere)
    assert told[0] == place
    assert told[1].startswith(f"wms at LEEDS reported {reported} on hand, 10 expected (2026-03-02 08:00 UTC)")
    assert why in told[1]


def test_a_difference_that_a_later_snapshot_no_longer_shows_is_none(anywhere: World) -> None:
    a_sku(anywhere.database, "MUG")
    a_difference(anywhere, 9)
    later = to_microseconds(after(hours=1))
    with anywhere.database.transaction() as connection:
        row = {"system": "wms", "sku": "MUG", "location": "LEEDS", "state": "on_hand", "quantity": 10}
        connection.execute(insert(Snapshot).values(**row, as_of=later, recorded_at=later))
    assert where(anywhere) == ("nowhere", "no failure names it, and no system that reported it differs")
    assert "is it called otherwise here?" in where(anywhere, "MUGG")[1]


def test_the_hand_over_is_written_alike_on_both_databases(anywhere: World) -> None:
    case = a_case(anywhere.database, "MUG", "50")
    with anywhere.database.transaction() as connection:
        note(connection, case, "called them", "ana", MORNING)
    with anywhere.database.reading() as connection:
        told = written(hand_over(connection, Filter(), "ana", MORNING), Format.MARKDOWN)
    assert "- ana, 2026-03-02 08:00 UTC: called them" in told


def test_each_door_tells_where_it_is_and_why_it_stands_there(
    client: TestClient, world: World, stocktriage: Run
) -> None:
    dear, case = a_case(world.database, "CUP", "90"), a_case(world.database, "MUG", "50")
    (one,) = [WhereaboutShown.model_validate(one) for one in client.get("/v1/why?sku=MUG&channel=shop").json()]
    assert (one.where, one.case, one.why) == ("on the list", case, "number 2 on the list, with 50.00 EUR expected")
    terms = RankTermsShown.model_validate(client.get(f"/v1/cases/{case}/rank").json())
    assert terms.above is not None
    assert (terms.ranked_as, terms.above.case, terms.below) == (50.0, dear, None)
    assert client.get("/v1/cases/99/rank").status_code == 404
    assert "number 2 on the list" in client.get("/why?sku=MUG").text
    assert "Ranked as <strong>50.00 EUR</strong>" in client.get(f"/cases/{case}").text
    assert "number 2 on the list" in stocktriage("why", "MUG").out
    assert "case" in stocktriage("why", "--case", case).out
    assert json.loads(stocktriage("why", "--case", case, "--json").out)["ranked_as"] == 50.0
    assert stocktriage("why").code == 2


def test_what_came_since_the_page_was_made_is_announced_beside_it(client: TestClient, world: World) -> None:
    a_case(world.database, "MUG")
    page = client.get("/?sku=MUG")
    frame = page.text.split('<iframe class="arrivals" src="')[1].split('"')[0].replace("&amp;", "&")
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert "nothing new" in client.get(frame).text
    a_case(world.database, "CUP")
    told = client.get(frame)
    assert "1 new since this page was made" in told.text
    assert 'href="/?sku=MUG" target="_top"' in told.text
    assert "frame-ancestors 'self'" in told.headers["content-security-policy"]
