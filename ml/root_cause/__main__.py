"""``python -m ml.root_cause FOLDER [--failures FILE] [--seed N]``: train, save to FOLDER, print each figure."""

import argparse
import json
from pathlib import Path

from core_sync.interchange.files import records
from core_sync.interchange.formats import TABLES
from core_sync.interchange.rows import RawRecord
from ml.root_cause.persist import save
from ml.root_cause.train import train_root_cause


def main() -> None:
    """Train from the command line; ``--failures`` are simulated failures with ``root_cause`` and ``subclass``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--failures", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    told = parser.parse_args()
    found = records(told.failures, TABLES["failures"]) if told.failures else ()
    rows = [dict(zip(one.header, one.cells, strict=True)) for one in found if isinstance(one, RawRecord)]
    trained = train_root_cause(rows, told.seed)
    for file in save(trained.classifier, told.folder):
        print(json.dumps({"measure": f"size of {file.name}", "value": file.stat().st_size, "unit": "bytes"}))
    for name, value in trained.metrics.items():
        print(json.dumps({"measure": name, "value": round(value, 4), "unit": ""}))


if __name__ == "__main__":
    main()
