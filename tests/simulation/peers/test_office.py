"""A simulated ERP with its warehouses answers, takes questions once, and posts what it is told."""

from collections.abc import Iterator

import httpx
import pytest

from core_sync.channels.http import client
from core_sync.channels.warehouse import JsonWarehouse, Question
from simulation.peers.erp_wms import HeldStock, erp_wms_app
from simulation.peers.serve import running


def order(http: httpx.Client, *faults: str) -> None:
    http.post("/_faults", json={"writes": faults, "seconds": 0.6}).raise_for_status()


@pytest.fixture
def office() -> Iterator[httpx.Client]:
    held = [HeldStock("R1", "B", "EAST", 2, "SO-1", "cancelled"), HeldStock("R2", "B", "EAST", 1, "SO-2")]
    with running(erp_wms_app({("B", "EAST"): 5}, held)) as url, client(url) as http:
        yield http


def test_an_office_tells_stock_and_takes_a_question_once(office: httpx.Client) -> None:
    warehouse = JsonWarehouse(office)
    assert warehouse.on_hand("B", "EAST") == 5
    assert warehouse.on_hand("B", "WEST") is None
    question = Question("k", "B", "EAST", "Where is it?")
    assert warehouse.ask(question) == warehouse.ask(question) == "T1"
    assert len(office.get("/tasks").json()["tasks"]) == 1


def test_a_reservation_is_released_once_its_order_is_gone(office: httpx.Client) -> None:
    allocated = office.get("/stock", params={"sku": "B"}).json()["stock"][0]["allocated"]
    assert allocated == 3
    assert office.post("/reservations/R1/release").json() == {"reservation": "R1", "released": 2}
    assert office.post("/reservations/R2/release").status_code == 409
    assert office.post("/reservations/R9/release").status_code == 404
    assert office.get("/stock").json()["stock"][0]["allocated"] == 1


def test_postings_and_counts_change_stock_and_a_key_makes_a_repeat_harmless(office: httpx.Client) -> None:
    posting = {"sku": "B", "location": "EAST", "quantity": -2, "document": "SO-1"}
    for _ in range(2):
        answer = office.post("/postings", json=posting, headers={"Idempotency-Key": "p"})
        assert answer.json() == {"posting": "P1", "status": "posted"}
    assert JsonWarehouse(office).on_hand("B", "EAST") == 3
    counted = office.post("/counts", json={"sku": "B", "location": "EAST", "quantity": 4}).json()
    assert (counted["expected"], counted["counted"]) == (3, 4)
    assert office.post("/counts", json={"sku": "B", "location": "EAST", "quantity": -1}).status_code == 422


def test_a_posting_that_is_taken_and_not_done_waits_until_it_settles(office: httpx.Client) -> None:
    order(office, "accepted_not_applied")
    posting = {"sku": "B", "location": "EAST", "quantity": 3}
    assert office.post("/postings", json=posting).json()["status"] == "queued"
    assert JsonWarehouse(office).on_hand("B", "EAST") == 5
    office.post("/_settle")
    assert JsonWarehouse(office).on_hand("B", "EAST") == 8


def test_a_write_that_met_a_fault_can_be_sent_again_under_its_key(office: httpx.Client) -> None:
    order(office, "cut_applied", "500")
    posting = {"sku": "B", "location": "EAST", "quantity": 1}
    with pytest.raises(httpx.HTTPError):
        office.post("/postings", json=posting, headers={"Idempotency-Key": "q"})
    assert office.post("/postings", json=posting, headers={"Idempotency-Key": "q"}).status_code == 500
    assert office.post("/postings", json=posting, headers={"Idempotency-Key": "q"}).json()["posting"] == "P1"
    assert JsonWarehouse(office).on_hand("B", "EAST") == 6
