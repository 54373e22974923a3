"""Write down what the models say of a case. What a person overrode stays in force until it expires."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, literal_column, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from core_sync.cases.recurrence import raised
from core_sync.cases.rows import CASES, change_case, in_parts, locked_case
from core_sync.cases.rules import Override, rank_value
from core_sync.cases.scope import SCOPES, keep_scope
from core_sync.cases.signals import SYSTEM
from core_sync.cases.tables import NEVER, OPEN, CaseScope, ExceptionCase
from core_sync.cases.timeline import add_entry
from core_sync.cases.words import keep_words
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.money import to_ten_thousandths

RENEWED_AFTER = timedelta(hours=1)
"""Figures this old are renewed by themselves, so that a case rises as its harm comes nearer."""

NOTICEABLE = 0.05
"""A change of the exposure by more than this share of it concerns even cases that take long to weigh."""

_AS_GOOD_AS_EQUAL = 10
"""Ten-thousandths by which an exposure may move before those that bear the rest are weighed again."""

_DRIFT_AN_HOUR, _MOST_DRIFT = 0.1, 0.01
"""The part of an exposure that passing time alone may move, an hour and in all: days in stock grow, cut-offs near.

Without it two cases of one SKU would have each other weighed again forever.
"""

MANY_SIGNALS = 1_000
"""A case of more takes long to weigh: the others do not wait for it."""

RESTS_US = 1_000
"""A millisecond a signal, about ten times what weighing takes: no case has the processor for more than a tenth."""

_TOLD = ("root_cause", "subclass", "abstained", "recommended_action")
"""A change of one of these is a line in the timeline; figures change all the time, and only far changes are told."""

FAR = 1.25
"""An expected loss this many times what was last told, or one of which that is so many times, is told."""

_LEAST_TOLD = 10_000
"""One unit of the currency, in ten-thousandths: a change of less is no news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What is thought of one case, by which model versions.

    Args:
        probability: of ``root_cause``, 0 to 1; ``abstained`` says that the evidence does not decide.
        fault_probability: 1 for failures; for anomalies the calibrated chance of a fault.
        exposure: money lost until fixed if it is a fault, in ``currency``; None where it cannot be said.
        expected_loss: ``fault_probability × exposure``.
        exposure_terms: every term behind the exposure, by name.
        time_to_harm_h: hours until the first unit is lost.
        reasons: why, in words, the weightiest first.
        model_versions: by kind of model.
        recurrences: how often it was over and came back lately; raises its rank (``recurrence``), not its loss.
        recurrences_there: how many others of its root cause were over lately at its location; likewise.
    """

    title: str
    root_cause: str
    subclass: str | None = None
    probability: float | None = None
    abstained: bool = False
    fault_probability: float = 1.0
    anomaly_p_value: float | None = None
    exposure: Decimal | None = None
    expected_loss: Decimal | None = None
    currency: str | None = None
    exposure_terms: Mapping[str, Any] = field(default_factory=dict)
    time_to_harm_h: float | None = None
    reasons: Sequence[str] = ()
    skus: Iterable[str] = ()
    locations: Iterable[str] = ()
    channels: Iterable[str] = ()
    recommended_action: str | None = None
    autonomy: str = "suggest"
    model_versions: Mapping[str, str] = field(default_factory=dict)
    recurrences: int = 0
    recurrences_there: int = 0


def write_opinion(
    connection: Connection,
    case_id: int,
    opinion: Opinion,
    at: datetime,
    last_weighed: int | None = None,
    touched: Sequence[str] | None = None,
) -> float:
    """Write ``opinion`` beside the case's facts, and rank it anew; returns by which share of it its exposure moved.

    Whether it asks to be weighed stays as it is since ``take_up``. Where somebody else weighed it since then (it was
    ``last_weighed`` at another time), nobody knows whose opinion is the newer, and it asks again. ``touched`` are the
    words of what it touches, where somebody gathered them ahead (``words_touched``): whoever writes does not wait.

    Raises:
        NotFound: there is no such case.
    """
    case = locked_case(connection, case_id)
    expected_loss = _stored(opinion.expected_loss)
    override = override_of(case)
    computed = raised(expected_loss, opinion.recurrences, opinion.recurrences_there)
    ranked_by = override.rank if override.holds(at) and override.rank is not None else computed
    changes: dict[str, Any] = {
        "title": opinion.title,
        "root_cause": opinion.root_cause,
        "subclass": opinion.subclass,
        "probability": opinion.probability,
        "abstained": opinion.abstained,
        "fault_probability": opinion.fault_probability,
        "anomaly_p_value": opinion.anomaly_p_value,
        "exposure": _stored(opinion.exposure),
        "expected_loss": expected_loss,
        "currency": opinion.currency,
        "exposure_terms": _json(opinion.exposure_terms),
        "time_to_harm_h": opinion.time_to_harm_h,
        "harm_at": _harm_at(opinion.time_to_harm_h, at),
        "rank_value": rank_value(ranked_by, opinion.time_to_harm_h, opinion.fault_probability),
        "reasons": _json(list(opinion.reasons)),
        "skus": _json(sorted(set(opinion.skus))),
        "locations": _json(sorted(set(opinion.locations))),
        "channels": _json(sorted(set(opinion.channels))),
        "recommended_action": opinion.recommended_action,
        "autonomy": opinion.autonomy,
        "model_versions": _json(opinion.model_versions),
        "recurrences": opinion.recurrences,
        "recurrences_there": opinion.recurrences_there,
        "weighed_at": to_microseconds(at),
    }
    if last_weighed is not None and case.weighed_at != last_weighed:
        changes["needs_review"] = True
    change_case(connection, case_id, changes, to_microseconds(at))
    before_scope = {column: getattr(case, column) for column in SCOPES.values()}
    keep_scope(connection, case_id, before_scope, changes)
    keep_words(connection, case_id, touched)
    _tell(connection, case, changes, at)
    return _moved(case.exposure, changes["exposure"], at - from_microseconds(case.weighed_at))


def _tell(connection: Connection, case: ExceptionCase, changes: Mapping[str, Any], at: datetime) -> None:
    """Write into the timeline what is news: another cause or remedy, or a loss far from the one last told."""
    case_id, loss = case.case_id or 0, changes["expected_loss"]
    told = [name for name in _TOLD if getattr(case, name) != changes[name]]
    if case.model_versions == "{}" or told:
        shown = (*_TOLD, "probability", "exposure", "expected_loss", "currency")
        before = {name: getattr(case, name) for name in shown} if case.model_versions != "{}" else {}
        add_entry(connection, case_id, SYSTEM, "weighed", at, None, before, {name: changes[name] for name in shown})
    far = case.model_versions != "{}" and _is_far(case.told_loss, loss)
    if far:
        verb = "worsened" if (loss or 0) > (case.told_loss or 0) else "eased"
        figures = {"expected_loss": case.told_loss}, {"expected_loss": loss}
        add_entry(connection, case_id, SYSTEM, verb, at, None, *figures)
    if far or case.model_versions == "{}":
        connection.execute(update(CASES).where(CASES.c.case_id == case_id).values(told_loss=loss))


def _is_far(told: int | None, now: int | None) -> bool:
    low, high = sorted((told or 0, now or 0))
    return high - low >= _LEAST_TOLD and high >= FAR * low


def _moved(before: int | None, now: int | None, within: timedelta) -> float:
    """The part of an exposure by which it moved ``within`` a time; 0 where that is as good as nothing."""
    by, larger = abs((now or 0) - (before or 0)), max(now or 0, before or 0)
    drift = min(_DRIFT_AN_HOUR * max(within / timedelta(hours=1), 0.0), _MOST_DRIFT)
    return by / larger if by > max(_AS_GOOD_AS_EQUAL, drift * larger) else 0.0


def cases_to_review(connection: Connection, at: datetime) -> list[int]:
    """Cases not resolved that something related happened to since they were last weighed.

    Those that never were come first, for they cannot be seen on the list before; then those that take least time.
    One of very many signals rests a while after it was weighed, ``RESTS_US`` for each.
    """
    asking = select(CASES.c.case_id).where(literal_column("needs_review"), literal_column(OPEN))
    rested = CASES.c.weighed_at + RESTS_US * CASES.c.signals <= to_microseconds(at)
    asking = asking.where(or_(CASES.c.signals <= MANY_SIGNALS, CASES.c.weighed_at == 0, rested))
    order = (CASES.c.weighed_at > 0, CASES.c.signals > MANY_SIGNALS, CASES.c.case_id)
    return list(connection.execute(asking.order_by(*order)).scalars())


def cases_never_weighed(connection: Connection, most: int) -> list[int]:
    """Cases that cannot be seen on the list yet, the newest first: who has just failed does not wait for a bad day."""
    unseen = and_(literal_column("needs_review"), literal_column(OPEN), CASES.c.weighed_at == 0)
    newest = select(CASES.c.case_id).where(unseen).order_by(CASES.c.case_id.desc()).limit(most)
    return list(connection.execute(newest).scalars())


def narrow_among(connection: Connection, case_ids: Collection[int]) -> list[int]:
    """Those of ``case_ids`` that do not hold very many signals."""
    found: list[int] = []
    for part in in_parts(sorted(case_ids)):
        few = select(CASES.c.case_id).where(CASES.c.case_id.in_(part), CASES.c.signals <= MANY_SIGNALS)
        found += connection.execute(few).scalars()
    return found


def cases_to_renew(connection: Connection, at: datetime, limit: int) -> list[int]:
    """Cases whose figures are ``RENEWED_AFTER`` old, the oldest first: stock and demand move without a signal."""
    old = to_microseconds(at - RENEWED_AFTER)
    statement = select(CASES.c.case_id).where(literal_column(OPEN), CASES.c.weighed_at < old)
    return list(connection.execute(statement.order_by(CASES.c.weighed_at).limit(limit)).scalars())


def close_at_next_look(connection: Connection, case_ids: Sequence[int], at: datetime) -> None:
    """Nothing open was found in these: the next round looks whether they are over. They are not renewed meanwhile."""
    if case_ids:
        asking = update(CASES).where(CASES.c.case_id.in_(case_ids))
        connection.execute(asking.values(needs_review=True, weighed_at=to_microseconds(at)))


def ask_for_review(connection: Connection, case_ids: Collection[int]) -> None:
    """Something that these rest on has changed: the next round weighs them again."""
    for part in in_parts(sorted(case_ids)):
        connection.execute(update(CASES).where(CASES.c.case_id.in_(part)).values(needs_review=True))


def ask_beside(connection: Connection, case_ids: Sequence[int]) -> None:
    """These are over: those about the same SKUs bear more of what is lost from now on."""
    for part in in_parts(case_ids):
        gone, beside = aliased(CaseScope), aliased(CaseScope)
        found = (
            select(col(beside.case_id))
            .join(gone, and_(col(gone.kind) == col(beside.kind), col(gone.value) == col(beside.value)))
            .where(col(gone.kind) == "sku", col(gone.case_id).in_(part), col(beside.of_open))
        )
        connection.execute(update(CASES).where(CASES.c.case_id.in_(found)).values(needs_review=True))


def take_up(connection: Connection, case_ids: Sequence[int]) -> dict[int, int]:
    """Whoever weighs these begins now, and what happens from now on asks again; returns when each was weighed last."""
    seen: dict[int, int] = {}
    for part in in_parts(sorted(case_ids)):
        taken = update(CASES).where(CASES.c.case_id.in_(part)).values(needs_review=False)
        seen.update(connection.execute(taken.returning(CASES.c.case_id, CASES.c.weighed_at)).all())
    return seen


def override_of(case: ExceptionCase) -> Override:
    """What a person says instead of the model."""
    until = from_microseconds(case.override_until) if case.override_until is not None else None
    return Override(case.override_root_cause, case.override_rank, case.override_reason, until)


def _harm_at(hours: float | None, at: datetime) -> int:
    return NEVER if hours is None or not isfinite(hours) else min(NEVER, to_microseconds(at) + round(hours * 3.6e9))


def _stored(amount: Decimal | None) -> int | None:
    return to_ten_thousandths(amount) if amount is not None else None


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
