"""Train a model end to end: data, fit, figures on an unseen world, artefacts, manifest, card, MLflow run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from api.jobs.own_training import OwnFacts, fit_own
from api.jobs.simulated_facts import SimulatedFacts, facts_of, labelled_failures
from core_sync.errors import NotFound, VerbRefused
from core_sync.interchange.files import read_rows
from core_sync.interchange.formats import TABLES
from core_sync.interchange.rows import Row
from ml.anomaly import storage as detector_storage
from ml.anomaly.fault_probability import save_curve
from ml.registry.manifest import MODEL_NAMES, OWN_NAMES, Manifest, write_manifest
from ml.root_cause import persist as classifier_storage
from ml.root_cause.recipe import Recipe
from ml.root_cause.train import train_root_cause
from ml.training.detectors import (
    SPECIFICATIONS,
    Labelled,
    describe_deltas,
    describe_movements,
    train_detector,
)
from simulation.distributor import simulate
from simulation.scenario import HELD_OUT, TRAINING, TRAINING_AGAIN, TRAINING_MIX, Scenario
from simulation.varied import VARIED

WORLDS = {"movement_detector": TRAINING_AGAIN, "delta_detector": (*TRAINING_MIX, *VARIED)}
"""What a detector is trained on, by its name."""

DAY_US = 86_400_000_000
Say = Callable[[str], None]


@dataclass(frozen=True)
class TrainedModel:
    """A trained model: where its artefacts lie, and what they are."""

    folder: Path
    manifest: Manifest


def train(
    name: str,
    folder: Path,
    seed: int,
    at: datetime,
    say: Say,
    data: Path | None = None,
    recipe: Recipe | None = None,
    labels: Sequence[Mapping[str, Any]] = (),
    own: OwnFacts | None = None,
) -> TrainedModel:
    """Train ``name`` into ``folder``/VERSION, with manifest and card.

    Args:
        name: one of ``MODEL_NAMES``.
        folder: where candidates are kept.
        seed: of the simulated worlds and of the fit.
        at: the moment of training, for the manifest.
        say: hears of progress.
        data: failures of one's own with a column ``root_cause``, trained on beside the simulated ones.
        recipe: of the root-cause classifier; the shipped one's if left out.
        labels: failures with the cause that people told, trained on as ``data`` are.
        own: facts of one's own, of a model that learns from those alone (``own_training``).

    Raises:
        NotFound: there is no such model.
        VerbRefused: there are ``data`` or a ``recipe``, and ``name`` does not learn from failures; or there are too
            few facts.
    """
    if name not in MODEL_NAMES:
        raise NotFound("model called", f"{name}; there are {', '.join(MODEL_NAMES)}")
    if data is not None and name != "root_cause":
        raise VerbRefused("train", name, "data of your own are failures, and only root_cause learns from those")
    if recipe is not None and name != "root_cause":
        raise VerbRefused("train", name, "only root_cause has parameters to change")
    with TemporaryDirectory(dir=_made(folder)) as scratch:
        artefacts = Path(scratch) / "model"
        artefacts.mkdir()
        if name == "root_cause":
            fitted = _fit_classifier(artefacts, seed, say, data, labels, recipe or Recipe())
        elif own is not None:
            metrics, told, digest = fit_own(name, artefacts, own)
            fitted = _Fitted(metrics, told, {}, digest)
        else:
            fitted = _fit_detector(name, artefacts, seed, say)
        manifest = write_manifest(
            artefacts, name, at, fitted.data, seed, fitted.metrics, fitted.parameters, fitted.digest
        )
        (artefacts / "CARD.md").write_text(card(manifest), encoding="utf-8")
        kept = folder / manifest.version
        if not kept.exists():
            artefacts.rename(kept)
    return TrainedModel(kept, manifest)


def card(manifest: Manifest) -> str:
    """The model's card: what it is, what it was made from, what it reaches."""
    figures = "\n".join(f"| {name} | {value:.4g} |" for name, value in sorted(manifest.metrics.items()))
    return (
        f"# {manifest.name} {manifest.version}\n\n"
        f"Trained on: {manifest.data}. Seed {manifest.seed}.\n\n"
        f"{_FROM_OWN if manifest.name in OWN_NAMES else _FROM_SIMULATED}\n\n"
        f"| measure | value |\n|---|---|\n{figures}\n"
    )


_FROM_SIMULATED = (
    "The figures are from simulated distributors with other constants than those trained on; they rank models\n"
    "and do not predict accuracy at a customer."
)
_FROM_OWN = "The figures are from what happened after that which it was trained on."


@dataclass(frozen=True)
class _Fitted:
    metrics: Mapping[str, float]
    data: str
    parameters: Mapping[str, float]
    digest: str = ""


def _fit_classifier(
    artefacts: Path, seed: int, say: Say, data: Path | None, labels: Sequence[Mapping[str, Any]], recipe: Recipe
) -> _Fitted:
    rows: list[Mapping[str, Any]] = []
    for number in range(recipe.worlds):
        say(f"simulating a distributor, seed {seed + number}")
        rows += _simulated_failures(seed + number)
    told = (
        f"{recipe.worlds} simulated distributors, seeds {seed} to {seed + recipe.worlds - 1}, and one more to calibrate"
    )
    own = list(labels)
    if labels:
        told = f"{told}; {len(labels)} labelled failures"
    if data is not None:
        rows_of_file = _labelled_rows(data)
        own += rows_of_file
        told = f"{told}; {len(rows_of_file)} failures from {data.name}"
    say(f"{len(rows):,} simulated failures and {len(own):,} of your own")
    kept = _simulated_failures(seed + recipe.worlds)
    trained = train_root_cause(rows, seed, recipe, own, say, kept)
    classifier_storage.save(trained.classifier, artefacts)
    return _Fitted(trained.metrics, told, asdict(recipe), _digest([*rows, *own]))


def _digest(rows: Sequence[Mapping[str, Any]]) -> str:
    digest = sha256()
    for row in rows:
        digest.update(msgspec.json.encode(row, order="sorted"))
    return digest.hexdigest()[:12]


def _fit_detector(name: str, artefacts: Path, seed: int, say: Say) -> _Fitted:
    scenarios = [replace(scenario, seed=scenario.seed + seed - 1) for scenario in WORLDS[name]]
    worlds = [_facts(scenario, say) for scenario in scenarios]
    say("fitting the detector")
    unseen = _held_out(say)
    detector = train_detector(
        SPECIFICATIONS[name], [labelled_rows_of(name, world) for world in worlds], labelled_rows_of(name, unseen), seed
    )
    detector_storage.save(detector.detector, artefacts)
    save_curve(detector.curve, artefacts)
    told = f"{len(worlds)} simulated distributors, seeds {', '.join(str(one.seed) for one in scenarios)}"
    return _Fitted(detector.metrics, told, {})


def labelled_rows_of(name: str, facts: SimulatedFacts) -> Labelled:
    """The rows of a simulated distributor that the detector ``name`` sees, with the truth beside each."""
    if name == "delta_detector":
        moments: NDArray[np.int64] = facts.deltas["as_of"].dt.epoch("us").to_numpy()
        return Labelled(describe_deltas(facts.deltas), facts.faulty_deltas, moments)
    days: NDArray[np.int64] = facts.movements["occurred_at"].to_numpy() // DAY_US
    return Labelled(describe_movements(facts.movements), facts.faulty_movements, days)


def _labelled_rows(data: Path) -> Sequence[Mapping[str, Any]]:
    """The rows of a failures file that name their ``root_cause``."""
    rows = (row for row in read_rows(data, TABLES["failures"]) if isinstance(row, Row))
    return [{**row.fields, **row.attributes} for row in rows if row.attributes.get("root_cause")]


@lru_cache(maxsize=4)
def _simulated_failures(seed: int) -> list[dict[str, object]]:
    return labelled_failures(simulate(replace(TRAINING, seed=seed)))


_simulated: dict[str, SimulatedFacts] = {}
"""Facts by all that makes their scenario, for as long as the process trains."""


def _facts(scenario: Scenario, say: Say) -> SimulatedFacts:
    say(f"simulating a distributor, seed {scenario.seed}")
    if (made_from := repr(scenario)) not in _simulated:
        _simulated[made_from] = facts_of(scenario)
    return _simulated[made_from]


@lru_cache(maxsize=1)
def _unseen() -> SimulatedFacts:
    return facts_of(HELD_OUT)


def _held_out(say: Say) -> SimulatedFacts:
    say("simulating the world that figures are measured on")
    return _unseen()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
