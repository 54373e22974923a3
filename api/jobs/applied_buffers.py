"""Recommended buffers put in force, and those in force beside those before and those recommended."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from sqlalchemy import Connection, text

from core_sync.availability.books import terms_for
from core_sync.availability.buffers import NewBuffer, set_buffers
from core_sync.availability.promises import channel_terms
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.ledger.locks import lock_skus
from ml.buffers.bulk import mistakes
from ml.buffers.listing import Listing, as_arrays
from ml.buffers.recommend import Recommendation
from ml.buffers.targets import Targets, read_targets

RENEWED_BEFORE = timedelta(hours=6)
"""A buffer that is recommended as it is in force is put in force anew where it ends sooner than this."""

_APPROVED = "; approved by "
"""Stands in the reason of an approved change before who approved it."""


Held: TypeAlias = Mapping[tuple[str, str], datetime | None]
"""The end of what people hold, by channel and SKU."""


class Outcome(StrEnum):
    """What became of a recommendation."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    NEEDS_APPROVAL = "needs_approval"
    LEFT_TO_PEOPLE = "left_to_people"
    CHANGED_MEANWHILE = "changed_meanwhile"


@dataclass(frozen=True, slots=True)
class Applied:
    """``buffer`` was recommended instead of ``current``; ``change_value`` is None where the SKU has no price."""

    sku: str
    channel: str
    buffer: int
    current: int
    outcome: Outcome
    change_value: float | None
    owner: str
    reason: str
    valid_until: datetime | None


def apply_recommendations(
    connection: Connection,
    found: Sequence[Recommendation],
    owner: str,
    clock: Callable[[], datetime],
    *,
    approved: bool = False,
    dry_run: bool = False,
    by_itself: bool = False,
) -> list[Applied]:
    """Put ``found`` in force until each one's end; those that need approval only where ``owner`` ``approved`` them.

    Where the service keeps a channel ``by_itself``, what a person holds there (``held_by_people``) is left alone. A
    person who applies gives it back, also where the figure stays the same. Other buffers that are in force as
    recommended are not written unless they end soon. With ``dry_run`` nothing is.

    What was recommended, and whether it needs approval, was worked out from the buffer in force then. Where another is
    in force once the SKUs are locked, nothing is written: it changed meanwhile.
    """
    skus = {one.sku for one in found}
    if not dry_run:
        lock_skus(connection, skus)
    at = clock()
    terms = channel_terms(connection, skus, at)
    ending, held, targets = ending_soon(connection, at), held_by_people(connection, at), read_targets(connection)

    def outcome_of(one: Recommendation) -> Outcome:
        key = (one.channel, one.sku)
        if one.current != terms_for(terms, one.channel, one.sku).buffer:
            return Outcome.CHANGED_MEANWHILE
        if by_itself and key in held:
            return Outcome.LEFT_TO_PEOPLE
        return _outcome(one, approved, key in ending or _is_given_back(held, targets, key))

    outcomes = [outcome_of(one) for one in found]
    new = [
        NewBuffer(one.channel, one.sku, one.buffer, _reason(one, owner, approved), one.valid_until)
        for one, outcome in zip(found, outcomes, strict=True)
        if outcome is Outcome.APPLIED
    ]
    if not dry_run:
        set_buffers(connection, new, owner, at)
    return [
        Applied(
            one.sku, one.channel, one.buffer, one.current, outcome, one.change_value, owner, one.reason,
            one.valid_until if outcome is Outcome.APPLIED else None,
        )
        for one, outcome in zip(found, outcomes, strict=True)
    ]  # fmt: skip


def _is_given_back(held: Held, targets: Targets, key: tuple[str, str]) -> bool:
    """Whether applying the figure that is in force hands it to the service: held without end where one keeps."""
    return key in held and held[key] is None and targets.keeper(key[0]) is not None


def _outcome(one: Recommendation, approved: bool, anew: bool) -> Outcome:
    if one.buffer == one.current and not anew:
        return Outcome.UNCHANGED
    return Outcome.APPLIED if approved or not one.needs_approval else Outcome.NEEDS_APPROVAL


def _reason(one: Recommendation, owner: str, approved: bool) -> str:
    return f"{one.reason}{_APPROVED}{owner}" if approved and one.needs_approval else one.reason


def ending_soon(connection: Connection, at: datetime) -> set[tuple[str, str]]:
    """Channels and SKUs with a newest rule that ends within ``RENEWED_BEFORE``."""
    bound = {"at": to_microseconds(at), "soon": to_microseconds(at + RENEWED_BEFORE)}
    return {(channel, sku) for channel, sku in connection.execute(text(_ENDING), bound)}


_ENDING = """
SELECT r.channel, r.sku FROM channel_rule r
WHERE r.valid_from <= :at AND r.valid_until > :at AND r.valid_until <= :soon
  AND NOT EXISTS (SELECT 1 FROM channel_rule n WHERE n.channel = r.channel AND n.sku = r.sku AND n.version > r.version)
"""


def held_by_people(connection: Connection, at: datetime) -> Held:
    """Channels and SKUs with a newest rule that a person made, each with its end; None: until it is given back.

    That is one set or rolled back to, which has no end, and a change that was approved, until ``RENEWED_BEFORE`` its
    end: from there the service takes it up, so that it does not lapse. What is applied without approval, and rules
    without an owner, are nobody's; so is what was applied before a person set another and took that back.
    """
    bound = {"soon": to_microseconds(at + RENEWED_BEFORE), "approved": f"%{_APPROVED}%"}
    return {
        (channel, sku): None if until is None else from_microseconds(until)
        for channel, sku, until in connection.execute(text(_HELD), bound)
    }


_HELD = """
SELECT r.channel, r.sku, r.valid_until FROM channel_rule r
WHERE r.sku <> '' AND r.owner IS NOT NULL
  AND (r.valid_until IS NULL OR (r.valid_until > :soon AND r.reason LIKE :approved))
  AND NOT EXISTS (
    SELECT 1 FROM channel_rule a JOIN channel_rule s ON s.channel = a.channel AND s.sku = a.sku
    WHERE a.version = r.put_back AND a.owner IS NOT NULL AND a.valid_until IS NOT NULL AND a.reason NOT LIKE :approved
      AND s.owner IS NOT NULL AND s.valid_until IS NULL AND s.put_back IS NULL
      AND s.version = (
        SELECT MAX(o.version) FROM channel_rule o
        WHERE o.channel = r.channel AND o.sku = r.sku AND o.version < r.version))
  AND NOT EXISTS (SELECT 1 FROM channel_rule n WHERE n.channel = r.channel AND n.sku = r.sku AND n.version > r.version)
"""


@dataclass(frozen=True, slots=True)
class Compared:
    """One buffer of a SKU on a channel and what it is expected to do; ``which``: in_force, before or recommended.

    The expected figures are None where stock or demand is unknown.
    """

    sku: str
    channel: str
    which: str
    buffer: int
    expected_oversell_rate: float | None
    expected_lost_units: float | None


def compare_buffers(
    listings: Sequence[Listing], found: Sequence[Recommendation], before: dict[tuple[str, str], int]
) -> list[Compared]:
    """The buffer in force, the one ``before`` it where there was one, and the recommended, of each listing."""
    by_key = {(one.sku, one.channel): one for one in listings}
    rows: list[tuple[Listing, str, int]] = []
    for one in found:
        key = (one.sku, one.channel)
        rows.append((by_key[key], "in_force", one.current))
        if key in before:
            rows.append((by_key[key], "before", before[key]))
        rows.append((by_key[key], "recommended", one.buffer))
    if not rows:
        return []
    arrays = as_arrays([listing for listing, _, _ in rows])
    _, lost, rate = mistakes(arrays, np.array([float(units) for _, _, units in rows]))
    compared = []
    for row, (listing, which, units) in enumerate(rows):
        blind = np.isnan(lost[row]) or None in (listing.own.rate_per_day.value, listing.others.rate_per_day.value)
        told = (None, None) if blind else (float(rate[row]), float(lost[row]))
        compared.append(Compared(listing.sku, listing.channel, which, units, *told))
    return compared


def buffers_before(connection: Connection, at: datetime) -> dict[tuple[str, str], int]:
    """By SKU and channel, the last buffer before that in force that was another one, from a rollback further back."""
    rows = connection.execute(text(_BEFORE), {"at": to_microseconds(at)})
    return {(sku, channel): int(units) for sku, channel, units in rows}


_BEFORE = """
WITH held AS (
  SELECT r.channel, r.sku, COALESCE(r.put_back, r.version) AS origin, r.buffer FROM channel_rule r
  WHERE r.sku <> '' AND r.version = (
    SELECT max(c.version) FROM channel_rule c
    WHERE c.channel = r.channel AND c.sku = r.sku AND c.valid_from <= :at
      AND (c.valid_until IS NULL OR c.valid_until > :at)))
SELECT b.sku, b.channel, b.buffer FROM held h JOIN channel_rule b ON b.channel = h.channel AND b.sku = h.sku
WHERE b.version = (
  SELECT max(o.version) FROM channel_rule o
  WHERE o.channel = h.channel AND o.sku = h.sku AND o.version < h.origin AND o.buffer <> h.buffer)
"""
