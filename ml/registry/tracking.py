"""MLflow, the data scientist's notebook of record: runs, figures, registered versions.

MLflow is imported when something is trained, never in the service. Artefacts are plain files (skops
and JSON); MLflow keeps them and never unpickles one.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.registry.gate import Verdict
from ml.registry.manifest import Manifest
from ml.registry.report import Table
from ml.registry.signature import signature_of

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"


@dataclass(frozen=True)
class Measured:
    """What was found of a candidate beside the figures of its training."""

    verdict: Verdict
    tables: Mapping[str, Table] = field(default_factory=dict)
    """To look at, by name: kept as MLflow's own tables."""
    example: Mapping[str, Any] = field(default_factory=dict)
    """One input, by column."""


def open_retraining(tracking_uri: str, model: str, at: datetime) -> str:
    """A run that the candidates of one retraining are kept below; its id."""
    client = _client(tracking_uri)
    experiment = _experiment(client, tracking_uri, model)
    run = client.create_run(experiment, run_name=f"retraining {at:%Y-%m-%d %H:%M}")
    client.set_terminated(run.info.run_id)
    return str(run.info.run_id)


def log_training(
    tracking_uri: str,
    folder: Path,
    manifest: Manifest,
    measured: Measured | None = None,
    retraining: str | None = None,
) -> tuple[str, str]:
    """Keep the model in ``folder`` as a run and as the newest version of its registered model.

    Args:
        tracking_uri: MLflow's store, e.g. ``sqlite:///var/mlflow.db`` or a server's address.
        folder: the model's artefacts, manifest and card.
        manifest: what ``folder`` holds; its recipe, figures and data are logged.
        measured: what the gate found; a candidate that passes is MLflow's ``challenger``.
        retraining: the run of ``open_retraining`` that it belongs to.

    Returns:
        The run's id and the number of the registered version.
    """
    client = _client(tracking_uri)
    tags = {"version": manifest.version, "data": manifest.data}
    if retraining:
        tags["mlflow.parentRunId"] = retraining
    run = client.create_run(
        _experiment(client, tracking_uri, manifest.name), tags=tags, run_name=f"candidate {manifest.version}"
    )
    run_id = str(run.info.run_id)
    for name, value in {**manifest.parameters, "seed": manifest.seed}.items():
        client.log_param(run_id, name, value)
    for name, figure in manifest.metrics.items():
        client.log_metric(run_id, _metric_name(name), float(figure))
    _log_data(client, run_id, manifest, measured)
    client.log_artifacts(run_id, str(folder), artifact_path="model")
    _log_signature(client, run_id, manifest, measured)
    if measured:
        _log_measured(client, run_id, measured)
    client.set_terminated(run_id)
    version = _registered(client, run_id, manifest)
    if measured and measured.verdict.refused is None:
        client.set_registered_model_alias(manifest.name, CHALLENGER, version)
    return run_id, version


def _log_measured(client: "MlflowClient", run_id: str, measured: Measured) -> None:
    """The gate's figures, differences with the ends of their intervals, and the tables to look at."""
    for number, one in enumerate(measured.verdict.comparisons):
        of = "gate" if number == 0 else "gate_own"
        figures = {"challenger": one.challenger, "champion": one.champion, "rules": one.rules}
        if one.over_champion is not None:
            over = one.over_champion
            figures |= {"over_champion": over.value, "over_champion_low": over.low, "over_champion_high": over.high}
        for name, figure in figures.items():
            if figure is not None:
                client.log_metric(run_id, f"{of}.{one.measure}.{name}", float(figure))
    client.set_tag(run_id, "gate", measured.verdict.refused or "passed")
    for name, table in measured.tables.items():
        client.log_dict(run_id, {"columns": list(table.columns), "data": [list(r) for r in table.rows]}, f"{name}.json")


def _log_data(client: "MlflowClient", run_id: str, manifest: Manifest, measured: Measured | None) -> None:
    """What was trained on and measured on, by digest."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    told = [(manifest.data, manifest.data_digest, "training")] if manifest.data_digest else []
    if measured:
        told += [(one.title, one.digest, "evaluation") for one in measured.verdict.comparisons]
    inputs = [
        DatasetInput(Dataset(name[:500], digest, "code", manifest.name), [InputTag("mlflow.data.context", context)])
        for name, digest, context in told
    ]
    if inputs:
        client.log_inputs(run_id, inputs)


def _log_signature(client: "MlflowClient", run_id: str, manifest: Manifest, measured: Measured | None) -> None:
    """``MLmodel`` beside the artefacts: what the model takes and gives, and an example, as MLflow's page shows it."""
    from mlflow.models import Model
    from mlflow.types import ColSpec, DataType, Schema

    signature = signature_of(manifest.name)
    takes, gives = (
        Schema([ColSpec(DataType[kind], name, required=required) for name, kind in columns]).to_json()
        for columns, required in ((signature.takes, False), (signature.gives, True))
    )
    described = Model(artifact_path="model", run_id=run_id)
    described.add_flavor("stocktriage", model=manifest.name, version=manifest.version)
    # MLflow's own class of a signature needs pandas, which nothing else here does; what it writes is this.
    told = {**described.to_dict(), "signature": {"inputs": takes, "outputs": gives, "params": None}}
    client.log_dict(run_id, told, "model/MLmodel")
    if measured and measured.example:
        client.log_dict(run_id, dict(measured.example), "model/input_example.json")


def _registered(client: "MlflowClient", run_id: str, manifest: Manifest) -> str:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(manifest.name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = f"{client.get_run(run_id).info.artifact_uri}/model"
    version = client.create_model_version(manifest.name, source, run_id, tags={"hash": manifest.version})
    return str(version.version)


def name_champion(tracking_uri: str, model: str, hash_version: str) -> None:
    """Point MLflow's alias ``champion`` at the version with that hash; what it named before is ``previous``.

    A version that was never a run of this store, as the shipped baseline, leaves it without a champion. Who is live
    challenges nobody.
    """
    if not _may_hold_runs(tracking_uri):
        return  # nothing was ever trained here
    client = _client(tracking_uri)
    found = _version_with(client, model, hash_version)
    before = _named(client, model, CHAMPION)
    if before is not None and before != found:
        client.set_registered_model_alias(model, PREVIOUS, before)
        client.delete_registered_model_alias(model, CHAMPION)
    if found is not None:
        client.set_registered_model_alias(model, CHAMPION, found)
        if _named(client, model, CHALLENGER) == found:
            client.delete_registered_model_alias(model, CHALLENGER)


def name_challenger(tracking_uri: str, model: str, hash_version: str) -> None:
    """Point MLflow's alias ``challenger`` at the version with that hash, where it is a run of this store."""
    if not _may_hold_runs(tracking_uri):
        return
    client = _client(tracking_uri)
    found = _version_with(client, model, hash_version)
    if found is not None:
        client.set_registered_model_alias(model, CHALLENGER, found)


def _version_with(client: "MlflowClient", model: str, hash_version: str) -> str | None:
    versions = client.search_model_versions(f"name='{model}'")
    return next((str(one.version) for one in versions if one.tags.get("hash") == hash_version), None)


def _named(client: "MlflowClient", model: str, alias: str) -> str | None:
    """The version that ``alias`` names."""
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_model_version_by_alias(model, alias).version)
    except MlflowException:
        return None  # nobody is called so


def _client(tracking_uri: str) -> "MlflowClient":
    # Before MLflow is imported: it sends no telemetry.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)


def _experiment(client: "MlflowClient", tracking_uri: str, model: str) -> str:
    known = client.get_experiment_by_name(model)
    if known is None:
        return str(client.create_experiment(model, artifact_location=_artefacts(tracking_uri)))
    return str(known.experiment_id)


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
