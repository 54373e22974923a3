"""Signals into cases: each failure or anomaly is in exactly one.

A signal joins the open case with its fingerprint. Where there is none, a case of that fingerprint which
was resolved lately comes back as ``regressed``; else a new one opens. What people did stays: a signal
that they placed does not move, the next failure of the same subject goes where they put it, and the fingerprint of a
merged case leads to where it was merged.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core_sync.cases.rows import CASES, in_parts, recount_signals
from core_sync.cases.rules import REGRESSION_WINDOW, Status
from core_sync.cases.tables import CaseSignal
from core_sync.cases.timeline import add_entries, entry_values
from core_sync.clock import to_microseconds

SYSTEM = "stocktriage"
"""Who acts where no person does."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One failure or anomaly, and the fingerprint of the case it belongs to."""

    fingerprint: str
    kind: str
    signal_id: int

    @property
    def key(self) -> tuple[str, int]:
        """What it is, whichever case it is in."""
        return self.kind, self.signal_id


def open_or_join(connection: Connection, fingerprint: str, kind: str, signal_id: int, at: datetime) -> int:
    """Put one signal into its case; returns the ``case_id``."""
    return open_or_join_all(connection, [Signal(fingerprint, kind, signal_id)], at)[0]


def open_or_join_all(connection: Connection, signals: Sequence[Signal], at: datetime) -> list[int]:
    """Put each signal into its case; returns the ``case_id`` of each, in order.

    A signal that is in a case with another fingerprint moves, unless a person placed it or said what the
    root cause of its case is. A case left without signals is resolved and says so.
    """
    if not signals:
        return []
    placed = _placed(connection, signals)
    chosen = _chosen(connection, [s for s in signals if s.kind == "failure" and s.key not in placed], at)
    wanted = {
        s.fingerprint
        for s in signals
        if s.key not in chosen and (s.key not in placed or not _stays(placed[s.key], s, at))
    }
    cases = _cases_for(connection, wanted, at)
    result: list[int] = []
    new_rows: list[dict[str, Any]] = []
    moved_from: set[int] = set()
    home: dict[tuple[str, int], int] = {}
    for signal in signals:
        row = placed.get(signal.key)
        if signal.key in home:
            case_id = home[signal.key]
        elif row is not None and _stays(row, signal, at):
            case_id = row.case_id
        else:
            case_id = chosen.get(signal.key) or cases[signal.fingerprint]
            if row is None:
                new_rows.append(
                    {
                        "case_id": case_id,
                        "kind": signal.kind,
                        "signal_id": signal.signal_id,
                        "pinned": False,
                        "added_at": to_microseconds(at),
                    }
                )
            elif row.case_id != case_id:
                connection.execute(
                    update(CaseSignal)
                    .where(col(CaseSignal.case_signal_id) == row.case_signal_id)
                    .values(case_id=case_id)
                )
                moved_from.add(row.case_id)
        home[signal.key] = case_id
        result.append(case_id)
    if new_rows:
        connection.execute(insert(CaseSignal), new_rows)
    counts = recount_signals(connection, {*result, *moved_from})
    _resolve_emptied(connection, [case_id for case_id in moved_from if counts[case_id] == 0], at)
    return result


def _placed(connection: Connection, signals: Iterable[Signal]) -> dict[tuple[str, int], Row[Any]]:
    """The signals that are in a case already, each with what matters of that case."""
    placed: dict[tuple[str, int], Row[Any]] = {}
    by_kind: dict[str, list[int]] = {}
    for signal in signals:
        by_kind.setdefault(signal.kind, []).append(signal.signal_id)
    for kind, signal_ids in by_kind.items():
        for part in in_parts(signal_ids):
            statement = (
                select(
                    col(CaseSignal.case_signal_id),
                    col(CaseSignal.case_id),
                    col(CaseSignal.signal_id),
                    col(CaseSignal.pinned),
                    CASES.c.fingerprint,
                    CASES.c.override_root_cause,
                    CASES.c.override_until,
                )
                .join(CASES, CASES.c.case_id == col(CaseSignal.case_id))
                .where(col(CaseSignal.kind) == kind, col(CaseSignal.signal_id).in_(part))
            )
            placed.update({(kind, row.signal_id): row for row in connection.execute(statement)})
    return placed


def _chosen(connection: Connection, signals: Sequence[Signal], at: datetime) -> dict[tuple[str, int], int]:
    """Where a person put an earlier failure of the same subject: the next one of it belongs there too.

    As long as that case is open, or was resolved lately; then it comes back.
    """
    found: dict[int, Row[Any]] = {}
    for part in in_parts([signal.signal_id for signal in signals]):
        marks = ", ".join(str(int(failure_id)) for failure_id in part)
        for row in connection.execute(text(_PUT_BY_HAND.replace("{failures}", marks))):
            found[row.failure_id] = row  # the one placed last stands
    lately = to_microseconds(at - REGRESSION_WINDOW)
    ends = {number: _end_of_merges(connection, row) for number, row in found.items()}
    cases = {
        number: row
        for number, row in ends.items()
        if row is not None and (row.status != Status.RESOLVED or row.resolved_at >= lately)
    }
    _regress(connection, {row.case_id: row for row in cases.values() if row.status == Status.RESOLVED}, at)
    return {("failure", number): row.case_id for number, row in cases.items()}


def _stays(row: Row[Any], signal: Signal, at: datetime) -> bool:
    overridden = row.override_root_cause is not None and (
        row.override_until is None or to_microseconds(at) < row.override_until
    )
    return bool(row.pinned) or row.fingerprint == signal.fingerprint or overridden


def _cases_for(connection: Connection, fingerprints: set[str], at: datetime) -> dict[str, int]:
    """A case for each fingerprint that takes signals: open, regressed or new."""
    lately = to_microseconds(at - REGRESSION_WINDOW)
    cases: dict[str, int] = {}
    back: list[Row[Any]] = []
    missing: list[str] = []
    known = _newest_by_fingerprint(connection, fingerprints)
    for fingerprint in sorted(fingerprints):
        row = _end_of_merges(connection, known.get(fingerprint))
        if row is None or (row.status == Status.RESOLVED and row.resolved_at < lately):
            missing.append(fingerprint)
            continue
        cases[fingerprint] = row.case_id
        if row.status == Status.RESOLVED:
            back.append(row)
    _regress(connection, {row.case_id: row for row in back}, at)
    return cases | _opened(connection, missing, at)


_WHERE_TO: tuple[Any, ...] = (
    CASES.c.case_id, CASES.c.fingerprint, CASES.c.status, CASES.c.resolved_at, CASES.c.resolution, CASES.c.merged_into
)  # fmt: skip


def _newest_by_fingerprint(connection: Connection, fingerprints: set[str]) -> dict[str, Row[Any]]:
    """The open case of each fingerprint, else its newest."""
    newest: dict[str, Row[Any]] = {}
    for part in in_parts(sorted(fingerprints)):
        statement = select(*_WHERE_TO).where(CASES.c.fingerprint.in_(part)).order_by(CASES.c.case_id)
        for row in connection.execute(statement):
            before = newest.get(row.fingerprint)
            if before is None or before.status == Status.RESOLVED:
                newest[row.fingerprint] = row
    return newest


def _end_of_merges(connection: Connection, row: Row[Any] | None) -> Row[Any] | None:
    """The case in which the signals of ``row`` are now."""
    seen: set[int] = set()
    while row is not None and row.merged_into is not None and row.case_id not in seen:
        seen.add(row.case_id)
        row = connection.execute(select(*_WHERE_TO).where(CASES.c.case_id == row.merged_into)).one()
    return row


def _regress(connection: Connection, back: dict[int, Row[Any]], at: datetime) -> None:
    moment = to_microseconds(at)
    for case_id in back:
        connection.execute(
            update(CASES)
            .where(CASES.c.case_id == case_id)
            .values(status=Status.REGRESSED, resolved_at=None, resolution=None, updated_at=moment, needs_review=True)
        )
    add_entries(
        connection,
        [
            entry_values(
                case_id,
                SYSTEM,
                "regressed",
                at,
                "came back after it was resolved",
                {"status": row.status, "resolved_at": row.resolved_at, "resolution": row.resolution},
                {"status": Status.REGRESSED, "resolved_at": None, "resolution": None},
            )
            for case_id, row in back.items()
        ],
    )


def _opened(connection: Connection, fingerprints: Sequence[str], at: datetime) -> dict[str, int]:
    """New cases; another writer may open the same one first, and then it is joined."""
    if not fingerprints:
        return {}
    moment = to_microseconds(at)
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(CASES).on_conflict_do_nothing(
        index_elements=[CASES.c.fingerprint], index_where=text("status <> 'resolved'")
    )
    rows = [{**_FRESH, "fingerprint": f, "opened_at": moment, "updated_at": moment} for f in fingerprints]
    opened = connection.execute(statement.returning(CASES.c.case_id), rows).scalars().all()
    add_entries(connection, [entry_values(case_id, SYSTEM, "opened", at) for case_id in opened])
    return {f: row.case_id for f, row in _newest_by_fingerprint(connection, set(fingerprints)).items()}


def _resolve_emptied(connection: Connection, case_ids: Sequence[int], at: datetime) -> None:
    moment = to_microseconds(at)
    why = "its signals belong to other cases"
    for case_id in case_ids:
        connection.execute(
            update(CASES)
            .where(CASES.c.case_id == case_id, CASES.c.status != Status.RESOLVED)
            .values(status=Status.RESOLVED, resolved_at=moment, resolution=why, updated_at=moment)
        )
    add_entries(connection, [entry_values(case_id, SYSTEM, "resolved", at, why) for case_id in case_ids])


_PUT_BY_HAND = """
SELECT n.failure_id, c.case_id, c.fingerprint, c.status, c.resolved_at, c.resolution, c.merged_into
FROM failure n JOIN failure o ON o.subject = n.subject AND o.failure_id < n.failure_id
JOIN case_signal s ON s.kind = 'failure' AND s.signal_id = o.failure_id AND s.pinned
JOIN exception_case c ON c.case_id = s.case_id
WHERE n.failure_id IN ({failures}) AND n.subject IS NOT NULL
ORDER BY n.failure_id, o.failure_id
"""

_FRESH: dict[str, Any] = {
    "status": Status.NEW, "title": "", "root_cause": "other", "abstained": True, "fault_probability": 1.0,
    "exposure_terms": "{}", "rank_value": 0.0, "reasons": "[]", "skus": "[]", "locations": "[]", "channels": "[]",
    "signals": 0, "autonomy": "suggest", "model_versions": "{}", "needs_review": True,
}  # fmt: skip
