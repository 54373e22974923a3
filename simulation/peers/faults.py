"""What a peer does wrong on order: answers that do not come, break off, refuse, or promise and do not keep."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send


class PeerFault(StrEnum):
    """How one request goes wrong; the names ending in ``_applied`` do the work first."""

    TIMEOUT = "timeout"
    TIMEOUT_APPLIED = "timeout_applied"
    CUT = "cut"
    CUT_APPLIED = "cut_applied"
    BAD_REQUEST = "400"
    TOO_MANY = "429"
    BROKEN = "500"
    UNAVAILABLE = "503"
    THROTTLED = "throttled"
    ACCEPTED_NOT_APPLIED = "accepted_not_applied"

    @property
    def applies(self) -> bool:
        """Whether the work is done all the same."""
        return self in (PeerFault.TIMEOUT_APPLIED, PeerFault.CUT_APPLIED)


@dataclass(frozen=True, slots=True)
class Write:
    """One write that reached the peer, in the order of arrival."""

    number: int
    operation: str
    subject: str
    quantity: int | None
    key: str
    fault: str
    applied: bool


@dataclass
class Conduct:
    """Faults still to come, and writes that came. ``seconds`` is how long a timed-out answer is withheld."""

    writes: deque[PeerFault] = field(default_factory=deque)
    reads: deque[PeerFault] = field(default_factory=deque)
    seconds: float = 30.0
    log: list[Write] = field(default_factory=list)

    def fault_of_write(self) -> PeerFault | None:
        """The fault that this write meets."""
        return self.writes.popleft() if self.writes else None

    def fault_of_read(self) -> PeerFault | None:
        """The fault that this read meets."""
        return self.reads.popleft() if self.reads else None

    def note(
        self, operation: str, subject: str, quantity: int | None, key: str, fault: PeerFault | None, *, applied: bool
    ) -> None:
        """Remember a write."""
        told = fault.value if fault else ""
        self.log.append(Write(len(self.log) + 1, operation, subject, quantity, key, told, applied))

    async def answer(
        self, fault: PeerFault | None, good: Callable[[], Response], refuse: Callable[[int], Response]
    ) -> Response:
        """What the client gets: ``good``, or what ``fault`` makes of it; ``refuse`` words an error status."""
        match fault:
            case PeerFault.TIMEOUT | PeerFault.TIMEOUT_APPLIED:
                await asyncio.sleep(self.seconds)
                return Cut()
            case PeerFault.CUT | PeerFault.CUT_APPLIED:
                return Cut()
            case PeerFault.THROTTLED:
                return refuse(429)
            case PeerFault.BAD_REQUEST | PeerFault.TOO_MANY | PeerFault.BROKEN | PeerFault.UNAVAILABLE:
                return refuse(int(fault.value))
            case _:
                return good()


class Cut(Response):
    """An answer that breaks off in the middle of its body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Announce more than is sent, and stop."""
        del scope, receive  # whatever was asked
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"data": {', "more_body": True})


def control_routes(conduct: Conduct, settle: Callable[[], int]) -> list[Route]:
    """The doors for tests: order faults, read the log, let what was held back apply."""

    async def faults(request: Request) -> Response:
        if request.method == "POST":
            try:
                _order(conduct, await request.json())
            except (ValueError, TypeError) as error:
                return JSONResponse({"error": str(error)}, 422)
        elif request.method == "DELETE":
            conduct.writes.clear()
            conduct.reads.clear()
        left = {"writes": list(conduct.writes), "reads": list(conduct.reads), "seconds": conduct.seconds}
        return JSONResponse(left)

    async def log(request: Request) -> Response:
        if request.method == "DELETE":
            conduct.log.clear()
        return JSONResponse({"writes": [asdict(write) for write in conduct.log]})

    async def settled(_: Request) -> Response:
        return JSONResponse({"applied": settle()})

    return [
        Route("/_faults", faults, methods=["GET", "POST", "DELETE"]),
        Route("/_log", log, methods=["GET", "DELETE"]),
        Route("/_settle", settled, methods=["POST"]),
    ]


def _order(conduct: Conduct, order: Mapping[str, Any]) -> None:
    """Add the ordered faults; nothing is added when one of them is unknown."""
    writes = [PeerFault(name) for name in order.get("writes", ())]
    reads = [PeerFault(name) for name in order.get("reads", ())]
    conduct.seconds = float(order.get("seconds", conduct.seconds))
    conduct.writes.extend(writes)
    conduct.reads.extend(reads)
