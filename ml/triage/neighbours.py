"""What was said of one movement tells of those keyed in beside it: they are looked at again.

Of a burst only the strangest line is shown (``ml.triage.detect``). Where a person calls it a fault, the others of its
burst follow as far as that makes each likelier a fault than not; where it is none, they are left alone.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from ml.anomaly.bursts import REACH_US, neighbours_say

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

LIKELY = 0.5
"""From this chance on a neighbour of a fault is one to look at."""
BESIDE_A_FAULT = "a movement within minutes of it was said to be a fault"
"""The first reason of what is shown for that alone."""
SMALLEST = 1e-9
TOLD_MARK = "neighbours"
"""Under this name ``scored_up_to`` keeps the newest judgement by which neighbours were looked at again."""


@dataclass(frozen=True)
class Said:
    """Movements that people judged (j rows): ``entry_id``, ``system``, ``occurred_at``, ``faulty``."""

    rows: pl.DataFrame

    def tells(self, facts: pl.DataFrame, chance: Floats) -> tuple[Floats, Flags]:
        """The ``chance`` (n,) of a fault of ``facts`` by what was said near by, and which become likely by it (n,)."""
        nats = np.zeros(facts.height)
        entry = facts["entry_id"].to_numpy()
        for (system,), said in self.rows.group_by("system"):
            places = np.flatnonzero((facts["system"] == system).fill_null(False).to_numpy())
            places = places[~np.isin(entry[places], said["entry_id"].to_numpy())]
            if len(places):
                moments = facts["occurred_at"].to_numpy()[places]
                nats[places] = neighbours_say(moments, said["occurred_at"].to_numpy(), said["faulty"].to_numpy())
        odds = np.clip(chance, SMALLEST, 1 - SMALLEST)
        moved: Floats = np.where(nats == 0.0, chance, 1 / (1 + np.exp(np.log1p(-odds) - np.log(odds) - nats)))
        return moved, (nats > 0) & (moved >= LIKELY)


def read_said(connection: Connection) -> Said:
    """What stands of all that was said of movements, the newest of each."""
    schema = {"entry_id": pl.Int64, "system": pl.String, "occurred_at": pl.Int64, "faulty": pl.Boolean}
    rows = [(*row[:3], row[3] == "true") for row in connection.execute(text(_SAID))]
    return Said(pl.DataFrame(rows, schema, orient="row"))


def newest_fault(connection: Connection, after: int) -> int:
    """The newest standing judgement that calls a movement a fault; ``after`` where none is newer than that one."""
    return int(connection.execute(_NEWEST_FAULT, {"after": after}).scalar_one() or after)


def settle_without_fault(connection: Connection, at: datetime) -> int:
    """Settle what is shown for a fault beside it where no such judgement stands any more; returns how many."""
    bound = {"at": to_microseconds(at), "reason": f'["{BESIDE_A_FAULT}"%', "reach": REACH_US}
    return max(connection.execute(text(_NO_FAULT_BESIDE), bound).rowcount, 0)


_NEWEST_OF_EACH = """
NOT EXISTS (
    SELECT 1 FROM judged_fact n JOIN judgement k ON k.judgement_id = n.judgement_id
    WHERE n.kind = f.kind AND n.fact_id = f.fact_id AND k.ended_at IS NULL AND n.judgement_id > f.judgement_id)
"""

_SAID = f"""
SELECT l.entry_id, s.name, l.occurred_at, j.said
FROM judged_fact f JOIN judgement j ON j.judgement_id = f.judgement_id
JOIN ledger_entry l ON l.entry_id = f.fact_id JOIN source s ON s.source_id = l.source_id
WHERE f.kind = 'movement' AND j.ended_at IS NULL AND j.said IN ('true', 'false') AND {_NEWEST_OF_EACH}
"""

_NEWEST_FAULT = text("""
SELECT MAX(j.judgement_id) FROM judgement j JOIN judged_fact f ON f.judgement_id = j.judgement_id
WHERE j.judgement_id > :after AND f.kind = 'movement' AND j.ended_at IS NULL AND j.said = 'true'
""")

_NO_FAULT_BESIDE = f"""
UPDATE anomaly SET settled_at = :at, settlement = 'what was said of a movement beside it was taken back'
WHERE settled_at IS NULL AND kind = 'movement' AND reasons LIKE :reason AND NOT EXISTS (
    SELECT 1 FROM judged_fact f JOIN judgement j ON j.judgement_id = f.judgement_id
    JOIN ledger_entry l ON l.entry_id = f.fact_id JOIN source s ON s.source_id = l.source_id
    WHERE f.kind = 'movement' AND j.ended_at IS NULL AND j.said = 'true' AND {_NEWEST_OF_EACH}
      AND s.name = anomaly.system
      AND l.occurred_at BETWEEN anomaly.occurred_at - :reach AND anomaly.occurred_at + :reach)
"""
