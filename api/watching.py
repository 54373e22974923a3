"""What doors tell of models over time: drift, and the trainings that the service began by itself."""

from dataclasses import asdict

from sqlalchemy import text

from api.jobs.model_drift import BEFORE, DAYS, Look, look, newest_look
from api.jobs.retraining import LONGEST
from api.shapes import Shape
from api.wiring import World
from core_sync.clock import from_microseconds, to_microseconds


def drift_now(world: World, days: int = DAYS, before: int = BEFORE) -> Shape:
    """Whether the last ``days`` have moved away from the ``before`` days before them, looked at now."""
    return _shape(look(world, days, before))


def drift_kept(world: World) -> Shape | None:
    """What the service found when it last looked; None before the first time."""
    found = newest_look(world)
    return None if found is None else _shape(found)


def retraining_rows(world: World, most: int = 20) -> list[Shape]:
    """The newest ``most`` trainings that the service began: why, and what came of each."""
    cut_off = to_microseconds(world.clock() - LONGEST)
    with world.database.reading() as connection:
        rows = connection.execute(text(_RETRAININGS), {"most": most}).mappings().all()
    return [
        {
            "begun_at": from_microseconds(row["begun_at"]),
            "ended_at": None if row["ended_at"] is None else from_microseconds(row["ended_at"]),
            "reason": row["reason"],
            "labels": row["labels"],
            "version": row["version"],
            "outcome": row["outcome"] or ("was cut off" if row["begun_at"] <= cut_off else None),
        }
        for row in rows
    ]


def _shape(found: Look) -> Shape:
    told = asdict(found)
    return {**told, "moved": [asdict(one) for one in found.moved], "warnings": [one.what for one in found.warnings]}


_RETRAININGS = "SELECT * FROM retraining ORDER BY retraining_id DESC LIMIT :most"
