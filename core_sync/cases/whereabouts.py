"""Why a case stands where it does on the list, and why something is not on it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, select, text

from core_sync.cases.feed import FeedCase, read_feed_case
from core_sync.cases.narrow import Filter, conditions, narrowed
from core_sync.cases.recurrence import raised_by
from core_sync.cases.rows import CASES
from core_sync.cases.rules import Status
from core_sync.cases.tables import ExceptionCase
from core_sync.clock import from_microseconds
from core_sync.money import from_ten_thousandths

CASES_TOLD = 20
"""Cases of one SKU that are told of, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """The case just above or below, and what it is ranked by."""

    case: int
    title: str
    ranked_as: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RankTerms:
    """What a case is ranked by: a person's figure, else its expected loss raised for coming back.

    ``ranked_as`` is what decides; between equals the sooner harm, then the surer fault. Money in ``currency``.
    """

    fault_probability: float
    exposure: Decimal | None
    expected_loss: Decimal | None
    recurrences: int
    recurrences_there: int
    raised_by: float
    override: Decimal | None
    override_reason: str | None
    ranked_as: Decimal
    currency: str | None
    time_to_harm_h: float | None
    above: Neighbour | None
    below: Neighbour | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabout:
    """One thing that is known of what was asked for: ``where`` it is (a word) and ``why`` (a sentence)."""

    where: str
    why: str
    case: int | None = None
    title: str = ""


def rank_terms(connection: Connection, case: FeedCase) -> RankTerms:
    """The terms behind the rank of ``case``, and who stands beside it."""
    factor = raised_by(case.recurrences, case.recurrences_there)
    computed = (case.expected_loss or Decimal(0)) * Decimal(str(factor))
    override = case.override_expected_loss
    own = connection.execute(select(CASES.c.rank_value).where(CASES.c.case_id == case.case)).scalar_one()
    return RankTerms(
        fault_probability=case.fault_probability,
        exposure=case.exposure,
        expected_loss=case.expected_loss,
        recurrences=case.recurrences,
        recurrences_there=case.recurrences_there,
        raised_by=factor,
        override=override,
        override_reason=case.override.reason if case.override is not None and override is not None else None,
        ranked_as=override if override is not None else computed,
        currency=case.currency,
        time_to_harm_h=case.time_to_harm_h,
        above=_neighbour(connection, case.case, own, above=True),
        below=_neighbour(connection, case.case, own, above=False),
    )


def _neighbour(connection: Connection, case_id: int, own: float, above: bool) -> Neighbour | None:
    rank, number = CASES.c.rank_value, CASES.c.case_id
    beside = narrowed(select(number, CASES.c.title, rank), conditions(connection, Filter()))
    if above:
        beside = beside.where((rank > own) | ((rank == own) & (number > case_id))).order_by(rank, number)
    else:
        beside = beside.where((rank < own) | ((rank == own) & (number < case_id))).order_by(rank.desc(), number.desc())
    row = connection.execute(beside.limit(1)).one_or_none()
    if row is None:
        return None
    return Neighbour(case=row.case_id, title=row.title, ranked_as=Decimal(str(round(row.rank_value, 2))))


def whereabouts(
    connection: Connection, at: datetime, sku: str, channel: str | None = None, location: str | None = None
) -> list[Whereabout]:
    """Where the troubles of a SKU are, those on the list first; empty where no case or failure names it.

    With a ``channel`` or ``location``, those that touch it or name none.
    """
    bound = {"sku": sku, "channel": channel, "location": location, "most": CASES_TOLD}
    rows = [ExceptionCase(**row._mapping) for row in connection.execute(text(_TOUCHING), bound)]
    found = [
        _of_case(connection, row, at) for row in sorted(rows, key=lambda row: (_PLACE[Status(row.status)], row.case_id))
    ]
    found += [_above(row) for row in connection.execute(text(_HELD_BACK), bound)]
    waiting = connection.execute(text(_WAITING), bound).all()
    return [*found, *(_not_yet(waiting) if waiting else ())]


def _of_case(connection: Connection, row: ExceptionCase, at: datetime) -> Whereabout:
    case_id = row.case_id or 0
    if row.status == Status.RESOLVED:
        ended = f"{from_microseconds(row.resolved_at or 0):%Y-%m-%d %H:%M} UTC"
        if row.merged_into is not None:
            why = f"its signals were put into case {row.merged_into} on {ended}"
            return Whereabout(where="grouped under", why=why, case=row.merged_into, title=row.title)
        return Whereabout(where="resolved", why=f"{row.resolution} ({ended})", case=case_id, title=row.title)
    shown = read_feed_case(connection, case_id, at)
    if row.status == Status.SNOOZED:
        return Whereabout(where="snoozed", why=f"until {_waits(row)}", case=case_id, title=row.title)
    loss = (
        f"{shown.expected_loss:,.2f} {shown.currency or ''}".strip() if shown.expected_loss is not None else "no loss"
    )
    why = f"number {shown.rank:,} on the list, with {loss} expected"
    return Whereabout(where="on the list", why=why, case=case_id, title=row.title)


def _waits(row: ExceptionCase) -> str:
    waits = [f"{from_microseconds(row.snoozed_until):%Y-%m-%d %H:%M} UTC"] if row.snoozed_until is not None else []
    if row.snoozed_above is not None:
        waits.append(f"its exposure is above {from_ten_thousandths(row.snoozed_above):,.2f}")
    if row.snoozed_stock_below is not None:
        waits.append(f"fewer than {row.snoozed_stock_below:,} units are available")
    return " or ".join(waits)


def _above(row: Row[Any]) -> Whereabout:
    why = f"{row.channel} takes nothing at all; its listings wait in one case for the whole channel"
    return Whereabout(where="grouped under", why=why, case=row.case_id, title=row.title)


def _not_yet(waiting: Sequence[Row[Any]]) -> Iterable[Whereabout]:
    noun = "failure is" if len(waiting) == 1 else "failures are"
    why = f"{len(waiting)} open {noun} in no case yet; the next triage puts it into one: {waiting[0].message}"
    return [Whereabout(where="not yet", why=why)]


_PLACE = {status: place for place, status in enumerate((*(s for s in Status if s != "resolved"), Status.RESOLVED))}

_TOUCHING = """
SELECT c.* FROM exception_case c WHERE c.case_id IN (
    SELECT s.case_id FROM case_scope s WHERE s.kind = 'sku' AND s.value = :sku
) AND (CAST(:channel AS TEXT) IS NULL OR NOT EXISTS (
        SELECT 1 FROM case_scope s WHERE s.case_id = c.case_id AND s.kind = 'channel')
    OR EXISTS (SELECT 1 FROM case_scope s WHERE s.case_id = c.case_id AND s.kind = 'channel' AND s.value = :channel))
AND (CAST(:location AS TEXT) IS NULL OR NOT EXISTS (
        SELECT 1 FROM case_scope s WHERE s.case_id = c.case_id AND s.kind = 'location')
    OR EXISTS (SELECT 1 FROM case_scope s WHERE s.case_id = c.case_id AND s.kind = 'location' AND s.value = :location))
ORDER BY c.case_id DESC LIMIT :most
"""

_HELD_BACK = """
SELECT f.channel, c.case_id, c.title FROM failure f
JOIN case_signal s ON s.kind = 'failure' AND s.signal_id = f.failure_id
JOIN exception_case c ON c.case_id = s.case_id AND c.status <> 'resolved'
WHERE f.resolved_at IS NULL AND f.sku IS NULL AND f.channel IS NOT NULL
  AND f.channel IN (SELECT i.channel FROM push_intent i WHERE i.sku = :sku)
  AND (CAST(:channel AS TEXT) IS NULL OR f.channel = :channel)
ORDER BY c.case_id LIMIT 5
"""

_WAITING = """
SELECT f.failure_id, f.message FROM failure f
WHERE f.sku = :sku AND f.resolved_at IS NULL
  AND (CAST(:channel AS TEXT) IS NULL OR f.channel IS NULL OR f.channel = :channel)
  AND (CAST(:location AS TEXT) IS NULL OR f.location IS NULL OR f.location = :location)
  AND NOT EXISTS (SELECT 1 FROM case_signal s WHERE s.kind = 'failure' AND s.signal_id = f.failure_id)
ORDER BY f.failure_id LIMIT 100
"""
