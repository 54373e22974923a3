"""Score the deltas and movements that are new, and write down the strange ones as anomalies."""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.database.upsert import insert_new, upsert
from ml.anomaly.fault_probability import FaultCurve
from ml.anomaly.rolling import RollingScorer, Scored
from ml.anomaly.specification import DELTA
from ml.anomaly.thresholds import Policy
from ml.features.deltas import DeltaFeatures, Deltas
from ml.features.movements import MovementFeatures
from ml.registry.service_models import ServiceModels
from ml.triage.frames import as_movements, complete_up_to, deltas_since, movements_since, scored_up_to
from ml.triage.sentences import sentence
from ml.triage.tables import Anomaly, ScoredUpTo

BATCH_ROWS = 5_000

SCORED = {"delta": ("delta", "delta_id"), "movement": ("ledger_entry", "entry_id")}
"""The facts that are scored, by table and column of their number."""

DAILY_MOVEMENT_ALARMS = 8
"""At most this many movements a day become anomalies, the strangest first: what people can look at."""

DAY_US = 86_400_000_000


def detect(database: Database, models: ServiceModels, at: datetime, policy: Policy | None = None) -> int:
    """Score what is new; returns how many anomalies were found. Facts scored before are not scored again.

    Another process may score the same facts meanwhile: whoever writes first is believed.
    """
    newest = complete_up_to(database, SCORED)
    with database.reading() as connection:
        done = scored_up_to(connection)
        has_deltas, has_movements = (newest.get(kind, 0) > done.get(kind, 0) for kind in SCORED)
        deltas = deltas_since(connection, done.get("delta", 0), newest["delta"]) if has_deltas else None
        movements = movements_since(connection, done.get("movement", 0), newest["movement"]) if has_movements else None
        spent = _spent(connection) if has_movements else {}
    found: list[dict[str, object]] = []
    if deltas is not None:
        scored = list(_score_deltas(deltas, models, policy))
        rows = _anomalies(deltas, "delta", "delta_id", scored, models, done.get("delta", 0))
        found += [row | _delta_figures(deltas, place) for place, row in rows]
    if movements is not None:
        scored = list(_score_movements(movements, models, policy))
        strange = list(_anomalies(movements, "movement", "entry_id", scored, models, done.get("movement", 0)))
        found += [row | _movement_figures(movements, place) for place, row in within_budget(strange, spent)]
    with database.transaction() as connection:
        return _write(connection, found, newest, models, at)


def within_budget(
    rows: list[tuple[int, dict[str, object]]], spent: Mapping[int, int]
) -> list[tuple[int, dict[str, object]]]:
    """The strangest rows of each day of occurrence, in the order given.

    ``spent`` is how many of a day's ``DAILY_MOVEMENT_ALARMS`` earlier rounds have used up.
    """
    kept: set[int] = set()
    by_day: dict[int, list[tuple[float, int]]] = {}
    for place, row in rows:
        by_day.setdefault(int(str(row["occurred_at"])) // DAY_US, []).append((float(str(row["score"])), place))
    for day, found in by_day.items():
        left = max(0, DAILY_MOVEMENT_ALARMS - spent.get(day, 0))
        kept |= {place for _, place in sorted(found, reverse=True)[:left]}
    return [(place, row) for place, row in rows if place in kept]


def _spent(connection: Connection) -> dict[int, int]:
    """How many movements of each day are anomalies already."""
    statement = f"SELECT occurred_at / {DAY_US} AS day, COUNT(*) FROM anomaly WHERE kind = 'movement' GROUP BY 1"
    return dict(connection.execute(text(statement)).all())


def _score_deltas(frame: pl.DataFrame, models: ServiceModels, policy: Policy | None) -> Iterator[Scored]:
    scorer = RollingScorer(DELTA, models.delta_detector, policy)
    builder = DeltaFeatures()
    for batch in Deltas.from_frame(frame).batches(BATCH_ROWS):
        yield scorer.advance(builder.advance(batch), batch.time_us)


def _score_movements(frame: pl.DataFrame, models: ServiceModels, policy: Policy | None) -> Iterator[Scored]:
    detector = models.movement_detector
    scorer = RollingScorer(detector.specification, detector, policy)
    builder = MovementFeatures()
    for batch in as_movements(frame).batches(BATCH_ROWS):
        yield scorer.advance(builder.advance(batch).matrix(scorer.specification.features))


def _anomalies(
    frame: pl.DataFrame, kind: str, id_column: str, scored: list[Scored], models: ServiceModels, done: int
) -> Iterator[tuple[int, dict[str, object]]]:
    """Place in ``frame`` and columns of each anomaly among the rows newer than ``done``."""
    ids = frame[id_column].to_numpy()
    score = np.concatenate([part.score for part in scored]) if scored else np.empty(0)
    p_value = np.concatenate([part.p_value for part in scored]) if scored else np.empty(0)
    flagged = np.concatenate([part.anomalous for part in scored]) if scored else np.empty(0, dtype=bool)
    reasons = [reason for part in scored for reason in part.reasons]
    model = f"{kind}_detector"
    chance = _fault_curve(models, kind).probability(np.nan_to_num(score))
    for place in np.flatnonzero(flagged & (ids > done)).tolist():
        told = [sentence(reason) for reason in reasons[place]]
        yield (
            place,
            {
                "kind": kind,
                "fact_id": int(ids[place]),
                "score": float(score[place]),
                "p_value": float(p_value[place]),
                "fault_probability": float(chance[place]),
                "reasons": msgspec.json.encode(told).decode(),
                "model_version": models.version(model),
                "occurred_at": _moments(frame)[place].item(),
            },
        )


def _fault_curve(models: ServiceModels, kind: str) -> FaultCurve:
    return models.delta_fault_curve if kind == "delta" else models.movement_fault_curve


def _moments(frame: pl.DataFrame) -> NDArray[np.int64]:
    if "as_of" in frame.columns:
        return frame["as_of"].dt.timestamp("us").to_numpy()
    return frame["occurred_at"].to_numpy()


def _delta_figures(frame: pl.DataFrame, place: int) -> dict[str, object]:
    row = frame.row(place, named=True)
    return {name: row[name] or "" for name in ("system", "sku", "location", "channel", "state")} | {
        "expected": _whole((row["expected"] or 0.0) + (row["in_flight"] or 0.0)),
        "actual": _whole(row["reported"]),
    }


def _movement_figures(frame: pl.DataFrame, place: int) -> dict[str, object]:
    row = frame.row(place, named=True)
    return {
        "system": row["system"],
        "sku": row["sku"],
        "location": row["location"],
        "channel": "",
        "state": "on_hand",
        "expected": None,
        "actual": row["effect"],
    }


def _whole(figure: float | None) -> int | None:
    return None if figure is None or math.isnan(figure) else round(figure)


def _write(
    connection: Connection,
    found: list[dict[str, object]],
    newest: dict[str, int],
    models: ServiceModels,
    at: datetime,
) -> int:
    rows = [row | {"scored_at": to_microseconds(at)} for row in found]
    written = insert_new(connection, Anomaly, rows, ("kind", "fact_id"))
    before = scored_up_to(connection)
    marks = [
        {"kind": kind, "fact_id": fact_id, "model_version": models.version(f"{kind}_detector")}
        for kind, fact_id in newest.items()
        if fact_id >= before.get(kind, 0)
    ]
    upsert(connection, ScoredUpTo, marks, ("kind",))
    return written
