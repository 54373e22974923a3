"""What only a shop does: items that share a SKU or are gone, keys that are spent, costs that are learnt."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core_sync.channels.budget import Pace
from core_sync.channels.http import client
from core_sync.channels.port import NOT_SENT, OVER_BUDGET, UNKNOWN_LISTING, Accepted, PushRequest, Rejected, Unknown
from core_sync.channels.shopify_like import ShopifyLike
from simulation.peers.clock import PeerClock
from simulation.peers.serve import running
from simulation.peers.shopify_like import shopify_app
from simulation.peers.shopify_shop import LOCATION, Shop


class Side:
    def __init__(self, url: str, shop: Shop, clock: PeerClock) -> None:
        self.shop = shop
        self.channel = ShopifyLike(client(url), LOCATION, Pace(clock, clock.advance))

    def push(self, sku: str, quantity: int, shown: int | None = None) -> Any:
        return self.channel.push([PushRequest(sku, quantity, shown, f"{sku}-{quantity}")])[0]


@pytest.fixture
def side() -> Iterator[Side]:
    clock = PeerClock(speed=0)
    app = shopify_app({"MUG": 5, "CUP": 7}, rate=1, burst=100, clock=clock)
    with running(app) as url:
        yield Side(url, app.state.peer, clock)


def test_a_sku_that_several_items_share_is_neither_read_nor_set(side: Side) -> None:
    side.shop.twins["MUG"] = "gid://shopify/InventoryItem/9007199254740997"
    assert side.channel.read(["MUG", "CUP"]) == {"CUP": 7}
    answer = side.push("MUG", 1)
    assert isinstance(answer, Rejected)
    assert (answer.code, answer.transient) == ("AMBIGUOUS_SKU", False)
    del side.shop.twins["MUG"]
    assert isinstance(side.push("MUG", 1), Accepted)


def test_an_item_that_is_gone_is_looked_for_anew_before_it_is_given_up(side: Side) -> None:
    side.push("MUG", 4)
    del side.shop.shown["MUG"]
    first, second = side.push("MUG", 3, shown=4), side.push("MUG", 3, shown=4)
    assert (first.code, first.transient) == ("INVALID_INVENTORY_ITEM", True)
    assert (second.code, second.transient) == (UNKNOWN_LISTING, False)


def test_a_key_that_an_earlier_failure_spent_is_replaced_once(side: Side) -> None:
    assert side.push("MUG", 1, shown=99).code == "STALE"
    side.shop.shelf.set("MUG", 99)
    assert isinstance(side.push("MUG", 1, shown=99), Accepted)


def test_what_the_bucket_does_not_hold_is_kept_back_with_the_time_it_takes_to_fill(side: Side) -> None:
    answers = [side.push("CUP", number, number - 1 if number else 7) for number in range(12)]
    kept_back = [answer for answer in answers if isinstance(answer, Rejected)]
    assert {answer.code for answer in kept_back} == {OVER_BUDGET}
    assert kept_back[0].retry_after_s == pytest.approx(10, abs=0.01)
    assert side.shop.conduct.refused_by_limit == 0


def test_an_error_inside_the_shop_may_have_been_one_after_the_work() -> None:
    async def answer(request: Request) -> Response:
        if b"mutation" in await request.body():
            code = {"message": "Internal error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
            return JSONResponse({"errors": [code], "data": None})
        level = {"quantities": [{"name": "available", "quantity": 5}]}
        node = {"id": "gid://shopify/InventoryItem/1", "sku": "MUG", "inventoryLevel": level}
        page = {"nodes": [node], "pageInfo": {"hasNextPage": False, "endCursor": None}}
        return JSONResponse({"data": {"inventoryItems": page}})

    with running(Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])) as url:
        [told] = ShopifyLike(client(url), LOCATION).push([PushRequest("MUG", 1, 5, "k")])
    assert isinstance(told, Unknown)
    assert told.code == "INTERNAL_SERVER_ERROR"


def test_a_shop_that_takes_long_for_each_request_is_left_before_the_lease_of_the_push_ends() -> None:
    clock = PeerClock(speed=0)
    asked: list[str] = []

    async def slow(request: Request) -> Response:
        body = await request.json()
        asked.append(body["query"])
        clock.advance(6.0)  # stands for the time that passes until it answers
        nodes: list[object] = []
        return JSONResponse(
            {"data": {"inventoryItems": {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}}}
        )

    app = Starlette(routes=[Route("/{path:path}", slow, methods=["POST"])])
    with running(app) as url:
        channel = ShopifyLike(client(url), LOCATION, Pace(clock, clock.advance))
        answers = channel.push([PushRequest(f"S{n}", 1, None, f"k{n}") for n in range(250)])
    assert len(asked) == 3
    assert {answer.code for answer in answers if isinstance(answer, Rejected)} == {NOT_SENT}
