"""When a strange difference is over: the figures agree, or differ again by no more than they usually did.

A fifth of all records may be off by a few units for good, so waiting for exact agreement would keep a
cured case open for ever.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import Connection, Row, text

from core_sync.clock import to_microseconds
from ml.triage.hard_rules import SHOWN_FROM_NOTHING

USUAL_OVER = 28
"""Comparisons before the first strange one that tell what is usual."""

LEFT_OF_THE_JUMP = 0.25
"""What may be left of a jump, as a share of it, for the jump to be over."""

RECORD_ERROR_UNITS = 1
"""Figures this close are as good as equal."""


def is_over(jump_to: int, usual: float, now: int) -> bool:
    """Whether a difference that went from ``usual`` to ``jump_to`` units and is ``now`` is over.

    All three are reported less expected, in whole units, what is in flight taken out.
    """
    if abs(now) <= RECORD_ERROR_UNITS:
        return True
    return abs(now - usual) <= max(RECORD_ERROR_UNITS, LEFT_OF_THE_JUMP * abs(jump_to - usual))


@dataclass(frozen=True, slots=True)
class Figure:
    """What one system reports of one SKU: in which state, at which place (empty for a channel total)."""

    system: str
    sku: str
    location: str
    state: str

    @property
    def named(self) -> dict[str, str]:
        """As a statement's parameters."""
        return asdict(self)


def compared_again(connection: Connection) -> Sequence[Row[Any]]:
    """The figures with open anomalies whose system was compared when the newest was found strange, or since."""
    return connection.execute(text(_OPEN), {"rule": f'["{SHOWN_FROM_NOTHING}"%'}).all()


def settle_deltas(connection: Connection, figures: Sequence[Row[Any]], at: datetime) -> int:
    """Settle the delta anomalies of each of ``figures`` that the newest comparison finds over; returns how many.

    A figure may be strange for what is told beside it, of its SKU or of its place, and itself agree: that is nothing to
    work on, and holds no case open.
    """
    settled = 0
    for subject in figures:
        figure = Figure(subject.system, subject.sku, subject.location, subject.state)
        if _agrees_again(connection, figure, subject):
            told = {**figure.named, "at": to_microseconds(at), "until": subject.last}
            settled += max(connection.execute(text(_SETTLE), told).rowcount, 0)
    return settled


def _agrees_again(connection: Connection, figure: Figure, subject: Row[Any]) -> bool:
    newest = _newest(connection, figure, subject.last - 1)
    if newest is None:
        return False
    if newest.as_of == subject.last:
        return not subject.by_rule and abs(newest.residual) <= RECORD_ERROR_UNITS
    jumped = {**figure.named, "since": subject.first, "until": subject.last + 1}
    usual = usual_residual(connection, figure, subject.first)
    jumps = (row.residual for row in connection.execute(text(_RESIDUALS), jumped))
    return is_over(max(jumps, key=lambda residual: abs(residual - usual), default=0), usual, int(newest.residual))


def latest_residual(connection: Connection, figure: Figure, after: int) -> int | None:
    """What the newest comparison of a moment past ``after`` (microseconds) leaves to be explained; None without one."""
    row = _newest(connection, figure, after)
    return None if row is None else int(row.residual)


def _newest(connection: Connection, figure: Figure, after: int) -> Row[Any] | None:
    return connection.execute(text(_LATEST), {**figure.named, "last": after}).one_or_none()


def usual_residual(connection: Connection, figure: Figure, before: int) -> float:
    """What comparisons of moments before ``before`` usually left; one without a difference agreed."""
    moments = connection.execute(text(_COMPARED), {**figure.named, "first": before, "most": USUAL_OVER}).all()
    if not moments:
        return 0.0
    bound = {**figure.named, "since": moments[-1].as_of, "until": before}
    known = {row.as_of: row.residual for row in connection.execute(text(_RESIDUALS), bound)}
    return float(median(known.get(moment.as_of, 0) for moment in moments))


_OPEN = """
SELECT system, sku, location, state, MIN(occurred_at) AS first, MAX(occurred_at) AS last,
       MAX(CASE WHEN reasons LIKE :rule THEN 1 ELSE 0 END) AS by_rule
FROM anomaly WHERE settled_at IS NULL AND kind = 'delta' GROUP BY system, sku, location, state
HAVING MAX(occurred_at) <= (SELECT MAX(r.as_of) FROM reconciliation r WHERE r.system = anomaly.system)
"""

_COMPARED = """
SELECT r.as_of FROM reconciliation r
JOIN snapshot n ON n.system = r.system AND n.as_of = r.as_of
 AND n.sku = :sku AND n.location = :location AND n.state = :state
WHERE r.system = :system AND r.as_of < :first AND n.snapshot_id <= r.done_up_to
ORDER BY r.as_of DESC LIMIT :most
"""

_LATEST = """
SELECT r.as_of,
       CASE WHEN d.within_tolerance THEN 0 ELSE COALESCE(d.reported - d.expected - d.in_flight, 0) END AS residual
FROM reconciliation r
JOIN snapshot n ON n.system = r.system AND n.as_of = r.as_of
 AND n.sku = :sku AND n.location = :location AND n.state = :state AND n.snapshot_id <= r.done_up_to
LEFT JOIN delta d ON d.reconciliation_id = r.reconciliation_id
 AND d.sku = :sku AND d.location = :location AND d.state = :state
WHERE r.system = :system AND r.as_of > :last ORDER BY r.as_of DESC LIMIT 1
"""

_RESIDUALS = """
SELECT as_of, reported - expected - in_flight AS residual FROM delta
WHERE system = :system AND sku = :sku AND location = :location AND state = :state
  AND as_of >= :since AND as_of < :until ORDER BY as_of DESC
"""

_SETTLE = """
UPDATE anomaly SET settled_at = :at, settlement = 'the figures agree again, or as they usually do'
WHERE settled_at IS NULL AND kind = 'delta' AND system = :system AND sku = :sku AND location = :location
  AND state = :state AND occurred_at <= :until
"""
