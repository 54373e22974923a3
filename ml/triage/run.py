"""One triage: everything that is new becomes a signal, every signal is in a case, every case is weighed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.cases.self_resolution import resolve_settled
from core_sync.database.engine import Database
from core_sync.ledger.signals import tell_overdue
from ml.anomaly.thresholds import Policy
from ml.registry.service_models import ServiceModels
from ml.triage.detect import detect
from ml.triage.diagnose import diagnose
from ml.triage.gather import gather, settle
from ml.triage.weigh import Recommend, weigh_cases


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
    anomalies = detect(database, models, at, policy)
    diagnosed = diagnose(database, models, at)
    with database.transaction() as connection:
        settled = settle(connection, at)
        gathered = gather(connection, at)
        resolved = resolve_settled(connection, at, lambda named: open_among(connection, named)).resolved
        weighed = weigh_cases(connection, models, recommend, reporting, at)
    return TriageSummary(anomalies, diagnosed, gathered, settled, weighed, len(resolved))


def open_among(connection: Connection, anomaly_ids: Collection[int]) -> set[int]:
    """Of the anomalies named, those that are not settled."""
    still = set(connection.execute(text("SELECT anomaly_id FROM anomaly WHERE settled_at IS NULL")).scalars())
    return still.intersection(anomaly_ids)
