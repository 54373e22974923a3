"""The hand-over: the open cases with owner, notes, expected loss and next step, to be read by whoever comes next."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text

from api.console.view import age, moment, money, rendered, span, words
from core_sync.cases.feed import FeedCase, read_feed
from core_sync.cases.narrow import Filter
from core_sync.cases.rules import ON_THE_LIST, UNRESOLVED, Status
from core_sync.cases.signals import SYSTEM
from core_sync.cases.totals import Totals, read_totals
from core_sync.clock import from_microseconds

CASES_MAX = 1_000
"""Cases of a hand-over, the largest expected loss first; nobody reads more, and the sum tells what is left."""
NOTES_SHOWN = 3


class Format(StrEnum):
    """In what a hand-over is written."""

    CSV = "csv"
    MARKDOWN = "md"
    HTML = "html"


MEDIA_TYPES: Mapping[Format, str] = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.MARKDOWN: "text/markdown; charset=utf-8",
    Format.HTML: "text/html; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One case as it is handed over: what to do next, and what people noted, the newest first."""

    case: FeedCase
    next_step: str
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class HandOver:
    """The first cases, and what all of them are in sum."""

    at: datetime
    by: str
    lines: Sequence[Line]
    totals: Totals


def hand_over(connection: Connection, shown: Filter, by: str, at: datetime) -> HandOver:
    """What is open of what ``shown`` shows; the cases asleep are among them unless statuses are asked for."""
    if shown.statuses == ON_THE_LIST:
        shown = replace(shown, statuses=UNRESOLVED)
    cases: list[FeedCase] = []
    cursor: str | None = None
    while len(cases) < CASES_MAX:
        page = read_feed(connection, at, shown, cursor, min(500, CASES_MAX - len(cases)))
        cases += page.cases
        cursor = page.next_cursor
        if cursor is None:
            break
    numbers = [case.case for case in cases]
    asked, notes = _asked(connection, numbers), _notes(connection, numbers)
    lines = [Line(case, _next_step(case, asked.get(case.case)), notes.get(case.case, ())) for case in cases]
    return HandOver(at, by, lines, read_totals(connection, shown))


def written(told: HandOver, format_: Format) -> str:
    """The hand-over as text."""
    if format_ is Format.CSV:
        return _csv(told)
    if format_ is Format.MARKDOWN:
        return "\n".join(_markdown(told)) + "\n"
    return rendered("handover.html", {"told": told, "at": told.at})


def _next_step(case: FeedCase, asked: str | None) -> str:
    if asked is not None:
        return f"approve or reject {words(asked)}"
    if case.status == Status.SNOOZED:
        waits = [moment(case.snoozed_until)] if case.snoozed_until is not None else []
        if case.snoozed_above is not None:
            waits.append(f"exposure above {money(case.snoozed_above, case.currency)}")
        if case.snoozed_stock_below is not None:
            waits.append(f"fewer than {case.snoozed_stock_below:,} units available")
        return f"asleep until {' or '.join(waits)}"
    if case.status == Status.WAITING:
        return "somebody else has to move"
    if case.abstained:
        return "decide the root cause: the evidence does not"
    return words(case.recommended_action) or "look into it"


def _asked(connection: Connection, case_ids: Sequence[int]) -> dict[int, str]:
    """Actions that wait for somebody's approval."""
    found: dict[int, str] = {}
    for marks in _marks(case_ids):
        found.update(connection.execute(text(_AWAITING.replace("{cases}", marks))).all())
    return found


def _notes(connection: Connection, case_ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for marks in _marks(case_ids):
        bound = {"system": SYSTEM, "most": NOTES_SHOWN}
        for row in connection.execute(text(_NOTED.replace("{cases}", marks)), bound):
            said = f"{row.actor}, {moment(from_microseconds(row.at))}: {row.note}"
            found.setdefault(row.case_id, []).append(said)
    return found


def _marks(case_ids: Sequence[int]) -> Iterator[str]:
    for start in range(0, len(case_ids), 500):
        yield ", ".join(str(int(case_id)) for case_id in case_ids[start : start + 500])


COLUMNS = (
    "rank", "case", "title", "status", "owner", "next_step", "expected_loss", "currency", "time_to_harm_h",
    "root_cause", "skus", "channels", "locations", "opened_at", "notes",
)  # fmt: skip


def _csv(told: HandOver) -> str:
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(COLUMNS)
    for line in told.lines:
        rows.writerow([_cell(value) for value in _row(line).values()])
    return file.getvalue()


def _row(line: Line) -> dict[str, Any]:
    own = {"next_step": line.next_step, "notes": " / ".join(line.notes)}
    return {name: own[name] if name in own else getattr(line.case, name) for name in COLUMNS}


def _cell(value: object) -> str:
    """As text; what a spreadsheet would take for a formula is marked as text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        value = ", ".join(str(one) for one in value)
    said = "" if value is None else str(value)
    return f"'{said}" if isinstance(value, str) and said.startswith(("=", "+", "-", "@", "\t", "\r")) else said


def _markdown(told: HandOver) -> Iterator[str]:
    losses = " + ".join(money(amount, currency) for currency, amount in told.totals.expected_loss.items())
    yield f"# Hand-over of {moment(told.at)} by {_plain(told.by)}"
    yield ""
    yield f"{told.totals.cases:,} open cases" + (f", expected loss {losses}." if losses else ".")
    if len(told.lines) < told.totals.cases:
        yield f"The first {len(told.lines):,} follow."
    for line in told.lines:
        case = line.case
        yield ""
        yield f"## {case.rank}. {_plain(case.title or 'not weighed yet')} (case {case.case})"
        yield ""
        yield f"- **Next:** {_plain(line.next_step)}"
        since = f"{words(case.status)}, open for {age(case.opened_at, told.at)}"
        yield f"- **Owner:** {_plain(case.owner or 'nobody')}, {since}"
        yield f"- **Expected loss:** {money(case.expected_loss, case.currency)}{_harm(case.time_to_harm_h)}"
        yield f"- **Root cause:** {words(case.root_cause)}{', undecided' if case.abstained else ''}"
        touched = ", ".join([*case.skus[:5], *case.channels[:3], *case.locations[:3]])
        if touched:
            yield f"- **Touches:** {_plain(touched)}"
        for note in line.notes:
            yield f"- {_plain(note)}"


def _harm(hours: float | None) -> str:
    if hours is None:
        return ""
    return ", harms now" if hours <= 0 else f", harms in {span(hours * 3600)}"


def _plain(said: str) -> str:
    """Text that stays text: what others wrote is neither markup nor a new line."""
    for mark in ("\\", "`", "*", "_", "[", "]", "#", "|"):
        said = said.replace(mark, f"\\{mark}")
    return " ".join(said.replace("&", "&amp;").replace("<", "&lt;").split())


_AWAITING = """
SELECT case_id, action FROM action_run WHERE status = 'awaiting_approval' AND case_id IN ({cases}) ORDER BY run_id
"""

_NOTED = """
SELECT case_id, at, actor, note FROM (
    SELECT case_id, at, actor, note, entry_id, ROW_NUMBER() OVER (PARTITION BY case_id ORDER BY entry_id DESC) AS place
    FROM case_entry WHERE note IS NOT NULL AND actor <> :system AND verb <> 'undo' AND case_id IN ({cases})
) n WHERE place <= :most ORDER BY case_id, entry_id DESC
"""
