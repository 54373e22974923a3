"""Many faults priced at once, in arrays of float64."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ml.exposure.distribution import Demand, Floats, at_least
from ml.exposure.loss import lost_units, oversold_units


@dataclass(frozen=True)
class Step:
    """Costs (n,) due once ``at_least_units`` (n,) are oversold."""

    at_least_units: Floats
    cost: Floats


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
    steps: tuple[Step, ...] = field(default=())


@dataclass(frozen=True)
class Priced:
    """Units and money (n,) of n faults, money in the reporting currency; ``step_amounts`` are (steps, n)."""

    oversold: Floats
    lost: Floats
    oversell_amount: Floats
    lost_amount: Floats
    step_amounts: Floats
    amount: Floats


def exposures(stakes: Stakes) -> Priced:
    """Expected loss of each fault until it is fixed, given that it is one.

    Raises:
        ValueError: money or stock that is no number.
    """
    money = (stakes.unit_margin, stakes.oversell_penalty, stakes.recapture, stakes.worth)
    if not all(np.isfinite(column).all() for column in (*money, stakes.published, stakes.available)):
        raise ValueError("money and stock must be finite numbers")
    oversold, lost, step_amounts = _units(stakes)
    oversell_amount = oversold * (stakes.unit_margin + stakes.oversell_penalty) * stakes.worth
    lost_amount = lost * (1 - stakes.recapture) * stakes.unit_margin * stakes.worth
    amount = oversell_amount + lost_amount + step_amounts.sum(axis=0)
    return Priced(oversold, lost, oversell_amount, lost_amount, step_amounts, amount)


def _units(stakes: Stakes) -> tuple[Floats, Floats, Floats]:
    """Oversold and lost units (n,) and step costs (steps, n), averaged over what may be available."""
    if stakes.chances is None:
        return _given(stakes, stakes.available)
    oversold, lost = np.zeros(len(stakes.published)), np.zeros(len(stakes.published))
    steps = np.zeros((len(stakes.steps), len(stakes.published)))
    for point in range(stakes.available.shape[1]):
        chance: NDArray[np.float64] = stakes.chances[:, point]
        more, fewer, due = _given(stakes, stakes.available[:, point])
        oversold += chance * more
        lost += chance * fewer
        steps += chance * due
    return oversold, lost, steps


def _given(stakes: Stakes, available: Floats) -> tuple[Floats, Floats, Floats]:
    oversold = oversold_units(stakes.published, available, stakes.demand)
    lost = lost_units(stakes.published, available, stakes.demand)
    due = np.zeros((len(stakes.steps), len(stakes.published)))
    there = np.maximum(available, 0.0)
    for number, step in enumerate(stakes.steps):
        reach = there + step.at_least_units
        chance = np.where(stakes.published >= reach, at_least(reach, stakes.demand), 0.0)
        due[number] = chance * step.cost * stakes.worth
    return oversold, lost, due
