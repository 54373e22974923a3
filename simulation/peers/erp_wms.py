"""An ERP with its warehouses as a plain JSON service: stock, reservations, postings, counts, tasks.

Every write takes an ``Idempotency-Key``: the same key gives the first answer again, without a second effect.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulation.peers.conduct import Conduct
from simulation.peers.control import control_routes
from simulation.peers.faults import Fault

Place = tuple[str, str]
Done = tuple[int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class HeldStock:
    """A reservation as the ERP keeps it; ``order_state`` is ``open``, ``cancelled``, ``shipped`` or ``expired``."""

    reservation: str
    sku: str
    location: str
    quantity: int
    document: str = ""
    order_state: str = "open"
    released: bool = False


@dataclass
class Office:
    """Stock by (SKU, location), reservations, and what was asked of people."""

    on_hand: dict[Place, int]
    reservations: dict[str, HeldStock]
    forgotten: dict[Place, int] = field(default_factory=dict)
    """Units by place that nobody has posted yet; a task about the place makes somebody post them."""
    conduct: Conduct = field(default_factory=Conduct)
    postings: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    counts: int = 0
    answers: dict[str, Done] = field(default_factory=dict)

    def allocated(self, place: Place) -> int:
        """Units that unreleased reservations hold."""
        return sum(
            held.quantity
            for held in self.reservations.values()
            if not held.released and (held.sku, held.location) == place
        )

    def settle(self) -> int:
        """Post whatever waits."""
        waiting = [posting for posting in self.postings.values() if posting["status"] == "queued"]
        for posting in waiting:
            self.post(posting)
        return len(waiting)

    def post(self, posting: dict[str, Any]) -> None:
        """Book one posting."""
        place = (posting["sku"], posting["location"])
        self.on_hand[place] = self.on_hand.get(place, 0) + posting["quantity"]
        posting["status"] = "posted"


Act = Callable[[Office, Request, dict[str, Any], bool], Done]
"""What a write does; the last argument says whether to do it now or only to take it on."""


def erp_wms_app(
    on_hand: Mapping[Place, int], reservations: Iterable[HeldStock] = (), forgotten: Mapping[Place, int] | None = None
) -> Starlette:
    """An ERP that holds ``on_hand`` units by (SKU, location), with ``reservations`` on them.

    What is ``forgotten`` is posted as soon as somebody asks for a look at its place.
    """
    office = Office(dict(on_hand), {held.reservation: held for held in reservations}, dict(forgotten or {}))
    writes = (
        ("/reservations/{name}/release", _release),
        ("/postings", _post),
        ("/counts", _count),
        ("/tasks", _task),
    )
    reads = (
        ("/stock", _stock),
        ("/reservations", _reservations),
        ("/postings", lambda office, _: {"postings": list(office.postings.values())}),
        ("/tasks", lambda office, _: {"tasks": list(office.tasks.values())}),
    )
    routes = [Route(path, _writing(office, act), methods=["POST"]) for path, act in writes]
    routes += [Route(path, _reading(office, tell), methods=["GET"]) for path, tell in reads]
    app = Starlette(routes=routes + control_routes(office.conduct, office.settle))
    app.state.peer = office
    return app


def _refuse(fault: Fault) -> Response:
    status = fault.status or 429  # a throttle has no manner of its own here
    headers = {"Retry-After": "1"} if status in (429, 503) else None
    return JSONResponse(
        {"error": {"code": f"HTTP_{status}", "message": f"The system answers {status}"}}, status, headers
    )


def _error(status: int, code: str, message: str) -> Done:
    return status, {"error": {"code": code, "message": message}}


def _writing(office: Office, act: Act) -> Callable[[Request], Any]:
    async def write(request: Request) -> Response:
        raw = await request.body()
        body: dict[str, Any] = await request.json() if raw else {}
        key = request.headers.get("idempotency-key", "")
        subject = str(body.get("sku") or request.path_params.get("name") or "")
        fault = await office.conduct.meet("writes", [subject])
        holds_back = fault is not None and fault.holds_back
        works = not holds_back and (fault is None or not fault.does_nothing)
        status, told = office.answers.get(key) or (503, {})
        if not told and (works or holds_back):
            status, told = act(office, request, body, works)
            if key and status < 400:
                office.answers[key] = status, told
        applied = works and status < 400
        office.conduct.note(request.url.path, subject, body.get("quantity"), key, fault, applied=applied)
        return await office.conduct.answer(fault, lambda: JSONResponse(told, status), _refuse)

    return write


def _reading(office: Office, tell: Callable[[Office, Request], dict[str, Any]]) -> Callable[[Request], Any]:
    async def read(request: Request) -> Response:
        fault = await office.conduct.meet("reads")
        return await office.conduct.answer(fault, lambda: JSONResponse(tell(office, request)), _refuse)

    return read


def _stock(office: Office, request: Request) -> dict[str, Any]:
    sku, location = request.query_params.get("sku"), request.query_params.get("location")
    rows = [
        {"sku": place[0], "location": place[1], "on_hand": units, "allocated": office.allocated(place)}
        for place, units in office.on_hand.items()
        if sku in (None, place[0]) and location in (None, place[1])
    ]
    return {"stock": rows}


def _reservations(office: Office, request: Request) -> dict[str, Any]:
    sku = request.query_params.get("sku")
    return {"reservations": [asdict(held) for held in office.reservations.values() if sku in (None, held.sku)]}


def _release(office: Office, request: Request, _: dict[str, Any], works: bool) -> Done:
    held = office.reservations.get(str(request.path_params["name"]))
    if held is None:
        return _error(404, "UNKNOWN_RESERVATION", "There is no such reservation.")
    if held.order_state == "open":
        return _error(409, "ORDER_OPEN", "The order behind the reservation is still open.")
    if works:
        office.reservations[held.reservation] = replace(held, released=True)
    return 200, {"reservation": held.reservation, "released": held.quantity}


def _post(office: Office, _: Request, body: dict[str, Any], works: bool) -> Done:
    if not isinstance(body.get("quantity"), int) or not (body.get("sku") and body.get("location")):
        return _error(422, "INCOMPLETE", "A posting needs sku, location and a whole quantity.")
    name = f"P{len(office.postings) + 1}"
    posting = {"posting": name, "status": "queued", **body}
    office.postings[name] = posting
    if works:
        office.post(posting)
    return 202, {"posting": name, "status": posting["status"]}


def _count(office: Office, _: Request, body: dict[str, Any], works: bool) -> Done:
    counted = body.get("quantity")
    if not isinstance(counted, int) or counted < 0 or not (body.get("sku") and body.get("location")):
        return _error(422, "INCOMPLETE", "A count needs sku, location and a quantity of 0 or more.")
    place = (str(body["sku"]), str(body["location"]))
    expected = office.on_hand.get(place, 0)
    office.counts += 1
    if works:
        office.on_hand[place] = counted
    return 201, {"count": f"C{office.counts}", "expected": expected, "counted": counted}


def _task(office: Office, _: Request, body: dict[str, Any], works: bool) -> Done:
    name = f"T{len(office.tasks) + 1}"
    if works:
        office.tasks[name] = {"task": name, "status": "open", **body}
        place = (str(body.get("sku")), str(body.get("location")))
        office.on_hand[place] = office.on_hand.get(place, 0) + office.forgotten.pop(place, 0)
    return 201, {"task": name}
