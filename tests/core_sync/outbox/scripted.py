"""A channel in memory that does what a test scripts, behind the port that every connector implements."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core_sync.channels.port import (
    NOT_SENT,
    Accepted,
    Channel,
    ChannelLimits,
    Progress,
    PushAnswer,
    PushRequest,
    ReadFailed,
    Reading,
    Rejected,
    Unknown,
)

NO_CONNECTION = Rejected("no connection", NOT_SENT, transient=True)
NO_ANSWER = Unknown("no answer in time", "READ_TIMEOUT")
QUICK = ChannelLimits(pushes_per_second=1e6, skus_per_push=1, visible_within_s=30.0, skus_per_read=100, burst=1e6)

Step = PushAnswer | Callable[[PushRequest], PushAnswer]


@dataclass
class ScriptedChannel:
    """Takes and shows what it is asked to, unless the script says otherwise; one step a request.

    ``is_out`` answers nobody. ``writes`` are the pushes that reached it, in their order.
    """

    shown: dict[str, int] = field(default_factory=dict)
    limits: ChannelLimits = QUICK
    script: deque[Step] = field(default_factory=deque)
    writes: list[tuple[str, int]] = field(default_factory=list)
    requests: list[PushRequest] = field(default_factory=list)
    receipts: dict[str, Progress] = field(default_factory=dict)
    reads: int = 0
    is_out: bool = False
    asked_in_vain: int = 0

    def push(self, requests: Sequence[PushRequest]) -> Sequence[PushAnswer]:
        return [self._push(request) for request in requests]

    def follow(self, receipts: Sequence[str]) -> Mapping[str, Progress]:
        return {receipt: self.receipts[receipt] for receipt in receipts}

    def read(self, skus: Sequence[str]) -> Reading:
        if self.is_out:
            raise ReadFailed("no connection", NOT_SENT)
        self.reads += 1
        return Reading({sku: self.shown[sku] for sku in skus if sku in self.shown})

    def applies(self, request: PushRequest) -> Accepted:
        """Show what is asked."""
        self.shown[request.sku] = request.quantity
        return Accepted()

    def _push(self, request: PushRequest) -> PushAnswer:
        if self.is_out:
            self.asked_in_vain += 1
            return NO_CONNECTION
        self.writes.append((request.sku, request.quantity))
        self.requests.append(request)
        step = self.script.popleft() if self.script else self.applies
        return step(request) if callable(step) else step


@dataclass
class Connected:
    """Connectors by name, as the dispatcher asks for them."""

    channels: Mapping[str, Channel]

    def get(self, name: str) -> Channel | None:
        return self.channels.get(name)
