"""What people do about grouping: put two cases together, take signals out. Signals placed by hand stay put."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlmodel import col

from core_sync.cases.rows import CASES, change_case, changed, locked_case, recount_signals
from core_sync.cases.rules import AWAKE, Status, check_allowed
from core_sync.cases.scope import NO_SCOPE, keep_scope
from core_sync.cases.tables import CaseSignal
from core_sync.cases.timeline import add_entry
from core_sync.cases.words import keep_words
from core_sync.clock import to_microseconds
from core_sync.errors import VerbRefused


def merge(connection: Connection, case_id: int, into: int, actor: str, at: datetime, note: str | None = None) -> int:
    """All signals of ``case_id`` belong to the case ``into``, and so does whatever comes with its fingerprint.

    Returns the ``entry_id`` of the line in the timeline of ``case_id``; undo that line to part them again.

    Raises:
        VerbRefused: it is the same case, or one of the two is resolved.
    """
    if case_id == into:
        raise VerbRefused("merge", f"case {case_id}", "a case cannot be merged into itself")
    first, second = sorted((case_id, into))  # locked in one order, so that two merges cannot wait for each other
    locked = {first: locked_case(connection, first), second: locked_case(connection, second)}
    for one in locked.values():
        check_allowed("merge", one.case_id or 0, one.status)
    source, moment = locked[case_id], to_microseconds(at)
    signals = _signals_of(connection, case_id)
    _move(connection, signals, into, pinned=True)
    changes: dict[str, Any] = {
        "status": Status.RESOLVED,
        "resolved_at": moment,
        "resolution": f"merged into case {into}",
        "merged_into": into,
        **AWAKE,
    }
    before = changed(source, changes)
    change_case(connection, case_id, changes, moment)
    recount_signals(connection, (case_id, into))
    add_entry(
        connection, into, actor, "merged", at, f"case {case_id} was merged into this one ({len(signals)} signals)"
    )
    after = {**changes, "signals_moved": signals, "moved_to": into}
    return add_entry(connection, case_id, actor, "merge", at, note, before, after)


def split(
    connection: Connection, case_id: int, signals: Collection[int], actor: str, at: datetime, note: str | None = None
) -> tuple[int, int]:
    """Take ``signals`` (their ``case_signal_id``) out of the case into a new one.

    Returns the new ``case_id``, and the ``entry_id`` of the line in the timeline of the old one.

    Raises:
        VerbRefused: no signal is named, one is not in the case, or none would be left behind.
    """
    case = locked_case(connection, case_id)
    check_allowed("split", case_id, case.status)
    there = _signals_of(connection, case_id)
    subject = f"case {case_id}"
    strangers = sorted(set(signals) - set(there))
    if not signals or strangers:
        reason = f"signal {strangers[0]} is not in it" if strangers else "say which signals to take out"
        raise VerbRefused("split", subject, reason)
    if len(set(signals)) == len(there):
        raise VerbRefused("split", subject, "no signal would be left behind")
    moment = to_microseconds(at)
    new_id = _open_beside(connection, case_id, case.fingerprint, moment)
    moved = sorted(set(signals))
    _move(connection, moved, new_id, pinned=True)
    recount_signals(connection, (case_id, new_id))
    add_entry(connection, new_id, actor, "opened", at, f"split from case {case_id}")
    after = {"signals_moved": moved, "moved_to": new_id}
    return new_id, add_entry(connection, case_id, actor, "split", at, note, {}, after)


def move_back(connection: Connection, case_id: int, signals: Sequence[int], left: int, at: datetime) -> None:
    """Undo of both: ``signals`` return from the case ``left`` to ``case_id``.

    Raises:
        VerbRefused: one of them has been placed elsewhere since.
    """
    there = set(_signals_of(connection, left))
    if not set(signals) <= there:
        raise VerbRefused("undo", f"case {case_id}", f"some signals have left case {left} since")
    _move(connection, signals, case_id, pinned=False)
    counts = recount_signals(connection, (case_id, left))
    if counts[left] == 0:
        changes = {"status": Status.RESOLVED, "resolved_at": to_microseconds(at), "resolution": "its split was undone"}
        change_case(connection, left, changes, to_microseconds(at))


def _open_beside(connection: Connection, case_id: int, fingerprint: str, moment: int) -> int:
    """A new case like ``case_id``, to be weighed anew, whose fingerprint nothing but a person gives."""
    copied = (
        "title", "root_cause", "subclass", "probability", "abstained", "fault_probability", "currency",
        "recommended_action", "autonomy", "owner", "reasons", "skus", "locations", "channels", "rank_value",
        "exposure_terms", "model_versions",
    )  # fmt: skip
    row = connection.execute(select(*(CASES.c[name] for name in copied)).where(CASES.c.case_id == case_id)).one()
    splits = connection.execute(
        select(func.count())
        .select_from(CASES)
        .where(CASES.c.fingerprint.startswith(f"{fingerprint}#", autoescape=True))
    ).scalar_one()
    values = {
        **row._mapping,
        "fingerprint": f"{fingerprint}#{splits + 1}",
        "status": Status.ACKNOWLEDGED,
        "signals": 0,
        "opened_at": moment,
        "updated_at": moment,
        "needs_review": True,
    }
    new_id = int(connection.execute(insert(CASES).values(values).returning(CASES.c.case_id)).scalar_one())
    keep_scope(connection, new_id, NO_SCOPE, row._asdict())
    keep_words(connection, new_id)
    return new_id


def _signals_of(connection: Connection, case_id: int) -> list[int]:
    rows = connection.execute(
        select(col(CaseSignal.case_signal_id))
        .where(col(CaseSignal.case_id) == case_id)
        .order_by(col(CaseSignal.case_signal_id))
    )
    return [int(signal) for (signal,) in rows if signal is not None]


def _move(connection: Connection, signals: Sequence[int], case_id: int, pinned: bool) -> None:
    for start in range(0, len(signals), 500):
        connection.execute(
            update(CaseSignal)
            .where(col(CaseSignal.case_signal_id).in_(signals[start : start + 500]))
            .values(case_id=case_id, pinned=pinned)
        )
