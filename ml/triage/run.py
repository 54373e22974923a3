"""One triage: everything that is new becomes a signal, every signal is in a case, every case is weighed."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json
from core_sync.cases.self_resolution import resolve_settled
from core_sync.cases.weigh import cases_to_renew, cases_to_review, narrow_among
from core_sync.database.engine import Database
from core_sync.failures.mapping import AT_ONCE, tell_candidates
from core_sync.failures.surroundings import gather_surroundings
from core_sync.ledger.signals import tell_overdue
from ml.anomaly.thresholds import Policy
from ml.registry.service_models import ServiceModels
from ml.triage.detect import detect
from ml.triage.diagnose import diagnose, is_any_new
from ml.triage.frames import complete_up_to
from ml.triage.gather import GATHERED, gather, mark_gathered, settle
from ml.triage.told import numbers
from ml.triage.warm import WarmScorers
from ml.triage.weigh import Recommend, weigh_cases

WEIGHED_AT_ONCE = 50
"""Cases weighed and written together: nobody who writes meanwhile waits for all of them."""

RENEWED_AT_ONCE = 200
RENEWED_FOR_S = 5.0
"""Of the cases whose figures are old one triage renews, the oldest first, so many at once, and goes on for so long."""


@dataclass(frozen=True, slots=True)
class TriageSummary:
    """What one triage did."""

    anomalies: int
    diagnosed: int
    gathered: int
    """Cases that took in signals."""
    settled: int
    weighed: int
    resolved: int


def triage(
    database: Database,
    models: ServiceModels,
    recommend: Recommend,
    reporting: str,
    at: datetime,
    policy: Policy | None = None,
    warm: WarmScorers | None = None,
) -> TriageSummary:
    """Score, diagnose, group, weigh and rank all that is new; resolve the cases whose cause is gone."""
    with database.transaction() as connection:
        tell_overdue(connection, at)
    _look_around(database)
    anomalies = detect(database, models, at, policy, warm)
    complete = complete_up_to(database, GATHERED)  # before they are diagnosed: whatever comes later is left unmarked
    diagnosed = diagnose(database, models, at)
    settled = settle(database, at)
    with database.transaction() as connection:
        gathered = gather(connection, at)
    with database.transaction() as connection:
        resolved = resolve_settled(connection, at, partial(open_among, connection)).resolved
        asking = cases_to_review(connection)
    mark_gathered(database, complete)
    weigh = partial(weigh_cases, database, models, recommend, reporting, at)
    _in_parts(database, weigh, asking)
    _renew(database, weigh, at)
    return TriageSummary(anomalies, diagnosed, len(gathered), settled, len(asking), len(resolved))


def _renew(database: Database, weigh: Callable[[Sequence[int]], None], at: datetime) -> None:
    """Weigh the cases whose figures are old, so that all rise as their harm comes nearer, however many there are."""
    begun = time.monotonic()
    while True:
        with database.reading() as connection:
            old = cases_to_renew(connection, at, RENEWED_AT_ONCE)
        _in_parts(database, weigh, old)
        if len(old) < RENEWED_AT_ONCE or time.monotonic() - begun > RENEWED_FOR_S:
            return


def notice(database: Database, models: ServiceModels, recommend: Recommend, reporting: str, at: datetime) -> int:
    """Put failures that are new into weighed cases at once; returns how many cases took one in.

    Between two triages, and beside one that takes long: what needs more than the failure itself is left to it. A case
    of very many signals that one more has joined waits for the next triage, a case that is new does not.
    """
    with database.reading() as connection:
        if not is_any_new(connection):
            return 0
    _look_around(database)
    diagnose(database, models, at)
    with database.transaction() as connection:
        gathered = gather(connection, at)
    with database.reading() as connection:
        asking = [*cases_to_review(connection, only_new=True), *narrow_among(connection, gathered)]
    weigh = partial(weigh_cases, database, models, recommend, reporting, at)
    _in_parts(database, weigh, list(dict.fromkeys(asking)))
    return len(gathered)


def _look_around(database: Database) -> None:
    """Gather what a diagnosis rests on beside the failure itself."""
    named = AT_ONCE
    while named == AT_ONCE:
        with database.transaction() as connection:
            named = tell_candidates(connection)
    gather_surroundings(database)


def open_among(connection: Connection, anomaly_ids: Collection[int]) -> set[int]:
    """Of the anomalies named, those that are not settled."""
    wanted = numbers(connection)
    statement = (
        f"SELECT a.anomaly_id FROM {wanted} w JOIN anomaly a ON a.anomaly_id = w.number WHERE a.settled_at IS NULL"
    )
    return set(connection.execute(text(statement), {"numbers": as_json(anomaly_ids)}).scalars())


def _in_parts(database: Database, weigh: Callable[[Sequence[int]], None], case_ids: Sequence[int]) -> None:
    """Weigh the cases, some at once, in order; those of very many signals afterwards and each by itself."""
    with database.reading() as connection:
        narrow = set(narrow_among(connection, case_ids))
    first = [case_id for case_id in case_ids if case_id in narrow]
    for start in range(0, len(first), WEIGHED_AT_ONCE):
        weigh(first[start : start + WEIGHED_AT_ONCE])
    for case_id in case_ids:
        if case_id not in narrow:
            weigh([case_id])
