"""The ranked worklist in pages that stay put while cases come and go, and one case with all that is known.

A page is continued by keyset, what the order goes by and ``case_id``: two conditions that the database
answers from one index, however far down the list.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, func, select, tuple_

from core_sync.cases.narrow import Filter, conditions, narrowed
from core_sync.cases.order import WALKS, Order
from core_sync.cases.rows import CASES
from core_sync.cases.rules import Override
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.errors import CursorRefused, NotFound
from core_sync.money import from_ten_thousandths

PAGE_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCase:
    """One case as the worklist shows it; money in ``currency``, ``rank`` counts from 1 on the whole list.

    ``root_cause`` is a person's where one overrode it, and ``model_root_cause`` what the model says.
    """

    case: int
    rank: int
    status: str
    title: str
    root_cause: str
    model_root_cause: str
    subclass: str | None
    probability: float | None
    abstained: bool
    fault_probability: float
    anomaly_p_value: float | None
    exposure: Decimal | None
    expected_loss: Decimal | None
    currency: str | None
    exposure_terms: Mapping[str, Any]
    time_to_harm_h: float | None
    opened_at: datetime
    updated_at: datetime
    skus: Sequence[str]
    locations: Sequence[str]
    channels: Sequence[str]
    signals: int
    recommended_action: str | None
    autonomy: str
    owner: str | None
    reasons: Sequence[str]
    override: Override | None
    override_expected_loss: Decimal | None
    snoozed_until: datetime | None
    snoozed_above: Decimal | None
    snoozed_stock_below: int | None
    resolved_at: datetime | None
    resolution: str | None
    merged_into: int | None
    model_versions: Mapping[str, str]
    needs_review: bool
    recurrences: int
    recurrences_there: int
    weighed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some cases, and how to go on; ``next_cursor`` is None on the last page."""

    cases: list[FeedCase]
    next_cursor: str | None


class _After(NamedTuple):
    key: float | int
    case_id: int
    rank: int
    order: Order = Order.LOSS


def read_feed(
    connection: Connection,
    at: datetime,
    shown: Filter | None = None,
    cursor: str | None = None,
    limit: int = 50,
    order: Order = Order.LOSS,
) -> Page:
    """One page, the largest expected loss first or in another order; ``rank`` counts in that order.

    Raises:
        CursorRefused: ``cursor`` is none that we gave out for this order.
    """
    limit = max(1, min(limit, PAGE_MAX))
    after, walk = _decoded(cursor) if cursor else None, WALKS[order]
    if after is not None and after.order is not order:
        raise CursorRefused(cursor or "")
    # The index alone tells which; only those rows, which are wide, are then read.
    listed = narrowed(select(CASES.c.case_id), conditions(connection, shown or Filter()))
    if after is not None:
        listed = listed.where(walk.beyond(after.key, after.case_id))
    listed = listed.order_by(*walk.order_by).limit(limit + 1)
    numbers = list(connection.execute(listed).scalars())
    found = {
        row.case_id: row
        for row in connection.execute(select(CASES, walk.key.label("key")).where(CASES.c.case_id.in_(numbers)))
    }
    rows = [found[number] for number in numbers]
    first = (after.rank if after is not None else 0) + 1
    cases = [feed_case(row, rank, at) for rank, row in enumerate(rows[:limit], first)]
    last = rows[limit - 1] if len(rows) > limit else None
    cursor_on = _encoded(_After(last.key, last.case_id, first + limit - 1, order)) if last is not None else None
    return Page(cases, cursor_on)


def read_following(
    connection: Connection, case_id: int, shown: Filter, order: Order = Order.LOSS
) -> tuple[int, str] | None:
    """Number and title of the case that comes after ``case_id`` on the list; None where it is the last.

    ``case_id`` need not be on the list any more: it counts where it would stand.

    Raises:
        NotFound: there is no such case.
    """
    walk = WALKS[order]
    key = connection.execute(select(walk.key).where(CASES.c.case_id == case_id)).scalar_one_or_none()
    if key is None:
        raise NotFound("case", case_id)
    after = narrowed(select(CASES.c.case_id, CASES.c.title), conditions(connection, shown))
    row = connection.execute(after.where(walk.beyond(key, case_id)).order_by(*walk.order_by).limit(1)).one_or_none()
    return (row.case_id, row.title) if row is not None else None


def read_feed_case(connection: Connection, case_id: int, at: datetime) -> FeedCase:
    """One case as the worklist would show it.

    Raises:
        NotFound: there is no such case.
    """
    row = connection.execute(select(CASES).where(CASES.c.case_id == case_id)).one_or_none()
    if row is None:
        raise NotFound("case", case_id)
    before = tuple_(CASES.c.rank_value, CASES.c.case_id) > (row.rank_value, row.case_id)
    ahead = narrowed(select(func.count()).select_from(CASES), conditions(connection, Filter())).where(before)
    return feed_case(row, int(connection.execute(ahead).scalar_one()) + 1, at)


def feed_case(row: Row[Any], rank: int, at: datetime) -> FeedCase:
    """A row of the table as the worklist shows it at ``at``."""
    override = Override(row.override_root_cause, row.override_rank, row.override_reason, _moment(row.override_until))
    holds = override.holds(at)
    replaced = override.root_cause if holds and override.root_cause is not None else None
    return FeedCase(
        case=row.case_id,
        rank=rank,
        status=row.status,
        title=row.title,
        root_cause=replaced or row.root_cause,
        model_root_cause=row.root_cause,
        subclass=None if replaced and replaced != row.root_cause else row.subclass,
        probability=row.probability,
        abstained=row.abstained and replaced is None,
        fault_probability=row.fault_probability,
        anomaly_p_value=row.anomaly_p_value,
        exposure=_money(row.exposure),
        expected_loss=_money(row.expected_loss),
        currency=row.currency,
        exposure_terms=msgspec.json.decode(row.exposure_terms),
        time_to_harm_h=hours_left(row.time_to_harm_h, row.weighed_at, at),
        opened_at=from_microseconds(row.opened_at),
        updated_at=from_microseconds(row.updated_at),
        skus=msgspec.json.decode(row.skus),
        locations=msgspec.json.decode(row.locations),
        channels=msgspec.json.decode(row.channels),
        signals=row.signals,
        recommended_action=row.recommended_action,
        autonomy=row.autonomy,
        owner=row.owner,
        reasons=msgspec.json.decode(row.reasons),
        override=override if holds else None,
        override_expected_loss=_money(override.rank) if holds else None,
        snoozed_until=_moment(row.snoozed_until),
        snoozed_above=_money(row.snoozed_above),
        snoozed_stock_below=row.snoozed_stock_below,
        resolved_at=_moment(row.resolved_at),
        resolution=row.resolution,
        merged_into=row.merged_into,
        model_versions=msgspec.json.decode(row.model_versions),
        needs_review=row.needs_review,
        recurrences=row.recurrences,
        recurrences_there=row.recurrences_there,
        weighed_at=from_microseconds(row.weighed_at) if row.weighed_at else None,
    )


def hours_left(hours: float | None, since: int, at: datetime) -> float | None:
    """What is left at ``at`` of ``hours`` that were counted at ``since`` (microseconds); never below 0."""
    if hours is None or not since:
        return hours
    return max(0.0, hours - (to_microseconds(at) - since) / 3.6e9)


def _encoded(after: _After) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(after)).decode().rstrip("=")


def _decoded(cursor: str) -> _After:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=_After)
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise CursorRefused(cursor) from error


def _money(amount: int | None) -> Decimal | None:
    return from_ten_thousandths(amount) if amount is not None else None


def _moment(microseconds: int | None) -> datetime | None:
    return from_microseconds(microseconds) if microseconds is not None else None
