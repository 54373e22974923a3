"""A marketplace that takes updates into a queue: ACCEPTED is not applied, an invalid listing is a 200.

Shapes are those of the Listings Items API of 2021-08-01; sentences are our own. Feeds and the batches that answer
each item by itself stand in files of their own.
"""

from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulation.peers.amazon_feeds import feed_routes, settle, work
from simulation.peers.amazon_inventories import inventory_routes
from simulation.peers.amazon_market import QUOTAS, SUBMISSION, Marketplace, Quota, wanted_quantity
from simulation.peers.bucket import Bucket
from simulation.peers.clock import PeerClock
from simulation.peers.conduct import Conduct
from simulation.peers.control import control_routes
from simulation.peers.faults import Fault
from simulation.peers.shelf import Shelf

_LISTINGS = "/listings/2021-08-01/items/{seller}"
_IDENTIFIERS_MAX = 20


def amazon_app(
    shown: Mapping[str, int],
    *,
    quotas: Mapping[str, Quota] | None = None,
    settle_s: float = 0.0,
    feed_s: float = 0.0,
    page_size: int = 20,
    clock: PeerClock | None = None,
) -> Starlette:
    """A marketplace that lists ``shown``.

    An accepted figure shows ``settle_s`` seconds later, one of a feed ``feed_s`` later. ``quotas`` replaces usage
    plans by operation; a page of a search has ``page_size`` items at most.
    """
    clock = clock or PeerClock()
    plans = {**QUOTAS, **(quotas or {})}
    buckets = {operation: Bucket(plan.rate, plan.burst, clock) for operation, plan in plans.items()}
    market = Marketplace(Shelf(dict(shown), clock), Conduct(clock), buckets, settle_s, feed_s)

    async def item(request: Request) -> Response:
        sku = str(request.path_params["sku"])
        return await (_patch(market, sku, request) if request.method == "PATCH" else _get(market, sku))

    async def search(request: Request) -> Response:
        return await _search(market, request, page_size)

    routes = [
        Route(_LISTINGS, search, methods=["GET"]),
        Route(_LISTINGS + "/{sku:path}", item, methods=["GET", "PATCH"]),
        *feed_routes(market),
        *inventory_routes(market),
    ]
    app = Starlette(
        routes=routes + control_routes(market.conduct, lambda: settle(market), market.shelf, lambda: work(market))
    )
    app.state.peer = market
    return app


async def _patch(market: Marketplace, sku: str, request: Request) -> Response:
    operation = "patchListingsItem"
    fault = await market.conduct.meet("writes", [sku])
    quantity = _patched_quantity(await _json(request))
    if fault is not None and fault.does_nothing:
        market.conduct.note(operation, sku, quantity, "", fault, applied=False)
        return await _answer(market, operation, fault, None)
    if not market.may(operation):
        return market.quota_exceeded(operation)
    if quantity is None:
        return market.error(operation, 400, "The patch does not follow the schema.")
    issue = market.issue(sku, quantity)
    submission = request.headers.get(SUBMISSION, "")
    if issue is None:
        market.take_on(sku, quantity, fault, market.settle_s, submission)
    held_back = fault is not None and fault.holds_back
    market.conduct.note(operation, sku, quantity, submission, fault, applied=issue is None and not held_back)
    told = {
        "sku": sku,
        "status": "ACCEPTED" if issue is None else "INVALID",
        "submissionId": f"submission-{len(market.conduct.log)}",
        "issues": [issue] if issue else [],
    }
    return await _answer(market, operation, fault, told)


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError:
        return None


def _patched_quantity(body: Any) -> int | None:
    if not isinstance(body, dict) or not body.get("productType") or not isinstance(body.get("patches"), list):
        return None
    for patch in body["patches"]:
        if isinstance(patch, dict) and patch.get("path") == "/attributes/fulfillment_availability":
            return wanted_quantity(patch.get("value"))
    return None


async def _get(market: Marketplace, sku: str) -> Response:
    operation = "getListingsItem"
    work(market)
    fault = await market.conduct.meet("reads", [sku])
    if (fault is None or not fault.does_nothing) and not market.may(operation):
        return market.quota_exceeded(operation)
    if sku not in market.shown and (fault is None or not fault.does_nothing):
        return market.error(operation, 404, "There is no such listing.")
    return await _answer(market, operation, fault, _item(market, sku, fault))


async def _search(market: Marketplace, request: Request, page_size: int) -> Response:
    """One page of the listings asked for; its token is the place of the first one on it."""
    operation = "searchListingsItems"
    work(market)
    query = request.query_params
    asked = [sku for sku in query.get("identifiers", "").split(",") if sku]
    fault = await market.conduct.meet("reads", asked)
    if fault is not None and fault.does_nothing:
        return await _answer(market, operation, fault, None)
    if not market.may(operation):
        return market.quota_exceeded(operation)
    if len(asked) > _IDENTIFIERS_MAX or query.get("identifiersType") != "SKU":
        return market.error(operation, 400, "A search names 20 SKUs at most.")
    found = [sku for sku in asked if sku in market.shown]
    start, size = int(query.get("pageToken", 0)), min(page_size, int(query.get("pageSize", 10)))
    told: dict[str, Any] = {
        "numberOfResults": len(found),
        "items": [_item(market, sku, fault) for sku in found[start : start + size]],
    }
    if start + size < len(found):
        told["pagination"] = {"nextToken": str(start + size)}
    return await _answer(market, operation, fault, told)


def _item(market: Marketplace, sku: str, fault: Fault | None) -> dict[str, Any]:
    if sku not in market.shown:
        return {}
    quantity = max(0, market.shelf.told(sku, fault))
    return {"sku": sku, "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": quantity}]}


async def _answer(market: Marketplace, operation: str, fault: Fault | None, told: Any) -> Response:
    return await market.conduct.answer(
        fault, lambda: market.answer(operation, told), lambda fault: market.refuse(operation, fault)
    )
