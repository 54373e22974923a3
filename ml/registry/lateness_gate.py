"""The gate for models of lateness: challenger, live model and the plain rule on one's own newest deliveries."""

from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.registry.gate import Comparison, Verdict, refusal
from ml.registry.resampling import Gain, average_precision, gain_in_average_precision
from ml.suppliers.deliveries import late_share, with_past

if TYPE_CHECKING:
    from ml.suppliers.lateness import Lateness

LEAST_LATE = 10
"""Late lines (and lines in time) below which nothing can be measured."""


def judge_lateness(
    challenger: "Lateness", champion: "Lateness | None", lines: pl.DataFrame, equal_is_enough: bool = False
) -> Verdict:
    """Whether ``challenger`` may take the place of ``champion``, on the lines promised after it learned.

    The plain rule is the supplier's past late share as of each order. Days are drawn anew, for lines of one day often
    came together. A champion that learned later has seen some of the lines, which is to its advantage.
    """
    told = with_past(lines).filter(
        pl.col("is_due") & (pl.col("promised_at") >= challenger.until) & pl.col("known_at").is_not_null()
    )
    late = told["late"].to_numpy().astype(bool)
    title = f"your deliveries promised since {challenger.until:%Y-%m-%d}"
    if min(late.sum(), (~late).sum()) < LEAST_LATE:
        return Verdict([], None, f"{late.sum()} of {len(late)} of {title} came late: too few to measure on")
    days: NDArray[np.int64] = told["promised_at"].dt.epoch("d").to_numpy().astype(np.int64)
    digest = sha256(told.select("line", "late").write_csv().encode()).hexdigest()[:12]
    ours, plain = challenger.chances(told), late_share(told, "supplier")
    theirs = None if champion is None else champion.chances(told)

    def ranked(score: NDArray[np.float64]) -> float:
        return float(average_precision(score, late, np.ones((1, len(late))))[0])

    def over(score: NDArray[np.float64]) -> Gain:
        return gain_in_average_precision(ours, score, late, days)

    compared = Comparison(
        title, digest, len(late), "average_precision", ranked(ours), None if theirs is None else ranked(theirs),
        ranked(plain), None if theirs is None else over(theirs), over(plain),
    )  # fmt: skip
    return Verdict([compared], None, refusal([compared], None, equal_is_enough))
