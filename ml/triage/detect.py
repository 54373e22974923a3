"""Score the deltas and movements that are new, and write down the strange ones as anomalies."""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.database.upsert import insert_new, upsert
from ml.anomaly.bursts import Ints, bursts_of, strangest_of_bursts
from ml.anomaly.calibration_watch import STRANGE
from ml.anomaly.thresholds import Policy
from ml.feedback.accepted import read_policy
from ml.feedback.audits import day_of, keep_audits, smallest
from ml.feedback.described import as_text
from ml.registry.service_models import ServiceModels
from ml.triage.frames import complete_up_to, scored_up_to
from ml.triage.hard_rules import SHOWN_FROM_NOTHING
from ml.triage.neighbours import BESIDE_A_FAULT, TOLD_MARK, newest_fault
from ml.triage.sentences import sentence
from ml.triage.tables import Anomaly, ScoredUpTo
from ml.triage.warm import Judged, WarmScorers

SCORED = {"delta": ("delta", "delta_id"), "movement": ("ledger_entry", "entry_id")}
"""The facts that are scored, by table and column of their number."""

DAILY_MOVEMENT_ALARMS = 8
"""So many movements a day become anomalies, the strangest first and of a burst one: what people can look at."""

DAY_US = 86_400_000_000


def detect(
    database: Database,
    models: ServiceModels,
    at: datetime,
    policy: Policy | None = None,
    warm: WarmScorers | None = None,
    kinds: tuple[str, ...] = tuple(SCORED),
) -> int:
    """Score what is new of ``kinds``; returns how many anomalies were found. Facts scored before are not scored again.

    Another process may score the same facts meanwhile: whoever writes first is believed.

    Args:
        policy: how many false alarms are accepted; without it what the operator said, of each kind.
        warm: scorers to go on with; without them the history is read anew.
    """
    warm = warm or WarmScorers()
    newest = complete_up_to(database, {kind: SCORED[kind] for kind in kinds})
    with warm.alone:
        try:
            return _detect(database, models, at, policy, warm, newest)
        except BaseException:
            for kind in kinds:  # what was taken in is perhaps not written down
                warm.forget(kind)
            raise


def _detect(
    database: Database,
    models: ServiceModels,
    at: datetime,
    policy: Policy | None,
    warm: WarmScorers,
    newest: Mapping[str, int],
) -> int:
    with database.reading() as connection:
        done = scored_up_to(connection)
        told = newest_fault(connection, done.get(TOLD_MARK, 0))
        again = told > done.get(TOLD_MARK, 0) and "movement" in newest
        due = [kind for kind in newest if newest[kind] > done.get(kind, 0) or (again and kind == "movement")]
        judged, found = [], []
        for kind in due:
            accepted = policy or read_policy(connection, kind, at)
            one, beside = warm.judge(connection, kind, models, done.get(kind, 0), newest[kind], accepted)
            judged.append(one)
            found += _to_look_at(connection, one, models) + list(_anomalies(beside, models))
    if not due:
        return 0
    with database.transaction() as connection:
        marks = scored_up_to(connection)
        written = insert_new(connection, Anomaly, [row | {"scored_at": to_microseconds(at)} for row in found], _FACT)
        for one in judged:
            if marks.get(one.kind, 0) == done.get(
                one.kind, 0
            ):  # else another process has counted and drawn from these rows
                _count(connection, one, at)
                _draw(connection, one, at)
        reached = {kind: newest[kind] for kind in due} | ({TOLD_MARK: told} if again else {})
        _mark(connection, marks, reached, models)
    return written


def _to_look_at(connection: Connection, judged: Judged, models: ServiceModels) -> list[dict[str, Any]]:
    """The anomalies among what is new: of movements as many as people can look at, and those beside a known fault."""
    rows = list(_anomalies(judged, models))
    if judged.kind == "delta" or not rows:
        return rows
    ids = set(judged.ids[judged.beside_fault].tolist())
    beside, others = ([row for row in rows if (row["fact_id"] in ids) is kept] for kept in (True, False))
    days = [int(row["occurred_at"]) // DAY_US for row in rows]
    bound = {"since": min(days) * DAY_US, "until": (max(days) + 1) * DAY_US}
    return beside + within_budget(others, np.array(connection.execute(text(_TAKEN), bound).scalars().all(), np.int64))


def within_budget(rows: list[dict[str, Any]], taken: Ints) -> list[dict[str, Any]]:
    """The strangest rows of each day of occurrence, of a burst one, in the order given.

    ``taken`` are the moments (t,) of earlier anomalies; each burst of them has used up one of its day's
    ``DAILY_MOVEMENT_ALARMS``.
    """
    moments = np.array([row["occurred_at"] for row in rows], dtype=np.int64)
    scores = np.array([row["score"] for row in rows], dtype=np.float64)
    kept = np.zeros(len(rows), dtype=bool)
    for day in np.unique(moments // DAY_US):
        here, before = np.flatnonzero(moments // DAY_US == day), taken[taken // DAY_US == day]
        left = max(0, DAILY_MOVEMENT_ALARMS - bursts_of(before))
        kept[here[strangest_of_bursts(scores[here], moments[here], left, before)]] = True
    return [row for row, keep in zip(rows, kept.tolist(), strict=True) if keep]


def _anomalies(judged: Judged, models: ServiceModels) -> Iterator[dict[str, Any]]:
    """The columns of each anomaly."""
    strange = judged.flagged | judged.beside_fault | judged.by_rule
    version = models.version(f"{judged.kind}_detector") if strange.any() else ""
    for place in np.flatnonzero(strange).tolist():
        reasons = judged.reasons[place]
        sentences = [sentence(reason) for reason in reasons]
        if judged.beside_fault[place]:
            sentences.insert(0, BESIDE_A_FAULT)
        if judged.by_rule[place]:
            sentences.insert(0, SHOWN_FROM_NOTHING)
        yield (
            {
                "kind": judged.kind,
                "fact_id": int(judged.ids[place]),
                "score": float(judged.score[place]),
                "p_value": float(judged.p_value[place]),
                "fault_probability": float(judged.chance[place]),
                "reasons": msgspec.json.encode(sentences).decode(),
                "told": msgspec.json.encode([(one.feature, one.told, one.chance) for one in reasons]).decode(),
                "described": as_text(judged.features, judged.matrix[place]),
                "model_version": version,
                "occurred_at": int(judged.moments[place]),
            }
            | _figures(judged, place)
        )


def _figures(judged: Judged, place: int) -> dict[str, Any]:
    """What the row is about: system, SKU, place, and the figure that was expected beside the one that came."""
    row = judged.facts.row(place, named=True)
    if judged.kind == "movement":
        named = {name: row[name] for name in ("system", "sku", "location")}
        return {**named, "channel": "", "state": "on_hand", "expected": None, "actual": row["effect"]}
    return {name: row[name] or "" for name in ("system", "sku", "location", "channel", "state")} | {
        "expected": _whole((row["expected"] or 0.0) + (row["in_flight"] or 0.0)),
        "actual": _whole(row["reported"]),
    }


def _whole(figure: float | None) -> int | None:
    return None if figure is None or math.isnan(figure) else round(figure)


def _count(connection: Connection, judged: Judged, at: datetime) -> None:
    """Count what was scored and how much of it was strange: whether p-values can be believed is seen from that."""
    known = judged.p_value[~np.isnan(judged.p_value)]
    if len(known):
        row = {"kind": judged.kind, "day": day_of(at), "scored": len(known), "strange": int((known <= STRANGE).sum())}
        connection.execute(_COUNT, row)


def _draw(connection: Connection, judged: Judged, at: datetime) -> None:
    """Draw tomorrow's audits from what raised no alarm."""
    shown = judged.flagged | judged.beside_fault | judged.by_rule
    quiet = np.flatnonzero(~shown & ~np.isnan(judged.score))
    rows = []
    for place_of, draw in smallest(day_of(at), judged.kind, judged.ids[quiet]):
        place = int(quiet[place_of])
        told = {"kind": judged.kind, "fact_id": int(judged.ids[place]), "draw": draw}
        told |= {"occurred_at": int(judged.moments[place]), "described": as_text(judged.features, judged.matrix[place])}
        rows.append(told | _figures(judged, place))
    if rows:
        keep_audits(connection, day_of(at), rows)


def _mark(connection: Connection, before: Mapping[str, int], reached: Mapping[str, int], models: ServiceModels) -> None:
    marks = [
        {
            "kind": kind,
            "fact_id": fact_id,
            "model_version": models.version(f"{kind}_detector") if kind in SCORED else "",
        }
        for kind, fact_id in reached.items()
        if fact_id >= before.get(kind, 0)
    ]
    upsert(connection, ScoredUpTo, marks, ("kind",))


_FACT = ("kind", "fact_id")

_TAKEN = """
SELECT occurred_at FROM anomaly WHERE kind = 'movement' AND occurred_at >= :since AND occurred_at < :until
"""

_COUNT = text("""
INSERT INTO scored_day (kind, day, scored, strange) VALUES (:kind, :day, :scored, :strange)
ON CONFLICT (kind, day) DO UPDATE SET scored = scored_day.scored + excluded.scored,
  strange = scored_day.strange + excluded.strange
""")
