"""The one road into the service: gate, copy, a row that says since when and by whom; and the way back."""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Connection, insert, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.engine import Database
from core_sync.errors import NotFound, VerbRefused
from ml.fulfilment.own_orders import own_orders
from ml.labels.held_out import labels_to_measure_on
from ml.registry.copies import copied
from ml.registry.evaluation_sets import EvaluationSets
from ml.registry.gate import Verdict, judge_classifier, judge_detector
from ml.registry.lateness_gate import judge_lateness
from ml.registry.manifest import MODEL_NAMES, OWN_NAMES, Manifest, ModelRefused, read_manifest
from ml.registry.service_models import SHIPPED, ServiceModels, live_folder
from ml.registry.tables import ModelRelease
from ml.suppliers.own_lines import own_lines

HEADLINE = {
    "root_cause": "fused.macro_f1",
    "delta_detector": "average_precision",
    "movement_detector": "average_precision",
    "supplier_lateness": "average_precision",
    "fulfilment_latency": "pinball_loss_spared",
}
"""The figure of its training that each model is told by. Promotion measures anew and heeds none of them."""

ROLLED_BACK = "rolled back"


@dataclass(frozen=True, slots=True)
class Release:
    """One version of a model while it was live; ``until`` is None for the one that is."""

    name: str
    version: str
    since: datetime | None
    until: datetime | None
    released_by: str
    reason: str
    evaluation: str | None = None
    """Digest of the rows it was measured on when it was promoted."""


@dataclass(frozen=True, slots=True)
class Promoted:
    """What was made live, and on what measurement."""

    manifest: Manifest
    verdict: Verdict


def judge(
    connection: Connection,
    candidate: Path,
    at: datetime,
    equal_is_enough: bool = False,
    sets: EvaluationSets | None = None,
) -> Verdict:
    """Measure the model in the folder ``candidate`` beside the live one, whatever its manifest claims.

    Args:
        at: the moment as of which labels are ripe.
        equal_is_enough: let it pass also when it is as good as the live one, not better.
        sets: the rows to measure on; if left out the frozen ones and the user's own labels that are held out.

    Raises:
        NotFound: no model is called as its manifest says.
        ModelRefused: its files are not what the manifest says, or this version of the code cannot load them.
    """
    manifest = read_manifest(candidate)
    name = manifest.name
    if name not in MODEL_NAMES:
        raise NotFound("model called", name)
    challenger = ServiceModels({name: candidate})
    challenger.load(name)
    champion = _readable(name, live_folder(connection, name))
    if challenger.supplier_lateness is not None:
        lines = own_lines(connection, at)
        return judge_lateness(
            challenger.supplier_lateness, champion.supplier_lateness if champion else None, lines, equal_is_enough
        )
    if challenger.fulfilment_latency is not None:
        from ml.registry.latency_gate import judge_latency  # its plain rule stands beside the trees

        before_it = champion.fulfilment_latency if champion else None
        return judge_latency(challenger.fulfilment_latency, before_it, own_orders(connection, at), at, equal_is_enough)
    sets = sets or EvaluationSets(own=labels_to_measure_on(connection, at))
    if name == "root_cause":
        before = champion.root_cause if champion else None
        return judge_classifier(challenger.root_cause, before, sets.of_failures(), equal_is_enough)
    return judge_detector(
        name, challenger.detector(name), champion.detector(name) if champion else None, sets.of(name), equal_is_enough
    )


def promote(
    database: Database,
    candidate: Path,
    service: Path,
    actor: str,
    at: datetime,
    equal_is_enough: bool = False,
    sets: EvaluationSets | None = None,
) -> Promoted:
    """Make the model in the folder ``candidate`` the live one, once it passes the gate.

    Nothing is locked while it is measured; the arguments are those of ``judge``.

    Raises:
        ModelRefused: the files are not what their manifest says, or this version of the code cannot load them.
        VerbRefused: it does not pass the gate, and why; or another version went live meanwhile.
    """
    manifest = read_manifest(candidate)
    subject = f"{manifest.name} {manifest.version}"
    with database.reading() as connection:
        if manifest.name in MODEL_NAMES and _live_version(connection, manifest.name) == manifest.version:
            raise VerbRefused("promote", subject, "it is live already")
        before = _newest_release(connection, manifest.name)
        verdict = judge(connection, candidate, at, equal_is_enough, sets)
    if verdict.refused is not None:
        raise VerbRefused("promote", subject, verdict.refused)
    folder = copied(candidate, manifest, service / manifest.name)
    with database.transaction() as connection:
        if _newest_release(connection, manifest.name) != before:
            raise VerbRefused("promote", subject, "another version went live while it was measured; promote it again")
        _release(connection, manifest, str(folder), actor, "promoted", at, verdict)
    return Promoted(manifest, verdict)


def rollback(connection: Connection, name: str, actor: str, at: datetime) -> Manifest | None:
    """Make the version that was live before the present one live again; doing so twice goes back by two.

    Before the first version of a model that learns from one's own facts alone there was none: then it is withdrawn,
    and None is returned.

    Raises:
        NotFound: no model is called so.
        VerbRefused: there was nothing before.
    """
    if name not in MODEL_NAMES:
        raise NotFound("model called", name)
    before = _stack(connection, name)[:-1]
    if not before:
        live = "no version is live" if name in OWN_NAMES else "the shipped baseline is live"
        raise VerbRefused("roll back", name, f"{live}, and nothing was before it")
    folder = before[-1]
    if not folder and name in OWN_NAMES:
        _withdraw(connection, name, actor, at)
        return None
    manifest = read_manifest(Path(folder) if folder else SHIPPED / name)
    _release(connection, manifest, folder, actor, ROLLED_BACK, at)
    return manifest


def _stack(connection: Connection, name: str) -> list[str]:
    """Folders of the versions to go back through, the live one last; "", the first, for the baseline or for none."""
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


def releases(connection: Connection, name: str) -> list[Release]:
    """Which version of ``name`` was live when, newest first; the shipped baseline last, where there is one."""
    rows = connection.execute(
        text(
            "SELECT version, released_at, released_by, reason, evaluation FROM model_release "
            "WHERE name = :name ORDER BY release_id DESC"
        ),
        {"name": name},
    ).all()
    told: list[Release] = []
    until: datetime | None = None
    for version, released_at, released_by, reason, evaluation in rows:
        since = from_microseconds(released_at)
        told.append(Release(name, version, since, until, released_by, reason, evaluation))
        until = since
    if name in OWN_NAMES:
        return told
    baseline = read_manifest(SHIPPED / name)
    return [*told, Release(name, baseline.version, None, until, "stocktriage", "shipped baseline")]


def _readable(name: str, folder: Path) -> ServiceModels | None:
    """The live model; None where this version of the code cannot load it, so that nothing can be compared with it."""
    models = ServiceModels({name: folder})
    try:
        models.load(name)
    except ModelRefused:
        return None
    return models


def _live_version(connection: Connection, name: str) -> str | None:
    try:
        return read_manifest(live_folder(connection, name)).version
    except ModelRefused:
        return None


def _newest_release(connection: Connection, name: str) -> int | None:
    found: int | None = connection.execute(
        text("SELECT MAX(release_id) FROM model_release WHERE name = :name"), {"name": name}
    ).scalar_one()
    return found


def _withdraw(connection: Connection, name: str, actor: str, at: datetime) -> None:
    """From now on no version of ``name`` is live."""
    none = {"name": name, "version": "", "folder": "", "reason": ROLLED_BACK}
    connection.execute(insert(ModelRelease).values(**none, released_at=to_microseconds(at), released_by=actor))


def _release(
    connection: Connection,
    manifest: Manifest,
    folder: str,
    actor: str,
    reason: str,
    at: datetime,
    verdict: Verdict | None = None,
) -> None:
    connection.execute(
        insert(ModelRelease).values(
            name=manifest.name,
            version=manifest.version,
            folder=folder,
            released_at=to_microseconds(at),
            released_by=actor,
            reason=reason,
            evaluation=verdict.comparisons[0].digest if verdict else None,
            figures=msgspec.json.encode(asdict(verdict)).decode() if verdict else None,
        )
    )
