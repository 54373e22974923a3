"""The operator's knob: how many false alarms are accepted, as a share of alarms or as a number a day."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.errors import NotFound, VerbRefused
from ml.anomaly.calibration_watch import WATCHED_DAYS, WEEKS, drifted, risen
from ml.anomaly.thresholds import Policy
from ml.feedback.audits import KINDS, day_of
from ml.feedback.tables import AcceptedAlarms

DAY_US = 86_400_000_000
MOST_A_DAY = 1_000.0
SHARES = (0.001, 0.5)
USUAL_OVER_DAYS = 7
"""Rows of so many days tell how many a day are scored."""


@dataclass(frozen=True, slots=True)
class Detection:
    """How one kind of fact is judged: what is accepted, by whom, how many rows are scored, and whether that holds.

    ``share`` of alarms or ``a_day`` is accepted to be false. Where ``guarantee_suspended``, ``strange_share`` of the
    last days' rows without a confirmed fault lie among the strangest twentieth, or far more moves than usual, so more
    alarms may be false than that.
    """

    kind: str
    share: float | None
    a_day: float | None
    owner: str | None
    reason: str | None
    set_at: datetime | None
    rows_a_day: float
    strange_share: float | None
    guarantee_suspended: bool
    labels: int
    faults: int


def accept(
    connection: Connection, kind: str, share: float | None, a_day: float | None, owner: str, reason: str, at: datetime
) -> None:
    """Say how many false alarms of ``kind`` are accepted from now on: a share of alarms, or a number a day.

    Raises:
        NotFound: there is no such kind.
        VerbRefused: no reason is given, not exactly one of both is said, or it is out of bounds.
    """
    _check(kind)
    if not reason.strip():
        raise VerbRefused("set", f"{kind} alarms", "a reason must be given")
    if (share is None) == (a_day is None):
        raise VerbRefused("set", f"{kind} alarms", "say a share of alarms or a number a day")
    if share is not None and not SHARES[0] <= share <= SHARES[1]:
        raise VerbRefused("set", f"{kind} alarms", f"{share:g} is not between {SHARES[0]:g} and {SHARES[1]:g}")
    if a_day is not None and not 0 < a_day <= MOST_A_DAY:
        raise VerbRefused("set", f"{kind} alarms", f"{a_day:g} a day is not between 0 and {MOST_A_DAY:g}")
    row = {"kind": kind, "share": share, "a_day": a_day, "owner": owner, "reason": reason.strip()}
    statement = text(_SET)
    connection.execute(statement, {**row, "at": to_microseconds(at)})


def read_detection(connection: Connection, kind: str, at: datetime) -> Detection:
    """How ``kind`` is judged at ``at``. Raises ``NotFound`` for a kind there is not."""
    _check(kind)
    said = connection.execute(_NEWEST, {"kind": kind}).mappings().one_or_none()
    today = day_of(at)
    labels = connection.execute(text(_LABELS), {"kind": kind}).one()
    days = _watched(connection, kind, today - WATCHED_DAYS + 1)
    rows, strange = (sum(counts) for counts in zip(*days, strict=True)) if days else (0, 0)
    since = today - WATCHED_DAYS - 7 * WEEKS
    moved: dict[int, int] = dict(connection.execute(text(_MOVED), {"since": since, "today": today}).all())
    return Detection(
        kind=kind,
        share=said["share"] if said else Policy().q,
        a_day=said["a_day"] if said else None,
        owner=said["owner"] if said else None,
        reason=said["reason"] if said else None,
        set_at=from_microseconds(said["set_at"]) if said else None,
        rows_a_day=_rows_a_day(connection, kind, at),
        strange_share=strange / rows if rows else None,
        guarantee_suspended=drifted(days) or risen(moved, today - 1),
        labels=labels.told,
        faults=labels.faults,
    )


def read_all(connection: Connection, at: datetime) -> list[Detection]:
    """How each kind is judged."""
    return [read_detection(connection, kind, at) for kind in KINDS]


def read_policy(connection: Connection, kind: str, at: datetime) -> Policy:
    """The threshold that keeps to what is accepted of ``kind``. Raises ``NotFound`` for a kind there is not.

    With ``n`` ordinary rows a day, a p-value of at most ``a_day / n`` is met by ``a_day`` of them.
    """
    _check(kind)
    said = connection.execute(_NEWEST, {"kind": kind}).mappings().one_or_none()
    if said is None:
        return Policy()
    rows_a_day = 0.0 if said["a_day"] is None else _rows_a_day(connection, kind, at)
    if not rows_a_day:  # a share was said, or how many rows a day there are is not known yet
        return Policy(q=said["share"] or Policy().q)
    return Policy(most_p=min(1.0, said["a_day"] / max(rows_a_day, 1.0)))


def _rows_a_day(connection: Connection, kind: str, at: datetime) -> float:
    today = day_of(at)
    scored = connection.execute(text(_RATE), {"kind": kind, "since": today - USUAL_OVER_DAYS, "today": today}).one()
    return float(scored.scored) / max(1, int(scored.days))


def _watched(connection: Connection, kind: str, since: int) -> list[tuple[int, int]]:
    """Of each day from ``since`` on how many rows were scored and how many were strange, without confirmed faults."""
    faults: dict[int, int] = dict(connection.execute(text(_CONFIRMED), {"kind": kind, "since": since * DAY_US}).all())
    seen = connection.execute(text(_SEEN), {"kind": kind, "since": since}).all()
    return [(max(0, row.scored - (known := faults.get(row.day, 0))), max(0, row.strange - known)) for row in seen]


def _check(kind: str) -> None:
    if kind not in KINDS:
        raise NotFound("kind of fact called", f"{kind}; there are {', '.join(KINDS)}")


_SET = f"""
INSERT INTO {AcceptedAlarms.__tablename__} (kind, share, a_day, owner, reason, set_at)
VALUES (:kind, :share, :a_day, :owner, :reason, :at)
"""

_NEWEST = text("SELECT * FROM accepted_alarms WHERE kind = :kind ORDER BY accepted_id DESC LIMIT 1")

_RATE = """
SELECT COALESCE(SUM(scored), 0) AS scored, COUNT(*) AS days FROM scored_day
WHERE kind = :kind AND day >= :since AND day < :today
"""

_MOVED = "SELECT day, scored FROM scored_day WHERE kind = 'movement' AND day >= :since AND day < :today"

_SEEN = "SELECT day, scored, strange FROM scored_day WHERE kind = :kind AND day >= :since ORDER BY day"

_CONFIRMED = f"""
SELECT a.scored_at / {DAY_US} AS day, COUNT(*) AS faults FROM anomaly a
WHERE a.kind = :kind AND a.scored_at >= :since AND EXISTS (
    SELECT 1 FROM judged_fact f JOIN judgement j ON j.judgement_id = f.judgement_id
    WHERE f.kind = a.kind AND f.fact_id = a.fact_id AND j.said = 'true' AND j.ended_at IS NULL)
GROUP BY a.scored_at / {DAY_US}
"""

_LABELS = """
SELECT COUNT(*) AS told, COALESCE(SUM(CASE WHEN j.said = 'true' THEN 1 ELSE 0 END), 0) AS faults
FROM judged_fact f JOIN judgement j ON j.judgement_id = f.judgement_id
WHERE f.kind = :kind AND j.ended_at IS NULL AND j.said <> 'expected'
"""
