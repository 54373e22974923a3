"""The real job on real input: 641,312 movements through the commands a user types, timed.

``python -m benchmarks.real_job --data DIR --json``. The file goes through ``ingest``, ``ingest`` again,
``triage``, ``feed`` and ``score`` in a throw-away home. Labels are read by this benchmark alone, to rank
the scores of the last quarter by time against a plain isolation forest on the same movement features.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score

from core_sync.interchange.profile import load_profile
from ml.anomaly.files import MOVEMENT_COLUMNS, movement_cells, read_table
from ml.features.definitions import MOVEMENT_SET
from ml.features.movements import Movements, describe

PROFILE = "retail-movements"
STOCKTRIAGE = Path(sys.executable).parent / "stocktriage"


@dataclass(frozen=True)
class Step:
    """One command run to its end: what it printed, how long it took, its peak memory."""

    printed: str
    seconds: float
    peak_mb: float


def run(home: Path, *arguments: str) -> Step:
    """Run ``stocktriage`` with ``arguments`` in ``home``.

    Raises:
        RuntimeError: it ended with another code than 0.
    """
    started = time.perf_counter()
    environment = {**os.environ, "STOCKTRIAGE_HOME": str(home)}
    with subprocess.Popen([STOCKTRIAGE, *arguments], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"stocktriage {' '.join(arguments)} ended with {process.returncode}")
    return Step(printed, time.perf_counter() - started, usage.ru_maxrss / 1024)


def main() -> None:
    """Print every measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with retail_movements.*.parquet")
    parser.add_argument("--json", action="store_true", help="one object a line")
    said = parser.parse_args()
    feed = said.data / "retail_movements.feed.parquet"
    with TemporaryDirectory() as name:
        home = Path(name)
        first = run(home, "ingest", str(feed), "--profile", PROFILE, "--json")
        counts = json.loads(first.printed.splitlines()[-1])
        told = [
            ("ingested movements", counts["accepted"], "movements"),
            ("repeated lines of one document", counts["repeated"], "movements"),
            *_speed("ingest", first, counts["accepted"]),
        ]
        again = run(home, "ingest", str(feed), "--profile", PROFILE, "--json")
        counts = json.loads(again.printed.splitlines()[-1])
        told += [
            ("second ingest: accepted", counts["accepted"], "movements"),
            ("second ingest: duplicates", counts["duplicates"], "movements"),
            *_speed("second ingest", again, counts["duplicates"]),
        ]
        told += _speed("triage", run(home, "triage"), counts["duplicates"])
        shown = run(home, "feed", "--json")
        told += [("open cases", len(shown.printed.splitlines()), "cases"), ("feed wall", round(shown.seconds, 2), "s")]
        scored = home / "scored.parquet"
        scoring = run(home, "score", str(feed), str(scored), "--profile", PROFILE, "--features", "movement")
        told += _speed("score", scoring, counts["duplicates"])
        for measure, value, unit in told:
            say(said.json, measure, value, unit)
        rank(said.json, feed, said.data / "retail_movements.labels.parquet", scored)


def rank(as_json: bool, feed: Path, labels: Path, scored: Path) -> None:
    """Ranking quality of the product's scores on the last quarter, beside a plain isolation forest."""
    rows = pl.read_parquet(scored).select("movement_id", "score", "ts")
    known = rows.join(pl.read_parquet(labels).select("movement_id", "label"), on="movement_id", how="left")
    table, _ = read_table(movement_cells(feed, load_profile(PROFILE)), MOVEMENT_COLUMNS)
    matrix = np.nan_to_num(describe(Movements.from_events(table)).matrix(MOVEMENT_SET))
    start = int(known.height * 0.75)
    plain = -IsolationForest(random_state=0).fit(matrix[:start]).score_samples(matrix[start:])
    last = known[start:]
    judged = (last["label"] >= 0).to_numpy()
    truth = last["label"].to_numpy()[judged] == 1
    ours = np.nan_to_num(last["score"].to_numpy())[judged]
    for name, measure in (("AUC-ROC", roc_auc_score), ("average precision", average_precision_score)):
        say(as_json, f"movement {name}", measure(truth, ours), "share", "plain forest", measure(truth, plain[judged]))
    first_100 = [truth[np.argsort(-scores, kind="stable")[:100]].mean() for scores in (ours, plain[judged])]
    say(as_json, "movement precision@100", first_100[0], "share", "plain forest", first_100[1])


def say(
    as_json: bool, measure: str, value: float, unit: str, against: str | None = None, peer: float | None = None
) -> None:
    """Print one measure."""
    value, peer = round(float(value), 4), None if peer is None else round(float(peer), 4)
    ratio = None if not peer else round(value / peer, 3)
    told = {"measure": measure, "value": value, "unit": unit, "against": against, "against_value": peer, "ratio": ratio}
    beside = f"   {against} {peer} (ratio {ratio})" if against else ""
    print(json.dumps(told) if as_json else f"{measure:34} {value:>14,.4f} {unit}{beside}", flush=True)


def _speed(name: str, step: Step, rows: int) -> list[tuple[str, float, str]]:
    return [
        (f"{name} wall", round(step.seconds, 2), "s"),
        (f"{name} rate", round(rows / step.seconds), "rows/s"),
        (f"{name} peak memory", round(step.peak_mb), "MB"),
    ]


if __name__ == "__main__":
    main()
