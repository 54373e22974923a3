"""A shop that speaks GraphQL: compare-and-set, user errors inside a 200, a cost bucket.

Only the two operations that a stock connector needs are understood. Codes are those of the Admin API of
2026-04 and later; sentences are our own.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulation.peers.bucket import Bucket
from simulation.peers.faults import Conduct, PeerFault, control_routes

ITEM = "gid://shopify/InventoryItem/"
QUANTITY_MAX = 1_000_000_000
_SET_COST, _READ_COST = 10, 4
_TERM = re.compile(r'sku:(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s"]+))')


@dataclass
class Shop:
    """Available units by SKU; ``held_back`` was accepted and is not shown."""

    shown: dict[str, int]
    bucket: Bucket
    conduct: Conduct = field(default_factory=Conduct)
    held_back: dict[str, int] = field(default_factory=dict)
    keys: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)

    def settle(self) -> int:
        """Show what was accepted and held back."""
        count = len(self.held_back)
        self.shown |= self.held_back
        self.held_back.clear()
        return count


def shopify_app(shown: Mapping[str, int], *, rate: float = 1000.0, burst: float = 2000.0) -> Starlette:
    """A shop that lists ``shown``; its cost bucket holds ``burst`` points and regains ``rate`` a second."""
    shop = Shop(dict(shown), Bucket(rate, burst))

    async def graphql(request: Request) -> Response:
        body = await request.json()
        query = str(body.get("query", ""))
        variables = body.get("variables") or {}
        if "inventorySetQuantities" in query:
            return await _set(shop, query, variables)
        if "inventoryItems" in query:
            return await _read(shop, variables)
        return JSONResponse({"errors": [{"message": "This shop understands no such operation."}]}, 400)

    routes = [Route("/admin/api/{version}/graphql.json", graphql, methods=["POST"])]
    app = Starlette(routes=routes + control_routes(shop.conduct, shop.settle))
    app.state.peer = shop
    return app


def _throttled(shop: Shop, cost: int, status: int = 200) -> Response:
    bucket = {
        "maximumAvailable": shop.bucket.burst,
        "currentlyAvailable": int(shop.bucket.left),
        "restoreRate": shop.bucket.rate,
    }
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
    cost_told = {"requestedQueryCost": cost, "actualQueryCost": None, "throttleStatus": bucket}
    return JSONResponse({"errors": [error], "extensions": {"cost": cost_told}}, status)


def _refuse(shop: Shop, fault: PeerFault | None, status: int) -> Response:
    if fault is PeerFault.THROTTLED:
        return _throttled(shop, _SET_COST)
    if status == 429:
        return JSONResponse({"errors": "Too many requests from this app"}, status, {"Retry-After": "2.0"})
    return JSONResponse({"errors": f"The shop answers {status}"}, status)


async def _set(shop: Shop, query: str, variables: Mapping[str, Any]) -> Response:
    if not shop.bucket.take(_SET_COST):
        return _throttled(shop, _SET_COST)
    key = str(variables.get("key") or "")
    fault = shop.conduct.fault_of_write()
    outcome: dict[str, Any] = {}
    quantities = (variables.get("input") or {}).get("quantities") or []
    if fault is None or fault.applies or fault is PeerFault.ACCEPTED_NOT_APPLIED:
        held_back = fault is PeerFault.ACCEPTED_NOT_APPLIED
        outcome = _apply(shop, "@idempotent" in query, key, variables, held_back=held_back)
    applied = bool(outcome) and not outcome["userErrors"] and fault is not PeerFault.ACCEPTED_NOT_APPLIED
    for quantity in quantities:
        subject = str(quantity.get("inventoryItemId", "")).removeprefix(ITEM)
        shop.conduct.note("inventorySetQuantities", subject, quantity.get("quantity"), key, fault, applied=applied)
    return await shop.conduct.answer(
        fault,
        lambda: JSONResponse({"data": {"inventorySetQuantities": outcome}}),
        lambda status: _refuse(shop, fault, status),
    )


def _apply(shop: Shop, idempotent: bool, key: str, variables: Mapping[str, Any], *, held_back: bool) -> dict[str, Any]:
    """Set all the quantities or none; the same key and content gives the same outcome without a second effect."""
    told = json.dumps(variables.get("input"), sort_keys=True)
    if not idempotent or not key:
        return _errors("IDEMPOTENCY_KEY_REQUIRED", ["key"], "The mutation needs an idempotency key.")
    if key in shop.keys:
        before, outcome = shop.keys[key]
        if before != told:
            return _errors("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", ["key"], "The key was used for other content.")
        return outcome
    outcome = _checked(shop, (variables.get("input") or {}).get("quantities") or [])
    if not outcome["userErrors"]:
        for quantity in variables["input"]["quantities"]:
            sku = quantity["inventoryItemId"].removeprefix(ITEM)
            (shop.held_back if held_back else shop.shown)[sku] = int(quantity["quantity"])
        shop.keys[key] = (told, outcome)
    return outcome


def _checked(shop: Shop, quantities: list[dict[str, Any]]) -> dict[str, Any]:
    for place, quantity in enumerate(quantities):
        path = ["input", "quantities", str(place)]
        sku = str(quantity.get("inventoryItemId", "")).removeprefix(ITEM)
        wanted = quantity.get("quantity")
        if sku not in shop.shown:
            return _errors("INVALID_INVENTORY_ITEM", [*path, "inventoryItemId"], "There is no such inventory item.")
        if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 0:
            return _errors("INVALID_QUANTITY_NEGATIVE", [*path, "quantity"], "The quantity must be 0 or more.")
        if wanted > QUANTITY_MAX:
            return _errors("INVALID_QUANTITY_TOO_HIGH", [*path, "quantity"], "The quantity is too high.")
        if "changeFromQuantity" not in quantity or quantity["changeFromQuantity"] != shop.shown[sku]:
            message = "The quantity compared with is not the quantity stored."
            return _errors("CHANGE_FROM_QUANTITY_STALE", [*path, "changeFromQuantity"], message)
    group = {"id": f"gid://shopify/InventoryAdjustmentGroup/{len(shop.conduct.log) + 1}"}
    return {"inventoryAdjustmentGroup": group, "userErrors": []}


def _errors(code: str, field: list[str], message: str) -> dict[str, Any]:
    error = {"field": field, "message": message, "code": code}
    return {"inventoryAdjustmentGroup": None, "userErrors": [error]}


def searched_skus(query: str) -> list[str]:
    """The SKUs of a search such as ``sku:A OR sku:"B 1"``; in quotes a backslash escapes the next sign."""
    found = _TERM.finditer(query)
    return [term["plain"] or re.sub(r"\\(.)", r"\1", term["quoted"]) for term in found]


async def _read(shop: Shop, variables: Mapping[str, Any]) -> Response:
    if not shop.bucket.take(_READ_COST):
        return _throttled(shop, _READ_COST)
    fault = shop.conduct.fault_of_read()
    wanted = searched_skus(str(variables.get("query") or ""))
    nodes = [
        {
            "id": f"{ITEM}{sku}",
            "sku": sku,
            "inventoryLevel": {"quantities": [{"name": "available", "quantity": shop.shown[sku]}]},
        }
        for sku in wanted[: int(variables.get("first") or 50)]
        if sku in shop.shown
    ]
    return await shop.conduct.answer(
        fault,
        lambda: JSONResponse({"data": {"inventoryItems": {"nodes": nodes}}}),
        lambda status: _refuse(shop, fault, status),
    )
