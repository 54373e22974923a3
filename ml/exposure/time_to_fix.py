"""How long a fault of each root cause lasts before somebody has put it right."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median, pstdev

from ml.exposure.terms import Basis, Term

DEFAULT_HOURS: Mapping[str, float] = {
    "timeout": 4.0,
    "posting_delay": 8.0,
    "sku_mapping": 24.0,
    "stale_reservation": 24.0,
    "duplicate": 24.0,
    "other": 24.0,
}
"""Our judgement until a site has closed cases of its own: a push is tried again within the shift, late postings
come with the next batch, and what a person must look into waits for the next working day."""

ENOUGH_CASES = 5
"""Fewer closed cases of a cause say nothing about its median."""

DAY = 24.0

USUAL_SPREAD = 0.7
"""Our judgement of how far times to fix of one cause lie apart (standard deviation of their logarithm): one in six
takes twice as long as the median."""
LEAST_SPREAD, MOST_SPREAD = 0.3, 1.2
LEAST_HOURS = 0.5
"""Shorter ones are of one kind: a case is not looked at by the minute."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long ``cases`` of a cause lasted: the ``median`` in hours, and the ``spread`` of the hours' logarithm."""

    median: float
    cases: int
    spread: float = USUAL_SPREAD


def lasting(closed: Iterable[tuple[str, float]]) -> dict[str, Lasting]:
    """How long cases of each root cause lasted, from (cause, hours from opening to resolution) pairs.

    Raises:
        ValueError: a case that was closed before it was opened.
    """
    hours: dict[str, list[float]] = {}
    for cause, lasted in closed:
        if not lasted >= 0:
            raise ValueError(f"a case of {cause} lasted {lasted} hours")
        hours.setdefault(cause, []).append(lasted)
    return {cause: Lasting(median(lasted), len(lasted), _spread(lasted)) for cause, lasted in hours.items()}


def _spread(hours: list[float]) -> float:
    found = pstdev(math.log(max(one, LEAST_HOURS)) for one in hours)
    return min(max(found, LEAST_SPREAD), MOST_SPREAD)


def time_to_fix(cause: str, history: Mapping[str, Lasting] | None = None) -> Term:
    """Hours until a fault of ``cause`` is put right; ``history`` is what ``lasting`` gives, and wins if long enough."""
    own = (history or {}).get(cause)
    if own is not None and own.cases >= ENOUGH_CASES:
        return Term(own.median, "h", Basis.MEASURED, f"median of {own.cases} closed cases of {cause}")
    seen = f"only {own.cases} closed cases of {cause} so far" if own else f"no closed case of {cause} yet"
    return Term(DEFAULT_HOURS.get(cause, DAY), "h", Basis.ASSUMED, f"default for the cause: {seen}")


def spread_of_fix(cause: str, history: Mapping[str, Lasting] | None = None) -> Term:
    """How far times to fix of ``cause`` lie apart: the standard deviation of the logarithm of hours."""
    own = (history or {}).get(cause)
    if own is not None and own.cases >= ENOUGH_CASES:
        return Term(own.spread, "log h", Basis.MEASURED, f"of {own.cases} closed cases of {cause}")
    return Term(USUAL_SPREAD, "log h", Basis.ASSUMED, "one in six takes twice as long as the median")
