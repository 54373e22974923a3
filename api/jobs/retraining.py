"""The service trains the root-cause model anew by itself, on schedule or once enough labels have ripened.

It trains in a process of its own, so that nobody waits. What passes the gate answers beside the live model as its
challenger; only a person makes it live.
"""

import json
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.upsert import insert_new
from core_sync.errors import StocktriageError
from core_sync.settings import PREFIX, Settings
from ml.registry.tables import Retraining

if TYPE_CHECKING:
    from api.wiring import World

_LOG = logging.getLogger("stocktriage.retraining")
_NAME = "root_cause"
ACTOR = "service"
LONGEST = timedelta(hours=2)
"""A training that has not ended after so long was cut off."""
_HANDED_ON = ("home", "database_url", "mlflow_uri", "models_folder")
NICE = 10
"""The training gives way to whatever else wants the processor."""


@dataclass(frozen=True, slots=True)
class Due:
    """A training that is to begin: why, on how many ripe labels, and which it follows."""

    reason: str
    labels: int
    after: int


def retrain_when_due(world: "World") -> str | None:
    """Train where it is due; in one line what came of it, None where nothing was due."""
    at = world.clock()
    with world.database.reading() as connection:
        due = due_now(connection, world.settings, at)
    if due is None or not _begun(world, due, at):
        return None
    try:
        version, outcome = _trained(world)
    except (OSError, subprocess.SubprocessError, ValueError, StocktriageError) as error:
        version, outcome = None, f"failed: {error}"
    _LOG.info("retrained because %s: %s", due.reason, outcome)
    with world.database.transaction() as connection:
        bound = {"at": to_microseconds(world.clock()), "version": version, "outcome": outcome[:500]}
        connection.execute(text(_END), {**bound, "name": _NAME, "after": due.after})
    return outcome


def due_now(connection: Connection, settings: Settings, at: datetime) -> Due | None:
    """The training that is due; None where none is, or one is running. Without a new label none ever is."""
    last = connection.execute(text(_LAST), {"name": _NAME}).one_or_none()
    ripe: int = connection.execute(text(_RIPE), {"at": to_microseconds(at)}).scalar_one()
    if last is not None and last.ended_at is None and at - from_microseconds(last.begun_at) < LONGEST:
        return None
    learned: int = connection.execute(text(_LEARNED), {"name": _NAME}).scalar_one()
    new, after = ripe - learned, (last.retraining_id if last else 0)
    if new <= 0:
        return None
    if settings.retrain_after_labels and new >= settings.retrain_after_labels:
        return Due(f"{new:,} labels are new", ripe, after)
    first = connection.execute(text("SELECT MIN(ripe_at) FROM cause_label")).scalar_one()
    since = from_microseconds(last.begun_at if last else first)
    if settings.retrain_every_days and at - since >= timedelta(days=settings.retrain_every_days):
        return Due(f"{settings.retrain_every_days} days are over, {new:,} labels are new", ripe, after)
    return None


def _begun(world: "World", due: Due, at: datetime) -> bool:
    """Say that it begins; False where another process was quicker."""
    row = {
        "name": _NAME, "after": due.after, "labels": due.labels, "reason": due.reason, "begun_at": to_microseconds(at),
        "ended_at": None, "version": None, "outcome": None,
    }  # fmt: skip
    with world.database.transaction() as connection:
        return insert_new(connection, Retraining, [row], ("name", "after")) == 1


def _trained(world: "World") -> tuple[str, str]:
    """The version that came of it, and in one line what became of that."""
    from api.challenge import challenge

    giving_way = ["nice", "-n", str(NICE)] if shutil.which("nice") else []
    command = [*giving_way, sys.executable, "-m", "api.cli.main", "train", _NAME, "--json"]
    command += [part for one in world.settings.retrain_set for part in ("--set", one)]
    settings = {f"{PREFIX}{name.upper()}": str(getattr(world.settings, name)) for name in _HANDED_ON}
    done = subprocess.run(  # noqa: S603  # our own command, with the settings of this service
        command,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=LONGEST.total_seconds(),
        check=False,
    )
    if done.returncode:
        raise ValueError(
            done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
        )
    told = json.loads(done.stdout.splitlines()[-1])
    version = str(told["version"])
    if not told["passes_gate"]:
        return version, str(told["gate"])
    named = world.challenger
    if named is not None and named[0].named_by != ACTOR:
        return version, f"passed the gate; {named[0].version}, which {named[0].named_by} named, goes on answering"
    return challenge(world, version, ACTOR), "passed the gate and answers beside the live version"


_LAST = """
SELECT retraining_id, begun_at, ended_at FROM retraining WHERE name = :name ORDER BY retraining_id DESC LIMIT 1
"""
_LEARNED = """
SELECT COALESCE((SELECT labels FROM retraining WHERE name = :name AND ended_at IS NOT NULL
                 ORDER BY retraining_id DESC LIMIT 1), 0)
"""
"""What one that was cut off would have learned from is still new."""
_RIPE = "SELECT COUNT(DISTINCT failure_id) FROM cause_label WHERE ripe_at <= :at AND withdrawn_at IS NULL"
_END = """
UPDATE retraining SET ended_at = :at, version = :version, outcome = :outcome WHERE name = :name AND after = :after
"""
