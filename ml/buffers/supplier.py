"""How far a supplier can be relied on: lead times, what arrives of what was ordered, what comes late."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from ml.exposure.distribution import Floats
from ml.exposure.terms import Basis, Term, unknown

DAY = timedelta(days=1)
PRIOR_DELIVERIES = 5.0
"""Deliveries of its own that the experience with all suppliers weighs as much as."""
POINTS = 200
"""Lead times kept of the experience with all suppliers."""


@dataclass(frozen=True)
class Received:
    """One line of a purchase order that came. ``promised_at`` is None where nothing was promised.

    Raises:
        ValueError: received before it was ordered, or a quantity that cannot be.
    """

    supplier: str
    ordered_at: datetime
    promised_at: datetime | None
    received_at: datetime
    ordered_quantity: int
    received_quantity: int

    def __post_init__(self) -> None:
        if self.received_at < self.ordered_at:
            raise ValueError(f"{self.supplier}: received {self.ordered_at - self.received_at} before it was ordered")
        if self.ordered_quantity <= 0 or self.received_quantity < 0:
            raise ValueError(f"{self.supplier}: {self.received_quantity} received of {self.ordered_quantity} ordered")

    @property
    def lead_days(self) -> float:
        """Days from order to receipt."""
        return (self.received_at - self.ordered_at) / DAY


@dataclass(frozen=True)
class Reliability:
    """What past deliveries say. ``lead_days`` (n,) rise; ``weights`` (n,) sum to 1 and lean to the supplier's own.

    ``late_share`` is None where no delivery ever had a promise. ``deliveries`` counts the supplier's own,
    ``left_out`` those of its own that could not be used.
    """

    lead_days: Floats
    weights: Floats
    fill_rate: float
    late_share: float | None
    deliveries: int
    left_out: int = 0

    def chance_within(self, days: float, waited: float = 0.0) -> float:
        """The chance that an order open for ``waited`` days comes within ``days`` more, and comes in full.

        An order older than any delivery ever took comes, for all we know, never: 0.

        Raises:
            ValueError: a span below 0.
        """
        if not (days >= 0 and waited >= 0):
            raise ValueError(f"{days} days from now for an order {waited} days old")
        still_open = float(self.weights[self.lead_days > waited].sum())
        if still_open <= 0:
            return 0.0
        in_time = float(self.weights[(self.lead_days > waited) & (self.lead_days <= waited + days)].sum())
        return min(in_time / still_open, 1.0) * self.fill_rate

    def lead_quantile(self, chance: float) -> float:
        """Days within which this share of deliveries came."""
        reached = int(np.searchsorted(np.cumsum(self.weights), chance - 1e-12))
        return float(self.lead_days[min(reached, len(self.lead_days) - 1)])


@dataclass(frozen=True)
class SupplierBook:
    """Reliability by supplier, and of all together for those without a delivery; None where nothing ever came."""

    by_supplier: Mapping[str, Reliability]
    of_all: Reliability | None

    def of(self, supplier: str | None) -> Reliability | None:
        """The supplier's own, leaning on all the others while it has few; else that of all."""
        return self.by_supplier.get(supplier, self.of_all) if supplier else self.of_all


def reliability(deliveries: Iterable[Received], left_out: Mapping[str, int] | None = None) -> SupplierBook:
    """What is known of every supplier from what it delivered, ``left_out`` being how many could not be used of each."""
    every = list(deliveries)
    if not every:
        return SupplierBook({}, None)
    by_supplier: dict[str, list[Received]] = {}
    for delivery in every:
        by_supplier.setdefault(delivery.supplier, []).append(delivery)
    pooled = _pooled(every)
    known = {supplier: _leaning(own, pooled) for supplier, own in by_supplier.items()}
    for supplier, count in (left_out or {}).items():
        known[supplier] = replace(known.get(supplier, pooled), left_out=count)
    return SupplierBook(known, pooled)


def _pooled(every: Sequence[Received]) -> Reliability:
    """All suppliers as one, their lead times as at most ``POINTS`` equal shares."""
    days = np.array([delivery.lead_days for delivery in every])
    count = min(len(days), POINTS)
    kept = np.quantile(days, (np.arange(count) + 0.5) / count, method="inverted_cdf")
    return Reliability(kept, np.full(count, 1 / count), _fill_rate(every), _late_share(every), 0)


def _leaning(own: Sequence[Received], pooled: Reliability) -> Reliability:
    """The supplier's own deliveries, with ``PRIOR_DELIVERIES`` more like those of all suppliers."""
    share = len(own) / (len(own) + PRIOR_DELIVERIES)
    days = np.concatenate([[delivery.lead_days for delivery in own], pooled.lead_days])
    weights = np.concatenate([np.full(len(own), share / len(own)), (1 - share) * pooled.weights])
    order = np.argsort(days, kind="stable")
    late = pooled.late_share
    if late is not None:
        promised = sum(delivery.promised_at is not None for delivery in own)
        late = ((_late_share(own) or 0.0) * promised + late * PRIOR_DELIVERIES) / (promised + PRIOR_DELIVERIES)
    fill = share * _fill_rate(own) + (1 - share) * pooled.fill_rate
    return Reliability(days[order], weights[order], fill, late, len(own))


def _fill_rate(deliveries: Sequence[Received]) -> float:
    """Units that came of the units ordered; what came beyond an order makes up for no other."""
    ordered = sum(delivery.ordered_quantity for delivery in deliveries)
    return sum(min(delivery.received_quantity, delivery.ordered_quantity) for delivery in deliveries) / ordered


def _late_share(deliveries: Sequence[Received]) -> float | None:
    promises = [(delivery.received_at, delivery.promised_at) for delivery in deliveries if delivery.promised_at]
    return sum(came > promise for came, promise in promises) / len(promises) if promises else None


@dataclass(frozen=True)
class OpenOrder:
    """The oldest order of a SKU that has not come: of which supplier, how old, how far past its promise, in days.

    ``late_days`` is below 0 before the promise, None where nothing was promised. ``late_chance`` is that of coming
    after the promise (``ml.suppliers``), None where no model tells it or the promise is past; ``late_model`` is the
    version that tells it.
    """

    supplier: str
    waited_days: float
    late_days: float | None
    late_chance: float | None = None
    late_model: str | None = None


def supplier_terms(known: Reliability | None, order: OpenOrder | None) -> dict[str, Term]:
    """Lead time, fill rate, late share and the open order's lateness, each with what it rests on."""
    if known is None:
        none = "no delivery that can be used"
        measured = {
            "lead_time": unknown("days", none),
            "fill_rate": unknown("share", none),
            "supplier_late_share": unknown("share", none),
        }
    else:
        basis = Basis.MEASURED if known.deliveries else Basis.POOLED
        own = f"{known.deliveries} deliveries of the supplier" if known.deliveries else "deliveries of all suppliers"
        spread = f"{own}: half within this, nine of ten within {known.lead_quantile(0.9):.1f}{_left_out(known)}"
        late = (
            unknown("share", "no delivery had a promised date")
            if known.late_share is None
            else Term(known.late_share, "share", basis, f"{own}, after their promise")
        )
        measured = {
            "lead_time": Term(known.lead_quantile(0.5), "days", basis, spread),
            "fill_rate": Term(known.fill_rate, "share", basis, f"{own}: units that came of those ordered"),
            "supplier_late_share": late,
        }
    return measured | {"order_late": _lateness(order), "order_late_chance": _late_chance(order)}


def _left_out(known: Reliability) -> str:
    return f"; {known.left_out} left out: received before ordered, or without a quantity" if known.left_out else ""


def _lateness(order: OpenOrder | None) -> Term:
    if order is None:
        return unknown("days", "no order is open with a supplier")
    if order.late_days is None:
        return unknown("days", f"the open order of {order.supplier} has no promised date")
    days = abs(order.late_days)
    due = f"{days:.1f} days past its promise" if order.late_days > 0 else f"due in {days:.1f} days"
    return Term(order.late_days, "days", Basis.MEASURED, f"open order of {order.supplier} {due}")


def _late_chance(order: OpenOrder | None) -> Term:
    if order is None:
        return unknown("chance", "no order is open with a supplier")
    if order.late_days is not None and order.late_days > 0:
        return Term(1.0, "chance", Basis.GIVEN, f"open order of {order.supplier} is past its promise")
    if order.late_chance is None:
        return unknown("chance", "no model of lateness is live, or the order has no promised date")
    note = f"model of lateness {order.late_model}, from your own deliveries"
    return Term(order.late_chance, "chance", Basis.MEASURED, note)


def receipt_chance(known: Reliability | None, order: OpenOrder | None, days: float) -> Term:
    """The chance that the open ``order`` comes within ``days``, in full; by the model of lateness where that tells."""
    return promised_chance(known, order, days) or supply_chance(known, order.waited_days if order else None, days)


def promised_chance(known: Reliability | None, order: OpenOrder | None, promise_days: float) -> Term | None:
    """As ``supply_chance`` where the open order is promised within the span and a model tells how often that holds.

    What comes after its promise, but still within the span, is not counted on. None where it is not told so.
    """
    if known is None or order is None or order.late_chance is None or order.late_days is None:
        return None
    if not -promise_days <= order.late_days <= 0:
        return None
    note = (
        f"promised in {-order.late_days:.1f} days, late with {order.late_chance:.0%} "
        f"(model of lateness {order.late_model}), fill rate {known.fill_rate:.0%}"
    )
    return Term((1 - order.late_chance) * known.fill_rate, "chance", Basis.MEASURED, note)


def supply_chance(known: Reliability | None, waited_days: float | None, promise_days: float) -> Term:
    """The chance that a unit sold and not there comes in within ``promise_days``, the span a buyer waits anyway.

    ``waited_days`` is the age of the open order, None where none is open.
    """
    if waited_days is None:
        return Term(0.0, "chance", Basis.GIVEN, "no order is open with a supplier")
    if known is None:
        return Term(0.0, "chance", Basis.ASSUMED, "no delivery that can be used: an open order is not counted on")
    chance = known.chance_within(promise_days, waited_days)
    late = "" if known.late_share is None else f", {known.late_share:.0%} late"
    note = (
        f"order {waited_days:.1f} days old, {known.deliveries} deliveries of the supplier: half within "
        f"{known.lead_quantile(0.5):.1f} days, fill rate {known.fill_rate:.0%}{late}"
    )
    note += _left_out(known)
    return Term(chance, "chance", Basis.MEASURED if known.deliveries else Basis.POOLED, note)
