"""A simulated marketplace keeps the manners of the one it stands for."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from simulation.peers.amazon_like import amazon_app
from simulation.peers.amazon_market import Quota
from simulation.peers.clock import PeerClock
from simulation.peers.serve import running

ITEMS = "/listings/2021-08-01/items/SELLER"
FEEDS = "/feeds/2021-06-30"


@pytest.fixture
def clock() -> PeerClock:
    return PeerClock(speed=0)


@pytest.fixture
def market(clock: PeerClock) -> Iterator[httpx.Client]:
    quotas = {"patchListingsItem": Quota(1, 2)}
    app = amazon_app({"B": 5, "C": 1, "D": 2}, quotas=quotas, settle_s=60, feed_s=100, page_size=2, clock=clock)
    with running(app) as url, httpx.Client(base_url=url) as http:
        yield http


def patch(market: httpx.Client, sku: str, quantity: Any) -> httpx.Response:
    value = [{"fulfillment_channel_code": "DEFAULT", "quantity": quantity}]
    patches = [{"op": "replace", "path": "/attributes/fulfillment_availability", "value": value}]
    return market.patch(f"{ITEMS}/{sku}", json={"productType": "PRODUCT", "patches": patches})


def shown(market: httpx.Client) -> dict[str, int]:
    figures: dict[str, int] = market.get("/_stock").json()["shown"]
    return figures


def test_what_is_accepted_shows_later(market: httpx.Client, clock: PeerClock) -> None:
    assert patch(market, "B", 6).json()["status"] == "ACCEPTED"
    clock.advance(59)
    assert shown(market)["B"] == 5
    clock.advance(1)
    assert shown(market)["B"] == 6


def test_what_is_invalid_is_a_success_with_issues(market: httpx.Client) -> None:
    answer = patch(market, "nothing", 6)
    told = answer.json()
    assert (answer.status_code, told["status"], told["issues"][0]["severity"]) == (200, "INVALID", "ERROR")
    assert patch(market, "B", "many").status_code == 400


def test_a_plan_that_is_used_up_says_so_and_fills_again(market: httpx.Client, clock: PeerClock) -> None:
    assert [patch(market, "B", 6).status_code for _ in range(3)] == [200, 200, 429]
    refused = patch(market, "B", 6)
    assert (refused.json()["errors"][0]["code"], refused.headers["x-amzn-ratelimit-limit"]) == ("QuotaExceeded", "1")
    clock.advance(1)
    assert patch(market, "B", 6).status_code == 200
    assert market.get("/_counters").json()["refused_by_limit"] == 2


def test_a_search_comes_in_pages(market: httpx.Client) -> None:
    query: dict[str, str | int] = {"identifiers": "B,C,nothing,D", "identifiersType": "SKU", "pageSize": 20}
    first = market.get(ITEMS, params=query).json()
    rest = market.get(ITEMS, params={**query, "pageToken": first["pagination"]["nextToken"]}).json()
    assert [item["sku"] for item in first["items"] + rest["items"]] == ["B", "C", "D"]
    assert "pagination" not in rest


def created(market: httpx.Client, *figures: tuple[str, Any]) -> str:
    document = market.post(f"{FEEDS}/documents", json={"contentType": "application/json"}).json()
    messages = [
        {
            "messageId": number,
            "sku": sku,
            "operationType": "PARTIAL_UPDATE",
            "productType": "PRODUCT",
            "attributes": {"fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT", "quantity": quantity}]},
        }
        for number, (sku, quantity) in enumerate(figures, 1)
    ]
    content = {"header": {"sellerId": "SELLER", "version": "2.0"}, "messages": messages}
    assert market.put(document["url"], json=content).status_code == 200
    wanted = {
        "feedType": "JSON_LISTINGS_FEED",
        "marketplaceIds": ["M"],
        "inputFeedDocumentId": document["feedDocumentId"],
    }
    answer = market.post(f"{FEEDS}/feeds", json=wanted)
    assert answer.status_code == 202
    return str(answer.json()["feedId"])


def test_a_feed_goes_through_its_states_and_reports_each_message(market: httpx.Client, clock: PeerClock) -> None:
    feed = created(market, ("B", 9), ("nothing", 1), ("C", 0))
    states = []
    for _ in range(3):
        told = market.get(f"{FEEDS}/feeds/{feed}").json()
        states.append(told["processingStatus"])
        clock.advance(50)
    assert states == ["IN_QUEUE", "IN_PROGRESS", "DONE"]
    where = market.get(f"{FEEDS}/documents/{told['resultFeedDocumentId']}").json()
    report = market.get(where["url"]).json()
    assert [(issue["messageId"], issue["sku"]) for issue in report["issues"]] == [(2, "nothing")]
    assert (report["summary"]["messagesAccepted"], report["summary"]["messagesInvalid"]) == (2, 1)
    assert shown(market) == {"B": 9, "C": 0, "D": 2}


def test_a_presigned_address_wants_no_token(market: httpx.Client) -> None:
    document = market.post(f"{FEEDS}/documents", json={"contentType": "application/json"}).json()
    token = {"x-amz-access-token": "t"}
    assert market.put(document["url"], content=b"{}", headers=token).status_code == 403


def test_a_feed_that_follows_no_schema_is_a_bad_request(market: httpx.Client) -> None:
    wanted = {"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": ["M"], "inputFeedDocumentId": "none"}
    assert market.post(f"{FEEDS}/feeds", json=wanted).status_code == 400


def test_a_batch_is_answered_item_by_item(market: httpx.Client) -> None:
    def one(sku: str, quantity: int) -> dict[str, Any]:
        uri = f"/inventory/update?locationId=WH1&skuId={sku}"
        return {"method": "POST", "uri": uri, "body": {"quantity": quantity}}

    path = "/externalFulfillment/inventory/2024-09-11/inventories"
    answer = market.post(path, json={"requests": [one("B", 8), one("nothing", 1)]})
    told = answer.json()["responses"]
    assert (answer.status_code, [part["status"]["statusCode"] for part in told]) == (207, [200, 400])
    assert told[1]["body"]["actionableErrors"][0]["errorType"] == "INVALID_SKU"
    assert shown(market)["B"] == 8
    too_many = market.post(path, json={"requests": [one("B", 8)] * 11})
    assert (too_many.status_code, "10" in too_many.json()["errors"][0]["message"]) == (400, True)
