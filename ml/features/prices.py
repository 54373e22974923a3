"""The *priced* features: the price of a movement against those its SKU was priced at before, wherever it lay.

A unit entered as a case, a currency taken for another or a line keyed to the wrong SKU moves the right quantity at a
price that the SKU never had. Formulas as in ``ml.features.own_history``: logarithms of prices are kept in whole
4096ths, short histories lean on the spread of all SKUs.
"""

import numpy as np
from numpy.typing import NDArray

from ml.features.own_history import LOG_STEPS, POOLED_WEIGHT
from ml.features.running import Ints, RunningSums

Floats = NDArray[np.float64]

LEAST_PRICE = 1e-4
"""What a free line counts as: the smallest price that is kept."""
LEAST_SPREAD = 0.05
"""Floor of a SKU's spread of log price: one always sold at the list price is not infinitely regular."""


class PriceHistory:
    """What is remembered of every SKU's prices: counts, sums, and how often each was asked."""

    def __init__(self) -> None:
        self._own = RunningSums(2)  # priced movements, log price
        self._own_spread = RunningSums(1)
        self._same = RunningSums(1)
        self._pooled = RunningSums(2)  # movements of SKUs priced before, squared residual

    def advance(self, sku: Ints, price: Floats) -> Floats:
        """The two features (n, 2) of movements of ``sku`` (n,) at ``price`` (n,) a unit; then all are taken in.

        NaN where no price is told, or none was told of the SKU before.
        """
        found = np.full((len(sku), 2), np.nan)
        told = np.flatnonzero(~np.isnan(price))
        if not len(told):
            return found
        item, one = sku[told], np.ones(len(told), dtype=np.int64)
        level = np.round(np.log(np.maximum(price[told], LEAST_PRICE)) * LOG_STEPS).astype(np.int64)
        own = self._own.advance(item, np.stack([one, level], axis=1))
        same = self._same.advance((item << 20) | (level + (1 << 19)), one[:, None])[:, 0]
        count = own[:, 0]
        residual = np.where(count > 0, np.round(level - own[:, 1] / np.maximum(count, 1)), 0).astype(np.int64)
        own_squares = self._own_spread.advance(item, (residual**2)[:, None])[:, 0]
        pooled = self._pooled.advance(np.zeros_like(item), np.stack([one * (count > 0), residual**2], axis=1))
        usual = (pooled[:, 1] + (LEAST_SPREAD * LOG_STEPS) ** 2) / (pooled[:, 0] + 1)
        variance = (own_squares + POOLED_WEIGHT * usual) / (np.maximum(count - 1, 0) + POOLED_WEIGHT)
        spread = np.maximum(np.sqrt(variance), LEAST_SPREAD * LOG_STEPS)
        known = count > 0
        found[told[known], 0] = (residual / spread)[known]
        found[told[known], 1] = -np.log((same + 0.5) / (count + 1))[known]
        return found
