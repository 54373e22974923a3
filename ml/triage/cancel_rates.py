"""A cancel rate is the channel's, not a listing's: what one fault does to all its listings there passes it once. Pure.

Cancellations of many listings, few of each, are nearly Poisson together (Le Cam), whatever each is by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from scipy import special

from ml.exposure.barriers import CancelRate
from ml.exposure.terms import Term, value_of
from ml.exposure.value import CANCEL_RATE, Exposure, to_money
from ml.triage.attribution import Claim, SignalKey


def passed_together(
    claims: Sequence[Claim], exposures: Sequence[Exposure], rates: Mapping[str, CancelRate]
) -> list[Exposure]:
    """``exposures`` where a fault spoils several listings of a channel: its cancel rate once, by their orders short."""
    of_fault: dict[tuple[SignalKey, str], list[int]] = {}
    for row, (claim, exposure) in enumerate(zip(claims, exposures, strict=True)):
        if exposure.amount is not None and value_of(exposure.terms, CANCEL_RATE) is not None:
            of_fault.setdefault((claim.signal, claim.stake.channel), []).append(row)
    found = list(exposures)
    for (_, channel), rows in of_fault.items():
        rate = rates.get(channel)
        if len(rows) < 2 or rate is None or rate.left is None:
            continue
        borne = [_borne(exposures[row].terms) for row in rows]
        short = [
            part * (value_of(exposures[row].terms, "short_lines") or 0.0) for row, part in zip(rows, borne, strict=True)
        ]
        lines = sum(short)
        chance = float(special.gammainc(rate.left, lines)) if lines > 0 else 0.0
        for row, part, own in zip(rows, borne, short, strict=True):
            amount = (rate.cost.value or 0.0) * chance * (own / lines if lines > 0 else 0.0)
            note = f"its part of {len(rows)} listings of this fault, which pass it together with chance {chance:.2g}"
            found[row] = _costing(exposures[row], part, amount, note)
    return found


def _costing(exposure: Exposure, part: float, amount: float, note: str) -> Exposure:
    """``exposure``, of which ``part`` is borne, with ``amount`` for the cancel rate."""
    term = exposure.terms[CANCEL_RATE]
    assert exposure.amount is not None and term.value is not None  # noqa: PT018 (only such are looked at)
    changed = exposure.amount + to_money(amount - part * term.value)
    return replace(
        exposure, amount=changed, terms={**exposure.terms, CANCEL_RATE: replace(term, value=amount, note=note)}
    )


def _borne(terms: Mapping[str, Term]) -> float:
    """What part of its amount a claim bears beside others."""
    return (value_of(terms, "shared_stock") or 1.0) * (value_of(terms, "shared_listing") or 1.0)
