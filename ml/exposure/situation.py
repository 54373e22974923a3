"""What must be known of one fault to price it; whatever is missing is said, not guessed."""

from dataclasses import dataclass
from decimal import Decimal

from ml.exposure.belief import Belief
from ml.exposure.penalties import NO_PENALTIES, Penalties
from ml.exposure.terms import Basis, Term, unknown


@dataclass(frozen=True)
class ChannelDemand:
    """Units a day asked of the SKU on the channel, and variance over mean of a day's units."""

    rate_per_day: Term
    dispersion: Term

    def __post_init__(self) -> None:
        rate, dispersion = self.rate_per_day.value, self.dispersion.value
        if rate is not None and not rate >= 0:
            raise ValueError(f"a demand of {rate} units a day")
        if dispersion is not None and not dispersion >= 1:
            raise ValueError(f"a dispersion of {dispersion} is below that of chance alone")


NO_DEMAND_KNOWN = ChannelDemand(
    unknown("units/day", "no demand history of the SKU on the channel, nor of its category"),
    unknown("variance/mean", "no demand history"),
)


_CERTAINLY = 10_000.0


def taken(units: int) -> ChannelDemand:
    """The demand of an order that is taken already: all of its ``units`` are asked for, however soon it is fixed."""
    note = f"an order of {units} units is taken already"
    return ChannelDemand(
        Term(_CERTAINLY * units, "units/day", Basis.GIVEN, note), Term(1.0, "variance/mean", Basis.GIVEN, note)
    )


@dataclass(frozen=True)
class UnitPrices:
    """Money of one unit, in ``currency``; None where master data says nothing.

    ``oversell_penalty`` is paid for every unit sold that is not there. ``recapture`` is the share of buyers who,
    finding none, buy later or elsewhere from us.

    Raises:
        ValueError: an amount below 0, or a recapture that is no share.
    """

    price: Decimal | None = None
    cost: Decimal | None = None
    currency: str | None = None
    oversell_penalty: Decimal | None = None
    recapture: float | None = None

    def __post_init__(self) -> None:
        for name, amount in (("price", self.price), ("cost", self.cost), ("penalty", self.oversell_penalty)):
            if amount is not None and not (amount.is_finite() and amount >= 0):
                raise ValueError(f"the {name} of a unit is {amount}")
        if self.recapture is not None and not 0 <= self.recapture <= 1:
            raise ValueError(f"a recapture of {self.recapture} is no share")


@dataclass(frozen=True)
class Situation:
    """One SKU on one channel, wrong until ``time_to_fix`` (hours) is over.

    ``published`` is what the channel shows; ``available`` what it could truly promise, a figure or a belief.
    ``fix_spread`` is the standard deviation of the logarithm of the time to fix, where that is not the same for all.
    ``cut_off`` is in how many hours a process ends by itself (a carrier's pick-up, an order window), where one does.
    """

    published: int | None
    available: int | Belief | None
    demand: ChannelDemand
    time_to_fix: Term
    prices: UnitPrices
    penalties: Penalties = NO_PENALTIES
    cut_off: Term | None = None
    fix_spread: Term | None = None


@dataclass(frozen=True)
class Assumptions:
    """What is taken where master data says nothing; each use of one is told in the terms."""

    margin_share: float = 0.3
    oversell_penalty: Decimal = Decimal(0)
    recapture: float = 0.0
    dispersion: float = 2.0

    def assumed_dispersion(self) -> Term:
        """The dispersion of a demand of which only the rate is known."""
        return Term(self.dispersion, "variance/mean", Basis.ASSUMED, "too little history for one of its own")


ASSUMPTIONS = Assumptions()
