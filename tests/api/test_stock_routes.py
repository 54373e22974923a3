"""Positions, explanations, figures and health over HTTP."""

from fastapi.testclient import TestClient

from api.schemas import Health, PositionPage
from api.wiring import World
from core_sync.ledger.events import Event
from tests.builders import a_receipt, a_reservation
from tests.core_sync.stocked import MORNING


def receives(world: World, *events: Event) -> None:
    with world.ledger() as ledger:
        ledger.apply(list(events), MORNING)


def test_positions_are_paged_by_name(client: TestClient, stocked: World) -> None:
    receives(stocked, a_receipt(5), a_receipt(3, sku="PLATE"), a_reservation(2, document="SO-1"))
    first = PositionPage.model_validate(client.get("/v1/positions?limit=1").json())
    second = PositionPage.model_validate(
        client.get("/v1/positions", params={"limit": 1, "cursor": first.next_cursor}).json()
    )
    assert [(p.sku, p.on_hand, p.allocated, p.available) for p in first.items + second.items] == [
        ("MUG", 5, 2, 3),
        ("PLATE", 3, 0, 3),
    ]
    assert second.next_cursor is None


def test_positions_as_of_a_moment(client: TestClient, stocked: World) -> None:
    receives(stocked, a_receipt(5), a_receipt(4, hours=3))
    then = client.get("/v1/positions?as_of=2026-03-02T09:00:00Z").json()
    assert [one["on_hand"] for one in then["items"]] == [5]


def test_a_promise_is_explained_term_by_term(client: TestClient, stocked: World) -> None:
    receives(stocked, a_receipt(5), a_reservation(2, document="SO-1"))
    told = client.get("/v1/explain/MUG?place=shop").json()
    assert (told["promise"]["quantity"], told["promise"]["available"], told["promise"]["share"]) == (3, 3, 1.0)
    assert [entry["type"] for entry in told["entries"]] == ["reserve", "receipt"]
    assert client.get("/v1/explain/NOPE").status_code == 404


def test_figures_say_their_unit_and_span(client: TestClient, stocked: World) -> None:
    receives(stocked, a_receipt(5))
    told = {row["kpi"]: row for row in client.get("/v1/kpis?days=1").json()}
    assert (told["events_accepted"]["value"], told["events_accepted"]["unit"]) == (1, "events")
    assert told["events_accepted"]["to"] == "2026-03-02T08:00:00Z"


def test_health_looks_at_the_database_and_gives_nothing_away(client: TestClient, world: World) -> None:
    answer = client.get("/v1/health")
    assert answer.status_code == 200
    assert Health.model_validate(answer.json()).fine
    assert str(world.settings.home) not in answer.text
    with world.database.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE ledger_entry")
    assert client.get("/v1/health").status_code == 503


def test_the_document_describes_every_route(client: TestClient) -> None:
    document = client.get("/v1/openapi.json").json()
    operations = [told for path in document["paths"].values() for told in path.values()]
    assert len(operations) > 20
    assert all(told["summary"] and told["description"] for told in operations)
    assert all(path.startswith("/v1/") for path in document["paths"])
