"""Has what fails, or what is said of it, moved away from the weeks before?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, text

from core_sync.availability.promises import as_json
from core_sync.clock import to_microseconds
from ml.registry.stability import LITTLE_MOVED, MUCH_MOVED
from ml.registry.tables import DriftLook
from ml.root_cause.causes import CAUSES, RootCause
from ml.root_cause.certainty import expected_calibration_error
from ml.root_cause.diagnosis import Diagnosis
from ml.root_cause.drift import drift, moved_inputs
from ml.root_cause.evidence import FailureEvidence, evidence_from
from ml.triage.told import numbers

if TYPE_CHECKING:
    from api.wiring import World

DAYS, BEFORE = 7, 28
"""The last days that are looked at, and the days before them that they are compared with."""
LEAST = 100
"""Fewer failures than these, in either time, say too little."""
MOST = 5_000
"""Of more failures, so many are drawn."""
LEAST_LABELLED, LEAST_FOR_ERROR = 30, 300
"""Labelled failures from which misses are told, and the calibration error: of fewer chance alone makes it large."""
LOOK_EVERY = timedelta(days=1)
_MISSED = 0.05
"""A miss this much more frequent than what the sets are built for is more than chance, where enough is labelled."""
_NAME = "root_cause"


@dataclass(frozen=True, slots=True)
class Moved:
    """One thing that was looked at: its value, what it was before or is to be, and what that says."""

    what: str
    value: float
    before: float | None
    says: str


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found; ``moved`` is empty where there were too few failures, and ``too_few`` says so."""

    version: str
    at: datetime
    failures: int
    failures_before: int
    labelled: int
    moved: tuple[Moved, ...]
    too_few: str = ""

    @property
    def warnings(self) -> list[Moved]:
        """What has moved much."""
        return [one for one in self.moved if one.says == "much"]


@dataclass(frozen=True)
class _Window:
    count: int
    """Failures there were; of many only some are read."""
    evidences: Sequence[FailureEvidence]
    labels: Sequence[str | None]


def look(world: "World", days: int = DAYS, before: int = BEFORE) -> Look:
    """Compare the failures of the last ``days`` with those of the ``before`` days that came before them.

    Both are classified by the live model, so that what differs is the failures and not the model.
    """
    at, models = world.clock(), world.models
    edge = at - timedelta(days=days)
    with world.database.reading() as connection:
        seen = _window(connection, edge, at)
        reference = _window(connection, edge - timedelta(days=before), edge)
    count, count_before = seen.count, reference.count
    version = models.version(_NAME)
    if min(count, count_before) < LEAST:
        said = f"{count:,} failures, and {count_before:,} in the {before} days before: {LEAST} of each are needed"
        return Look(version, at, count, count_before, 0, (), said)
    told, told_before = models.root_cause.classify(seen.evidences), models.root_cause.classify(reference.evidences)
    labelled = sum(label is not None for label in seen.labels)
    calibration = _calibration(seen, told, models.root_cause.calibration.alpha) if labelled >= LEAST_LABELLED else []
    moved = (*_moved(reference, told_before, seen, told), *calibration)
    return Look(version, at, count, count_before, labelled, moved)


def look_when_due(world: "World") -> Look | None:
    """Look and keep what was found, once in ``LOOK_EVERY``; None where that is not over."""
    newest = newest_look(world)
    if newest is not None and world.clock() - newest.at < LOOK_EVERY:
        return None
    found = look(world)
    with world.database.transaction() as connection:
        connection.execute(
            insert(DriftLook).values(
                name=_NAME,
                version=found.version,
                looked_at=to_microseconds(found.at),
                found=msgspec.json.encode(found).decode(),
            )
        )
    return found


def newest_look(world: "World") -> Look | None:
    """The last look that was kept; None before the first."""
    with world.database.reading() as connection:
        row = connection.execute(text(_NEWEST), {"name": _NAME}).one_or_none()
    return None if row is None else msgspec.json.decode(row.found, type=Look)


def _moved(
    reference: _Window, told_before: Sequence[Diagnosis], seen: _Window, told: Sequence[Diagnosis]
) -> list[Moved]:
    found = drift(told_before, told)
    indexes = {"causes told": found.causes, "unknown words": found.novelty}
    indexes |= {f"evidence: {name}": value for name, value in moved_inputs(reference.evidences, seen.evidences).items()}
    rows = [Moved(name, round(value, 4), None, _says(value)) for name, value in indexes.items()]
    before, after = found.abstained
    said = "much" if after - before > LITTLE_MOVED else "little"
    return [*rows, Moved("left to people", round(after, 4), round(before, 4), said)]


def _calibration(seen: _Window, told: Sequence[Diagnosis], alpha: float) -> list[Moved]:
    """How the labelled failures of the last days bear out what the model says of them."""
    known = [(one, label) for one, label in zip(told, seen.labels, strict=True) if label is not None]
    truth: NDArray[np.intp] = np.array([CAUSES.index(RootCause(label)) for _, label in known], dtype=np.intp)
    diagnoses = [one for one, _ in known]
    missed = float(np.mean([CAUSES[at] not in one.conformal_set for one, at in zip(diagnoses, truth, strict=True)]))
    outside = "much" if missed > alpha + _MISSED else "little"
    found = [Moved("true cause outside its set", round(missed, 4), alpha, outside)]
    if len(known) >= LEAST_FOR_ERROR:
        error = expected_calibration_error(diagnoses, truth)
        said = "much" if error > LITTLE_MOVED else "little"
        found.append(Moved("calibration error", round(error, 4), None, said))
    return found


def _says(index: float) -> str:
    return "much" if index > MUCH_MOVED else "some" if index > LITTLE_MOVED else "little"


def _window(connection: Connection, since: datetime, until: datetime) -> _Window:
    bound = {"since": to_microseconds(since), "until": to_microseconds(until)}
    failures = np.fromiter(connection.execute(text(_NUMBERS), bound).scalars(), dtype=np.int64)
    drawn = failures
    if len(failures) > MOST:
        drawn = np.random.default_rng(0).choice(failures, MOST, replace=False)
    asked = {"numbers": as_json(drawn.tolist())}
    rows = connection.execute(text(_FAILURES.format(wanted=numbers(connection))), asked).mappings().all()
    return _Window(len(failures), [evidence_from(dict(row)) for row in rows], [row["label"] for row in rows])


_NUMBERS = "SELECT failure_id FROM failure WHERE occurred_at >= :since AND occurred_at < :until ORDER BY failure_id"
_FAILURES = """
SELECT f.*, (SELECT l.root_cause FROM cause_label l
             WHERE l.failure_id = f.failure_id AND l.withdrawn_at IS NULL ORDER BY l.label_id DESC LIMIT 1) AS label
FROM ({wanted}) w JOIN failure f ON f.failure_id = w.number ORDER BY f.failure_id
"""
_NEWEST = "SELECT found FROM drift_look WHERE name = :name ORDER BY look_id DESC LIMIT 1"
