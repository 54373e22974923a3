"""Whether failures and what is said of them have moved away from what the model was calibrated on.

Of evidence, of the causes told and of unknown words the population stability index is told
(``ml.registry.stability``). With labels, calibration is told too: how often the true cause lay outside its set, which
should be at most the chance of a miss that the sets are built for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.registry.stability import stability
from ml.root_cause.causes import CAUSES
from ml.root_cause.diagnosis import Diagnosis
from ml.root_cause.evidence import FailureEvidence
from ml.root_cause.evidence_matrix import FEATURES, evidence_matrix

_DECILES = np.linspace(0.1, 0.9, 9)
_NOVELTY_EDGES = (0.001, 0.1, 0.25, 0.5)


@dataclass(frozen=True)
class Drift:
    """How far the failures ``seen`` lie from those of the ``reference``."""

    causes: float
    """PSI of the causes told."""
    novelty: float
    """PSI of the share of unknown words."""
    abstained: tuple[float, float]
    """Share left to people, in the reference and as seen."""
    missed: tuple[float, float] | None
    """Share of true causes outside their set, where the truth of both is known."""


def drift(
    reference: Sequence[Diagnosis],
    seen: Sequence[Diagnosis],
    truths: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None,
) -> Drift:
    """The drift from ``reference`` to ``seen``, neither empty; ``truths`` are of both, as positions in ``CAUSES``."""
    both = (reference, seen)
    causes = [np.array([CAUSES.index(one.root_cause) for one in told], dtype=np.intp) for told in both]
    words = [np.searchsorted(_NOVELTY_EDGES, [one.novelty for one in told], side="right") for told in both]
    abstained = [float(np.mean([one.abstained for one in told])) for told in both]
    missed = None if truths is None else (_missed(reference, truths[0]), _missed(seen, truths[1]))
    moved = _moved(causes[0], causes[1], len(CAUSES))
    unknown = _moved(words[0], words[1], len(_NOVELTY_EDGES) + 1)
    return Drift(moved, unknown, (abstained[0], abstained[1]), missed)


def moved_inputs(reference: Sequence[FailureEvidence], seen: Sequence[FailureEvidence]) -> dict[str, float]:
    """PSI of each field of evidence from ``reference`` to ``seen``, neither empty: over ten parts, and the missing.

    A field that neither has is left out.
    """
    old, new = evidence_matrix(reference), evidence_matrix(seen)
    moved: dict[str, float] = {}
    for column, name in enumerate(FEATURES):
        known = old[:, column][~np.isnan(old[:, column])]
        if known.size or not np.isnan(new[:, column]).all():
            edges = np.unique(np.quantile(known, _DECILES)) if known.size else np.empty(0)
            moved[name] = _moved(_parts(old[:, column], edges), _parts(new[:, column], edges), edges.size + 2)
    return moved


def _parts(values: NDArray[np.float32], edges: NDArray[np.floating[Any]]) -> NDArray[np.intp]:
    """The part between ``edges`` that each value lies in; the last is for those that are missing."""
    return np.where(np.isnan(values), edges.size + 1, np.searchsorted(edges, values, side="right"))


def _moved(old: NDArray[np.intp], new: NDArray[np.intp], parts: int) -> float:
    """How far the parts (n,) that ``new`` lies in have moved from those of ``old`` (m,)."""
    shares = [np.bincount(found, minlength=parts) / len(found) for found in (old, new)]
    return stability(shares[0], shares[1], (len(old), len(new)))


def _missed(told: Sequence[Diagnosis], truth: NDArray[np.intp]) -> float:
    return float(np.mean([CAUSES[at] not in one.conformal_set for one, at in zip(told, truth, strict=True)]))
