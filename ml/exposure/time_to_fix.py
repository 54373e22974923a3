"""How long a fault of each root cause lasts before somebody has put it right."""

from collections.abc import Iterable, Mapping
from statistics import median

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


def medians(closed: Iterable[tuple[str, float]]) -> dict[str, tuple[float, int]]:
    """Median hours from opening to resolution, and the number of cases, by root cause, from (cause, hours) pairs.

    Raises:
        ValueError: a case that was closed before it was opened.
    """
    hours: dict[str, list[float]] = {}
    for cause, lasted in closed:
        if not lasted >= 0:
            raise ValueError(f"a case of {cause} lasted {lasted} hours")
        hours.setdefault(cause, []).append(lasted)
    return {cause: (median(lasted), len(lasted)) for cause, lasted in hours.items()}


def time_to_fix(cause: str, history: Mapping[str, tuple[float, int]] | None = None) -> Term:
    """Hours until a fault of ``cause`` is put right; ``history`` is what ``medians`` gives, and wins if long enough."""
    own = (history or {}).get(cause)
    if own is not None and own[1] >= ENOUGH_CASES:
        return Term(own[0], "h", Basis.MEASURED, f"median of {own[1]} closed cases of {cause}")
    seen = f"only {own[1]} closed cases of {cause} so far" if own else f"no closed case of {cause} yet"
    return Term(DEFAULT_HOURS.get(cause, DAY), "h", Basis.ASSUMED, f"default for the cause: {seen}")
