"""Events over HTTP: what applies, what is named, what is too much."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api.routes.events import EVENTS_MAX
from api.schemas import Ingested
from api.wiring import World


def a_receipt(number: int, **said: object) -> dict[str, object]:
    return {
        "id": f"r{number}", "source": "wms", "type": "receipt", "time": "2026-03-02T08:00:00Z", "sku": "MUG",
        "location": "LEEDS", "quantity": 5, **said,
    }  # fmt: skip


def on_hand(client: TestClient) -> int:
    return sum(one["on_hand"] for one in client.get("/v1/positions?sku=MUG").json()["items"])


def test_events_apply_once_however_often_they_are_sent(client: TestClient, stocked: World) -> None:
    first = client.post("/v1/events", json=[a_receipt(1), a_receipt(2)])
    assert (first.status_code, first.json()["accepted"], first.json()["rows"]) == (200, 2, [])
    again = client.post("/v1/events", json=[a_receipt(1), a_receipt(2)])
    assert (again.status_code, again.json()["accepted"], again.json()["duplicates"]) == (200, 0, 2)
    assert on_hand(client) == 10


def test_a_single_cloud_event_is_taken_in(client: TestClient, stocked: World) -> None:
    event = {
        "specversion": "1.0", "id": "c1", "source": "wms", "type": "com.example.receipt",
        "time": "2026-03-02T08:00:00Z", "data": {"sku": "MUG", "location": "LEEDS", "quantity": 3},
    }  # fmt: skip
    answer = client.post("/v1/events", json=event)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    assert on_hand(client) == 3


def test_good_events_apply_and_each_bad_one_is_named(client: TestClient, stocked: World) -> None:
    events = [
        a_receipt(1),
        a_receipt(2, quantity=1.5),
        a_receipt(3, time="2026-03-02 08:00"),
        a_receipt(4, quantity=2**70),
        {"id": "x"},
        "nonsense",
        a_receipt(7, sku="UNKNOWN"),
    ]
    answer = client.post("/v1/events", json=events)
    told = Ingested.model_validate(answer.json())
    assert answer.status_code == 207
    assert (told.accepted, told.parked, told.rejected) == (1, 1, 5)
    assert [(row.row, row.status, row.field) for row in sorted(told.rows, key=lambda row: row.row)] == [
        (2, "rejected", "quantity"),
        (3, "rejected", "time"),
        (4, "rejected", "quantity"),
        (5, "rejected", "source"),
        (6, "rejected", ""),
        (7, "parked", "sku"),
    ]
    assert on_hand(client) == 5


def test_the_same_id_with_other_content_is_rejected_and_named(client: TestClient, stocked: World) -> None:
    client.post("/v1/events", json=a_receipt(1))
    answer = client.post("/v1/events", json=a_receipt(1, quantity=6))
    assert answer.status_code == 207
    assert answer.json()["rows"] == [
        {"row": 1, "id": "r1", "status": "rejected", "field": "id",
         "reason": "came again with other content; the first stands"}
    ]  # fmt: skip
    assert on_hand(client) == 5


@pytest.mark.parametrize("body", [b"", b"{", b"[1,", b"\xff\xfe", b'{"a":' * 2000])
def test_what_is_not_json_is_refused_as_a_problem(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/events", content=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:stocktriage:problem:not-json"


def test_too_many_events_at_once_are_refused_and_nothing_applies(client: TestClient, stocked: World) -> None:
    answer = client.post("/v1/events", json=[a_receipt(n) for n in range(EVENTS_MAX + 1)])
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:stocktriage:problem:too-many")
    assert on_hand(client) == 0


def test_a_body_that_is_too_long_is_refused_told_or_not(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 1_000_000

    assert client.post("/v1/events", content=b"[", headers={"content-length": "99999999"}).status_code == 413
    assert client.post("/v1/events", content=endless()).status_code == 413
