"""Batches of a simulated marketplace: up to ten requests in one, each answered by itself below a 207.

Shapes are those of the External Fulfillment Inventory API of 2024-09-11. What is accepted here shows at once.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulation.peers.amazon_feeds import work
from simulation.peers.amazon_market import SUBMISSION, Marketplace
from simulation.peers.faults import Fault, FaultKind

PATH = "/externalFulfillment/inventory/2024-09-11/inventories"
BATCH_MAX = 10
LOCATION = "WH1"
_OPERATION = "batchInventory"


def inventory_routes(market: Marketplace) -> list[Route]:
    """The one door of the API."""

    async def batch(request: Request) -> Response:
        return await _batch(market, request)

    return [Route(PATH, batch, methods=["POST"])]


async def _batch(market: Marketplace, request: Request) -> Response:
    told = await request.json()
    requests: list[Mapping[str, Any]] = told.get("requests") or []
    asked = [(one, *_named(str(one.get("uri")))) for one in requests]
    writes = any(act == "update" for _, act, _, _ in asked)
    fault = await market.conduct.meet("writes" if writes else "reads", [sku for *_, sku in asked])
    if fault is None or not fault.does_nothing:
        if not market.may(_OPERATION):
            return market.quota_exceeded(_OPERATION)
        if not 1 <= len(requests) <= BATCH_MAX:
            return market.error(_OPERATION, 400, "Maximum number for requests supported in batch is 10.")
    work(market)
    responses = [
        _one(market, one, act, location, sku, fault, place, request.headers.get(SUBMISSION, ""))
        for place, (one, act, location, sku) in enumerate(asked)
    ]
    return await market.conduct.answer(
        fault,
        lambda: market.answer(_OPERATION, {"responses": responses}, 207),
        lambda fault: market.refuse(_OPERATION, fault),
    )


def _named(uri: str) -> tuple[str, str, str]:
    """What a request of the batch does, at which location, to which SKU."""
    parts = urlsplit(uri)
    query = parse_qs(parts.query)
    return parts.path.rsplit("/", 1)[-1], query.get("locationId", [""])[0], query.get("skuId", [""])[0]


def _one(
    market: Marketplace,
    one: Mapping[str, Any],
    act: str,
    location: str,
    sku: str,
    fault: Fault | None,
    place: int,
    submission: str,
) -> dict[str, Any]:
    quantity = (one.get("body") or {}).get("quantity")
    works = fault is None or not fault.does_nothing
    refused = fault is not None and fault.kind is FaultKind.PARTLY_REFUSED_LATER and place == 0
    wrong = _wrong(market, act, location, sku, quantity, refused=refused)
    if act == "update":
        held_back = fault is not None and fault.holds_back
        if works and not wrong:
            assert isinstance(quantity, int)  # else it is wrong
            market.take_on(sku, quantity, fault, 0.0, submission)
            market.sequence_numbers[sku] = market.sequence_numbers.get(sku, 0) + 1
        applied = works and not wrong and not held_back
        market.conduct.note(_OPERATION, sku, quantity, submission, fault, applied=applied)
    if wrong:
        errors = [{"errorType": wrong[0], "errorSubType": wrong[1]}]
        told = {"skuId": sku, "locationId": location, "actionableErrors": errors}
        return {"status": {"statusCode": 400, "reasonPhrase": "Invalid Input"}, "body": told}
    units = quantity if act == "update" else max(0, market.shelf.told(sku, fault))
    body: dict[str, Any] = {
        "skuId": sku,
        "locationId": location,
        "sellableQuantity": units,
        "reservedQuantity": 0,
        "clientSequenceNumber": market.sequence_numbers.get(sku, 0),
        "actionableErrors": [],
    }
    return {"status": {"statusCode": 200, "reasonPhrase": "Success"}, "body": body}


def _wrong(
    market: Marketplace, act: str, location: str, sku: str, quantity: Any, *, refused: bool
) -> tuple[str, str] | None:
    if sku not in market.shown:
        return "INVALID_SKU", "The seller has no such SKU."
    if location != LOCATION:
        return "INVALID_LOCATION", "The seller has no such location."
    if refused:
        return "PRODUCT_VALIDATION_FAILURE", "The product is not complete."
    if act == "update" and (not isinstance(quantity, int) or market.issue(sku, quantity)):
        return "INVALID_QUANTITY", "The quantity is out of range."
    return None
