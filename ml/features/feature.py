"""What a feature is: name, unit, grain, window, how it is stored and what a missing value means.

A feature matrix is float32 with one column a feature, in the order of its set. Values are stored as a
forest can split them: sizes and ages as log(1 + value), chances as surprise in nats (-log chance). ``told``
turns a stored value back into what a person reads.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Stored(StrEnum):
    """How a value lies in the matrix."""

    PLAIN = "plain"
    LOG = "log(1 + value)"
    SURPRISE = "-log(chance)"
    ASINH = "asinh(value)"


class Tail(StrEnum):
    """Which end of a feature is strange."""

    HIGH = "high"
    LOW = "low"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Feature:
    """One column. ``delay_s``: how long after the row's own time its last ingredient may arrive."""

    name: str
    unit: str
    grain: str
    window: str
    null_means: str
    description: str
    stored: Stored = Stored.PLAIN
    strange: Tail = Tail.HIGH
    delay_s: int = 0

    def told(self, value: float) -> str:
        """``value`` as stored, for a reader, with its unit."""
        match self.stored:
            case Stored.LOG:
                return f"{math.expm1(value):.3g} {self.unit}"
            case Stored.SURPRISE:
                return f"{100 * math.exp(-value):.2g} % {self.unit}"
            case Stored.ASINH:
                return f"{math.sinh(value):.3g} {self.unit}"
            case Stored.PLAIN:
                return f"{value:.3g} {self.unit}"


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Features that are used together, and never mixed with another set's."""

    name: str
    features: tuple[Feature, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in the order of the matrix."""
        return tuple(feature.name for feature in self.features)

    @property
    def digest(self) -> str:
        """Changes whenever a column's name, order, unit, storage or meaning does; travels with every model."""
        said = "\n".join(repr(feature) for feature in self.features)
        return hashlib.sha256(said.encode()).hexdigest()

    def columns(self, names: Sequence[str]) -> list[int]:
        """Where ``names`` stand in the matrix. Raises ``ValueError`` for a name that is not of this set."""
        return [self.names.index(name) for name in names]
