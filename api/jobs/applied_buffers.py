"""Recommended buffers put in force, and those in force beside those before and those recommended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from sqlalchemy import Connection, text

from core_sync.availability.buffers import NewBuffer, set_buffers
from core_sync.clock import to_microseconds
from ml.buffers.bulk import mistakes
from ml.buffers.recommend import Listing, Recommendation, as_arrays


class Outcome(StrEnum):
    """What became of a recommendation."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    NEEDS_APPROVAL = "needs_approval"


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
    connection: Connection, found: Sequence[Recommendation], owner: str, at: datetime, *, approved: bool, dry_run: bool
) -> list[Applied]:
    """Put ``found`` in force until each one's end; those that need approval only where ``owner`` ``approved`` them.

    A recommendation that keeps what a person set is not written: the person's rule stands. With ``dry_run`` nothing is.
    """
    lapsing = _lapsing(connection, at)
    outcomes = [_outcome(one, approved, (one.channel, one.sku) in lapsing) for one in found]
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


def _outcome(one: Recommendation, approved: bool, lapses: bool) -> Outcome:
    if one.buffer == one.current and not lapses:
        return Outcome.UNCHANGED
    return Outcome.APPLIED if approved or not one.needs_approval else Outcome.NEEDS_APPROVAL


def _reason(one: Recommendation, owner: str, approved: bool) -> str:
    return f"{one.reason}; approved by {owner}" if approved and one.needs_approval else one.reason


def _lapsing(connection: Connection, at: datetime) -> set[tuple[str, str]]:
    """Channels and SKUs with a rule that will end."""
    statement = text("SELECT channel, sku FROM channel_rule WHERE valid_from <= :at AND valid_until > :at")
    return {(channel, sku) for channel, sku in connection.execute(statement, {"at": to_microseconds(at)})}


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
    """By SKU and channel, the buffer of the version before the newest one that holds."""
    rows = connection.execute(text(_BEFORE), {"at": to_microseconds(at)})
    return {(sku, channel): int(units) for sku, channel, units in rows}


_BEFORE = """
SELECT r.sku, r.channel, r.buffer FROM channel_rule r
WHERE r.sku <> '' AND r.version = (
  SELECT max(b.version) FROM channel_rule b WHERE b.channel = r.channel AND b.sku = r.sku AND b.version < (
    SELECT max(c.version) FROM channel_rule c
    WHERE c.channel = r.channel AND c.sku = r.sku AND c.valid_from <= :at
      AND (c.valid_until IS NULL OR c.valid_until > :at)))
"""
