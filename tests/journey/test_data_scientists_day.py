"""A data scientist's day: change a parameter, train, compare, promote under a running service, and take it back."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from sqlalchemy import insert

from api.wiring import World, build_world
from core_sync.clock import now, to_microseconds
from core_sync.failures.record import NewFailure, record_failure
from core_sync.settings import read_settings
from ml.registry.decisions import decisions
from ml.registry.manifest import write_manifest
from ml.registry.service_models import shipped_models
from ml.registry.tables import ModelRelease
from ml.root_cause.persist import save
from ml.root_cause.text import text_model
from tests.proof import IS_FULL, keep_result

CHECKOUT = Path(__file__).parents[2]
SMALL = ("worlds=1", "texts=3000", "evidence_rows=2000", "held_out=600", "text_rounds=20", "trees=20")
WAITED_S = 60.0


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STOCKTRIAGE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def world(home: Path) -> Iterator[World]:
    built = build_world(read_settings(home=home))
    yield built
    built.close()


@pytest.fixture
def weak(home: Path, world: World) -> str:
    """The version that is live in the morning: a model of long ago, that knows little."""
    folder = home / "models" / "live" / "root_cause" / "weak"
    model = shipped_models().root_cause
    estimator = deepcopy(model.text.estimator)
    estimator.coef_[np.random.default_rng(1).random(estimator.coef_.shape) < 0.9] = 0.0
    save(replace(model, text=text_model(estimator, model.text.temperature)), folder)
    manifest = write_manifest(folder, "root_cause", now(), "what was known then", 1, {})
    with world.database.transaction() as connection:
        connection.execute(
            insert(ModelRelease).values(
                name="root_cause",
                version=manifest.version,
                folder=str(folder),
                released_at=to_microseconds(now()),
                released_by="a data scientist",
                reason="promoted",
            )
        )
    return manifest.version


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "api.cli.main", *arguments], capture_output=True, text=True, env=dict(os.environ)
    )


def told(*arguments: str) -> Any:
    done = command(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def service() -> Iterator[subprocess.Popen[str]]:
    """The whole service in a process of its own, from its first answer until the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli.main", "up", "--no-sample", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    try:
        assert process.stdout is not None
        assert re.match(r"stocktriage is at http://127\.0\.0\.1:\d+ ", process.stdout.readline())
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def diagnosed_by(world: World, message: str) -> str:
    """The version that the running service decides with over one more failure, told by another process."""
    before = counts(world)
    with world.database.transaction() as connection:
        failure = NewFailure(kind="push", message=message, occurred_at=now(), recorded_at=now(), system="shop")
        record_failure(connection, failure)
    end = monotonic() + WAITED_S
    while monotonic() < end:
        grown = [version for version, count in counts(world).items() if count > before.get(version, 0)]
        if grown:
            return grown[0]
        sleep(0.2)
    raise AssertionError("the service decided nothing")


def counts(world: World) -> dict[str, int]:
    """Decisions by version."""
    with world.database.reading() as connection:
        return {version: sum(by.values()) for version, by in decisions(connection, "root_cause").items()}


def run_notebook(name: str) -> str:
    """Run a notebook from top to bottom; everything it showed."""
    read = nbformat.read(CHECKOUT / "notebooks" / f"{name}.ipynb", as_version=4)  # type: ignore[no-untyped-call]  # nbformat carries no types
    NotebookClient(read, timeout=600, resources={"metadata": {"path": str(CHECKOUT)}}).execute()
    return json.dumps([cell.get("outputs") for cell in read.cells])


def train_and_promote() -> str:
    """The version that went live: by the notebooks at full count, else by the commands they stand beside."""
    if IS_FULL:
        assert "it may be promoted" in run_notebook("02_train_and_compare")
        return str(re.findall(r"([0-9a-f]{12}) is live", run_notebook("05_promote"))[0])
    trained = told("train", "root_cause", *(part for one in SMALL for part in ("--set", one)))
    assert trained["passes_gate"], trained["gate"]
    assert trained["parameters"]["text_rounds"] == 20
    return str(told("promote", "root_cause")["version"])


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_what_is_trained_and_promoted_decides_in_the_running_service_until_it_is_rolled_back(
    home: Path, world: World, weak: str
) -> None:
    from mlflow.tracking import MlflowClient

    with service() as running:
        assert diagnosed_by(world, "timed out") == weak
        promoted = train_and_promote()
        assert diagnosed_by(world, "timed out again") == promoted
        assert told("rollback", "root_cause")["version"] == weak
        assert diagnosed_by(world, "timed out once more") == weak
        assert running.poll() is None

    client = MlflowClient(tracking_uri=read_settings(home=home).mlflow_uri)
    version = client.get_model_version_by_alias("root_cause", "previous")
    run = client.get_run(str(version.run_id))
    assert run.data.tags["gate"] == "passed"
    assert run.data.metrics["gate.macro_f1.over_champion_low"] > 0
    assert client.get_run(run.data.tags["mlflow.parentRunId"]).info.run_name.startswith("retraining")
    assert {one.path for one in client.list_artifacts(run.info.run_id)} >= {"confusion.json", "reliability.json"}
    assert "signature" in Path(client.download_artifacts(run.info.run_id, "model/MLmodel")).read_text()

    keep_result(
        "data_scientists_day",
        "tests/journey/test_data_scientists_day.py",
        {"decided": ["the version before", "the promoted one", "the version before"], "restarts": 0},
    )
