"""One triage: everything that is new becomes a signal, every signal is in a case, every case is weighed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.cases.self_resolution import resolve_settled
from core_sync.cases.weigh import cases_to_review
from core_sync.database.engine import Database
from core_sync.failures.mapping import AT_ONCE, tell_candidates
from core_sync.failures.surroundings import gather_surroundings
from core_sync.ledger.signals import tell_overdue
from ml.anomaly.thresholds import Policy
from ml.registry.service_models import ServiceModels
from ml.triage.detect import detect
from ml.triage.diagnose import diagnose
from ml.triage.gather import gather, settle
from ml.triage.weigh import Recommend, weigh_cases

WEIGHED_AT_ONCE = 200
"""Cases weighed in one transaction: nobody who writes meanwhile waits for all of them."""


@dataclass(frozen=True, slots=True)
class TriageSummary:
    """What one triage did."""

    anomalies: int
    diagnosed: int
    gathered: int
    settled: int
    weighed: int
    resolved: int


def triage(
    database: Database,
    models: ServiceModels,
    recommend: Recommend,
    reporting: str,
    at: datetime,
    policy: Policy | None = None,
) -> TriageSummary:
    """Score, diagnose, group, weigh and rank all that is new; resolve the cases whose cause is gone."""
    with database.transaction() as connection:
        tell_overdue(connection, at)
    named = AT_ONCE
    while named == AT_ONCE:
        with database.transaction() as connection:
            named = tell_candidates(connection)
    gather_surroundings(database)
    anomalies = detect(database, models, at, policy)
    diagnosed = diagnose(database, models, at)
    with database.transaction() as connection:
        settled = settle(connection, at)
        gathered = gather(connection, at)
        resolved = resolve_settled(connection, at, lambda named: open_among(connection, named)).resolved
        asking = cases_to_review(connection)
    for start in range(0, len(asking), WEIGHED_AT_ONCE):
        part = asking[start : start + WEIGHED_AT_ONCE]
        with database.transaction() as connection:
            weigh_cases(connection, models, recommend, reporting, at, part)
    return TriageSummary(anomalies, diagnosed, gathered, settled, len(asking), len(resolved))


def open_among(connection: Connection, anomaly_ids: Collection[int]) -> set[int]:
    """Of the anomalies named, those that are not settled."""
    still = set(connection.execute(text("SELECT anomaly_id FROM anomaly WHERE settled_at IS NULL")).scalars())
    return still.intersection(anomaly_ids)
