"""``score IN OUT``: a file of movements or of deltas in, the same rows out with how strange each one is.

Rows are judged in order of their time, whatever their order in the file, each only by what was known then;
they come out in the order they came in. A row that cannot be read comes out unscored, with the reason.
"""

import resource
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core_sync.interchange.events import read_events
from core_sync.interchange.files import columns_of, read_rows, records
from core_sync.interchange.formats import TABLES
from core_sync.interchange.profile import load_profile
from core_sync.interchange.profile_rules import INTERCHANGE, SourceProfile
from core_sync.interchange.refusals import RefusedRow
from core_sync.interchange.writing import write_rows
from core_sync.ledger.events import Event
from ml.anomaly.detector import Detector
from ml.anomaly.frames import delta_batches, movement_batches
from ml.anomaly.rolling import RollingScorer, Scored
from ml.anomaly.specification import DELTA, MOVEMENTS
from ml.anomaly.thresholds import Policy
from ml.features.deltas import NUMBERS

SCORE_COLUMNS = ("score", "p_value", "anomalous", "reasons")
DELTA_MARKS = {"as_of", "expected", "reported", "erp", "wms", "channel_qty"}
"""Columns of deltas that no table of events has; one is enough to tell."""
ColumnType = pl.DataType | type[pl.DataType]
READ_ROWS = 50_000
MOVEMENT_COLUMNS: Mapping[str, ColumnType] = {
    "time": pl.Datetime("us", "UTC"),
    "sku": pl.String,
    "location": pl.String,
    "type": pl.String,
    "quantity": pl.Int64,
    "document": pl.String,
    "unit_price": pl.Float64,
}
DELTA_COLUMNS: Mapping[str, ColumnType] = {
    "as_of": pl.Datetime("us", "UTC"),
    "sku": pl.String,
    "location": pl.String,
    "channel": pl.String,
    "system": pl.String,
    "state": pl.String,
    **dict.fromkeys(NUMBERS, pl.Float64),
}


@dataclass(frozen=True)
class ScoreReport:
    """What ``score_file`` did. ``refused`` rows came out unscored; ``peak_memory_mb`` is the whole process's."""

    table: str
    rows: int
    scored: int
    abstained: int
    refused: int
    anomalous: int
    seconds: float
    peak_memory_mb: float


@dataclass(frozen=True)
class Verdicts:
    """One entry a row of the file, in its order."""

    score: NDArray[np.float64]
    p_value: NDArray[np.float64]
    anomalous: NDArray[np.bool_]
    reasons: list[str]


def score_file(
    source: Path,
    target: Path,
    detectors: Mapping[str, Detector],
    profile: SourceProfile | str | None = None,
    *,
    features: str = "stream",
    policy: Policy | None = None,
) -> ScoreReport:
    """Write the rows of ``source`` to ``target`` with ``SCORE_COLUMNS`` beside.

    ``detectors`` are the shipped ones by feature set (``movement``, ``stream``, ``document``, ``priced``, ``delta``); a
    set without one abstains until the file itself has enough history. ``features`` names the set for events.

    Raises:
        FileUnreadable, ProfileRefused: as the readers.
        OSError: ``target`` cannot be written.
    """
    started = time.perf_counter()
    told = load_profile(profile) if isinstance(profile, str) else profile or INTERCHANGE
    table = table_of(source, told)
    if table == "deltas":
        frame, refused = read_table(delta_cells(source, told), DELTA_COLUMNS)
        scorer = RollingScorer(DELTA, detectors.get(DELTA.name), policy)
        ordered = frame.sort("as_of", maintain_order=True)
        verdicts = in_place(ordered["place"].to_numpy(), delta_batches(ordered, scorer), refused)
    else:
        frame, refused = read_table(movement_cells(source, told), MOVEMENT_COLUMNS)
        scorer = RollingScorer(MOVEMENTS[features], detectors.get(features), policy)
        ordered = frame.sort("time", maintain_order=True)
        verdicts = in_place(ordered["place"].to_numpy(), movement_batches(ordered, scorer), refused)
    columns = [name for name in columns_of(source, told) if name not in SCORE_COLUMNS]
    rows = write_rows(target, judged_rows(source, table, told, verdicts), [*columns, *SCORE_COLUMNS])
    scored = int((~np.isnan(verdicts.score)).sum())
    return ScoreReport(
        table=table,
        rows=rows,
        scored=scored,
        abstained=rows - scored - len(refused),
        refused=len(refused),
        anomalous=int(verdicts.anomalous.sum()),
        seconds=time.perf_counter() - started,
        peak_memory_mb=peak_memory_mb(),
    )


def table_of(source: Path, profile: SourceProfile) -> str:
    """``deltas`` or ``events``, told by the profile, else by the columns. Raises ``FileUnreadable``."""
    if profile is not INTERCHANGE:
        return profile.table or "events"
    return "deltas" if DELTA_MARKS & set(columns_of(source, profile)) else "events"


def movement_cells(source: Path, profile: SourceProfile) -> Iterator[tuple[object, ...] | RefusedRow]:
    """The cells of ``MOVEMENT_COLUMNS``, row by row."""
    for event in read_events(source, profile):
        if isinstance(event, Event):
            kind = event.type.value
            price = None if event.unit_price is None else float(event.unit_price)
            yield event.occurred_at, event.sku, event.location, kind, event.quantity, event.document, price
        else:
            yield event


def delta_cells(source: Path, profile: SourceProfile) -> Iterator[tuple[object, ...] | RefusedRow]:
    """The cells of ``DELTA_COLUMNS``, row by row."""
    for row in read_rows(source, TABLES["deltas"], profile):
        if isinstance(row, RefusedRow):
            yield row
        else:
            figures = (None if row.fields[name] is None else float(str(row.fields[name])) for name in NUMBERS)
            names = (row.text(name) for name in ("sku", "location", "channel", "system", "state"))
            yield row.moment("as_of"), *names, *figures


def read_table(
    cells: Iterable[tuple[object, ...] | RefusedRow], columns: Mapping[str, ColumnType]
) -> tuple[pl.DataFrame, dict[int, str]]:
    """The good rows as a frame, with their place in the file as ``place``; and why each other place was refused."""
    schema = {**columns, "place": pl.Int64}
    parts: list[pl.DataFrame] = []
    waiting: list[tuple[object, ...]] = []
    refused: dict[int, str] = {}
    for place, row in enumerate(cells):
        if isinstance(row, RefusedRow):
            refused[place] = f"not scored: {row.field} {row.reason}"
            continue
        waiting.append((*row, place))
        if len(waiting) == READ_ROWS:
            parts.append(pl.DataFrame(waiting, schema=schema, orient="row"))
            waiting = []
    parts.append(pl.DataFrame(waiting, schema=schema, orient="row"))
    return pl.concat(parts), refused


def in_place(places: NDArray[np.int64], scored: Iterable[Scored], refused: Mapping[int, str]) -> Verdicts:
    """Verdicts in the order of the file: ``places`` says where each scored row stood in it."""
    n, start = len(places) + len(refused), 0
    verdicts = Verdicts(np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=bool), [""] * n)
    for batch in scored:
        here = places[start : start + len(batch.score)]
        verdicts.score[here] = batch.score
        verdicts.p_value[here] = batch.p_value
        verdicts.anomalous[here] = batch.anomalous
        for place, named in zip(here.tolist(), batch.reasons, strict=True):
            verdicts.reasons[place] = batch.abstained or "; ".join(map(str, named))
        start += len(here)
    for place, why in refused.items():
        verdicts.reasons[place] = why
    return verdicts


def judged_rows(source: Path, table: str, profile: SourceProfile, verdicts: Verdicts) -> Iterator[dict[str, object]]:
    """The rows of ``source`` as they lie there, each with its verdict."""
    score = [None if np.isnan(value) else value for value in verdicts.score.tolist()]
    p_value = [None if np.isnan(value) else value for value in verdicts.p_value.tolist()]
    anomalous = verdicts.anomalous.tolist()
    for place, record in enumerate(records(source, TABLES[table], profile)):
        raw = record.raw if isinstance(record, RefusedRow) else zip(record.header, record.cells, strict=True)
        yield {
            **{name: as_text(cell) for name, cell in dict(raw).items()},
            "score": score[place],
            "p_value": p_value[place],
            "anomalous": anomalous[place] if score[place] is not None else None,
            "reasons": verdicts.reasons[place],
        }


def as_text(cell: object) -> object:
    """``cell``, or its text where it is a time without a zone, which no file of ours states as a moment."""
    return cell.isoformat() if isinstance(cell, datetime) and cell.tzinfo is None else cell


def peak_memory_mb() -> float:
    """The most memory this process has held, in MB of a million bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
