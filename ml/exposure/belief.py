"""What is truly available, as far as it can be known: a few whole figures and the chance of each."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

MOST_POINTS = 9
"""Points kept of a belief; the loss function is smooth enough for as few."""
SPREAD = 2.0
"""Standard deviations of record error that the points reach to either side."""

LEAST_ERROR = 0.1
"""Below a tenth of a unit a record that counts whole units is not in error."""


@dataclass(frozen=True)
class Belief:
    """Available ``units``, rising, and the ``chances`` of each, which sum to 1.

    Raises:
        ValueError: no points, points that do not rise, or chances that are not a distribution.
    """

    units: tuple[int, ...]
    chances: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.units or len(self.units) != len(self.chances):
            raise ValueError("a belief needs as many chances as figures, and one at least")
        if any(later <= earlier for earlier, later in zip(self.units, self.units[1:], strict=False)):
            raise ValueError("the figures of a belief rise")
        if not all(chance >= 0 for chance in self.chances) or not math.isclose(sum(self.chances), 1, abs_tol=1e-9):
            raise ValueError("the chances of a belief are not negative and sum to 1")

    @property
    def mean(self) -> float:
        """Expected units."""
        return math.fsum(units * chance for units, chance in zip(self.units, self.chances, strict=True))

    @property
    def certain(self) -> bool:
        """Whether there is one figure only."""
        return len(self.units) == 1


def certain(units: int) -> Belief:
    """Full trust in one figure."""
    return Belief((units,), (1.0,))


def around(units: int, record_error: float) -> Belief:
    """A figure whose records are usually off by ``record_error`` units (standard deviation), to either side.

    Up to nine points within two standard deviations, weighted as the bell curve is there. An error below a
    tenth of a unit leaves the figure certain.

    Raises:
        ValueError: an error below 0 or that is no number.
    """
    if not (record_error >= 0 and math.isfinite(record_error)):
        raise ValueError(f"the record error is {record_error}")
    reach = math.ceil(SPREAD * record_error)
    if record_error < LEAST_ERROR:
        return certain(units)
    steps = min(MOST_POINTS // 2, reach)
    points = sorted({round(step * reach / steps) for step in range(-steps, steps + 1)})
    return _weighed({units + off: math.exp(-((off / record_error) ** 2) / 2) for off in points})


def between(figures: Mapping[str, tuple[int, float]]) -> Belief:
    """What several systems say: ``(units, trust)`` by system, chances in proportion to trust.

    Raises:
        ValueError: no system is trusted, or a trust below 0.
    """
    weights: dict[int, float] = {}
    for system, (units, trust) in figures.items():
        if not (trust >= 0 and math.isfinite(trust)):
            raise ValueError(f"{system} is trusted {trust}")
        weights[units] = weights.get(units, 0.0) + trust
    if not sum(weights.values()) > 0:
        raise ValueError("no system is trusted with what is available")
    return _weighed(weights)


def _weighed(weights: Mapping[int, float]) -> Belief:
    total = sum(weights.values())
    kept = sorted(units for units, weight in weights.items() if weight > 0)
    return Belief(tuple(kept), tuple(weights[units] / total for units in kept))
