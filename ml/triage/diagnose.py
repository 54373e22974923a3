"""Say of each new failure what its root cause is taken to be; and, beside it, what a challenger would have said."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, RowMapping, text

from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.database.upsert import insert_new
from ml.registry.challenger import Challenger
from ml.registry.service_models import ServiceModels
from ml.root_cause.diagnosis import Diagnosis as Opinion
from ml.root_cause.evidence import evidence_from
from ml.triage.frames import scored_up_to
from ml.triage.tables import ChallengerDiagnosis, Diagnosis

BATCH = 5_000
OVERLAP = 10_000
"""Failures looked at again below the newest one answered: transactions may end in another order than they began."""


def diagnose(database: Database, models: ServiceModels, at: datetime, most: int | None = None) -> int:
    """Diagnose failures that have no diagnosis yet, the newest first; returns how many that were.

    Nothing is locked while the model thinks; where another process was quicker, its diagnosis stands. Failures up to
    the mark that ``gather`` leaves are in cases already.

    Args:
        most: no more than so many, which are at most ``BATCH``; None for every one.
    """
    done = 0
    while True:
        with database.reading() as connection:
            bound = {"done": scored_up_to(connection).get("failure", 0), "most": BATCH if most is None else most}
            failures = connection.execute(text(_NEW), bound).mappings().all()
        if not failures:
            return done
        rows = _diagnoses(failures, models, at)
        with database.transaction() as connection:
            done += insert_new(connection, Diagnosis, rows, ("failure_id",))
        if len(rows) < BATCH or most is not None:
            return done


def is_any_new(connection: Connection) -> bool:
    """Whether a failure has no diagnosis yet, or an open one is in no case yet."""
    bound = {"done": scored_up_to(connection).get("failure", 0), "most": 1}
    return any(connection.execute(text(asked), bound).first() is not None for asked in (_NEW, _IN_NO_CASE))


def answer_beside(database: Database, challenger: Challenger, models: ServiceModels, at: datetime) -> int:
    """What ``challenger``, loaded as ``models``, says of failures that the live model decided since it was named.

    Returns how many that were. Nothing is done about its answers; each failure is answered once.
    """
    done = 0
    bound = {"version": challenger.version, "named": challenger.after_failure, "most": BATCH, "overlap": OVERLAP}
    while True:
        with database.reading() as connection:
            failures = connection.execute(text(_UNANSWERED), bound).mappings().all()
        if not failures:
            return done
        told = models.root_cause.classify([evidence_from(dict(row)) for row in failures])
        rows = [
            _opinion(failure, diagnosis, challenger.version, at)
            for failure, diagnosis in zip(failures, told, strict=True)
        ]
        with database.transaction() as connection:
            done += insert_new(connection, ChallengerDiagnosis, rows, ("model_version", "failure_id"))
        if len(rows) < BATCH:
            return done


def _diagnoses(failures: Sequence[RowMapping], models: ServiceModels, at: datetime) -> list[dict[str, object]]:
    told = models.root_cause.classify([evidence_from(dict(row)) for row in failures])
    version = models.version("root_cause")
    return [
        {
            **_opinion(failure, diagnosis, version, at),
            "probabilities": msgspec.json.encode({str(k): v for k, v in diagnosis.probabilities.items()}).decode(),
            "reasons": msgspec.json.encode([str(reason) for reason in diagnosis.reasons]).decode(),
        }
        for failure, diagnosis in zip(failures, told, strict=True)
    ]


def _opinion(failure: RowMapping, diagnosis: Opinion, version: str, at: datetime) -> dict[str, object]:
    return {
        "failure_id": failure["failure_id"],
        "root_cause": str(diagnosis.root_cause),
        "subclass": str(diagnosis.subclass) if diagnosis.subclass else None,
        "probability": diagnosis.probability,
        "abstained": diagnosis.abstained,
        "model_version": version,
        "made_at": to_microseconds(at),
    }


_NEW = """
SELECT f.* FROM failure f
WHERE f.failure_id > :done AND NOT EXISTS (SELECT 1 FROM diagnosis d WHERE d.failure_id = f.failure_id)
ORDER BY f.failure_id DESC LIMIT :most
"""

_UNANSWERED = """
SELECT f.* FROM failure f JOIN diagnosis d ON d.failure_id = f.failure_id
WHERE f.failure_id > :named AND f.failure_id > (
    SELECT COALESCE(MAX(c.failure_id), 0) - :overlap FROM challenger_diagnosis c WHERE c.model_version = :version)
  AND NOT EXISTS (
    SELECT 1 FROM challenger_diagnosis c WHERE c.model_version = :version AND c.failure_id = f.failure_id)
ORDER BY f.failure_id LIMIT :most
"""

_IN_NO_CASE = """
SELECT f.failure_id FROM failure f WHERE f.failure_id > :done AND f.resolved_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM case_signal s WHERE s.kind = 'failure' AND s.signal_id = f.failure_id)
ORDER BY f.failure_id LIMIT :most
"""
