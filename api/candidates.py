"""Train a candidate, measure it beside the live version, promote it, roll back."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from api.shapes import Shape
from api.wiring import World
from core_sync.errors import NotFound
from ml.labels.held_out import labels_to_train_on
from ml.registry.evaluation_sets import EvaluationSets, frozen_failures
from ml.registry.gate import Comparison, Verdict
from ml.registry.manifest import MANIFEST, MODEL_NAMES, Manifest, read_manifest
from ml.registry.promotion import Promoted, judge, promote, rollback
from ml.registry.report import Table, confusion, reliability
from ml.root_cause.recipe import Recipe

_LOG = logging.getLogger("stocktriage.models")


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
