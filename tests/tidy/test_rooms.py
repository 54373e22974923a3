"""The rooms: arrows run one way, and what is imported is this checkout."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.checkout import CHECKOUT, ROOMS

PACKAGES = (*ROOMS, "simulation")


def test_arrows_run_one_way() -> None:
    lint = "import sys; from importlinter.cli import lint_imports_command as lint; sys.exit(lint())"
    checked = subprocess.run([sys.executable, "-c", lint], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "0 broken" in checked.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_a_room_is_imported_from_the_checkout(package: str) -> None:
    assert _home(importlib.import_module(package).__file__) == CHECKOUT


@pytest.mark.parametrize("package", PACKAGES)
def test_a_room_is_imported_from_the_checkout_wherever_one_stands(package: str, tmp_path: Path) -> None:
    """Names as general as ``api`` and ``ml`` could belong to anybody's package."""
    asked = f"import {package}; print({package}.__file__)"
    told = subprocess.run([sys.executable, "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert _home(told.stdout.strip()) == CHECKOUT


def _home(file: str | None) -> Path:
    assert file is not None
    return Path(file).resolve().parents[1]
