"""A trading partner behind a mailbox: files are dropped, fetched and listed, as over SFTP, but by HTTP.

- ``PUT /mailbox/inbound/NAME`` drops a file; with ``If-None-Match: *`` one that lies there already is a 412.
- ``GET /mailbox/outbound?after=NAME&limit=N`` lists what the partner put there; ``GET /mailbox/outbound/NAME`` fetches.
- ``GET /mailbox/inbound/NAME`` fetches what we dropped ourselves.
"""

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from core_sync.channels.x12 import NotX12, read_interchanges
from core_sync.channels.x12_inventory import AVAILABLE, read_advice
from simulation.peers.bucket import Bucket
from simulation.peers.clock import PeerClock
from simulation.peers.conduct import Conduct
from simulation.peers.control import control_routes
from simulation.peers.edi_partner import Dropped, Partner
from simulation.peers.faults import Fault, FaultKind
from simulation.peers.shelf import Shelf


def edi_app(
    shown: Mapping[str, int],
    *,
    rate: float = 10.0,
    burst: float = 20.0,
    settle_s: float = 0.0,
    report_every_s: float = 0.0,
    page_size: int = 1000,
    clock: PeerClock | None = None,
) -> Starlette:
    """A partner that lists ``shown``; it works on a file ``settle_s`` seconds after it was dropped.

    It reports what changed ``report_every_s`` seconds after its last report at the soonest. The mailbox answers
    ``rate`` requests a second, and lists ``page_size`` files at a time.
    """
    clock = clock or PeerClock()
    partner = Partner(Shelf(dict(shown), clock), Conduct(clock), Bucket(rate, burst, clock), report_every_s)

    async def inbound(request: Request) -> Response:
        return await (_drop(partner, request, settle_s) if request.method == "PUT" else _fetch(partner, request))

    async def outbound(request: Request) -> Response:
        return await _fetch(partner, request)

    async def listed(request: Request) -> Response:
        return await _list(partner, request, page_size)

    routes = [
        Route("/mailbox/inbound/{name}", inbound, methods=["PUT", "GET"]),
        Route("/mailbox/outbound/{name}", outbound, methods=["GET"]),
        Route("/mailbox/outbound", listed, methods=["GET"]),
    ]
    app = Starlette(routes=routes + control_routes(partner.conduct, partner.settle, partner.shelf, partner.work))
    app.state.peer = partner
    return app


def _refuse(fault: Fault) -> Response:
    headers = {"Retry-After": f"{fault.retry_after_s:.0f}"} if fault.retry_after_s is not None else None
    return PlainTextResponse(f"The mailbox answers {fault.status or 429}.", fault.status or 429, headers)


def _too_many(partner: Partner) -> Response:
    partner.conduct.refused_by_limit += 1
    return PlainTextResponse("Too many requests.", 429)


async def _drop(partner: Partner, request: Request, settle_s: float) -> Response:
    name, text = str(request.path_params["name"]), (await request.body()).decode("utf-8", "replace")
    figures = _figures(text)
    fault = await partner.conduct.meet("writes", [sku for _, sku, _ in figures])
    works = fault is None or not fault.does_nothing
    if works and not partner.bucket.take():
        return _too_many(partner)
    there = name in partner.inbound
    if works and there and request.headers.get("if-none-match") == "*":
        partner.conduct.repeats += 1
        return await partner.conduct.answer(fault, lambda: Response(status_code=412), _refuse)
    held_back = fault is not None and fault.holds_back
    for key, sku, quantity in figures:
        applied = works and not held_back and sku in partner.shown
        partner.conduct.note("846", sku, quantity, key, fault, applied=applied)
    if works:
        lost = fault is not None and fault.kind is FaultKind.LOST
        wait_s = settle_s + (fault.lingers_s if fault else 0.0)
        due_s = None if lost else partner.conduct.clock() + wait_s
        partner.drop(Dropped(name, text, due_s, fault))
    return await partner.conduct.answer(fault, lambda: Response(status_code=201), _refuse)


def _figures(text: str) -> list[tuple[str, str, int]]:
    """Control number of the interchange, SKU and quantity of each line that can be read."""
    try:
        return [
            (interchange.control_number, line.item.get("SK", ""), line.quantities.get(AVAILABLE, 0))
            for interchange in read_interchanges(text)
            for group in interchange.groups
            for transaction in group.transactions
            for line in read_advice(transaction).lines
        ]
    except NotX12:
        return []


async def _fetch(partner: Partner, request: Request) -> Response:
    name, ours = str(request.path_params["name"]), "inbound" in request.url.path
    fault = await partner.conduct.meet("reads")
    works = fault is None or not fault.does_nothing
    if works and not partner.bucket.take():
        return _too_many(partner)
    dropped = partner.inbound.get(name)
    text = (dropped.text if dropped else None) if ours else partner.outbound.get(name)
    if text is None and works:
        return PlainTextResponse("There is no such file.", 404)
    return await partner.conduct.answer(
        fault, lambda: PlainTextResponse(text or "", media_type="application/edi-x12"), _refuse
    )


async def _list(partner: Partner, request: Request, page_size: int) -> Response:
    """Names after ``after``, the oldest first; a stale listing ends before the newest report."""
    fault = await partner.conduct.meet("reads")
    if (fault is None or not fault.does_nothing) and not partner.bucket.take():
        return _too_many(partner)
    partner.work()
    names = list(partner.outbound)
    if fault is not None and fault.kind is FaultKind.STALE_READ:
        reports = [place for place, name in enumerate(names) if "-846" in name]
        names = names[: reports[-1]] if reports else names
    after = request.query_params.get("after", "")
    ahead = [name for name in names if name > after]
    size = min(page_size, int(request.query_params.get("limit", page_size)))
    told = {"files": ahead[:size], "more": len(ahead) > size}
    return await partner.conduct.answer(fault, lambda: JSONResponse(told), _refuse)
