"""How a peer behaves towards one request, and what it counts of all of them."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Literal

from starlette.responses import Response

from simulation.peers.answers import Cut, garbage, gateway_down
from simulation.peers.clock import PeerClock
from simulation.peers.faults import Fault, FaultKind, FaultPlan

WITHHELD_S = 30.0
"""How long a timed-out answer is withheld where nothing else is said: longer than any client waits."""


@dataclass(frozen=True, slots=True)
class Write:
    """One figure of one listing that reached the peer, in the order of arrival; ``at_s`` by the peer's clock."""

    number: int
    at_s: float
    operation: str
    subject: str
    quantity: int | None
    key: str
    fault: str
    applied: bool


@dataclass
class Conduct:
    """Faults still to come, and what came. ``seconds`` is how long a timed-out answer is withheld.

    ``writes`` and ``reads`` are faults that the next requests meet one each, before the plan is asked.
    """

    clock: PeerClock = field(default_factory=PeerClock)
    writes: deque[Fault] = field(default_factory=deque)
    reads: deque[Fault] = field(default_factory=deque)
    plan: FaultPlan = field(default_factory=FaultPlan)
    seconds: float = WITHHELD_S
    log: list[Write] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    refused_by_limit: int = 0
    repeats: int = 0
    """Requests whose idempotency key the peer knew: answered as before, without a second effect."""
    _garbage: int = 0

    async def meet(self, on: Literal["writes", "reads"], skus: Collection[str] = ()) -> Fault | None:
        """Count a request; wait as long as the plan says; and give the fault that it meets."""
        self.requests[on] += 1
        ordered = self.writes if on == "writes" else self.reads
        latency_s, fault = None, ordered.popleft() if ordered else None
        if fault is None:
            latency_s, fault = self.plan.meet(on, self.clock(), skus)
        elif fault.kind is FaultKind.LATENCY:
            latency_s, fault = fault.seconds or 0.0, None
        if latency_s is not None:
            self.faults[FaultKind.LATENCY.value] += 1
            await asyncio.sleep(latency_s)
        if fault is not None:
            self.faults[fault.name] += 1
        return fault

    def note(
        self, operation: str, subject: str, quantity: int | None, key: str, fault: Fault | None, *, applied: bool
    ) -> None:
        """Remember a write."""
        told = fault.name if fault else ""
        self.log.append(Write(len(self.log) + 1, self.clock(), operation, subject, quantity, key, told, applied))

    def behave(self) -> None:
        """No more faults, whether planned or ordered."""
        self.writes.clear()
        self.reads.clear()
        self.plan = FaultPlan()

    def forget(self) -> None:
        """Count from now on."""
        self.log.clear()
        self.requests.clear()
        self.faults.clear()
        self.refused_by_limit = self.repeats = 0

    async def answer(
        self, fault: Fault | None, good: Callable[[], Response], refuse: Callable[[Fault], Response]
    ) -> Response:
        """What the client gets: ``good``, or what ``fault`` makes of it; ``refuse`` words a status or a throttle."""
        match fault.kind if fault else None:
            case FaultKind.TIMEOUT:
                assert fault is not None  # it has a kind
                await asyncio.sleep(self.seconds if fault.seconds is None else fault.seconds)
                return Cut()
            case FaultKind.CUT:
                return Cut()
            case FaultKind.OUTAGE:
                return gateway_down()
            case FaultKind.GARBAGE:
                assert fault is not None  # it has a kind
                self._garbage += 1
                return garbage(self._garbage - 1 if fault.variant is None else fault.variant)
            case FaultKind.STATUS | FaultKind.THROTTLED:
                assert fault is not None  # it has a kind
                return refuse(fault)
            case _:
                return good()
