"""One triage: everything that is new becomes a signal, every signal is in a case, every case is weighed."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json
from core_sync.cases.self_resolution import resolve_settled
from core_sync.cases.tally import fold
from core_sync.cases.weigh import cases_never_weighed, cases_to_renew, cases_to_review, narrow_among
from core_sync.database.engine import Database
from core_sync.failures.mapping import AT_ONCE, tell_candidates
from core_sync.failures.surroundings import gather_surroundings
from core_sync.ledger.signals import tell_overdue
from ml.anomaly.thresholds import Policy
from ml.registry.service_models import ServiceModels
from ml.triage.detect import detect
from ml.triage.diagnose import diagnose, is_any_new
from ml.triage.frames import complete_up_to
from ml.triage.gather import GATHERED, gather, gather_all, mark_gathered, settle
from ml.triage.precedence import hurrying
from ml.triage.told import numbers
from ml.triage.warm import WarmScorers
from ml.triage.weigh import Recommend, weigh_cases

WEIGHED_AT_ONCE = 50
"""Cases weighed and written together: nobody who writes meanwhile waits for all of them."""

NOTICED_AT_ONCE = 500
"""Failures that are noticed, and cases that are weighed for the first time, between two triages."""

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
    gathered = gather_all(database, at)
    with database.transaction() as connection:
        resolved = resolve_settled(connection, at, partial(open_among, connection)).resolved
        asking = cases_to_review(connection, at)
    mark_gathered(database, complete)
    weigh = partial(weigh_cases, database, models, recommend, reporting, at)
    with database.reading() as connection:
        narrow, wide = _by_width(connection, asking)
    _in_parts(weigh, narrow, wide)
    _renew(database, weigh, at)
    fold(database)
    return TriageSummary(anomalies, diagnosed, len(gathered), settled, len(asking), len(resolved))


def _renew(database: Database, weigh: Callable[[Sequence[int]], None], at: datetime) -> None:
    """Weigh the cases whose figures are old, so that all rise as their harm comes nearer, however many there are."""
    begun = time.monotonic()
    while True:
        with database.reading() as connection:
            old = cases_to_renew(connection, at, RENEWED_AT_ONCE)
            narrow, wide = _by_width(connection, old)
        _in_parts(weigh, narrow, wide)
        if len(old) < RENEWED_AT_ONCE or time.monotonic() - begun > RENEWED_FOR_S:
            return


def notice(
    database: Database,
    models: ServiceModels,
    recommend: Recommend,
    reporting: str,
    at: datetime,
    most: int = NOTICED_AT_ONCE,
) -> int:
    """Put failures that are new into weighed cases at once; returns how many cases took one in.

    Between two triages, and beside one that takes long: what needs more than the failure itself is left to it. A case
    of very many signals that one more has joined waits for the next triage, a case that is new does not. Of a bad day's
    failures the newest ``most`` are taken in at once: whoever comes after it does not stand behind all of them.
    """
    with database.reading() as connection:
        if not is_any_new(connection) and not cases_never_weighed(connection, 1):
            return 0
    with hurrying():
        _look_around(database, most)
        diagnose(database, models, at, most)
        with database.transaction() as connection:
            gathered = gather(connection, at, most)
        with database.reading() as connection:
            unseen = cases_never_weighed(connection, most)
            narrow, wide = _by_width(connection, dict.fromkeys([*unseen, *gathered]))
        weigh = partial(weigh_cases, database, models, recommend, reporting, at)
        _in_parts(weigh, narrow, [case_id for case_id in wide if case_id in unseen])
        return len(gathered)


def _look_around(database: Database, most: int | None = None) -> None:
    """Gather what a diagnosis rests on beside the failure itself."""
    named = AT_ONCE
    while named == AT_ONCE:
        with database.transaction() as connection:
            named = tell_candidates(connection)
    gather_surroundings(database, most)


def open_among(connection: Connection, anomaly_ids: Collection[int]) -> set[int]:
    """Of the anomalies named, those that are not settled."""
    wanted = numbers(connection)
    statement = (
        f"SELECT a.anomaly_id FROM {wanted} w JOIN anomaly a ON a.anomaly_id = w.number WHERE a.settled_at IS NULL"
    )
    return set(connection.execute(text(statement), {"numbers": as_json(anomaly_ids)}).scalars())


def _by_width(connection: Connection, case_ids: Collection[int]) -> tuple[list[int], list[int]]:
    """``case_ids`` in order: first those of few signals, then those of very many."""
    few = set(narrow_among(connection, case_ids))
    return [one for one in case_ids if one in few], [one for one in case_ids if one not in few]


def _in_parts(weigh: Callable[[Sequence[int]], None], narrow: Sequence[int], wide: Sequence[int]) -> None:
    """Weigh cases, some at once; those of very many signals afterwards and each by itself."""
    for start in range(0, len(narrow), WEIGHED_AT_ONCE):
        weigh(narrow[start : start + WEIGHED_AT_ONCE])
    for case_id in wide:
        weigh([case_id])
