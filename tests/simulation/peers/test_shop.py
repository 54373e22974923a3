"""A simulated shop keeps the manners of the one it stands for."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from simulation.peers.clock import PeerClock
from simulation.peers.serve import running
from simulation.peers.shopify_like import shopify_app
from simulation.peers.shopify_resolvers import searched_skus
from simulation.peers.shopify_shop import LOCATION, item_id

PATH = "/admin/api/2026-10/graphql.json"
SET = (
    "mutation Set($input: InventorySetQuantitiesInput!, $key: String!) "
    "{ inventorySetQuantities(input: $input) @idempotent(key: $key) { userErrors { field code } } }"
)
READ = (
    "query($query: String, $first: Int, $after: String) { inventoryItems(query: $query, first: $first, after: $after) "
    "{ nodes { sku } pageInfo { endCursor hasNextPage } } }"
)


@pytest.fixture
def clock() -> PeerClock:
    return PeerClock(speed=0)


@pytest.fixture
def shop(clock: PeerClock) -> Iterator[httpx.Client]:
    app = shopify_app({"B": 5, "C": 1, "D": 2}, rate=10, burst=60, page_size=2, clock=clock)
    with running(app) as url, httpx.Client(base_url=url) as http:
        yield http


def asked(shop: httpx.Client, document: str, **variables: Any) -> Any:
    return shop.post(PATH, json={"query": document, "variables": variables}).json()


def set_to(shop: httpx.Client, key: str, *figures: tuple[str, int, int | None]) -> list[tuple[str, list[str] | None]]:
    quantities = [
        {"inventoryItemId": item_id(sku), "locationId": LOCATION, "quantity": quantity, "changeFromQuantity": before}
        for sku, quantity, before in figures
    ]
    told = asked(shop, SET, key=key, input={"name": "available", "reason": "correction", "quantities": quantities})
    return [(error["code"], error["field"]) for error in told["data"]["inventorySetQuantities"]["userErrors"]]


def shown(shop: httpx.Client) -> dict[str, int]:
    figures: dict[str, int] = shop.get("/_stock").json()["shown"]
    return figures


def test_a_figure_is_compared_before_it_is_set(shop: httpx.Client) -> None:
    stale = ("CHANGE_FROM_QUANTITY_STALE", ["input", "quantities", "0", "changeFromQuantity"])
    assert set_to(shop, "one", ("B", 8, 4)) == [stale]
    assert set_to(shop, "two", ("B", 8, 5)) == []
    assert shown(shop)["B"] == 8


def test_one_wrong_figure_keeps_the_whole_set_from_being_done(shop: httpx.Client) -> None:
    errors = set_to(shop, "one", ("B", 8, 5), ("nothing", 1, None), ("C", -1, 1))
    assert [code for code, _ in errors] == ["INVALID_INVENTORY_ITEM", "INVALID_QUANTITY_NEGATIVE"]
    assert shown(shop)["B"] == 5


def test_a_key_stands_for_one_content_and_one_effect(shop: httpx.Client) -> None:
    assert set_to(shop, "two", ("B", 8, 5)) == set_to(shop, "two", ("B", 8, 5)) == []
    assert set_to(shop, "two", ("B", 9, 5)) == [("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", None)]
    set_to(shop, "spent", ("B", 9, 1))
    assert set_to(shop, "spent", ("B", 9, 1)) == [("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", None)]
    assert shop.get("/_counters").json()["repeats"] == 1


def test_a_mutation_without_a_key_is_refused(shop: httpx.Client) -> None:
    bare = SET.replace(" @idempotent(key: $key)", "").replace(", $key: String!", "")
    told = asked(shop, bare, input={"name": "available", "reason": "count", "quantities": []})
    assert "@idempotent" in told["errors"][0]["message"]


def test_a_field_that_the_schema_does_not_have_is_a_bad_request(shop: httpx.Client) -> None:
    quantity = {"inventoryItemId": item_id("B"), "locationId": LOCATION, "quantity": 1, "compareQuantity": 5}
    content = {"name": "available", "reason": "count", "quantities": [quantity]}
    told = asked(shop, SET, key="k", input=content)
    assert "compareQuantity" in told["errors"][0]["message"]
    answer = shop.post(PATH, json={"query": "{ inventoryItems { ignored } }"})
    assert (answer.status_code, "ignored" in answer.json()["errors"][0]["message"]) == (400, True)
    assert shop.post(PATH, content=b"{").status_code == 400


def test_the_bucket_of_cost_points_runs_dry_tells_so_and_fills_again(shop: httpx.Client, clock: PeerClock) -> None:
    for left in (50, 40, 30, 20, 10, 0):
        told = asked(shop, READ, query="sku:B", first=8)
        assert told["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == left
    throttled = shop.post(PATH, json={"query": READ, "variables": {"query": "sku:B", "first": 8}})
    told = throttled.json()
    assert (throttled.status_code, told["errors"][0]["extensions"]["code"]) == (200, "THROTTLED")
    assert told["extensions"]["cost"]["throttleStatus"] == {
        "maximumAvailable": 60.0,
        "currentlyAvailable": 0,
        "restoreRate": 10.0,
    }
    clock.advance(1)
    assert "errors" not in asked(shop, READ, query="sku:B", first=8)


def test_a_search_comes_in_pages(shop: httpx.Client) -> None:
    first = asked(shop, READ, query="sku:B OR sku:C OR sku:D", first=3)["data"]["inventoryItems"]
    assert (len(first["nodes"]), first["pageInfo"]["hasNextPage"]) == (2, True)
    more = asked(shop, READ, query="sku:B OR sku:C OR sku:D", first=3, after=first["pageInfo"]["endCursor"])
    rest = more["data"]["inventoryItems"]
    assert (len(rest["nodes"]), rest["pageInfo"]["hasNextPage"]) == (1, False)
    assert {node["sku"] for node in first["nodes"] + rest["nodes"]} == {"B", "C", "D"}


def test_names_of_items_are_numbers_that_no_float_holds() -> None:
    numbers = [int(item_id(sku).rpartition("/")[2]) for sku in ("A", "B", "MUG")]
    assert all(number > 2**53 and int(float(number)) != number for number in numbers)


def test_a_search_may_quote_what_it_looks_for() -> None:
    assert searched_skus(r'sku:A OR sku:"B 1" OR sku:"C\"x\\"') == ["A", "B 1", r'C"x\\'[:-1]]
