"""Who goes short where several channels sold one stock: the one with the last priority first. Pure.

What is sold beyond the stock falls to the channel that is served last, as far as it sold any, then to the one before
it. Channels of one priority share by what each asks for. Sales that are lost because too little is shown are no
matter of priority: all channels run out at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from ml.exposure.terms import Basis, Term, value_of
from ml.exposure.value import CANCEL_RATE, Exposure, to_money
from ml.triage.attribution import Claim, SignalKey

_OF_OVERSOLD = ("oversold_units", "short_lines", "oversell_amount", "chargeback_amount", "retention_amount")
_MONEY = ("oversell_amount", "chargeback_amount", "retention_amount", CANCEL_RATE)


def by_priority(
    claims: Sequence[Claim], exposures: Sequence[Exposure], priorities: Mapping[str, int]
) -> list[Exposure]:
    """``exposures`` with what is oversold of one stock borne in the order of ``priorities``; in the order given."""
    of_stock: dict[tuple[SignalKey, str], list[int]] = {}
    for row, (claim, exposure) in enumerate(zip(claims, exposures, strict=True)):
        if claim.stake.pool is not None and _value(exposure, "oversold_units") > 0 and exposure.amount is not None:
            of_stock.setdefault((claim.signal, claim.stake.sku), []).append(row)
    found = list(exposures)
    for rows in of_stock.values():
        ranks = [priorities.get(claims[row].stake.channel, 0) for row in rows]
        if len(set(ranks)) < 2:
            continue
        borne = _borne([exposures[row] for row in rows], ranks)
        for row, rank, units in zip(rows, ranks, borne, strict=True):
            note = f"of {len(ranks)} channels that sold this stock {_when(rank, ranks)}"
            found[row] = _bearing(exposures[row], units, Term(float(rank), "priority", Basis.GIVEN, note))
    return found


def _when(rank: int, ranks: Sequence[int]) -> str:
    if rank == max(ranks):
        return "it is served last: its orders go short first"
    if rank == min(ranks):
        return "it is served first"
    return f"it is served before {sum(other > rank for other in ranks)} of them"


def _borne(exposures: Sequence[Exposure], ranks: Sequence[int]) -> list[float]:
    """Units that each bears of all that is oversold: no more than it asks for while another asks for any."""
    asked = [_value(one, "mean_demand") * _value(one, "demand_share", 1.0) for one in exposures]
    left = sum(_value(one, "oversold_units") for one in exposures)
    borne = [0.0] * len(exposures)
    for rank in sorted(set(ranks), reverse=True):
        here = [row for row, other in enumerate(ranks) if other == rank]
        wanted = sum(asked[row] for row in here)
        taken = left if rank == min(ranks) else min(left, wanted)
        for row in here:
            borne[row] = taken * (asked[row] / wanted if wanted > 0 else 1 / len(here))
        left -= taken
    return borne


def _bearing(exposure: Exposure, units: float, priority: Term) -> Exposure:
    """``exposure`` with ``units`` of what is oversold; a cancel rate is passed no likelier for bearing more."""
    factor = units / _value(exposure, "oversold_units")
    terms = {**exposure.terms, "priority": priority}
    for name in _OF_OVERSOLD:
        if (term := terms.get(name)) is not None and term.value is not None:
            terms[name] = replace(term, value=term.value * factor)
    if (term := terms.get(CANCEL_RATE)) is not None and term.value is not None:
        terms[CANCEL_RATE] = replace(term, value=term.value * min(factor, 1.0))
    before, after = (sum(value_of(told, name) or 0.0 for name in _MONEY) for told in (exposure.terms, terms))
    assert exposure.amount is not None  # those without an amount are not looked at
    return replace(exposure, amount=max(Decimal(0), exposure.amount + to_money(after - before)), terms=terms)


def _value(exposure: Exposure, name: str, otherwise: float = 0.0) -> float:
    value = value_of(exposure.terms, name)
    return otherwise if value is None else value
