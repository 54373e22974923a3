"""What people (and actions in their name) do to a case. Each verb is one line of its timeline and can be undone.

Every verb takes an open transaction, locks the case, refuses what its status does not allow, and returns
the ``entry_id`` of the line it wrote.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from core_sync.cases.rows import CASES, change_case, changed, locked_case
from core_sync.cases.rules import AWAKE, ROOT_CAUSES, Status, check_allowed, rank_value
from core_sync.cases.tables import ExceptionCase
from core_sync.cases.timeline import add_entry
from core_sync.cases.words import keep_words
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.errors import VerbRefused
from core_sync.money import from_ten_thousandths


def acknowledge(connection: Connection, case_id: int, actor: str, at: datetime, note: str | None = None) -> int:
    """Somebody has seen it."""
    return _set_status(connection, case_id, "acknowledge", Status.ACKNOWLEDGED, actor, at, note)


def begin(connection: Connection, case_id: int, actor: str, at: datetime, note: str | None = None) -> int:
    """Something is being done about it."""
    return _set_status(connection, case_id, "begin", Status.IN_PROGRESS, actor, at, note)


def wait(connection: Connection, case_id: int, actor: str, at: datetime, note: str | None = None) -> int:
    """What could be done is done; somebody else has to move."""
    return _set_status(connection, case_id, "wait", Status.WAITING, actor, at, note)


def assign(
    connection: Connection, case_id: int, owner: str | None, actor: str, at: datetime, note: str | None = None
) -> int:
    """It is ``owner``'s from now on; None takes the owner away."""
    return _apply(connection, case_id, "assign", {"owner": owner or None}, actor, at, note)


def note(connection: Connection, case_id: int, told: str, actor: str, at: datetime) -> int:
    """Write down something worth knowing.

    Raises:
        VerbRefused: nothing is told.
    """
    if not told.strip():
        raise VerbRefused("note", f"case {case_id}", "the note is empty")
    return _apply(connection, case_id, "note", {}, actor, at, told.strip())


def override(
    connection: Connection,
    case_id: int,
    actor: str,
    at: datetime,
    reason: str,
    root_cause: str | None = None,
    rank: int | None = None,
    until: datetime | None = None,
) -> int:
    """A person knows better: this is the root cause, or this the expected loss to rank by, until ``until``.

    Args:
        rank: ten-thousandths of the reporting currency; the computed figure is kept and shown beside it.

    Raises:
        VerbRefused: nothing is overridden, no reason is given, the root cause is none we know, or the time is past.
    """
    subject = f"case {case_id}"
    if root_cause is None and rank is None:
        raise VerbRefused("override", subject, "say a root cause or an expected loss to rank by")
    if root_cause is not None and root_cause not in ROOT_CAUSES:
        raise VerbRefused("override", subject, f"{root_cause} is no root cause; there are {', '.join(ROOT_CAUSES)}")
    if not reason.strip():
        raise VerbRefused("override", subject, "an override needs a reason")
    _check_ahead("override", subject, until, at)
    case = locked_case(connection, case_id)
    changes: dict[str, Any] = {
        "override_root_cause": root_cause if root_cause is not None else case.override_root_cause,
        "override_rank": rank if rank is not None else case.override_rank,
        "override_reason": reason.strip(),
        "override_until": to_microseconds(until) if until is not None else None,
        "needs_review": True,
    }
    if rank is not None:
        changes["rank_value"] = rank_value(rank, case.time_to_harm_h, case.fault_probability)
    return _apply(connection, case_id, "override", changes, actor, at, reason.strip(), case)


def snooze(
    connection: Connection,
    case_id: int,
    until: datetime | None,
    actor: str,
    at: datetime,
    note: str | None = None,
    above: int | None = None,
    stock_below: int | None = None,
) -> int:
    """Leave it off the list until one of these is so; it wakes by itself and says why.

    Args:
        until: a moment.
        above: its exposure is above this, in ten-thousandths of the reporting currency.
        stock_below: one of its SKUs has fewer units available than this, at the locations it names or at all.

    Raises:
        VerbRefused: nothing is named, that moment is past, or its exposure is above that already.
    """
    subject = f"case {case_id}"
    if until is None and above is None and stock_below is None:
        raise VerbRefused("snooze", subject, "say until when, above which exposure or below which stock it shall wake")
    _check_ahead("snooze", subject, until, at)
    case = locked_case(connection, case_id)
    if above is not None and (case.exposure or 0) > above:
        known = from_ten_thousandths(case.exposure or 0)
        raise VerbRefused("snooze", subject, f"its exposure is {known:,.2f} {case.currency or ''} already".rstrip())
    changes = {
        "status": Status.SNOOZED,
        "snoozed_until": to_microseconds(until) if until is not None else None,
        "snoozed_above": above,
        "snoozed_stock_below": stock_below,
    }
    return _apply(connection, case_id, "snooze", changes, actor, at, note, case)


def resolve(
    connection: Connection, case_id: int, resolution: str, actor: str, at: datetime, note: str | None = None
) -> int:
    """It is over, and this is how it ended.

    Raises:
        VerbRefused: it does not say how.
    """
    if not resolution.strip():
        raise VerbRefused("resolve", f"case {case_id}", "say how it was resolved")
    changes = {
        "status": Status.RESOLVED,
        "resolved_at": to_microseconds(at),
        "resolution": resolution.strip(),
        **AWAKE,
    }
    return _apply(connection, case_id, "resolve", changes, actor, at, note)


def reopen(connection: Connection, case_id: int, actor: str, at: datetime, note: str | None = None) -> int:
    """It is not over after all.

    Raises:
        VerbRefused: its signals were merged into another case, or another case took its place.
    """
    case = locked_case(connection, case_id)
    if case.merged_into is not None:
        raise VerbRefused("reopen", f"case {case_id}", f"it was merged into case {case.merged_into}; undo that")
    check_no_other_open(connection, case, "reopen")
    changes = {"status": Status.ACKNOWLEDGED, "resolved_at": None, "resolution": None, "needs_review": True}
    return _apply(connection, case_id, "reopen", changes, actor, at, note, case)


def check_no_other_open(connection: Connection, case: ExceptionCase, verb: str) -> None:
    """Raises ``VerbRefused`` where another open case has the fingerprint of ``case``."""
    other = connection.execute(
        select(CASES.c.case_id).where(
            CASES.c.fingerprint == case.fingerprint,
            CASES.c.status != Status.RESOLVED,
            CASES.c.case_id != case.case_id,
        )
    ).scalar_one_or_none()
    if other is not None:
        raise VerbRefused(verb, f"case {case.case_id}", f"case {other} is open for the same trouble")


def _set_status(
    connection: Connection, case_id: int, verb: str, status: Status, actor: str, at: datetime, note: str | None
) -> int:
    return _apply(connection, case_id, verb, {"status": status, **AWAKE}, actor, at, note)


def _apply(
    connection: Connection,
    case_id: int,
    verb: str,
    changes: Mapping[str, Any],
    actor: str,
    at: datetime,
    note: str | None,
    case: ExceptionCase | None = None,
) -> int:
    case = case or locked_case(connection, case_id)
    check_allowed(verb, case_id, case.status)
    before = changed(case, changes)
    change_case(connection, case_id, changes, to_microseconds(at))
    entry_id = add_entry(connection, case_id, actor, verb, at, note, before, changes)
    if note or verb in ("assign", "override"):
        keep_words(connection, case_id)
    return entry_id


def _check_ahead(verb: str, subject: str, until: datetime | None, at: datetime) -> None:
    if until is not None and until <= at:
        raise VerbRefused(verb, subject, f"{from_microseconds(to_microseconds(until)).isoformat()} is past")
