"""What doors do with models: list, train a candidate, promote it, roll back."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from api.shapes import Shape
from api.wiring import World
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.errors import NotFound
from ml.labels.held_out import labels_to_train_on
from ml.labels.training_set import digest_of, training_set
from ml.registry.challenger import CHALLENGED, challenger
from ml.registry.decisions import decisions
from ml.registry.disagreement import Beside, beside
from ml.registry.evaluation_sets import EvaluationSets, frozen_failures
from ml.registry.gate import Comparison, Verdict
from ml.registry.manifest import MANIFEST, MODEL_NAMES, Manifest, ModelRefused, read_manifest
from ml.registry.promotion import HEADLINE, Promoted, Release, judge, promote, releases, rollback
from ml.registry.report import Table, confusion, reliability
from ml.registry.service_models import live_folder
from ml.root_cause.recipe import Recipe

_LOG = logging.getLogger("stocktriage.models")
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


def train_candidate(
    world: World,
    name: str,
    seed: int,
    data: Path | None,
    say: Callable[[str], None],
    recipe: Recipe | None = None,
    retraining: str | None = None,
    sets: EvaluationSets | None = None,
) -> Shape:
    """Train ``name`` and keep it as a candidate; tells how it compares with the live one.

    The root-cause classifier learns from every ripe label too, but for those it is measured on.

    Args:
        world: whose labels are trained on and whose live model is compared with.
        name: of the model.
        seed: of the simulated worlds and of the fit.
        data: failures of one's own with a column ``root_cause``.
        say: hears of progress.
        recipe: what to train otherwise than the shipped model was, of ``root_cause`` only.
        retraining: MLflow's run that it belongs below, of ``retraining_run``; one of its own if left out.
        sets: as in ``ml.registry.promotion.judge``.

    Raises:
        NotFound: there is no such model.
        VerbRefused: it does not learn from data of one's own, or has no recipe; or there is too little to learn from.
    """
    from api.jobs.own_training import own_facts
    from api.jobs.training import train

    at = world.clock()
    labels: list[Mapping[str, Any]] = []
    with world.database.reading() as connection:
        if name == "root_cause":
            labels = labels_to_train_on(connection, at)
        own = own_facts(connection, name, at)
    trained = train(name, candidates_of(world, name), seed, at, say, data, recipe, labels, own)
    say("measuring it beside the live version")
    with world.database.reading() as connection:
        verdict = judge(connection, trained.folder, at, sets=sets)
    _log(world, trained.folder, trained.manifest, verdict, retraining, say)
    return {
        "name": name,
        "version": trained.manifest.version,
        "folder": str(trained.folder),
        "passes_gate": verdict.refused is None,
        "gate": verdict_in_words(name, verdict),
        "parameters": dict(trained.manifest.parameters),
        "metrics": trained.manifest.metrics,
        **measured(verdict),
    }


def measured(verdict: Verdict) -> Shape:
    """What a promotion is or would be decided on."""
    return {
        "latency_ratio": verdict.latency_ratio,
        "comparisons": [_measured(one) for one in verdict.comparisons],
    }


def _measured(one: Comparison) -> Shape:
    over = one.over_champion
    return {
        "on": one.title,
        "evaluation": one.digest,
        "rows": one.rows,
        "measure": one.measure,
        "challenger": one.challenger,
        "champion": one.champion,
        "rules": one.rules,
        "difference": over.value if over else None,
        "difference_low": over.low if over else None,
        "difference_high": over.high if over else None,
        "by_class": {cause: {"challenger": f1[0], "champion": f1[1]} for cause, f1 in one.by_class.items()},
    }


def verdict_in_words(name: str, verdict: Verdict) -> str:
    """Whether a candidate may be promoted, and why not."""
    if verdict.refused is None:
        return f"it may be promoted: stocktriage promote {name}"
    return f"not to be promoted: {verdict.refused}"


def promote_candidate(
    world: World,
    name: str,
    version: str | None,
    actor: str,
    equal_is_enough: bool = False,
    sets: EvaluationSets | None = None,
) -> Promoted:
    """Make a candidate live: ``version``, or the one trained last; ``sets`` as in ``ml.registry.promotion.judge``.

    Raises:
        NotFound: there is no such candidate.
        VerbRefused: it does not pass the gate.
    """
    candidate = candidate_folder(world, name, version)
    service = service_folder(world)
    promoted = promote(world.database, candidate, service, actor, world.clock(), equal_is_enough, sets)
    name_in_mlflow(world, promoted.manifest)
    return promoted


def roll_back(world: World, name: str, actor: str) -> Manifest | None:
    """Make the version live that was before; None where there was none and the live one is withdrawn.

    Raises:
        NotFound: there is no such model.
        VerbRefused: there was nothing before.
    """
    from ml.registry.tracking import name_champion

    with world.database.transaction() as connection:
        manifest = rollback(connection, name, actor, world.clock())
    tell_mlflow(world, name, manifest.version if manifest else "", name_champion)
    return manifest


def name_in_mlflow(world: World, live: Manifest) -> None:
    """Point MLflow's alias at the version that is live."""
    from ml.registry.tracking import name_champion

    tell_mlflow(world, live.name, live.version, name_champion)


def tell_mlflow(world: World, name: str, version: str, naming: Callable[[str, str, str], None]) -> None:
    """Move one of MLflow's aliases by ``naming``; a store that is away costs neither promotion nor challenge."""
    try:
        naming(world.settings.mlflow_uri, name, version)
    except Exception as error:
        _LOG.warning("MLflow was not told of %s %s: %s", name, version, error)


def candidate_folder(world: World, name: str, version: str | None) -> Path:
    """Where the candidate ``version`` lies, or the one trained last.

    Raises:
        NotFound: there is no such candidate.
    """
    folder = candidates_of(world, name)
    found = [path for path in folder.glob("*") if (path / MANIFEST).is_file() and version in (None, path.name)]
    if not found:
        raise NotFound("trained candidate of", f"{' '.join(filter(None, (name, version)))}; train one first")
    return max(found, key=lambda path: read_manifest(path).trained_at)


def service_folder(world: World) -> Path:
    """Where the service keeps its own copies of models."""
    return world.settings.models_folder.resolve() / "live"


def candidates_of(world: World, name: str) -> Path:
    """Where candidates of the model ``name`` are kept."""
    if name not in MODEL_NAMES:
        raise NotFound("model called", f"{name}; there are {', '.join(MODEL_NAMES)}")
    return world.settings.models_folder / "candidates" / name


def retraining_run(world: World, name: str) -> str:
    """A run of MLflow's that several candidates of ``name`` are kept below."""
    from ml.registry.tracking import open_retraining

    return open_retraining(world.settings.mlflow_uri, name, world.clock())


def _log(
    world: World,
    folder: Path,
    manifest: Manifest,
    verdict: Verdict,
    retraining: str | None,
    say: Callable[[str], None],
) -> None:
    """Keep the training in MLflow too; a tracking server that is away does not cost the training."""
    from ml.registry.tracking import Measured, log_training

    try:
        found = Measured(verdict, *_looked_at(folder, manifest.name))
        parent = retraining or retraining_run(world, manifest.name)
        log_training(world.settings.mlflow_uri, folder, manifest, found, parent)
    except Exception as error:
        say(f"not kept in MLflow: {error}")


def _looked_at(folder: Path, name: str) -> tuple[dict[str, Table], dict[str, Any]]:
    """Tables of the root-cause classifier on the frozen failures, and one of those as an example."""
    if name != "root_cause":
        return {}, {}
    known = frozen_failures()
    from ml.root_cause.persist import load

    told = load(folder).classify(known.evidences)
    example = {name: value for name, value in asdict(known.evidences[0]).items() if value is not None}
    return {"confusion": confusion(told, known.truth), "reliability": reliability(told, known.truth)}, example


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
