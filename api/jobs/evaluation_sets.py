"""Write frozen evaluation sets of ``models/evaluation`` anew, those that are named.

    python -m api.jobs.evaluation_sets {root_cause,delta_detector,movement_detector} ...

Done only when rows or features of that very set change their meaning: figures before and after cannot be compared.
What lies there is not what the job would write today: failures are worded by writers that have learnt more since.
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from api.jobs.simulated_facts import SimulatedFacts, facts_of
from api.jobs.training import DAY_US, labelled_rows_of
from ml.registry.evaluation_sets import DAY, EVALUATION, FAULTY
from ml.root_cause.causes import root_cause_of, subclass_of
from ml.training.detectors import SPECIFICATIONS
from ml.training.evidence import ELSEWHERE
from ml.training.failures import written_failures
from simulation.scenario import HELD_OUT

SEED = 20_261
"""Of no training."""
WRITTEN = 3_000
SIMULATED = 600


def main() -> None:
    """Replace the sets that are named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sets", nargs="+", choices=("root_cause", *SPECIFICATIONS), help="which to write anew")
    EVALUATION.mkdir(exist_ok=True)
    named = parser.parse_args().sets
    facts = facts_of(replace(HELD_OUT, seed=SEED))
    for name in named:
        frame = _rows(name, facts) if name in SPECIFICATIONS else _failures(facts)
        frame.write_parquet(EVALUATION / f"{name}.parquet", compression="zstd")


def _rows(name: str, facts: SimulatedFacts) -> pl.DataFrame:
    rows = labelled_rows_of(name, facts)
    frame = pl.DataFrame(rows.matrix, schema=list(SPECIFICATIONS[name].features.names), orient="row")
    days = rows.moments // DAY_US if name == "delta_detector" else rows.moments
    return frame.with_columns(pl.Series(FAULTY, rows.faulty), pl.Series(DAY, days.astype(np.int64)))


def _failures(facts: SimulatedFacts) -> pl.DataFrame:
    rng = np.random.default_rng(SEED)
    rows: list[Mapping[str, Any]] = []
    for fields, leaf in written_failures(WRITTEN, rng, ELSEWHERE):
        subclass = subclass_of(leaf)
        rows.append({**fields, "root_cause": root_cause_of(leaf).value, "subclass": subclass and subclass.value})
    for at in rng.permutation(len(facts.failures))[:SIMULATED]:
        told = facts.failures[int(at)]
        rows.append({name: value for name, value in told.items() if value not in ("", None) and name not in _KEPT_BACK})
    return pl.DataFrame(rows, infer_schema_length=None)


_KEPT_BACK = ("id", "occurred_at", "recorded_at", "resolved_at", "quantity", "document", "sku", "location", "channel")
"""What names one record or tells the end of it."""


if __name__ == "__main__":
    main()
