"""The one road into the service: gate, copy, a row that says since when and by whom; and the way back."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, insert, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.errors import NotFound, VerbRefused
from ml.registry.manifest import MODEL_NAMES, Manifest, ModelRefused, read_manifest
from ml.registry.service_models import SHIPPED, ServiceModels, live_folder
from ml.registry.tables import ModelRelease

HEADLINE = {
    "root_cause": "fused.macro_f1",
    "delta_detector": "average_precision",
    "movement_detector": "average_precision",
}
"""The figure each model is compared by, on the same simulated rows that neither was trained on."""

NOISE = 0.01
"""A challenger this much worse may be as good: figures of two trainings differ by as much."""

RULE_TABLE = "rule_table_alone.macro_f1"
"""A root-cause model that is no better than the table of rules alone earns no place."""

ROLLED_BACK = "rolled back"

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
        ModelRefused: the files are not what their manifest says, or this version of the code cannot load them.
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
    ServiceModels({manifest.name: candidate}).load(manifest.name)
    folder = _copied(candidate, manifest, service / manifest.name)
    _release(connection, manifest, str(folder), actor, "promoted", at)
    return manifest


def rollback(connection: Connection, name: str, actor: str, at: datetime) -> Manifest:
    """Make the version that was live before the present one live again; doing so twice goes back by two.

    Raises:
        VerbRefused: there was none before.
    """
    *before, _ = _stack(connection, name)
    if not before:
        raise VerbRefused("roll back", name, "the shipped baseline is live, and nothing was before it")
    folder = before[-1]
    manifest = read_manifest(Path(folder) if folder else SHIPPED / name)
    _release(connection, manifest, folder, actor, ROLLED_BACK, at)
    return manifest


def _stack(connection: Connection, name: str) -> list[str]:
    """Folders of the versions to go back through, the live one last; empty for the baseline, which is first."""
    rows = connection.execute(
        text("SELECT folder, reason FROM model_release WHERE name = :name ORDER BY release_id"), {"name": name}
    )
    stack = [""]
    for folder, reason in rows:
        if reason == ROLLED_BACK:
            stack = stack[:-1] or [folder]
        else:
            stack.append(folder)
    return stack


def _copied(candidate: Path, manifest: Manifest, kept: Path) -> Path:
    """The service's own copy of ``candidate``; it appears whole or not at all, whoever else promotes meanwhile.

    Raises:
        ModelRefused: the candidate changed while it was copied.
    """
    folder = kept / manifest.version
    kept.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        try:
            read_manifest(folder)
        except ModelRefused:
            shutil.rmtree(folder)  # what a promotion left that was cut off
        else:
            return folder
    with TemporaryDirectory(dir=kept) as scratch:
        copy = Path(shutil.copytree(candidate, Path(scratch) / "model"))
        if read_manifest(copy).version != manifest.version:
            raise ModelRefused(candidate, "it changed while it was copied")
        copy.rename(folder)
    return folder


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
    """How ``challenger`` is worse than ``champion`` by more than noise, or no better than rules; None if neither."""
    headline = HEADLINE[challenger.name]
    ours, theirs = challenger.metrics.get(headline), champion.metrics.get(headline)
    if ours is None:
        return f"its manifest tells no {headline}"
    if theirs is not None and ours < theirs - NOISE:
        return f"{headline} is {ours:.3f}, the live version has {theirs:.3f}"
    rules = challenger.metrics.get(RULE_TABLE)
    if rules is not None and ours <= rules + NOISE:
        return f"{headline} is {ours:.3f}, the table of rules alone has {rules:.3f}"
    for name, figure in champion.metrics.items():
        if ".f1." in name and name.startswith("fused") and challenger.metrics.get(name, 0.0) < figure - CLASS_LOSS_MAX:
            return f"{name} falls from {figure:.3f} to {challenger.metrics.get(name, 0.0):.3f}"
    return None


def _release(connection: Connection, manifest: Manifest, folder: str, actor: str, reason: str, at: datetime) -> None:
    connection.execute(
        insert(ModelRelease).values(
            name=manifest.name,
            version=manifest.version,
            folder=folder,
            released_at=to_microseconds(at),
            released_by=actor,
            reason=reason,
        )
    )
