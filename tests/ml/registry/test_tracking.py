"""A training is a run in MLflow's own store, its model a registered version; the champion is an alias."""

from datetime import UTC, datetime
from pathlib import Path

from ml.registry.manifest import write_manifest
from ml.registry.tracking import log_training, name_champion


def test_a_training_becomes_a_run_and_a_registered_version(tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    versions = []
    for seed in (1, 2):
        folder = tmp_path / f"model{seed}"
        folder.mkdir()
        (folder / "recipe.json").write_text(f'{{"seed": {seed}}}')
        manifest = write_manifest(
            folder, "root_cause", datetime(2026, 3, 2, tzinfo=UTC), "x", seed, {"f1": 0.5 + seed / 10}, {"worlds": 3}
        )
        run_id, version = log_training(uri, folder, manifest)
        name_champion(uri, "root_cause", manifest.version)
        versions.append((run_id, version))
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    assert str(client.get_model_version_by_alias("root_cause", "champion").version) == versions[1][1]
    assert str(client.get_model_version_by_alias("root_cause", "previous").version) == versions[0][1]
    run = client.get_run(versions[1][0])
    assert (run.data.metrics["f1"], run.data.params["worlds"]) == (0.7, "3")
    assert (tmp_path / "mlflow-artifacts" / versions[1][0] / "artifacts" / "model" / "recipe.json").is_file()
