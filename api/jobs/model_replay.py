"""The last weeks' failures classified again by a candidate: which decisions would have been others, and their money."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import RowMapping, text

from core_sync.clock import to_microseconds
from core_sync.money import from_ten_thousandths
from ml.registry.disagreement import ABSTAINED
from ml.registry.manifest import read_manifest
from ml.root_cause.diagnosis import Diagnosis
from ml.root_cause.evidence import evidence_from
from ml.root_cause.persist import load
from remediation.actions.catalog import recommend

if TYPE_CHECKING:
    from api.wiring import World

TO_A_PERSON = "left to a person"


@dataclass(frozen=True, slots=True)
class Said:
    """Failures of which the live model decides ``live`` and the candidate ``candidate``, and what rides on them.

    ``at_stake`` is the expected loss of their cases as last weighed, each case once and whole; of cases whose money is
    not known nothing is counted. The actions are those that answer the causes.
    """

    live: str
    candidate: str
    failures: int
    cases: int
    at_stake: Decimal
    currency: str | None
    action: str
    action_instead: str

    @property
    def is_another(self) -> bool:
        """Whether the decision is another."""
        return self.live != self.candidate


@dataclass
class _Pair:
    failures: int = 0
    losses: dict[int, int] = field(default_factory=dict)
    """Expected loss in ten-thousandths, by case."""


def replay_classifier(world: "World", candidate: Path, days: int) -> list[Said]:
    """Classify the failures of the last ``days`` with both; other decisions first, the dearest of them first.

    Raises:
        ModelRefused: the candidate is not what its manifest says.
    """
    read_manifest(candidate)
    since = to_microseconds(world.clock() - timedelta(days=days))
    with world.database.reading() as connection:
        rows = connection.execute(text(_FAILURES), {"since": since}).mappings().all()
    evidence = [evidence_from(dict(row)) for row in rows]
    if not evidence:
        return []
    live, other = world.models.root_cause.classify(evidence), load(candidate).classify(evidence)
    told = [_told(*key, pair) for key, pair in _pairs(rows, live, other).items()]
    return sorted(told, key=lambda one: (not one.is_another, -one.at_stake, -one.failures))


def _pairs(
    rows: Sequence[RowMapping], live: Sequence[Diagnosis], other: Sequence[Diagnosis]
) -> dict[tuple[str, str, str | None], _Pair]:
    """By decision of both and currency."""
    pairs: dict[tuple[str, str, str | None], _Pair] = defaultdict(_Pair)
    for row, ours, theirs in zip(rows, live, other, strict=True):
        pair = pairs[_decision(ours), _decision(theirs), row["case_currency"]]
        pair.failures += 1
        if row["case_id"] is not None:
            pair.losses[row["case_id"]] = row["case_loss"] or 0
    return pairs


def _told(live: str, candidate: str, currency: str | None, pair: _Pair) -> Said:
    at_stake = from_ten_thousandths(sum(pair.losses.values()))
    return Said(live, candidate, pair.failures, len(pair.losses), at_stake, currency, _answer(live), _answer(candidate))


def _decision(diagnosis: Diagnosis) -> str:
    return ABSTAINED if diagnosis.abstained else str(diagnosis.root_cause)


def _answer(decision: str) -> str:
    return TO_A_PERSON if decision == ABSTAINED else recommend(decision)


_FAILURES = """
SELECT f.*, c.case_id, c.expected_loss AS case_loss, c.currency AS case_currency
FROM failure f
LEFT JOIN case_signal s ON s.kind = 'failure' AND s.signal_id = f.failure_id
LEFT JOIN exception_case c ON c.case_id = s.case_id
WHERE f.occurred_at >= :since ORDER BY f.failure_id
"""
