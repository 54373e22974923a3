"""What was free of each SKU through the last weeks: oversells happen at the stock there is then, not at today's."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from api.jobs.order_sizes import HISTORY
from core_sync.availability.promises import as_json, wanted_skus
from core_sync.clock import to_microseconds

EVERY = timedelta(hours=8)
"""Between two looks: goods often come in at one time of the day."""


def past_stock(connection: Connection, skus: Sequence[str], free: Sequence[int], at: datetime) -> NDArray[np.float64]:
    """Units (skus, looks) that were free of each SKU at looks ``EVERY`` so often in the weeks before ``at``.

    ``free`` is what is free now. Looks before the first thing known of any of the SKUs are left out.
    """
    looks = HISTORY // EVERY
    now, every = to_microseconds(at), EVERY // timedelta(microseconds=1)
    bound = {"skus": as_json(skus), "at": now, "every": every, "since": to_microseconds(at - HISTORY)}
    changed = np.zeros((len(skus), looks + 1))
    row_of = {sku: row for row, sku in enumerate(skus)}
    for sku, ago, units in connection.execute(text(_CHANGED.format(wanted=wanted_skus(connection))), bound):
        changed[row_of[sku], ago] += float(units)
    begun = connection.execute(text(_BEGUN.format(wanted=wanted_skus(connection))), bound).scalar_one()
    known = looks if begun is None else min((now - int(begun)) // every, looks)
    # Going back: what was there before the changes of the last span, of the last two, and so on.
    back: NDArray[np.float64] = np.array(free, dtype=np.float64)[:, None] - np.cumsum(changed, axis=1)
    return np.column_stack([free, back[:, :known]])


_CHANGED = """
SELECT p.sku, (:at - l.occurred_at) / :every AS ago,
       SUM(l.on_hand_delta - l.allocated_delta - l.quality_hold_delta)
FROM ({wanted}) w JOIN position p ON p.sku = w.sku JOIN ledger_entry l ON l.position_id = p.position_id
WHERE p.relative IS FALSE AND l.occurred_at > :since AND l.occurred_at <= :at GROUP BY 1, 2
"""

_BEGUN = """
SELECT MIN(l.occurred_at)
FROM ({wanted}) w JOIN position p ON p.sku = w.sku JOIN ledger_entry l ON l.position_id = p.position_id
"""
