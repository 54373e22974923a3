"""The doors of a peer that no real channel has: order faults, set the clock, buy, and ask what was counted.

- ``/_plan``: POST ``{"seed", "rules": [...]}`` sets the fault plan from now on; GET tells what fired; DELETE ends it.
- ``/_faults``: POST ``{"writes": [...], "reads": [...], "seconds"}``, and the next requests meet these, one each;
  GET tells what is left; DELETE.
- ``/_counters``: GET what was received, applied, refused, sold.
- ``/_log?after=N``: GET each figure received; DELETE forgets them, and counts from now on.
- ``/_stock``: GET what is shown; POST ``{"shown": {sku: units}}`` lists or sets them.
- ``/_orders``: POST ``{"sku", "quantity", "buyer"}`` buys: 201, or 409 where too little is shown; GET ``?after=N``.
- ``/_settle``: POST applies what was accepted and held back.
- ``/_clock``: POST ``{"advance_s"}`` or ``{"speed"}``; GET.
- ``/_again``: POST ``{"shown", "advance_s"}``: no more faults, nothing held back, counting from now on.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulation.peers.conduct import Conduct
from simulation.peers.faults import Fault, FaultPlan, rule_from
from simulation.peers.shelf import Shelf

Handler = Callable[[Request], Any]


def control_routes(
    conduct: Conduct, settle: Callable[[], int], shelf: Shelf | None = None, work: Callable[[], None] = lambda: None
) -> list[Route]:
    """The doors for tests; those for selling only where the peer has a shelf, on which ``work`` puts what is due."""

    async def settled(_: Request) -> Response:
        return JSONResponse({"applied": settle()})

    async def counters(_: Request) -> Response:
        return JSONResponse(_counted(conduct, shelf))

    async def again(request: Request) -> Response:
        told = await request.json()
        conduct.behave()
        settle()
        conduct.clock.advance(float(told.get("advance_s", 0.0)))
        for sku, quantity in told.get("shown", {}).items():
            if shelf is not None:
                shelf.set(str(sku), int(quantity))
        conduct.forget()
        if shelf is not None:
            shelf.count_anew()
        return JSONResponse(_counted(conduct, shelf))

    routes = [
        Route("/_again", again, methods=["POST"]),
        Route("/_plan", _plan(conduct), methods=["GET", "POST", "DELETE"]),
        Route("/_faults", _faults(conduct), methods=["GET", "POST", "DELETE"]),
        Route("/_counters", counters, methods=["GET"]),
        Route("/_log", _log(conduct), methods=["GET", "DELETE"]),
        Route("/_settle", settled, methods=["POST"]),
        Route("/_clock", _clock(conduct), methods=["GET", "POST"]),
    ]
    if shelf is not None:
        routes += [
            Route("/_stock", _stock(shelf, work), methods=["GET", "POST"]),
            Route("/_orders", _orders(shelf, work), methods=["GET", "POST"]),
        ]
    return routes


def _refused(error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 422)


def _plan(conduct: Conduct) -> Handler:
    async def plan(request: Request) -> Response:
        if request.method == "POST":
            told = await request.json()
            try:
                rules = tuple(rule_from(rule) for rule in told.get("rules", ()))
            except (ValueError, TypeError) as error:
                return _refused(error)
            conduct.plan = FaultPlan(rules, int(told.get("seed", 0)), conduct.clock())
        elif request.method == "DELETE":
            conduct.plan = FaultPlan()
        fired = [
            {"fault": rule.fault.name, "on": rule.on, "fired": times}
            for rule, times in zip(conduct.plan.rules, conduct.plan.fired, strict=True)
        ]
        return JSONResponse({"seed": conduct.plan.seed, "rules": fired})

    return plan


def _faults(conduct: Conduct) -> Handler:
    async def faults(request: Request) -> Response:
        if request.method == "POST":
            try:
                _order(conduct, await request.json())
            except (ValueError, TypeError) as error:
                return _refused(error)
        elif request.method == "DELETE":
            conduct.writes.clear()
            conduct.reads.clear()
        left = {"writes": [fault.name for fault in conduct.writes], "reads": [fault.name for fault in conduct.reads]}
        return JSONResponse({**left, "seconds": conduct.seconds})

    return faults


def _order(conduct: Conduct, order: Mapping[str, Any]) -> None:
    """Add the ordered faults, by name or as a rule tells one; nothing is added when one of them is unknown."""
    writes = [_fault(told) for told in order.get("writes", ())]
    reads = [_fault(told) for told in order.get("reads", ())]
    conduct.seconds = float(order.get("seconds", conduct.seconds))
    conduct.writes.extend(writes)
    conduct.reads.extend(reads)


def _fault(told: str | Mapping[str, Any]) -> Fault:
    return Fault.named(told) if isinstance(told, str) else rule_from(told).fault


def _counted(conduct: Conduct, shelf: Shelf | None) -> dict[str, Any]:
    counted: dict[str, Any] = {
        "at_s": conduct.clock(),
        "write_requests": conduct.requests["writes"],
        "read_requests": conduct.requests["reads"],
        "figures_received": len(conduct.log),
        "figures_applied": sum(1 for write in conduct.log if write.applied),
        "repeats": conduct.repeats,
        "refused_by_limit": conduct.refused_by_limit,
        "faults": dict(conduct.faults),
    }
    if shelf is not None:
        counted |= {"orders": len(shelf.orders), "sold": dict(shelf.sold), "turned_away": shelf.turned_away}
        counted["applied_twice"] = shelf.applied_twice
    return counted


def _log(conduct: Conduct) -> Handler:
    async def log(request: Request) -> Response:
        if request.method == "DELETE":
            conduct.forget()
        after = int(request.query_params.get("after", 0))
        return JSONResponse({"writes": [asdict(write) for write in conduct.log if write.number > after]})

    return log


def _stock(shelf: Shelf, work: Callable[[], None]) -> Handler:
    async def stock(request: Request) -> Response:
        work()
        if request.method == "POST":
            for sku, quantity in (await request.json())["shown"].items():
                shelf.set(str(sku), int(quantity))
        return JSONResponse({"shown": shelf.shown})

    return stock


def _orders(shelf: Shelf, work: Callable[[], None]) -> Handler:
    async def orders(request: Request) -> Response:
        work()
        if request.method == "POST":
            told = await request.json()
            order = shelf.sell(str(told["sku"]), int(told.get("quantity", 1)), str(told.get("buyer", "")))
            if order is None:
                return JSONResponse({"error": "sold out", "shown": shelf.shown.get(str(told["sku"]))}, 409)
            return JSONResponse(asdict(order), 201)
        after = int(request.query_params.get("after", 0))
        return JSONResponse({"orders": [asdict(order) for order in shelf.orders[after:]]})

    return orders


def _clock(conduct: Conduct) -> Handler:
    async def clock(request: Request) -> Response:
        if request.method == "POST":
            told = await request.json()
            try:
                if "speed" in told:
                    conduct.clock.run_at(float(told["speed"]))
                conduct.clock.advance(float(told.get("advance_s", 0.0)))
            except ValueError as error:
                return _refused(error)
        told = {"at_s": conduct.clock(), "moment": conduct.clock.moment.isoformat(), "speed": conduct.clock.speed}
        return JSONResponse(told)

    return clock
