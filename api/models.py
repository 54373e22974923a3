"""What doors tell of models: who was live when and what it decided, and the labels they learn from."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, text

from api.shapes import Shape
from api.wiring import World
from core_sync.clock import from_microseconds, to_microseconds
from ml.labels.training_set import digest_of, training_set
from ml.registry.challenger import CHALLENGED, challenger
from ml.registry.decisions import decisions
from ml.registry.disagreement import Beside, beside
from ml.registry.manifest import MODEL_NAMES, ModelRefused, read_manifest
from ml.registry.promotion import HEADLINE, Release, releases
from ml.registry.service_models import live_folder

SHIPPED_BEFORE = "shipped baseline of an earlier version of stocktriage"


def model_rows(world: World) -> list[Shape]:
    """Every release of every model, newest first, with what its version decided; the live one with its figures.

    Who answers beside a live model stands above it, an earlier baseline that decided something below.
    """
    rows: list[Shape] = []
    with world.database.reading() as connection:
        rows += challenger_rows(connection)
        for name in MODEL_NAMES:
            released = releases(connection, name)
            if not released:
                continue
            live = read_manifest(live_folder(connection, name)) if released[0].version else None
            decided = decisions(connection, name)
            unlisted = decided.keys() - {release.version for release in released}
            earlier = [Release(name, one, None, None, "stocktriage", SHIPPED_BEFORE) for one in sorted(unlisted)]
            for number, release in enumerate([*released, *earlier]):
                is_live = number == 0 and live is not None
                rows.append(
                    {
                        "name": name,
                        "version": release.version,
                        "role": "live" if is_live else "before" if release.version else "withdrawn",
                        "live": is_live,
                        "since": release.since,
                        "until": release.until,
                        "released_by": release.released_by,
                        "reason": release.reason,
                        "evaluation": release.evaluation,
                        "decided": sum(decided.get(release.version, {}).values()),
                        "decisions": decided.get(release.version, {}),
                        "headline": HEADLINE[name] if is_live else None,
                        "value": live.metrics.get(HEADLINE[name]) if is_live and live else None,
                        "trained_at": live.trained_at if is_live and live else None,
                        "data": live.data if is_live and live else None,
                        "metrics": live.metrics if is_live and live else None,
                        "beside": None,
                        "drift": world.own_drift.of(connection, name, world.clock()) if is_live else None,
                    }
                )
    return rows


def challenger_rows(connection: Connection) -> list[Shape]:
    """The challenger as a row of ``model_rows``, with where it answered otherwise; empty where there is none."""
    named = challenger(connection)
    if named is None:
        return []
    compared = beside(connection, named.version)
    manifest, reason = None, told_beside(compared)
    try:
        manifest = read_manifest(named.folder)
    except ModelRefused as error:  # whoever answers beside is not worth hiding who is live
        reason = f"cannot answer: {error}"
    return [
        {
            "name": CHALLENGED,
            "version": named.version,
            "role": "challenger",
            "live": False,
            "since": named.since,
            "until": None,
            "released_by": named.named_by,
            "reason": reason,
            "evaluation": None,
            "decided": 0,
            "decisions": {},
            "headline": HEADLINE[CHALLENGED],
            "value": manifest.metrics.get(HEADLINE[CHALLENGED]) if manifest else None,
            "trained_at": manifest.trained_at if manifest else None,
            "data": manifest.data if manifest else None,
            "metrics": manifest.metrics if manifest else None,
            "beside": {**asdict(compared), "share": compared.share},
            "drift": None,
        }
    ]


def told_beside(compared: Beside) -> str:
    """A challenger's answers in one line."""
    if compared.share is None:
        return "answers beside it; nothing new to answer yet"
    told = f"answered {compared.answered:,} beside it, {compared.share:.1%} otherwise"
    if not compared.labelled:
        return told
    right = f"{compared.challenger_right:,} right of {compared.labelled:,} told by people"
    return f"{told}; {right}, the live one {compared.live_right:,}"


def training_digest(world: World, as_of: datetime) -> str:
    """The digest of what would be trained on as of ``as_of``."""
    with world.database.reading() as connection:
        return digest_of(training_set(connection, as_of))


def label_rows(world: World, most: int) -> list[Shape]:
    """The newest ``most`` labels with where they are from, and whether they may be trained on yet."""
    now = to_microseconds(world.clock())
    with world.database.reading() as connection:
        rows = connection.execute(text(_LABELS), {"most": most}).mappings().all()
    return [
        {
            "failure": row["id"],
            "message": row["message"],
            "root_cause": row["root_cause"],
            "subclass": row["subclass"],
            "source": row["source"],
            "case": row["case_id"],
            "actor": row["actor"],
            "told_at": from_microseconds(row["told_at"]),
            "ripe_at": from_microseconds(row["ripe_at"]),
            "state": _state(row["withdrawn_at"], row["ripe_at"], now),
        }
        for row in rows
    ]


def _state(withdrawn_at: int | None, ripe_at: int, now: int) -> str:
    if withdrawn_at is not None:
        return "withdrawn"
    return "ripe" if ripe_at <= now else "ripening"


_LABELS = """
SELECT l.*, f.id, f.message FROM cause_label l JOIN failure f ON f.failure_id = l.failure_id
ORDER BY l.label_id DESC LIMIT :most
"""
