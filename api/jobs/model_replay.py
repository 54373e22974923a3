"""The last weeks' failures classified again by a candidate: what it would have said instead."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from core_sync.clock import to_microseconds
from ml.registry.manifest import read_manifest
from ml.root_cause.evidence import evidence_from
from ml.root_cause.persist import load

if TYPE_CHECKING:
    from api.wiring import World


@dataclass(frozen=True, slots=True)
class Said:
    """How many failures the live model calls ``live`` and the candidate ``candidate``; ``undecided`` by the latter."""

    live: str
    candidate: str
    failures: int
    undecided: int


def replay_classifier(world: "World", candidate: Path, days: int) -> list[Said]:
    """Classify the failures of the last ``days`` with both, the most frequent pair first.

    Raises:
        ModelRefused: the candidate is not what its manifest says.
    """
    read_manifest(candidate)
    since = to_microseconds(world.clock() - timedelta(days=days))
    with world.database.reading() as connection:
        rows = connection.execute(
            text("SELECT * FROM failure WHERE occurred_at >= :since ORDER BY failure_id"), {"since": since}
        )
        evidence = [evidence_from(dict(row)) for row in rows.mappings()]
    if not evidence:
        return []
    live, other = world.models.root_cause.classify(evidence), load(candidate).classify(evidence)
    pairs: Counter[tuple[str, str]] = Counter()
    undecided: Counter[tuple[str, str]] = Counter()
    for ours, theirs in zip(live, other, strict=True):
        pair = str(ours.root_cause), str(theirs.root_cause)
        pairs[pair] += 1
        undecided[pair] += theirs.abstained
    return [Said(*pair, count, undecided[pair]) for pair, count in pairs.most_common()]
