"""MLflow, the data scientist's notebook of record: runs, figures, registered versions.

MLflow is imported when something is trained, never in the service. Artefacts are plain files (skops
and JSON); MLflow keeps them and never unpickles one.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from ml.registry.manifest import Manifest

CHAMPION, PREVIOUS = "champion", "previous"


def log_training(
    tracking_uri: str, folder: Path, manifest: Manifest, parameters: Mapping[str, object]
) -> tuple[str, str]:
    """Keep the model in ``folder`` as a run and as the newest version of its registered model.

    Args:
        tracking_uri: MLflow's store, e.g. ``sqlite:///var/mlflow.db`` or a server's address.
        folder: the model's artefacts, manifest and card.
        manifest: what ``folder`` holds.
        parameters: what it was trained with.

    Returns:
        The run's id and the number of the registered version.
    """
    _stay_silent()
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
    experiment = client.get_experiment_by_name(manifest.name)
    if experiment is None:
        experiment_id = client.create_experiment(manifest.name, artifact_location=_artefacts(tracking_uri))
    else:
        experiment_id = experiment.experiment_id
    run = client.create_run(experiment_id, tags={"version": manifest.version, "data": manifest.data})
    run_id = str(run.info.run_id)
    for name, value in {**parameters, "seed": manifest.seed}.items():
        client.log_param(run_id, name, value)
    for name, figure in manifest.metrics.items():
        client.log_metric(run_id, _metric_name(name), float(figure))
    client.log_artifacts(run_id, str(folder), artifact_path="model")
    client.set_terminated(run_id)
    try:
        client.create_registered_model(manifest.name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = f"{client.get_run(run_id).info.artifact_uri}/model"
    version = client.create_model_version(manifest.name, source, run_id, tags={"hash": manifest.version})
    return run_id, str(version.version)


def name_champion(tracking_uri: str, model: str, hash_version: str) -> None:
    """Point MLflow's alias ``champion`` at the version with that hash; what it named before is ``previous``."""
    if not _may_hold_runs(tracking_uri):
        return  # nothing was ever trained here
    _stay_silent()
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
    found = [v for v in client.search_model_versions(f"name='{model}'") if v.tags.get("hash") == hash_version]
    if not found:
        return  # the shipped baseline was never a run of this store
    try:
        before = client.get_model_version_by_alias(model, CHAMPION)
        client.set_registered_model_alias(model, PREVIOUS, before.version)
    except MlflowException:
        pass  # there was no champion before
    client.set_registered_model_alias(model, CHAMPION, found[0].version)


def _stay_silent() -> None:
    """Before MLflow is imported: it sends no telemetry."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")


def _may_hold_runs(tracking_uri: str) -> bool:
    file = tracking_uri.removeprefix("sqlite:///")
    return file == tracking_uri or Path(file).is_file()


def _artefacts(tracking_uri: str) -> str | None:
    """Beside a file store, artefacts lie in a folder next to it; a server knows its own place."""
    if not tracking_uri.startswith("sqlite:///"):
        return None
    database = Path(tracking_uri.removeprefix("sqlite:///")).resolve()
    return (database.parent / "mlflow-artifacts").as_uri()


def _metric_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_-./ " else "_" for letter in name)
