"""What the detector must beat: three ways to tell strange rows that need no forest, no labels and little time.

- *robust z*: how many robust standard deviations a row's furthest feature lies from its median.
- *ECOD*: tail chances of every feature, multiplied (Li, Zhao, Hu, Botta, Ionescu, Chen, *ECOD: Unsupervised Outlier
  Detection Using Empirical Cumulative Distribution Functions*, IEEE TKDE 2022): the largest of the sums of left tails,
  of right tails, and of those on the side to which each feature is skewed.
- *low-rank Poisson*: units by SKU and location come at the rate of a few patterns that all share (Poisson factorisation
  by multiplicative updates, Lee and Seung, *Algorithms for Non-negative Matrix Factorization*, NeurIPS 2000, with how
  often each cell was looked at); how unlikely so many are there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson, skew

from ml.anomaly.tails import Floats, Tails
from ml.features.feature import Tail

Matrix = NDArray[np.float32]
Ints = NDArray[np.int64]

TO_SD = 1.4826
"""Of a normal distribution the median distance from the median, times this, is the standard deviation."""
RANK, ROUNDS = 3, 60
DRAWN_IN = 0.1
"""What every pattern starts with, so that a SKU that was hardly seen is like the others."""


def robust_z(history: Matrix, rows: Matrix) -> Floats:
    """The largest robust z of each row (n,) over its features; a missing value counts nothing.

    Where over half of ``history`` (h, k) has one value, the standard deviation is taken instead.
    """
    told = ~np.isnan(history).all(axis=0)
    known, asked = history[:, told].astype(np.float64), rows[:, told]
    middle = np.nanmedian(known, axis=0)
    scale = TO_SD * np.nanmedian(np.abs(known - middle), axis=0)
    scale = np.where(scale > 0, scale, np.nanstd(known, axis=0))
    z = np.abs(asked - middle) / np.where(scale > 0, scale, 1.0)
    found: Floats = np.nan_to_num(z).max(axis=1)
    return found


def ecod(history: Matrix, rows: Matrix) -> Floats:
    """The tail surprise of each row (n,) in nats, by the tails of ``history`` (h, k)."""
    left, right, skewed = np.zeros(len(rows)), np.zeros(len(rows)), np.zeros(len(rows))
    for column, seen in zip(rows.T, history.T, strict=True):
        known = seen[~np.isnan(seen)].astype(np.float64)
        if not len(known) or known.min() == known.max():
            continue
        tails = Tails.of(known)
        low, high = tails.surprise(column, Tail.LOW), tails.surprise(column, Tail.HIGH)
        left, right = left + low, right + high
        skewed += low if skew(known) < 0 else high
    return np.maximum(np.maximum(left, right), skewed)


@dataclass(frozen=True)
class LowRankPoisson:
    """The units expected of one look, by SKU (s) and location (l): ``rate`` (s, l)."""

    rate: Floats

    @classmethod
    def of(cls, sku: Ints, location: Ints, units: Ints, skus: int, locations: int, seed: int) -> "LowRankPoisson":
        """Rates learnt from looks (n,), numbered below ``skus`` and ``locations``; ``units`` are never negative."""
        cell = sku * locations + location
        shape, size = (skus, locations), skus * locations
        total = np.bincount(cell, units, size).reshape(shape)
        looks = np.bincount(cell, minlength=size).reshape(shape).astype(np.float64)
        rng, rank = np.random.default_rng(seed), min(RANK, *shape)
        of_sku, of_location = rng.gamma(1.0, 1.0, (skus, rank)), rng.gamma(1.0, 1.0, (rank, locations))
        for _ in range(ROUNDS):
            share = total / np.maximum(of_sku @ of_location, 1e-12)
            of_sku *= (share @ of_location.T + DRAWN_IN) / (looks @ of_location.T + DRAWN_IN)
            share = total / np.maximum(of_sku @ of_location, 1e-12)
            of_location *= (of_sku.T @ share + DRAWN_IN) / (of_sku.T @ looks + DRAWN_IN)
        return cls(np.maximum(of_sku @ of_location, 1e-6))

    def surprise(self, sku: Ints, location: Ints, units: Ints) -> Floats:
        """-log of the chance of as many ``units`` (n,) or more, in nats; far out by Chernoff's bound."""
        rate = self.rate[sku, location]
        exact = -poisson.logsf(units - 1, rate)
        bound = units * np.log(np.maximum(units, 1) / rate) - units + rate
        return np.where(np.isfinite(exact), exact, bound)
