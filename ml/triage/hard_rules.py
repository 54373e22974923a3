"""What is strange whatever a detector thinks: shown in any case, beside what is learnt.

Negative stock, unknown SKUs and events that came again with other content are failures, not anomalies
(``core_sync``); what only two systems together tell is here.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

Flags = NDArray[np.bool_]

SHOWN_FROM_NOTHING = "the channel shows units, and neither the ledger nor the warehouse has any"


def shown_from_nothing(deltas: pl.DataFrame) -> Flags:
    """Which ``deltas`` (n rows; see ``ml.triage.frames``) show more on a channel than none, beyond what is in flight,
    where nothing is expected and the warehouse has none."""
    shown = pl.col("reported") - pl.col("in_flight").fill_null(0.0)
    rule = (pl.col("channel").fill_null("") != "") & (shown > 0) & (pl.col("expected") <= 0) & (pl.col("wms") <= 0)
    found: Flags = deltas.select(rule.fill_null(False).alias("rule"))["rule"].to_numpy()
    return found
