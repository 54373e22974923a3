"""Whose the money is: each signal's part of what is at stake, the same however signals are put into cases. Pure.

Several signals about one listing do not lose its sales several times. Of one trouble (a fingerprint) the signal with
the widest gap stands for the listing; of several troubles on one listing each keeps its part of what the dearest of
them costs. A disagreement over shared stock is many channels' and one: together they cannot oversell, or fail to
sell, more units than the stock is wrong by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ml.exposure.terms import Basis, Term, Terms
from ml.exposure.value import Exposure
from ml.triage.stakes import Stake, gap

SignalKey = tuple[str, int]
"""Kind (failure or anomaly) and number."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One signal's stake in one listing, of which trouble and cause it is, and at which location where it says so."""

    signal: SignalKey
    trouble: str
    cause: str
    stake: Stake
    location: str = ""

    @property
    def listing(self) -> tuple[str, str, str]:
        """Channel and SKU; an order that cannot be served is lost beside whatever else its listing loses."""
        return self.stake.channel, self.stake.sku, self.stake.order


def standing(claims: Sequence[Claim]) -> list[Claim]:
    """One claim a listing and trouble: the widest gap, of equal ones the one told first."""
    widest: dict[tuple[tuple[str, str, str], str], Claim] = {}
    for claim in claims:
        key = (claim.listing, claim.trouble)
        known = widest.get(key)
        if known is None or (-gap(claim.stake), claim.signal) < (-gap(known.stake), known.signal):
            widest[key] = claim
    return list(widest.values())


def shared(claims: Sequence[Claim], exposures: Sequence[Exposure]) -> list[Exposure]:
    """Each claim's part of its listing, and of the stock that several channels draw on; in the order given."""
    once = [
        scaled(exposure, factor, "shared_stock", "channels that draw on one stock cannot lose a unit twice")
        for exposure, factor in zip(exposures, _of_one_stock(claims, exposures), strict=True)
    ]
    of_listing: dict[tuple[str, str, str], list[Decimal]] = {}
    for claim, exposure in zip(claims, once, strict=True):
        of_listing.setdefault(claim.listing, []).append(exposure.amount or Decimal(0))
    told = []
    for claim, exposure in zip(claims, once, strict=True):
        amounts = of_listing[claim.listing]
        total = sum(amounts)
        factor = float(max(amounts) / total) if total else 1.0
        told.append(scaled(exposure, factor, "shared_listing", "other troubles of the same listing bear the rest"))
    return told


def _of_one_stock(claims: Sequence[Claim], exposures: Sequence[Exposure]) -> list[float]:
    units: dict[tuple[SignalKey, str], float] = {}
    for claim, exposure in zip(claims, exposures, strict=True):
        if claim.stake.pool is not None:
            key = (claim.signal, claim.stake.sku)
            units[key] = units.get(key, 0.0) + _units(exposure.terms)
    factors = []
    for claim in claims:
        pool, asked = claim.stake.pool, units.get((claim.signal, claim.stake.sku), 0.0)
        bounded = pool is not None and not claim.stake.unheard  # what may come in beside it, nobody knows
        factors.append(pool / asked if bounded and pool is not None and asked > pool else 1.0)
    return factors


def _units(terms: Mapping[str, Term]) -> float:
    return sum((terms[name].value or 0.0) for name in ("oversold_units", "lost_units") if name in terms)


def scaled(exposure: Exposure, factor: float, name: str, note: str) -> Exposure:
    """``exposure`` times ``factor``, with a term that says so; as it is where the factor is 1."""
    if factor >= 1.0 or exposure.amount is None:
        return exposure
    terms: Terms = {**exposure.terms, name: Term(factor, "share", Basis.COMPUTED, note)}
    return replace(exposure, amount=exposure.amount * Decimal(str(round(factor, 12))), terms=terms)
