"""Take back what a person did to a case, as long as nothing later rests on it."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from core_sync.cases.grouping import move_back
from core_sync.cases.recurrence import raised
from core_sync.cases.rows import change_case, locked_case
from core_sync.cases.rules import Status, rank_value
from core_sync.cases.tables import ExceptionCase
from core_sync.cases.timeline import add_entry, read_entry, undone_entries
from core_sync.cases.verbs import check_no_other_open
from core_sync.clock import to_microseconds
from core_sync.errors import VerbRefused

UNDOABLE = (
    "acknowledge", "begin", "wait", "assign", "note", "override", "snooze", "merge", "split", "resolve", "reopen",
)  # fmt: skip

_RECOMPUTED = ("needs_review", "rank_value", "signals_moved", "moved_to")
"""What changes by itself meanwhile, or is no column: not compared."""


def undo(connection: Connection, case_id: int, entry_id: int, actor: str, at: datetime) -> int:
    """Put back what was so before the line ``entry_id``; returns the ``entry_id`` of the line that says so.

    Raises:
        NotFound: the case has no such line.
        VerbRefused: it was undone before, is nothing that can be undone, or something changed the same since.
    """
    case = locked_case(connection, case_id)
    entry = read_entry(connection, case_id, entry_id)
    subject = f"entry {entry_id} of case {case_id}"
    if entry.verb not in UNDOABLE:
        raise VerbRefused("undo", subject, f"{entry.verb} is not something a person did")
    if entry_id in undone_entries(connection, case_id):
        raise VerbRefused("undo", subject, "it was undone before")
    before = msgspec.json.decode(entry.before, type=dict[str, Any])
    after = msgspec.json.decode(entry.after, type=dict[str, Any])
    later = [name for name, value in after.items() if name not in _RECOMPUTED and getattr(case, name) != value]
    if later:
        raise VerbRefused("undo", subject, f"{', '.join(later)} changed since; undo that first")
    if case.status == Status.RESOLVED and before.get("status", case.status) != Status.RESOLVED:
        check_no_other_open(connection, case, "undo")
    put_back = {**before, "needs_review": True}
    if "rank_value" in before:  # what it would be ranked by today, not what it was ranked by then
        put_back["rank_value"] = _rank_without(case, before)
    change_case(connection, case_id, put_back, to_microseconds(at))
    if "signals_moved" in after:
        move_back(connection, case_id, after["signals_moved"], after["moved_to"], at)
    return add_entry(connection, case_id, actor, "undo", at, f"{entry.verb} was undone", {}, {"undoes": entry_id})


def _rank_without(case: ExceptionCase, before: dict[str, Any]) -> float:
    rank = before.get("override_rank")
    computed = raised(case.expected_loss, case.recurrences, case.recurrences_there)
    loss = rank if rank is not None else computed
    return rank_value(loss, case.time_to_harm_h, case.fault_probability)
