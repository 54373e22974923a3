"""Simulated peers keep the promises of the channels they stand for, and go wrong exactly as ordered."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from core_sync.channels.amazon_like import AmazonLike
from core_sync.channels.http import client
from core_sync.channels.port import Accepted, Channel, PushRequest, ReadFailed, Rejected, Unknown
from core_sync.channels.shopify_like import ShopifyLike
from core_sync.channels.warehouse import JsonWarehouse, Question
from simulation.peers.amazon_like import amazon_app
from simulation.peers.amazon_market import QUOTAS, Quota
from simulation.peers.clock import PeerClock
from simulation.peers.erp_wms import HeldStock, erp_wms_app
from simulation.peers.serve import running
from simulation.peers.shopify_like import shopify_app
from simulation.peers.shopify_shop import LOCATION, item_id

SKU = "A/1 ü"
STOCK = {SKU: 3, "B": 5}


@pytest.fixture(scope="module", params=["shopify", "amazon"])
def address(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    app = (
        shopify_app(STOCK)
        if request.param == "shopify"
        else amazon_app(STOCK, quotas=dict.fromkeys(QUOTAS, Quota(1000, 1000)))
    )
    with running(app) as url:
        yield request.param, url


@pytest.fixture
def peer(address: tuple[str, str]) -> Iterator[tuple[Channel, httpx.Client]]:
    kind, url = address
    with client(url, answer_s=0.4) as http:
        http.delete("/_faults")
        http.post("/_settle")
        http.delete("/_log")
        yield (ShopifyLike(http, "gid://shopify/Location/1") if kind == "shopify" else AmazonLike(http, "S", "M")), http


def push(channel: Channel, quantity: int, sku: str = SKU) -> Any:
    key = f"{sku}-{quantity}-{id(channel)}"
    return channel.push([PushRequest(sku, quantity, channel.read([sku]).get(sku), key)])[0]


def order(http: httpx.Client, *faults: str, **more: Any) -> None:
    http.post("/_faults", json={"writes": faults, "seconds": 0.6, **more}).raise_for_status()


def test_what_is_pushed_is_read(peer: tuple[Channel, httpx.Client]) -> None:
    channel, http = peer
    assert isinstance(push(channel, 41), Accepted)
    assert channel.read([SKU, "B", "nowhere"]) == {SKU: 41, "B": 5}
    assert [(write["subject"], write["quantity"]) for write in http.get("/_log").json()["writes"]] == [(SKU, 41)]


def test_a_listing_that_is_not_there_is_refused_for_good(peer: tuple[Channel, httpx.Client]) -> None:
    answer = push(peer[0], 1, sku="nowhere")
    assert isinstance(answer, Rejected)
    assert not answer.transient


@pytest.mark.parametrize(("fault", "transient"), [("429", True), ("500", True), ("503", True), ("400", False)])
def test_an_ordered_refusal_comes_once(peer: tuple[Channel, httpx.Client], fault: str, transient: bool) -> None:
    channel, http = peer
    before = channel.read([SKU])
    order(http, fault)
    answer = push(channel, 52)
    assert isinstance(answer, Rejected)
    assert answer.transient == transient
    assert channel.read([SKU]) == before
    assert isinstance(push(channel, 53), Accepted)


@pytest.mark.parametrize(
    ("fault", "applied"), [("timeout", False), ("timeout_applied", True), ("cut", False), ("cut_applied", True)]
)
def test_an_answer_that_does_not_come_whole_leaves_the_outcome_unknown(
    peer: tuple[Channel, httpx.Client], fault: str, applied: bool
) -> None:
    channel, http = peer
    before = channel.read([SKU])[SKU]
    order(http, fault)
    assert isinstance(push(channel, before + 7), Unknown)
    assert channel.read([SKU]) == {SKU: before + 7 if applied else before}
    assert http.get("/_log").json()["writes"][-1]["applied"] == applied


def test_what_is_accepted_and_not_applied_shows_when_it_settles(peer: tuple[Channel, httpx.Client]) -> None:
    channel, http = peer
    before = channel.read([SKU])[SKU]
    order(http, "accepted_not_applied")
    assert isinstance(push(channel, before + 9), Accepted)
    assert channel.read([SKU]) == {SKU: before}
    assert http.post("/_settle").json() == {"applied": 1}
    assert channel.read([SKU]) == {SKU: before + 9}


def test_a_read_can_fail_too(peer: tuple[Channel, httpx.Client]) -> None:
    channel, http = peer
    order(http, reads=["503"])
    with pytest.raises(ReadFailed):
        channel.read([SKU])
    assert channel.read(["B"]) == {"B": 5}


def test_an_unknown_fault_is_refused_and_nothing_is_ordered(peer: tuple[Channel, httpx.Client]) -> None:
    _, http = peer
    assert http.post("/_faults", json={"writes": ["timeout", "earthquake"]}).status_code == 422
    assert http.get("/_faults").json()["writes"] == []


def test_a_shop_compares_before_it_sets_and_knows_a_key_again() -> None:
    with running(shopify_app({"B": 5})) as url, client(url) as http:
        quantity = {"inventoryItemId": item_id("B"), "locationId": LOCATION, "quantity": 8, "changeFromQuantity": 4}
        body = {
            "query": "mutation Set($input: InventorySetQuantitiesInput!, $key: String!) "
            "{ inventorySetQuantities(input: $input) @idempotent(key: $key) { userErrors { code } } }"
        }

        def set_to(key: str) -> Any:
            variables = {"input": {"name": "available", "reason": "count", "quantities": [quantity]}, "key": key}
            answer = http.post("/admin/api/2026-10/graphql.json", json={**body, "variables": variables}).json()
            return [error["code"] for error in answer["data"]["inventorySetQuantities"]["userErrors"]]

        assert set_to("one") == ["CHANGE_FROM_QUANTITY_STALE"]
        assert set_to("one") == ["IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"]
        quantity["changeFromQuantity"] = 5
        assert set_to("two") == []
        assert set_to("two") == []
        quantity["quantity"] = 9
        assert set_to("two") == ["IDEMPOTENCY_KEY_PARAMETER_MISMATCH"]
        assert ShopifyLike(http, LOCATION).read(["B"]) == {"B": 8}


def test_peers_that_are_asked_too_often_say_so() -> None:
    with running(shopify_app({"B": 5}, rate=0, burst=12)) as url, client(url) as http:
        channel: Channel = ShopifyLike(http, LOCATION)
        channel.read(["B"])
        answer = channel.push([PushRequest("B", 6, 5, "k")])[0]
        assert isinstance(answer, Rejected)
        assert (answer.code, answer.transient) == ("THROTTLED", True)
    with running(amazon_app({"B": 5}, quotas={"patchListingsItem": Quota(0, 1)})) as url, client(url) as http:
        channel = AmazonLike(http, "S", "M")
        assert isinstance(channel.push([PushRequest("B", 6, None, "k")])[0], Accepted)
        refused = channel.push([PushRequest("B", 7, None, "l")])[0]
        assert isinstance(refused, Rejected)
        assert (refused.code, refused.http_status) == ("QuotaExceeded", 429)


def test_a_marketplace_shows_what_it_accepted_only_later() -> None:
    clock = PeerClock(speed=0)
    with running(amazon_app({"B": 5}, settle_s=60, clock=clock)) as url, client(url) as http:
        channel = AmazonLike(http, "S", "M")
        assert isinstance(channel.push([PushRequest("B", 6, None, "k")])[0], Accepted)
        assert channel.read(["B"]) == {"B": 5}
        clock.advance(61)
        assert channel.read(["B"]) == {"B": 6}


@pytest.fixture
def office() -> Iterator[httpx.Client]:
    held = [HeldStock("R1", "B", "EAST", 2, "SO-1", "cancelled"), HeldStock("R2", "B", "EAST", 1, "SO-2")]
    with running(erp_wms_app({("B", "EAST"): 5}, held)) as url, client(url, answer_s=0.4) as http:
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
