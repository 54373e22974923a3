"""A peer counts figures that change what is shown a second time, which no channel of ours may bring about."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from simulation.peers.amazon_like import amazon_app


@pytest.fixture
def market() -> Iterator[TestClient]:
    with TestClient(amazon_app({"A": 5})) as market:
        yield market


def patch(market: TestClient, quantity: int, submission: str) -> None:
    value = [{"fulfillment_channel_code": "DEFAULT", "quantity": quantity}]
    wanted = {"op": "replace", "path": "/attributes/fulfillment_availability", "value": value}
    answer = market.patch(
        "/listings/2021-08-01/items/SELLER/A",
        json={"productType": "PRODUCT", "patches": [wanted]},
        headers={"Idempotency-Key": submission},
    )
    assert answer.json()["status"] == "ACCEPTED"


def doubled(market: TestClient) -> int:
    counted: int = market.get("/_counters").json()["applied_twice"]
    return counted


def test_a_repeat_that_changes_nothing_is_no_doubled_write(market: TestClient) -> None:
    patch(market, 8, "one")
    patch(market, 8, "one")
    assert doubled(market) == 0


@pytest.mark.parametrize("quantity", [8, 5], ids=["after a change", "after none"])
def test_a_repeat_that_brings_back_what_was_sold_meanwhile_is_one(market: TestClient, quantity: int) -> None:
    patch(market, quantity, "one")
    market.post("/_orders", json={"sku": "A", "quantity": 3, "buyer": "b"})
    patch(market, quantity, "one")
    assert doubled(market) == 1


def test_another_submission_of_the_same_figure_is_none(market: TestClient) -> None:
    patch(market, 8, "one")
    market.post("/_orders", json={"sku": "A", "quantity": 3, "buyer": "b"})
    patch(market, 8, "two")
    assert doubled(market) == 0
