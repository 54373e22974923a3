"""What orders that are taken and cannot be served cost beside their units: chargebacks, customers, a cancel rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from ml.exposure.barriers import CancelRate, no_limit
from ml.exposure.bulk import Charges
from ml.exposure.terms import Basis, Term, unknown

ONE_A_LINE = Term(1.0, "units/line", Basis.ASSUMED, "no order line of it is known: one unit each is taken")


@dataclass(frozen=True)
class Penalties:
    """What a channel charges and loses for an order line that is short, in the reporting currency.

    ``chargeback`` is of each line, ``chargeback_share`` a part of the price of the units short; None where nobody has
    said. ``retention`` is what a customer let down costs beyond the line's margin. ``units_a_line`` are what an order
    line asks for.

    Raises:
        ValueError: a negative amount, or a share that is none.
    """

    chargeback: Decimal | None = None
    chargeback_share: float | None = None
    retention: Term | None = None
    cancel_rate: CancelRate | None = None
    units_a_line: Term = ONE_A_LINE

    def __post_init__(self) -> None:
        if self.chargeback is not None and not (self.chargeback.is_finite() and self.chargeback >= 0):
            raise ValueError(f"a chargeback of {self.chargeback}")
        if self.chargeback_share is not None and not 0 <= self.chargeback_share <= 1:
            raise ValueError(f"a chargeback of {self.chargeback_share} of the price is no share")

    @property
    def line_value(self) -> float:
        """What a customer let down costs, 0 where nobody has said."""
        return 0.0 if self.retention is None else self.retention.value or 0.0

    @property
    def barrier(self) -> CancelRate | None:
        """The cancel rate, where it may yet pass its limit and what that costs is known."""
        rate = self.cancel_rate
        return rate if rate is not None and rate.left is not None and rate.cost.value is not None else None

    @property
    def counts_lines(self) -> bool:
        """Whether it matters how many order lines are short, and not only how many units."""
        return self.chargeback is not None or self.line_value > 0 or self.barrier is not None


NO_PENALTIES = Penalties()
"""Of a channel that states none."""


def penalty_terms(penalties: Penalties, reporting: str) -> dict[str, Term]:
    """Every figure that goes in, by name; those that nobody has told say so."""
    terms: dict[str, Term] = {}
    if penalties.counts_lines:
        terms["units_per_line"] = penalties.units_a_line
    if penalties.chargeback is not None:
        terms["chargeback"] = Term(float(penalties.chargeback), f"{reporting}/line", Basis.GIVEN)
    if penalties.chargeback_share is not None:
        note = "of the price of the units short"
        terms["chargeback_share"] = Term(penalties.chargeback_share, "share", Basis.GIVEN, note)
    if penalties.chargeback is None and penalties.chargeback_share is None:
        terms["chargeback"] = unknown(f"{reporting}/line", "the channel states none: counts nothing")
    no_tier = unknown(f"{reporting}/line", "no tier says what its customers are worth: counts nothing")
    terms["retention"] = penalties.retention or no_tier
    return terms | (no_limit() if penalties.cancel_rate is None else penalties.cancel_rate.terms)


def charges_of(penalties: Sequence[Penalties], prices: Sequence[float]) -> Charges | None:
    """What goes into the arithmetic; None where nobody charges anything. ``prices`` (n,) in the reporting currency."""
    if all(one == NO_PENALTIES for one in penalties):
        return None
    rates = [one.barrier for one in penalties]
    return Charges(
        units_a_line=np.array([max(1.0, one.units_a_line.value or 1.0) for one in penalties]),
        a_line=np.array([float(one.chargeback or 0) for one in penalties]),
        a_unit=np.array([(one.chargeback_share or 0.0) * price for one, price in zip(penalties, prices, strict=True)]),
        retention=np.array([one.line_value for one in penalties]),
        barrier_lines=np.array([np.inf if rate is None else rate.short_lines for rate in rates]),
        barrier=np.array([0.0 if rate is None else rate.cost.value for rate in rates]),
    )
