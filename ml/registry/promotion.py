"""The one road into the service: gate, copy, a row that says since when and by whom; and the way back."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, insert, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.errors import NotFound, VerbRefused
from ml.registry.manifest import MODEL_NAMES, Manifest, read_manifest
from ml.registry.service_models import SHIPPED, live_folder
from ml.registry.tables import ModelRelease

HEADLINE = {
    "root_cause": "fused.macro_f1",
    "delta_detector": "average_precision",
    "movement_detector": "average_precision",
}
"""The figure each model is compared by, on the same simulated rows that neither was trained on."""

NOISE = 0.01
"""A challenger this much worse may be as good: figures of two trainings differ by as much."""

CLASS_LOSS_MAX = 0.05
"""No root cause may lose more F1 than this, whatever the mean says."""


@dataclass(frozen=True, slots=True)
class Release:
    """One version of a model while it was live; ``until`` is None for the one that is."""

    name: str
    version: str
    since: datetime | None
    until: datetime | None
    released_by: str
    reason: str


def promote(connection: Connection, candidate: Path, service: Path, actor: str, at: datetime) -> Manifest:
    """Make the model in the folder ``candidate`` the live one, once it passes the gate.

    Raises:
        ModelRefused: the files are not what their manifest says.
        VerbRefused: it is worse than the live model, and how.
    """
    manifest = read_manifest(candidate)
    if manifest.name not in MODEL_NAMES:
        raise NotFound("model called", manifest.name)
    live = live_folder(connection, manifest.name)
    if (live / "manifest.json").is_file():
        champion = read_manifest(live)
        if champion.version == manifest.version:
            raise VerbRefused("promote", f"{manifest.name} {manifest.version}", "it is live already")
        reason = worse_than(manifest, champion)
        if reason is not None:
            raise VerbRefused("promote", f"{manifest.name} {manifest.version}", reason)
    folder = service / manifest.name / manifest.version
    if not folder.exists():
        shutil.copytree(candidate, folder)
    _release(connection, manifest, folder, actor, "promoted", at)
    return manifest


def rollback(connection: Connection, name: str, actor: str, at: datetime) -> Manifest:
    """Make the version that was live before the present one live again.

    Raises:
        VerbRefused: there was none before.
    """
    folders = list(
        connection.execute(
            text("SELECT folder FROM model_release WHERE name = :name ORDER BY release_id DESC"), {"name": name}
        ).scalars()
    )
    if not folders:
        raise VerbRefused("roll back", name, "the shipped baseline is live, and nothing was before it")
    before = next((Path(folder) for folder in folders if folder != folders[0]), SHIPPED / name)
    manifest = read_manifest(before)
    _release(connection, manifest, before, actor, "rolled back", at)
    return manifest


def releases(connection: Connection, name: str) -> list[Release]:
    """Which version of ``name`` was live when, newest first; the shipped baseline last."""
    rows = connection.execute(
        text(
            "SELECT version, released_at, released_by, reason FROM model_release "
            "WHERE name = :name ORDER BY release_id DESC"
        ),
        {"name": name},
    ).all()
    told: list[Release] = []
    until: datetime | None = None
    for version, released_at, released_by, reason in rows:
        since = from_microseconds(released_at)
        told.append(Release(name, version, since, until, released_by, reason))
        until = since
    baseline = read_manifest(SHIPPED / name)
    return [*told, Release(name, baseline.version, None, until, "stocktriage", "shipped baseline")]


def worse_than(challenger: Manifest, champion: Manifest) -> str | None:
    """How ``challenger`` is worse than ``champion`` by more than noise; None when it is not."""
    headline = HEADLINE[challenger.name]
    ours, theirs = challenger.metrics.get(headline), champion.metrics.get(headline)
    if ours is None:
        return f"its manifest tells no {headline}"
    if theirs is not None and ours < theirs - NOISE:
        return f"{headline} is {ours:.3f}, the live version has {theirs:.3f}"
    for name, figure in champion.metrics.items():
        if ".f1." in name and name.startswith("fused") and challenger.metrics.get(name, 0.0) < figure - CLASS_LOSS_MAX:
            return f"{name} falls from {figure:.3f} to {challenger.metrics.get(name, 0.0):.3f}"
    return None


def _release(connection: Connection, manifest: Manifest, folder: Path, actor: str, reason: str, at: datetime) -> None:
    connection.execute(
        insert(ModelRelease).values(
            name=manifest.name,
            version=manifest.version,
            folder=str(folder),
            released_at=to_microseconds(at),
            released_by=actor,
            reason=reason,
        )
    )
