"""core_sync stands without scikit-learn, mlflow, dbos, scipy and the rooms above it.

Each test below ``tests/core_sync`` already runs without them (its ``conftest``); here a fresh process shows that
nothing depends on what was imported earlier.
"""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]

IMPORT_EVERY_MODULE = """
import pkgutil, sys
from tests.isolation.without_models import ABSENT, without_models
import core_sync
with without_models():
    names = [module.name for module in pkgutil.walk_packages(core_sync.__path__, "core_sync.")]
    names = [name for name in names if ".migrations." not in name and not name.endswith(".alembic.env")]
    for name in names:
        __import__(name)
print(len(names), sorted({name.partition(".")[0] for name in sys.modules} & ABSENT))
"""

RUN_ITS_TESTS = """
import sys
from tests.isolation.without_models import without_models
with without_models():
    import pytest
    sys.exit(pytest.main(["tests/core_sync", "-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


def _alone(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )


def test_what_is_taken_away_cannot_be_imported() -> None:
    ended = _alone("from tests.isolation.without_models import *\nwith without_models():\n    import sklearn")
    assert "sklearn is absent in this environment" in ended.stderr


def test_every_module_of_the_core_imports_alone() -> None:
    ended = _alone(IMPORT_EVERY_MODULE)
    assert ended.returncode == 0, ended.stderr
    count, _, present = ended.stdout.strip().partition(" ")
    assert int(count) > 20
    assert present == "[]"


@pytest.mark.proof
def test_every_test_of_the_core_is_found_alone() -> None:
    ended = _alone(RUN_ITS_TESTS, "--collect-only")
    assert ended.returncode == 0, ended.stdout


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_the_tests_of_the_core_pass_alone() -> None:
    ended = _alone(RUN_ITS_TESTS, "-k", "not postgresql", "-m", "not proof")
    assert ended.returncode == 0, ended.stdout[-5000:]
