"""Take labels down from the timelines of cases, and withdraw those whose line was undone or whose case came back.

An *override* names the cause of every failure then in the case; it ripens in a day, in which people take mistakes back.
An *outcome* is a case that a person resolved under the cause told: it ripens when the case has not come back within
``REGRESSION_WINDOW``. A case whose cause was overridden gives no outcome label, the override says it already.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from core_sync.cases.rules import REGRESSION_WINDOW
from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.database.upsert import insert_new
from ml.labels.tables import CauseLabel
from ml.root_cause.evidence import FIELDS, evidence_from

RIPENING: Mapping[str, timedelta] = {"override": timedelta(days=1), "outcome": REGRESSION_WINDOW}
"""How long a label of each source waits before anything is trained on it."""
LINES_AT_ONCE = 500
LOOKED_BACK = timedelta(days=90)
"""Lines older than this were looked at long ago."""


@dataclass(frozen=True, slots=True)
class Taken:
    """How many labels were added and withdrawn."""

    added: int
    withdrawn: int


def take_labels(database: Database, at: datetime) -> Taken:
    """Take down what timelines told since the last time; the same lines give the same labels, each once."""
    moment, added, after = to_microseconds(at), 0, 0
    with database.transaction() as connection:
        withdrawn = connection.execute(text(_WITHDRAW), {"at": moment}).rowcount
    bound = {"since": to_microseconds(at - LOOKED_BACK), "most": LINES_AT_ONCE}
    while True:
        with database.reading() as connection:
            lines = connection.execute(text(_LINES), bound | {"after": after}).mappings().all()
            rows = [label for line in lines for label in _labels(connection, dict(line), moment)]
        if not lines:
            return Taken(added, withdrawn)
        with database.transaction() as connection:
            added += insert_new(connection, CauseLabel, rows, ("failure_id", "entry_id")) if rows else 0
        after = lines[-1]["entry_id"]


def _labels(connection: Connection, line: Mapping[str, Any], moment: int) -> Iterator[dict[str, Any]]:
    told = _told(line)
    if told is None:
        return
    source, root_cause, subclass = told
    for failure in connection.execute(text(_FAILURES), {"case": line["case_id"]}).mappings():
        evidence = evidence_from(dict(failure))
        known = {name: getattr(evidence, name) for name in FIELDS if getattr(evidence, name) not in (None, "")}
        yield {
            "failure_id": failure["failure_id"],
            "case_id": line["case_id"],
            "entry_id": line["entry_id"],
            "source": source,
            "root_cause": root_cause,
            "subclass": subclass,
            "actor": line["actor"],
            "told_at": line["at"],
            "ripe_at": line["at"] + int(RIPENING[source].total_seconds() * 1_000_000),
            "taken_at": moment,
            "withdrawn_at": None,
            "evidence": msgspec.json.encode(known, order="sorted").decode(),
        }


def _told(line: Mapping[str, Any]) -> tuple[str, str, str | None] | None:
    """Source, root cause and subclass that a line of a timeline tells; None if it tells no cause."""
    if line["verb"] == "override":
        after = msgspec.json.decode(line["after"], type=dict[str, Any])
        cause = after.get("override_root_cause")
        return None if cause is None else ("override", str(cause), None)
    if line["override_root_cause"] is not None or line["abstained"] or line["root_cause"] is None:
        return None
    return "outcome", str(line["root_cause"]), line["subclass"]


_UNDONE = """SELECT 1 FROM case_entry u WHERE u.case_id = e.case_id AND u.verb = 'undo'
    AND u.after = '{"undoes":' || e.entry_id || '}'"""
_LINES = f"""
SELECT e.entry_id, e.case_id, e.actor, e.verb, e.at, e.after,
       c.override_root_cause, c.root_cause, c.subclass, c.abstained
FROM case_entry e JOIN exception_case c ON c.case_id = e.case_id
WHERE e.verb IN ('override', 'resolve') AND e.at > :since AND e.entry_id > :after
  AND NOT EXISTS ({_UNDONE})
  AND NOT EXISTS (SELECT 1 FROM cause_label l WHERE l.entry_id = e.entry_id)
  AND (e.verb = 'override' OR c.status = 'resolved')
ORDER BY e.entry_id LIMIT :most
"""
_FAILURES = """
SELECT f.* FROM case_signal s JOIN failure f ON f.failure_id = s.signal_id
WHERE s.case_id = :case AND s.kind = 'failure' ORDER BY f.failure_id
"""
_WITHDRAW = f"""
UPDATE cause_label SET withdrawn_at = :at
WHERE withdrawn_at IS NULL AND EXISTS (
    SELECT 1 FROM case_entry e WHERE e.entry_id = cause_label.entry_id AND (
        EXISTS ({_UNDONE})
        OR cause_label.source = 'outcome' AND EXISTS (
            SELECT 1 FROM case_entry b WHERE b.case_id = e.case_id AND b.verb IN ('regressed', 'reopen')
            AND b.at > cause_label.told_at AND b.at <= cause_label.ripe_at
        )
    )
)
"""
