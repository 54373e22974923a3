"""Tables judged row by row: the one road from rows to verdicts, for files, triage and training alike."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from ml.anomaly.detector import Detector
from ml.anomaly.reasons import Reason
from ml.anomaly.rolling import RollingScorer, Scored
from ml.anomaly.specification import DELTA, MOVEMENTS
from ml.anomaly.thresholds import Policy
from ml.features.deltas import DeltaFeatures, Deltas
from ml.features.movements import MovementFeatures, Movements
from ml.features.running import Ints

BATCH_ROWS = 5_000


def movement_batches(events: pl.DataFrame, scorer: RollingScorer) -> Iterator[Scored]:
    """Verdicts on an events table whose rows are by ``time``, batch by batch in that order."""
    builder = MovementFeatures()
    for batch in Movements.from_events(events).batches(BATCH_ROWS):
        yield scorer.advance(builder.advance(batch).matrix(scorer.specification.features))


def delta_batches(deltas: pl.DataFrame, scorer: RollingScorer) -> Iterator[Scored]:
    """Verdicts on a deltas table whose rows are by ``as_of``; alarms are decided among those of one moment."""
    builder = DeltaFeatures()
    for batch in Deltas.from_frame(deltas).batches(BATCH_ROWS):
        yield scorer.advance(builder.advance(batch), batch.time_us)


def judge_movements(
    events: pl.DataFrame, detector: Detector | None, features: str = "stream", policy: Policy | None = None
) -> Scored:
    """A verdict for each row of an events table, in its own order; history and new rows come together."""
    ordered, places = by_time(events, "time")
    scorer = RollingScorer(MOVEMENTS[features], detector, policy)
    return joined(movement_batches(ordered, scorer), places)


def judge_deltas(deltas: pl.DataFrame, detector: Detector | None, policy: Policy | None = None) -> Scored:
    """A verdict for each row of a deltas table, in its own order; history and new rows come together."""
    ordered, places = by_time(deltas, "as_of")
    return joined(delta_batches(ordered, RollingScorer(DELTA, detector, policy)), places)


def by_time(table: pl.DataFrame, column: str) -> tuple[pl.DataFrame, Ints]:
    """``table`` in order of ``column``, and where each of its rows stood (n,)."""
    places = table.select(pl.arg_sort_by(column, maintain_order=True)).to_series().cast(pl.Int64).to_numpy()
    return table[places], places


def joined(batches: Iterator[Scored], places: Ints) -> Scored:
    """All batches as one, each row back where ``places`` (n,) says that it stood.

    ``abstained`` is the last batch's reason: empty once the detector speaks. Rows before that stay NaN.
    """
    n, start, why = len(places), 0, ""
    score, p_value, anomalous = np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=bool)
    reasons: list[tuple[Reason, ...]] = [()] * n
    for batch in batches:
        here = places[start : start + len(batch.score)]
        score[here], p_value[here], anomalous[here] = batch.score, batch.p_value, batch.anomalous
        for place, named in zip(here.tolist(), batch.reasons, strict=True):
            reasons[place] = named
        start, why = start + len(here), batch.abstained
    return Scored(score, p_value, anomalous, reasons, why)
