"""What a listing that takes no updates may truly sell until it does again. Pure.

Its figure falls by its own sales and by nothing else. The stock behind it falls by what all channels sell, so of what
is there it gets the share that it has of all that is asked for; and stock rises when goods come in, of which the
listing hears nothing: then it sells too little.
"""

import math
from dataclasses import dataclass

from ml.exposure.belief import Belief, certain

HOURS_A_DAY = 24.0


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How often goods of a SKU come in, and how many units at a time."""

    per_day: float
    units: float


NO_ARRIVALS = Arrivals(0.0, 0.0)


def sellable(available: int, share: float, arrivals: Arrivals, hours: float) -> Belief:
    """What of ``available`` units a listing may sell within ``hours`` whose channel asks for ``share`` of the demand.

    Goods that come at random first come after an exponential time; the chance of the larger figure is the part of
    the hours in which they have, on average: ``1 - (1 - exp(-x)) / x`` for x arrivals expected.
    """
    expected = arrivals.per_day * hours / HOURS_A_DAY
    before, after = (math.floor(share * units) for units in (available, available + arrivals.units))
    chance = 1.0 + math.expm1(-expected) / expected if expected > 0 else 0.0
    if before == after or chance <= 0.0:
        return certain(before)
    return Belief((before, after), (1.0 - chance, chance))
