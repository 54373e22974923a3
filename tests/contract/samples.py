"""Samples of real contracts: vendors' models, partners' files. They are no part of the project.

They lie below ``contracts/`` (``shopify/``, ``sp-api/``, ``x12/``) of the evaluation data, which
``STOCKTRIAGE_SHARED_DATA`` names or which stands beside the checkout. Without it what needs them is skipped, and says
so.
"""

import gzip
import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"
_MISSING = "the samples of real contracts are not here: STOCKTRIAGE_SHARED_DATA names no folder that holds them"


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
    folder = Path(os.environ.get("STOCKTRIAGE_SHARED_DATA", _BESIDE)) / "contracts"
    return folder if folder.is_dir() else None
