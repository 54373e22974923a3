"""Which of our SKUs a foreign name may mean: ranked by likeness, for a person to choose from."""

from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler
from rapidfuzz.utils import default_process

LIKENESS_MIN = 0.6
"""Below this Jaro-Winkler likeness two codes have little in common but their alphabet."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of our SKUs and how like the foreign name it is, 0 to 1."""

    sku: str
    likeness: float


def sku_candidates(name: str, skus: Iterable[str], limit: int = 5) -> list[Candidate]:
    """The ``limit`` SKUs most like ``name``, best first; none when nothing is alike."""
    found = process.extract(
        name,
        list(skus),
        scorer=JaroWinkler.normalized_similarity,
        processor=default_process,
        limit=limit,
        score_cutoff=LIKENESS_MIN,
    )
    return [Candidate(sku, round(likeness, 4)) for sku, likeness, _ in found]
