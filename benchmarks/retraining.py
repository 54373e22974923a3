"""How long a retraining takes: 200,000 labelled failures trained on, measured, and judged beside the live model.

    python -m benchmarks.retraining [--json] [--rows N]

The failures say some 20,000 different things, as logs do, each with evidence of its own, hidden at random. What is
timed is what ``stocktriage train root_cause --data FILE`` does: reading the file, simulating, writing our own messages,
fitting, calibrating, measuring, the gate, and keeping it all in MLflow. Wall time, and processor time beside it: on a
machine that does other things, too, the latter is nearer to what two free cores need.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np
import polars as pl

from api.candidates import train_candidate
from api.wiring import build_world
from benchmarks.rig.figures import Figure, show
from core_sync.settings import read_settings
from ml.root_cause.causes import root_cause_of, subclass_of
from ml.training.evidence import ELSEWHERE, evidence_for
from ml.training.failures import drawn_leaves
from ml.training.wording.writer import write_many

SEED = 911
WORDED = 20_000
SECONDS_MAX = 300


def labelled_file(folder: Path, rows: int) -> Path:
    """A failures file of ``rows`` labelled rows."""
    rng = np.random.default_rng(SEED)
    worded = write_many(WORDED, SEED, leaves=drawn_leaves(WORDED, rng))
    made = []
    for number, at in enumerate(rng.integers(len(worded), size=rows)):
        leaf, subclass = worded[at].leaf, subclass_of(worded[at].leaf)
        told = {"id": f"f{number}", "occurred_at": "2026-03-02T08:00:00Z", "message": worded[at].message}
        causes = {"root_cause": root_cause_of(leaf).value, "subclass": subclass.value if subclass else None}
        made.append({**evidence_for(leaf, rng, ELSEWHERE), **told, **causes})
    file = folder / "labelled.parquet"
    pl.DataFrame(made, infer_schema_length=None).write_parquet(file)
    return file


def figures(rows: int) -> Iterator[Figure]:
    """The time of one retraining, whole."""
    with TemporaryDirectory() as name:
        home = Path(name)
        file = labelled_file(home, rows)
        world = build_world(read_settings(home=home))
        started, used = perf_counter(), process_time()
        told = train_candidate(
            world,
            "root_cause",
            1,
            file,
            lambda line: print(f"{perf_counter() - started:5.0f} s  {line}", file=sys.stderr),
        )
        wall, processor = perf_counter() - started, process_time() - used
        world.close()
    what = f"retrain, evaluate and gate, {rows:,} labelled failures"
    yield Figure(what, wall, "s", "asked at most", SECONDS_MAX, wall / SECONDS_MAX)
    yield Figure(f"{what}, processor time", processor, "s", "asked at most", SECONDS_MAX, processor / SECONDS_MAX)
    (compared, *_) = told["comparisons"]
    live = compared["champion"]
    yield Figure(
        "macro-F1 of it on the frozen failures", compared["challenger"], "", "live", live, compared["challenger"] / live
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rows", type=int, default=200_000)
    told = parser.parse_args()
    show(figures(told.rows), told.json)


if __name__ == "__main__":
    main()
