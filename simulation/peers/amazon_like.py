"""A marketplace that takes updates into a queue: ACCEPTED is not applied, an invalid listing is a 200.

Shapes are those of the Listings Items API of 2021-08-01; sentences are our own.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulation.peers.bucket import Bucket
from simulation.peers.faults import Conduct, PeerFault, control_routes

_PATH = "/listings/2021-08-01/items/{seller}/{sku:path}"
_CODES = {400: "InvalidInput", 404: "NotFound", 429: "QuotaExceeded", 500: "InternalFailure", 503: "ServiceUnavailable"}


@dataclass
class Marketplace:
    """Units by seller SKU; what is ``queued`` applies when its time comes, what is ``stuck`` only on request."""

    shown: dict[str, int]
    patches: Bucket
    settle_s: float
    clock: Callable[[], float]
    conduct: Conduct = field(default_factory=Conduct)
    queued: list[tuple[float, str, int]] = field(default_factory=list)
    stuck: dict[str, int] = field(default_factory=dict)
    submissions: int = 0

    def work(self) -> None:
        """Apply what is due, in the order in which it was accepted."""
        now = self.clock()
        for _, sku, quantity in (entry for entry in self.queued if entry[0] <= now):
            self.shown[sku] = quantity
        self.queued = [entry for entry in self.queued if entry[0] > now]

    def settle(self) -> int:
        """Apply everything that was ever accepted."""
        count = len(self.queued) + len(self.stuck)
        for _, sku, quantity in self.queued:
            self.shown[sku] = quantity
        self.shown |= self.stuck
        self.queued, self.stuck = [], {}
        return count


def amazon_app(
    shown: Mapping[str, int],
    *,
    rate: float = 5.0,
    burst: float = 10.0,
    settle_s: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
) -> Starlette:
    """A marketplace that lists ``shown``; an accepted figure shows ``settle_s`` seconds later."""
    market = Marketplace(dict(shown), Bucket(rate, burst, clock), settle_s, clock)

    async def item(request: Request) -> Response:
        sku = str(request.path_params["sku"])
        if request.method == "PATCH":
            return await _patch(market, sku, request)
        return await _get(market, sku)

    routes = [Route(_PATH, item, methods=["GET", "PATCH"])]
    app = Starlette(routes=routes + control_routes(market.conduct, market.settle))
    app.state.peer = market
    return app


def _refuse(market: Marketplace, status: int, message: str = "") -> Response:
    code = _CODES.get(status, "InternalFailure")
    headers = {"x-amzn-RateLimit-Limit": str(market.patches.rate), "x-amzn-RequestId": f"req-{market.submissions}"}
    if status == 429:
        headers["Retry-After"] = "1"
    error = {"code": code, "message": message or f"The marketplace answers {status}.", "details": ""}
    return JSONResponse({"errors": [error]}, status, headers)


def _wanted(body: Any) -> int | None:
    """The quantity that a patch asks for; None where it asks for nothing that can be understood."""
    try:
        value = body["patches"][0]["value"][0]
        quantity = value["quantity"]
    except (KeyError, IndexError, TypeError):
        return None
    good = isinstance(quantity, int) and not isinstance(quantity, bool) and value.get("fulfillment_channel_code")
    return quantity if good else None


async def _patch(market: Marketplace, sku: str, request: Request) -> Response:
    if not market.patches.take():
        return _refuse(market, 429, "The quota for this operation is used up.")
    body = await request.json()
    quantity = _wanted(body)
    if quantity is None or not body.get("productType"):
        return _refuse(market, 400, "The patch does not follow the schema.")
    market.work()
    fault = market.conduct.fault_of_write()
    issue = _issue(market, sku, quantity)
    works = fault is None or fault.applies
    if issue is None and works:
        market.queued.append((market.clock() + market.settle_s, sku, quantity))
    elif issue is None and fault is PeerFault.ACCEPTED_NOT_APPLIED:
        market.stuck[sku] = quantity
    key = request.headers.get("idempotency-key", "")
    market.conduct.note("patchListingsItem", sku, quantity, key, fault, applied=works and issue is None)
    market.submissions += 1
    answer = {
        "sku": sku,
        "status": "ACCEPTED" if issue is None else "INVALID",
        "submissionId": f"submission-{market.submissions}",
        "issues": [issue] if issue else [],
    }
    return await market.conduct.answer(fault, lambda: JSONResponse(answer), lambda status: _refuse(market, status))


def _issue(market: Marketplace, sku: str, quantity: int) -> dict[str, Any] | None:
    if sku not in market.shown:
        return {"code": "13013", "message": "The seller lists no such SKU.", "severity": "ERROR", "attributeNames": []}
    if quantity < 0:
        names = ["fulfillment_availability"]
        return {"code": "99022", "message": "No quantity is below 0.", "severity": "ERROR", "attributeNames": names}
    return None


async def _get(market: Marketplace, sku: str) -> Response:
    market.work()
    fault = market.conduct.fault_of_read()
    if sku not in market.shown:
        return _refuse(market, 404, "There is no such listing.")
    availability = [{"fulfillmentChannelCode": "DEFAULT", "quantity": market.shown[sku]}]
    return await market.conduct.answer(
        fault,
        lambda: JSONResponse({"sku": sku, "fulfillmentAvailability": availability}),
        lambda status: _refuse(market, status),
    )
