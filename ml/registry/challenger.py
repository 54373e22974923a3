"""The challenger: a version that answers beside the live one, so that both are seen on the same failures.

Only the live model decides. A challenger passes through the same checks of its files as a promotion does, but through
no gate: what it is worth is what is to be found out.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, insert, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.engine import Database
from core_sync.errors import VerbRefused
from ml.registry.copies import copied
from ml.registry.manifest import Manifest, read_manifest
from ml.registry.service_models import ServiceModels, live_folder
from ml.registry.tables import ModelChallenger

CHALLENGED = "root_cause"
"""The model whose challengers answer. Detectors are compared on frozen rows alone: two of them raise other cases."""


@dataclass(frozen=True, slots=True)
class Challenger:
    """Who answers beside the live model, where it lies, and since when and by whose word."""

    version: str
    folder: Path
    since: datetime
    named_by: str
    after_failure: int
    """It answers every failure with a higher number."""


def name_challenger(database: Database, candidate: Path, service: Path, actor: str, at: datetime) -> Manifest:
    """Let the model in the folder ``candidate`` answer beside the live one; ``service`` is where its copy is kept.

    Raises:
        ModelRefused: the files are not what their manifest says, or this version of the code cannot load them.
        VerbRefused: it is not of the model that is challenged, or is the live one itself.
    """
    manifest = read_manifest(candidate)
    subject = f"{manifest.name} {manifest.version}"
    if manifest.name != CHALLENGED:
        raise VerbRefused("challenge with", subject, f"only {CHALLENGED} answers beside the live model")
    with database.reading() as connection:
        if read_manifest(live_folder(connection, manifest.name)).version == manifest.version:
            raise VerbRefused("challenge with", subject, "it is live already")
    ServiceModels({manifest.name: candidate}).load(manifest.name)
    folder = copied(candidate, manifest, service / manifest.name)
    _say(database, manifest.version, str(folder), actor, at)
    return manifest


def end_challenge(database: Database, actor: str, at: datetime) -> None:
    """From now on nobody answers beside the live model.

    Raises:
        VerbRefused: nobody does.
    """
    with database.reading() as connection:
        if challenger(connection) is None:
            raise VerbRefused("end the challenge of", CHALLENGED, "nobody answers beside the live version")
    _say(database, "", "", actor, at)


def challenger(connection: Connection) -> Challenger | None:
    """Who answers beside the live model; nobody once it went live itself, also where that was rolled back since."""
    newest = connection.execute(text(_NEWEST), {"name": CHALLENGED}).one_or_none()
    if newest is None or not newest.folder:
        return None
    named = {"name": CHALLENGED, "version": newest.version, "named_at": newest.named_at}
    if connection.execute(text(_WENT_LIVE), named).first() is not None:
        return None
    return Challenger(
        newest.version, Path(newest.folder), from_microseconds(newest.named_at), newest.named_by, newest.after_failure
    )


def _say(database: Database, version: str, folder: str, actor: str, at: datetime) -> None:
    with database.transaction() as connection:
        decided = connection.execute(text("SELECT COALESCE(MAX(failure_id), 0) FROM diagnosis")).scalar_one()
        connection.execute(
            insert(ModelChallenger).values(
                name=CHALLENGED,
                version=version,
                folder=folder,
                after_failure=decided,
                named_at=to_microseconds(at),
                named_by=actor,
            )
        )


_NEWEST = """
SELECT version, folder, named_at, named_by, after_failure FROM model_challenger
WHERE name = :name ORDER BY challenger_id DESC LIMIT 1
"""
_WENT_LIVE = """
SELECT 1 FROM model_release WHERE name = :name AND version = :version AND released_at >= :named_at LIMIT 1
"""
