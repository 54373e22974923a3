"""What a process need not load to start: whoever asks no model waits for no model library."""

import subprocess
import sys

import pytest

MODEL_LIBRARIES = {"sklearn", "skops", "mlflow", "scipy.stats"}
HEAVY = MODEL_LIBRARIES | {"scipy", "numpy", "polars", "dbos", "apprise", "fastapi", "alembic", "sqlalchemy"}


@pytest.mark.parametrize(
    ("started", "spared"),
    [("api.cli.main", HEAVY), ("api.app, api.serving, api.jobs.rounds, api.jobs.triage", MODEL_LIBRARIES)],
    ids=["help", "service"],
)
def test_starting_loads_no_library_that_only_some_of_its_work_needs(started: str, spared: set[str]) -> None:
    told = subprocess.run(
        [sys.executable, "-c", f"import {started}, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert spared.isdisjoint(told.stdout.split())
