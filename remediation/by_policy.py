"""What runs by itself: for each open case whose action the ladder lets run, ask in the policy's name."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.errors import VerbRefused
from remediation.actions.catalog import recommend
from remediation.policy.autonomy import autonomy_of
from remediation.policy.rules import Level
from remediation.runs.store import read_run
from remediation.service import POLICY_ACTOR, request
from remediation.world import World

TRIES_MAX = 3
"""Runs of one action for one case that may fail before a person has to ask for the next."""

REST = timedelta(minutes=5)
"""How long a case is left alone after a run for it failed."""

_CANDIDATES = """
SELECT c.case_id, coalesce(c.override_root_cause, c.root_cause) AS root_cause FROM exception_case c
WHERE c.status IN ('new', 'acknowledged', 'in_progress', 'regressed')
  AND (NOT c.abstained OR c.override_root_cause IS NOT NULL)
ORDER BY c.rank_value DESC, c.case_id
"""

_RUNS = """
SELECT count(*) AS tried, max(finished_at) AS last_ended,
       sum(CASE WHEN status IN ('proposed', 'awaiting_approval', 'approved', 'running', 'waiting', 'rejected')
           THEN 1 ELSE 0 END) AS standing
FROM action_run WHERE case_id = :case_id AND action = :action
"""


def act_by_policy(world: World, at: datetime) -> list[int]:
    """Start what may run by itself; returns the runs that it started. For the worker's round.

    A case whose root cause the evidence does not decide is left to a person, and so is one whose action
    was rejected, waits for approval, or failed ``TRIES_MAX`` times.
    """
    with world.database.reading() as connection:
        ready = [
            row.case_id
            for row in connection.execute(text(_CANDIDATES)).all()
            if _may_start(connection, row.case_id, recommend(row.root_cause), at)
        ]
    started = []
    for case_id in ready:
        try:
            started.append(request(world, case_id, POLICY_ACTOR, at))
        except VerbRefused:
            continue  # switched off or resolved in between
    with world.database.reading() as connection:
        return [run_id for run_id in started if read_run(connection, run_id).decided_by == POLICY_ACTOR]


def _may_start(connection: Connection, case_id: int, kind: str, at: datetime) -> bool:
    if autonomy_of(connection, kind).level is not Level.AUTO:
        return False
    runs = connection.execute(text(_RUNS), {"case_id": case_id, "action": kind}).one()
    rested = runs.last_ended is None or runs.last_ended <= to_microseconds(at - REST)
    return not runs.standing and runs.tried < TRIES_MAX and rested
