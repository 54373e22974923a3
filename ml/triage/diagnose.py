"""Say of each new failure what its root cause is taken to be."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, RowMapping, text

from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.database.upsert import insert_new
from ml.registry.service_models import ServiceModels
from ml.root_cause.evidence import evidence_from
from ml.triage.frames import scored_up_to
from ml.triage.tables import Diagnosis

BATCH = 5_000


def diagnose(database: Database, models: ServiceModels, at: datetime) -> int:
    """Diagnose every failure that has no diagnosis yet; returns how many that were.

    Nothing is locked while the model thinks; where another process was quicker, its diagnosis stands. Failures up to
    the mark that ``gather`` leaves are in cases already.
    """
    done = 0
    while True:
        with database.reading() as connection:
            bound = {"done": scored_up_to(connection).get("failure", 0), "most": BATCH}
            failures = connection.execute(text(_NEW), bound).mappings().all()
        if not failures:
            return done
        rows = _diagnoses(failures, models, at)
        with database.transaction() as connection:
            done += insert_new(connection, Diagnosis, rows, ("failure_id",))
        if len(rows) < BATCH:
            return done


def is_any_new(connection: Connection) -> bool:
    """Whether a failure has no diagnosis yet."""
    bound = {"done": scored_up_to(connection).get("failure", 0), "most": 1}
    return connection.execute(text(_NEW), bound).first() is not None


def _diagnoses(failures: Sequence[RowMapping], models: ServiceModels, at: datetime) -> list[dict[str, object]]:
    told = models.root_cause.classify([evidence_from(dict(row)) for row in failures])
    version = models.version("root_cause")
    return [
        {
            "failure_id": failure["failure_id"],
            "root_cause": str(diagnosis.root_cause),
            "subclass": str(diagnosis.subclass) if diagnosis.subclass else None,
            "probability": diagnosis.probability,
            "abstained": diagnosis.abstained,
            "probabilities": msgspec.json.encode({str(k): v for k, v in diagnosis.probabilities.items()}).decode(),
            "reasons": msgspec.json.encode([str(reason) for reason in diagnosis.reasons]).decode(),
            "model_version": version,
            "made_at": to_microseconds(at),
        }
        for failure, diagnosis in zip(failures, told, strict=True)
    ]


_NEW = """
SELECT f.* FROM failure f
WHERE f.failure_id > :done AND NOT EXISTS (SELECT 1 FROM diagnosis d WHERE d.failure_id = f.failure_id)
ORDER BY f.failure_id LIMIT :most
"""
