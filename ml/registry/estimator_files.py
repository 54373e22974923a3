"""Estimators of scikit-learn as files that hang on the estimator alone, not on when and where they were written."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import skops.io

_SCHEMA = "schema.json"
_PART = re.compile(r'("__id__": |"file": ")(\d+)')


def write_estimator(estimator: Any, file: Path) -> None:
    """Write ``estimator`` by skops; the same one gives the same bytes, so that a model trained again is the same.

    skops names each part by where it lay in memory, and a zip file holds the time it was written at: parts are numbered
    in the order in which they are met instead, and the time is left at the format's first.
    """
    numbers: dict[str, str] = {}

    def numbered(match: re.Match[str]) -> str:
        return match.group(1) + numbers.setdefault(match.group(2), str(len(numbers)))

    with (
        zipfile.ZipFile(io.BytesIO(skops.io.dumps(estimator))) as parts,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, True, 9) as out,
    ):
        schema = _PART.sub(numbered, parts.read(_SCHEMA).decode())
        renamed = {f"{numbers[name.split('.')[0]]}.npy": name for name in parts.namelist() if name != _SCHEMA}
        out.writestr(zipfile.ZipInfo(_SCHEMA), schema, zipfile.ZIP_DEFLATED)
        for name in sorted(renamed):
            out.writestr(zipfile.ZipInfo(name), parts.read(renamed[name]), zipfile.ZIP_DEFLATED)
