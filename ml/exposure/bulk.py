"""Many faults priced at once, in arrays of float64."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.exposure.distribution import Demand, Floats, at_least
from ml.exposure.loss import lost_units, oversold_units


@dataclass(frozen=True)
class Charges:
    """What order lines that are short cost beside their units (n,); money in the reporting currency.

    A line asks for ``units_a_line`` (1 or more). ``a_line`` is charged for each that is short, ``a_unit`` for each unit
    of it, ``retention`` is what its customer was worth; ``barrier`` is due once, from ``barrier_lines`` lines on.
    """

    units_a_line: Floats
    a_line: Floats
    a_unit: Floats
    retention: Floats
    barrier_lines: Floats
    barrier: Floats

    def __getitem__(self, rows: NDArray[np.int64]) -> "Charges":
        columns = (self.units_a_line, self.a_line, self.a_unit, self.retention, self.barrier_lines, self.barrier)
        return Charges(*(column[rows] for column in columns))


@dataclass(frozen=True)
class Stakes:
    """n faults. Units are whole; money is per unit and in one currency a row, ``worth`` that in the reporting one.

    ``available`` is (n,), or (n, k) with the ``chances`` (n, k) of each figure where it is not certain.
    """

    published: Floats
    available: Floats
    demand: Demand
    unit_margin: Floats
    oversell_penalty: Floats
    recapture: Floats
    worth: Floats
    chances: Floats | None = None
    charges: Charges | None = None


@dataclass(frozen=True)
class Priced:
    """Units, order lines and money (n,) of n faults, money in the reporting currency.

    ``short_lines`` are order lines taken that cannot be served, counted where they cost anything; ``barrier_chance``
    is that of enough of them to pass the barrier.
    """

    oversold: Floats
    lost: Floats
    short_lines: Floats
    barrier_chance: Floats
    oversell_amount: Floats
    lost_amount: Floats
    chargeback_amount: Floats
    retention_amount: Floats
    barrier_amount: Floats
    amount: Floats


def exposures(stakes: Stakes) -> Priced:
    """Expected loss of each fault until it is fixed, given that it is one.

    Raises:
        ValueError: money or stock that is no number.
    """
    money = (stakes.unit_margin, stakes.oversell_penalty, stakes.recapture, stakes.worth)
    if not all(np.isfinite(column).all() for column in (*money, stakes.published, stakes.available)):
        raise ValueError("money and stock must be finite numbers")
    oversold, lost, short_lines, barrier_chance = _units(stakes)
    oversell_amount = oversold * (stakes.unit_margin + stakes.oversell_penalty) * stakes.worth
    lost_amount = lost * (1 - stakes.recapture) * stakes.unit_margin * stakes.worth
    none = np.zeros(len(oversold))
    chargeback, retention, barrier = none, none, none
    if (charges := stakes.charges) is not None:
        chargeback = short_lines * charges.a_line + oversold * charges.a_unit
        retention = short_lines * charges.retention
        barrier = barrier_chance * charges.barrier
    return Priced(
        oversold=oversold,
        lost=lost,
        short_lines=short_lines,
        barrier_chance=barrier_chance,
        oversell_amount=oversell_amount,
        lost_amount=lost_amount,
        chargeback_amount=chargeback,
        retention_amount=retention,
        barrier_amount=barrier,
        amount=oversell_amount + lost_amount + chargeback + retention + barrier,
    )


def _units(stakes: Stakes) -> tuple[Floats, Floats, Floats, Floats]:
    """Oversold and lost units, lines short and the chance of the barrier (n,), averaged over what may be available."""
    if stakes.chances is None:
        return _given(stakes, stakes.available)
    sums = np.zeros((4, len(stakes.published)))
    for point in range(stakes.available.shape[1]):
        sums += stakes.chances[:, point] * np.stack(_given(stakes, stakes.available[:, point]))
    oversold, lost, short_lines, passed = sums
    return oversold, lost, short_lines, passed


def _given(stakes: Stakes, available: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    oversold = oversold_units(stakes.published, available, stakes.demand)
    lost = lost_units(stakes.published, available, stakes.demand)
    return oversold, lost, *_lines(stakes, available, oversold)


def _lines(stakes: Stakes, available: Floats, oversold: Floats) -> tuple[Floats, Floats]:
    """Order lines short and the chance that they pass the barrier (n,), where either costs anything.

    Lines of q units each are a demand of a q-th of the mean and of the dispersion. What is there serves ⌊A / q⌋ of
    them in full, and as many more are taken as the gap holds, one at least.
    """
    short, passed = np.zeros(len(oversold)), np.zeros(len(oversold))
    if stakes.charges is None:
        return short, passed
    shown, there = np.maximum(np.floor(stakes.published), 0.0), np.maximum(np.floor(available), 0.0)
    costs = (stakes.charges.a_line > 0) | (stakes.charges.retention > 0) | (stakes.charges.barrier > 0)
    rows = np.flatnonzero(costs & (shown > there))
    if not len(rows):
        return short, passed
    charges, demand, lot = stakes.charges[rows], stakes.demand[rows], stakes.charges.units_a_line[rows]
    lines = Demand(demand.mean / lot, np.maximum(demand.dispersion / lot, 1.0))
    served = np.floor(there[rows] / lot)
    taken = served + np.maximum(np.round((shown - there)[rows] / lot), 1.0)
    short[rows] = np.where(lot > 1, 0.0, oversold[rows])
    several = np.flatnonzero(lot > 1)
    if len(several):
        short[rows[several]] = oversold_units(taken[several], served[several], lines[several])
    reach = served + charges.barrier_lines
    near = np.flatnonzero((charges.barrier > 0) & (reach <= taken))
    if len(near):
        passed[rows[near]] = at_least(reach[near], lines[near])
    return short, passed
