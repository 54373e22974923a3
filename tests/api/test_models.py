"""Models through the doors: what is promoted is what MLflow calls the champion."""

import shutil
from pathlib import Path

import pytest

from api.jobs.training import train
from api.models import candidates_of, promote_candidate
from api.wiring import World
from core_sync.clock import now
from core_sync.errors import VerbRefused
from ml.registry.manifest import read_manifest, write_manifest
from ml.registry.service_models import SHIPPED
from ml.registry.tracking import log_training


def test_the_promoted_version_is_the_champion_in_mlflow(world: World, tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    folder = Path(shutil.copytree(SHIPPED / "delta_detector", tmp_path / "trained"))
    (folder / "note.json").write_text("{}")
    metrics = read_manifest(SHIPPED / "delta_detector").metrics
    manifest = write_manifest(folder, "delta_detector", now(), "the same again", 1, metrics)
    shutil.copytree(folder, candidates_of(world, "delta_detector") / manifest.version)
    uri = world.settings.mlflow_uri
    log_training(uri, folder, manifest, {})
    promote_candidate(world, "delta_detector", None, "a data scientist")
    champion = MlflowClient(tracking_uri=uri, registry_uri=uri).get_model_version_by_alias("delta_detector", "champion")
    assert champion.tags["hash"] == manifest.version


def test_a_detector_does_not_pretend_to_learn_from_failures_of_ones_own(tmp_path: Path) -> None:
    with pytest.raises(VerbRefused, match="only root_cause learns"):
        train("delta_detector", tmp_path, 1, now(), lambda _: None, data=tmp_path / "failures.csv")
