"""What a channel shows to its buyers, and what they bought."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from simulation.peers.clock import PeerClock
from simulation.peers.faults import Fault, FaultKind

_REMEMBERED = 8
"""Figures of a listing that are kept for stale reads."""


@dataclass(frozen=True, slots=True)
class Order:
    """Units that a buyer was promised; ``at_s`` by the peer's clock."""

    order: str
    sku: str
    quantity: int
    buyer: str
    at_s: float


@dataclass
class Shelf:
    """Units by SKU, as shown; a sale takes them off, a push sets them anew."""

    shown: dict[str, int]
    clock: PeerClock
    orders: list[Order] = field(default_factory=list)
    sold: Counter[str] = field(default_factory=Counter)
    turned_away: int = 0
    """Buyers who wanted more than was shown."""
    applied_twice: int = 0
    """Figures that changed what is shown although their submission was applied before: a doubled write."""
    changed_s: dict[str, float] = field(default_factory=dict)
    _submitted: set[tuple[str, str]] = field(default_factory=set)
    _before: defaultdict[str, deque[tuple[float, int]]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=_REMEMBERED))
    )

    def set(self, sku: str, quantity: int, submission: str = "") -> None:
        """Show ``quantity`` from now on; ``submission``: the sender's name for what asked for it, where it has one."""
        now = self.clock()
        if submission:
            self.applied_twice += (submission, sku) in self._submitted and self.shown.get(sku) != quantity
            self._submitted.add((submission, sku))
        if sku in self.shown:
            self._before[sku].append((now, self.shown[sku]))
        self.shown[sku] = quantity
        self.changed_s[sku] = now

    def count_anew(self) -> None:
        """Forget which submissions have had an effect."""
        self.applied_twice = 0
        self._submitted.clear()

    def sell(self, sku: str, quantity: int, buyer: str = "") -> Order | None:
        """Sell what is shown; None where too little is."""
        if quantity < 1 or self.shown.get(sku, 0) < quantity:
            self.turned_away += 1
            return None
        order = Order(f"O{len(self.orders) + 1}", sku, quantity, buyer, self.clock())
        self.orders.append(order)
        self.sold[sku] += quantity
        self.set(sku, self.shown[sku] - quantity)
        return order

    def told(self, sku: str, fault: Fault | None) -> int:
        """What a read tells of ``sku``: what is shown, or with a stale read what was."""
        if fault is None or fault.kind is not FaultKind.STALE_READ or not self._before[sku]:
            return self.shown[sku]
        if fault.seconds is None:
            return self._before[sku][-1][1]
        since = self.clock() - fault.seconds
        was = [quantity for until, quantity in self._before[sku] if until > since]
        return was[0] if was else self.shown[sku]


def oversold(sold: Iterable[Mapping[str, int]], stock: Mapping[str, int]) -> dict[str, int]:
    """Units by SKU that several channels together sold beyond what there was."""
    total: Counter[str] = Counter()
    for channel in sold:
        total.update(channel)
    return {sku: units - stock.get(sku, 0) for sku, units in total.items() if units > stock.get(sku, 0)}
