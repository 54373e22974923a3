"""A shop that speaks GraphQL: compare-and-set, user errors inside a 200, a cost bucket, ids beyond 2^53.

Shapes and codes are those of the Admin API of 2026-04 and later; sentences are our own, and so are the costs.
"""

from collections.abc import Mapping
from typing import Any

from graphql import OperationDefinitionNode, OperationType, execute_sync
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulation.peers.bucket import Bucket
from simulation.peers.clock import PeerClock
from simulation.peers.conduct import Conduct
from simulation.peers.control import control_routes
from simulation.peers.faults import Fault, FaultKind
from simulation.peers.shelf import Shelf
from simulation.peers.shopify_resolvers import ROOT, RequestContext, note_figures, skus_named
from simulation.peers.shopify_schema import shopify_schema, understood
from simulation.peers.shopify_shop import Shop

_SET_COST, _READ_COST = 10, 2


def shopify_app(
    shown: Mapping[str, int],
    *,
    rate: float = 1000.0,
    burst: float = 2000.0,
    page_size: int = 250,
    clock: PeerClock | None = None,
) -> Starlette:
    """A shop that lists ``shown``; its cost bucket holds ``burst`` points and regains ``rate`` a second.

    A page of a read has ``page_size`` items at most, whatever is asked for.
    """
    clock = clock or PeerClock()
    shop = Shop(Shelf(dict(shown), clock), Bucket(rate, burst, clock), Conduct(clock), page_size)

    async def graphql(request: Request) -> Response:
        return await _answer(shop, request)

    routes = [Route("/admin/api/{version}/graphql.json", graphql, methods=["POST"])]
    app = Starlette(routes=routes + control_routes(shop.conduct, shop.settle, shop.shelf))
    app.state.peer = shop
    return app


async def _answer(shop: Shop, request: Request) -> Response:
    try:
        body = await request.json()
        document = understood(str(body["query"]))
    except (ValueError, KeyError, TypeError):
        return JSONResponse({"errors": {"query": "Required parameter missing or invalid"}}, 400)
    if isinstance(document, tuple):
        return JSONResponse({"errors": [error.formatted for error in document]}, 400)
    variables = body.get("variables") or {}
    operations = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
    writes = operations[0].operation is OperationType.MUTATION
    skus = skus_named(shop, variables, writes=writes)
    cost = _SET_COST if writes else _READ_COST + int(variables.get("first") or 0)
    fault = await shop.conduct.meet("writes" if writes else "reads", skus)
    if (fault is None or not fault.does_nothing) and not shop.bucket.take(cost):
        shop.conduct.refused_by_limit += 1
        return _throttled(shop, cost)
    if fault is not None and fault.does_nothing:
        note_figures(shop, variables, fault, applied=False)
        return await shop.conduct.answer(fault, _nothing, lambda told: _refuse(shop, told, cost))
    done = execute_sync(
        shopify_schema(), document, ROOT, context_value=RequestContext(shop, fault), variable_values=variables
    )
    told: dict[str, Any] = dict(done.formatted)
    told["extensions"] = {"cost": _cost(shop, cost, cost)}
    return await shop.conduct.answer(fault, lambda: JSONResponse(told), lambda told: _refuse(shop, told, cost))


def _nothing() -> Response:
    return JSONResponse({"data": None})


def _cost(shop: Shop, requested: int, actual: int | None) -> dict[str, Any]:
    bucket = {
        "maximumAvailable": float(shop.bucket.burst),
        "currentlyAvailable": int(shop.bucket.left),
        "restoreRate": float(shop.bucket.rate),
    }
    return {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": bucket}


def _throttled(shop: Shop, cost: int) -> Response:
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
    return JSONResponse({"errors": [error], "extensions": {"cost": _cost(shop, cost, None)}})


def _refuse(shop: Shop, fault: Fault, cost: int) -> Response:
    if fault.kind is FaultKind.THROTTLED:
        return _throttled(shop, cost)
    headers = {"Retry-After": f"{fault.retry_after_s:.1f}"} if fault.retry_after_s is not None else None
    return JSONResponse({"errors": f"The shop answers {fault.status}"}, fault.status, headers)
