"""Samples of real contracts: vendors' models, partners' files. They are no part of the project.

``STOCKTRIAGE_TEST_CONTRACTS`` names a folder with them (``shopify/``, ``sp-api/``, ``x12/``); without it what needs
them is skipped, and says so.
"""

import gzip
import os
from pathlib import Path

import pytest

VARIABLE = "STOCKTRIAGE_TEST_CONTRACTS"
_MISSING = f"no samples of real contracts: {VARIABLE} names no folder that holds them"


def samples(below: str) -> list[str]:
    """Names of the samples below a folder, from there on; none where there are none."""
    folder = _folder()
    if folder is None:
        return []
    return sorted(str(file.relative_to(folder / below)) for file in (folder / below).rglob("*") if file.is_file())


def sample(below: str, name: str) -> str:
    """The text of one sample; skips the test where it is not there."""
    folder = _folder()
    if folder is None or not (folder / below / name).is_file():
        pytest.skip(_MISSING)
    file = folder / below / name
    content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return content.decode("utf-8", "replace")


def _folder() -> Path | None:
    told = os.environ.get(VARIABLE)
    return Path(told) if told and Path(told).is_dir() else None
