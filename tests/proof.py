"""How much a slow check does, and where the result of a full one is kept."""

import json
import os
import platform
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

IS_FULL = os.environ.get("STOCKTRIAGE_TEST_PROFILE") == "proof"
"""Whether slow checks run at their full counts, as ``make proof`` does; else each is a small sample."""

RESULTS = Path(__file__).parent.parent / "docs" / "proof"

T = TypeVar("T")


def counted(full: T, sample: T) -> T:
    """How much to do: ``full`` in a proof, ``sample`` otherwise."""
    return full if IS_FULL else sample


def keep_result(name: str, test: str, figures: Mapping[str, object]) -> None:
    """Keep what a check found at its full count as ``docs/proof/NAME.json``; a sample leaves nothing.

    Args:
        name: of the file.
        test: the test's file, for the command that finds the same again.
        figures: what was done and what was found, by name.
    """
    if not IS_FULL:
        return
    RESULTS.mkdir(exist_ok=True)
    told = {
        "command": f"STOCKTRIAGE_TEST_PROFILE=proof .venv/bin/python -m pytest -m proof --timeout=0 {test}",
        "figures": figures,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(told, indent=2) + "\n")
