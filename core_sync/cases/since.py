"""What happened to the worklist since a moment: what is new, worse, awake again, or over without anybody's doing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, text

from core_sync.cases.signals import SYSTEM
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.money import from_ten_thousandths

SHOWN = 20
"""Cases that are named of each kind, the largest expected loss first; all of them are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One case that changed by itself: what it stands for now, what it stood for before, and what was said of it."""

    case: int
    title: str
    status: str
    expected_loss: Decimal | None
    before: Decimal | None
    currency: str | None
    at: datetime
    said: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """How many changed, and the first of them."""

    count: int
    cases: Sequence[Change]


@dataclass(frozen=True, slots=True)
class SinceThen:
    """What happened after ``since``; nothing that a person did is in it.

    Args:
        new: opened since, and not over.
        worsened: there before, and back after being resolved, or dearer by a quarter or more.
        woken: snoozed, and awake again.
        resolved: there before, and over because the cause is gone.
        came_and_went: opened since and over already.
    """

    since: datetime
    new: Changes
    worsened: Changes
    woken: Changes
    resolved: Changes
    came_and_went: int

    @property
    def is_quiet(self) -> bool:
        """Nothing happened."""
        return not any(one.count for one in (self.new, self.worsened, self.woken, self.resolved)) and not (
            self.came_and_went
        )


def read_since(connection: Connection, since: datetime, shown: int = SHOWN) -> SinceThen:
    """What happened by itself after ``since``; ``shown`` cases of each kind are named."""
    bound = {"since": to_microseconds(since), "system": SYSTEM}
    by_verb: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(text(_FIRST_OF_EACH), bound):
        by_verb.setdefault(row.verb, []).append(row)
    opened, over = by_verb.get("opened", []), by_verb.get("resolved", [])
    fresh = {row.case_id for row in opened}
    came_back = [row for row in by_verb.get("regressed", []) if row.case_id not in fresh and row.status != "resolved"]
    back = {row.case_id for row in came_back}
    dearer = [row for row in by_verb.get("worsened", []) if row.case_id not in fresh | back and _is_dearer(row)]
    awake = [row for row in by_verb.get("woken", []) if row.status not in ("resolved", "snoozed")]
    gone = [row for row in over if row.status == "resolved"]
    return SinceThen(
        since,
        _changes([row for row in opened if row.status != "resolved"], shown),
        _changes([*came_back, *dearer], shown),
        _changes(awake, shown),
        _changes([row for row in gone if row.case_id not in fresh], shown),
        sum(row.case_id in fresh for row in gone),
    )


def newest_entry(connection: Connection) -> int:
    """The number of the newest line of any timeline."""
    found: int = connection.execute(text("SELECT COALESCE(MAX(entry_id), 0) FROM case_entry")).scalar_one()
    return found


def arrivals_after(connection: Connection, entry_id: int) -> Mapping[str, int]:
    """How many cases were opened, came back, worsened or woke after that line, by the word of their timeline."""
    return {verb: int(count) for verb, count in connection.execute(text(_ARRIVED), {"after": entry_id})}


def _is_dearer(row: Row[Any]) -> bool:
    before = _before(row).get("expected_loss")
    return row.status != "resolved" and row.expected_loss is not None and row.expected_loss > (before or 0)


def _changes(rows: Sequence[Row[Any]], shown: int) -> Changes:
    ordered = sorted(rows, key=lambda row: (-(row.expected_loss or 0), row.case_id))
    return Changes(len(ordered), [_change(row) for row in ordered[:shown]])


def _change(row: Row[Any]) -> Change:
    return Change(
        case=row.case_id,
        title=row.title,
        status=row.status,
        expected_loss=_money(row.expected_loss),
        before=_money(_before(row).get("expected_loss")),
        currency=row.currency,
        at=from_microseconds(row.at),
        said=row.resolution or row.note,
    )


def _before(row: Row[Any]) -> Mapping[str, Any]:
    before: Mapping[str, Any] = msgspec.json.decode(row.before)
    return before


def _money(amount: int | None) -> Decimal | None:
    return from_ten_thousandths(amount) if amount is not None else None


_FIRST_OF_EACH = """
SELECT e.case_id, e.verb, e.at, e.note, e.before, c.title, c.status, c.expected_loss, c.currency, c.resolution
FROM (SELECT MIN(entry_id) AS entry_id FROM case_entry
      WHERE verb IN ('opened', 'regressed', 'worsened', 'woken', 'resolved') AND at > :since AND actor = :system
      GROUP BY case_id, verb) first
JOIN case_entry e ON e.entry_id = first.entry_id JOIN exception_case c ON c.case_id = e.case_id
"""

_ARRIVED = """
SELECT e.verb, COUNT(DISTINCT e.case_id) FROM case_entry e JOIN exception_case c ON c.case_id = e.case_id
WHERE e.entry_id > :after AND e.verb IN ('opened', 'regressed', 'worsened', 'woken')
  AND c.status NOT IN ('resolved', 'snoozed')
GROUP BY e.verb
"""
