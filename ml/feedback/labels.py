"""What people said, as training data: rows with their features and whether they were a fault.

What was *expected* teaches nothing: it was strange, and the same would be again once the expectation has ended. It
and confirmed faults are left out of what is taken for ordinary, and so of the calibration.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from ml.features.feature import FeatureSet
from ml.feedback.described import as_row

Flags = NDArray[np.bool_]
FIGURE = ("system", "sku", "location", "channel", "state")


@dataclass(frozen=True)
class Labels:
    """Judged rows (n, k) of one kind of fact in order of judgement, and which of them were faults (n,)."""

    matrix: NDArray[np.float32]
    faulty: Flags

    @property
    def told(self) -> int:
        """How many rows were judged."""
        return len(self.faulty)


def read_labels(connection: Connection, kind: str, features: FeatureSet) -> Labels:
    """What stands of all that was said of facts of ``kind``; of one row the newest.

    Rows whose features have since changed their meaning are left out.
    """
    rows: list[NDArray[np.float32]] = []
    faulty: list[bool] = []
    for said, described in connection.execute(text(_LABELS), {"kind": kind}):
        row = as_row(features, described)
        if row is not None:
            rows.append(row)
            faulty.append(said == "true")
    matrix = np.stack(rows) if rows else np.empty((0, len(features.features)), dtype=np.float32)
    return Labels(matrix, np.array(faulty, dtype=bool))


def last_said(connection: Connection) -> int:
    """A number that grows with every judgement and every one taken back."""
    return int(connection.execute(_LAST_SAID).scalar_one())


def ordinary(connection: Connection, kind: str, facts: pl.DataFrame) -> Flags:
    """Which of ``facts`` (n rows; see ``ml.triage.frames``) may stand for what is usual.

    Not those of a confirmed fault, from the first row of the figure that was judged until its anomaly was settled,
    and not those within what was expected.
    """
    judged = connection.execute(_NOT_ORDINARY, {"kind": kind}).mappings().all()
    if not judged:
        return np.ones(facts.height, dtype=bool)
    moments = facts["as_of"].dt.epoch("us") if "as_of" in facts.columns else facts["occurred_at"]
    out = pl.Series(np.zeros(facts.height, dtype=bool))
    for row in judged:
        within = (moments >= row["since"]) & (moments <= row["until"])
        for name in FIGURE:
            if row[name] and name in facts.columns:
                within &= facts[name] == row[name]
        out |= within.fill_null(False)
    usual: Flags = ~out.to_numpy()
    return usual


_LABELS = """
SELECT j.said, f.described FROM judged_fact f JOIN judgement j ON j.judgement_id = f.judgement_id
WHERE f.kind = :kind AND j.ended_at IS NULL AND j.said IN ('true', 'false')
  AND NOT EXISTS (
    SELECT 1 FROM judged_fact n JOIN judgement k ON k.judgement_id = n.judgement_id
    WHERE n.kind = f.kind AND n.fact_id = f.fact_id AND k.ended_at IS NULL AND n.judgement_id > f.judgement_id)
ORDER BY f.judgement_id, f.fact_id
"""

_LAST_SAID = text("SELECT COALESCE(SUM(CASE WHEN ended_at IS NULL THEN 1 ELSE 2 END), 0) FROM judgement")

_NOT_ORDINARY = text("""
SELECT a.system, a.sku, a.location, a.channel, a.state, MIN(a.occurred_at) AS since,
       MAX(CASE WHEN a.kind = 'movement' THEN a.occurred_at ELSE COALESCE(a.settled_at, 9223372036854775807) END)
         AS until
FROM judged_fact f JOIN judgement j ON j.judgement_id = f.judgement_id
JOIN anomaly a ON a.kind = f.kind AND a.fact_id = f.fact_id
WHERE f.kind = :kind AND j.ended_at IS NULL AND j.said = 'true'
GROUP BY a.system, a.sku, a.location, a.channel, a.state
UNION ALL
SELECT '', j.sku, j.location, j.channel, '', j.said_at, j.until FROM judgement j
WHERE j.said = 'expected' AND j.ended_at IS NULL AND j.kind IN ('', :kind)
""")
