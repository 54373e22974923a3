"""What is thought of one failure, whoever thinks it."""

from collections.abc import Mapping
from dataclasses import dataclass

from ml.root_cause.causes import RootCause, Subclass
from ml.root_cause.codes.table import Retry


@dataclass(frozen=True)
class Diagnosis:
    """What is thought of one failure, and why."""

    root_cause: RootCause
    """Always the most probable one, also when abstaining."""
    probability: float
    probabilities: Mapping[RootCause, float]
    abstained: bool
    """The evidence does not decide: a person must."""
    subclass: Subclass | None
    conformal_set: tuple[RootCause, ...]
    novelty: float
    """Share of the text's words that are unknown, 0 to 1."""
    reasons: tuple[str, ...]
    retry: Retry | None = None
    """Whether another try can help, where a documented code tells."""
