"""How much single orders asked for, of each SKU and on each channel."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.ledger.effects import SIGN
from ml.buffers.big_orders import BigOrder, big_order, lot_of
from ml.exposure.distribution import Floats

HISTORY = timedelta(days=28)
"""How far back orders, pushes and picks are looked at."""
NONE = np.zeros(0)


@dataclass(frozen=True)
class OrderSizes:
    """Units of every shipment of the last weeks (k,), by SKU and then channel ("" where it passed none)."""

    of_sku: Mapping[str, Mapping[str, Floats]]

    def own_lot(self, sku: str, channel: str) -> float:
        """Σq²/Σq on the channel."""
        sizes = self.of_sku.get(sku, {}).get(channel, NONE)
        return max(float((sizes**2).sum() / sizes.sum()), 1.0) if sizes.sum() > 0 else 1.0

    def others_lot(self, sku: str, channel: str) -> float:
        """Σq²/Σq of usual orders everywhere else."""
        return max(lot_of(self._others(sku, channel)), 1.0)

    def big(self, sku: str, channel: str) -> BigOrder | None:
        """Orders far larger than usual everywhere else."""
        return big_order(self._others(sku, channel), HISTORY / timedelta(days=1))

    def _others(self, sku: str, channel: str) -> Floats:
        rest = [sizes for name, sizes in self.of_sku.get(sku, {}).items() if name != channel]
        return np.concatenate(rest) if rest else NONE


def read_orders(connection: Connection, at: datetime) -> OrderSizes:
    """From the shipments of the ``HISTORY`` before ``at`` that were not taken back."""
    rows = connection.execute(
        text(
            f"SELECT p.sku, COALESCE(l.channel, '') AS channel, l.quantity, SUM({SIGN}) "
            "FROM ledger_entry l JOIN position p ON p.position_id = l.position_id "
            "WHERE l.type = 'ship' AND l.occurred_at BETWEEN :since AND :until GROUP BY 1, 2, 3 "
            f"HAVING SUM({SIGN}) > 0"
        ),
        {"since": to_microseconds(at - HISTORY), "until": to_microseconds(at)},
    )
    found: dict[str, dict[str, list[Floats]]] = {}
    for sku, channel, units, count in rows:
        found.setdefault(sku, {}).setdefault(channel, []).append(np.full(int(count), float(units)))
    return OrderSizes(
        {
            sku: {channel: np.concatenate(sizes) for channel, sizes in channels.items()}
            for sku, channels in found.items()
        }
    )
