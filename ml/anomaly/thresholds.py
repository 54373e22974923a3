"""From scores to decisions: conformal p-values, the false-discovery cut, the budget.

A p-value is the chance that an ordinary row scores as high: (1 + #{calibration >= score}) / (n + 1), valid where
rows are exchangeable (Bates, Candès, Lei, Romano, Sesia, Annals of Statistics 51(1), 2023). Benjamini and
Hochberg's cut over one batch then keeps the expected share of false alarms at ``q``. Rows of one SKU depend on
each other, so here both are empirical statements, not proofs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

EVEN_CHANCE = 0.5
DAILY_AUDITS = 8
"""Rows a day that are looked at without suspicion."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How many false alarms are accepted: a share ``q`` of alarms, or ``budget_share`` of rows where no p can tell.

    Where ``most_p`` is given it alone decides: of ordinary rows that share becomes alarms.
    """

    q: float = 0.1
    budget_share: float = 0.005
    most_p: float | None = None


def p_values(calibration: NDArray[np.float32], scores: Floats) -> Floats:
    """Conformal p-values (m,) of ``scores`` against rising ``calibration`` (n,); NaN where the score is NaN.

    Both are compared as float32, in which calibrations are kept, so that a tie stays a tie.
    """
    as_high = len(calibration) - np.searchsorted(calibration, scores.astype(np.float32), side="left")
    found = (1.0 + as_high.astype(np.float64)) / (len(calibration) + 1.0)
    return np.where(np.isnan(scores), np.nan, found)


def false_discovery_cut(p: Floats, q: float) -> Flags:
    """Benjamini and Hochberg: which of the p-values (m,) of one batch are alarms at ``q``; NaN never is."""
    known = np.sort(p[~np.isnan(p)])
    below = np.flatnonzero(known <= q * np.arange(1, len(known) + 1) / max(len(known), 1))
    if not len(below):
        return np.zeros(len(p), dtype=bool)
    return np.asarray(p <= known[below[-1]])


def most_strange(scores: Floats, count: int) -> Flags:
    """The ``count`` highest scores (m,); NaN is never among them."""
    chosen = np.zeros(len(scores), dtype=bool)
    known = np.flatnonzero(~np.isnan(scores))
    chosen[known[np.argsort(-scores[known], kind="stable")[:count]]] = True
    return chosen


def alarms(scores: Floats, p: Floats, calibrated_on: int, policy: Policy) -> Flags:
    """The alarms of one batch (m,): the false-discovery cut, or the budget where calibration is too small.

    With fewer than m / q calibration rows even the highest score could not pass the cut.
    """
    if policy.most_p is not None:
        return np.asarray(p <= policy.most_p)
    judged = int((~np.isnan(scores)).sum())
    if calibrated_on >= judged / policy.q:
        return false_discovery_cut(p, policy.q)
    return most_strange(scores, int(np.floor(judged * policy.budget_share)))


def alarms_by_moment(
    moments: NDArray[np.int64], scores: Floats, p: Floats, calibrated_on: int, policy: Policy
) -> Flags:
    """``alarms`` among the rows of each moment; ``moments`` (n,) never fall."""
    found = np.zeros(len(p), dtype=bool)
    for start, stop in _moments(moments):
        found[start:stop] = alarms(scores[start:stop], p[start:stop], calibrated_on, policy)
    return found


def likely_by_moment(
    moments: NDArray[np.int64], chance: Floats, recent: Floats, q: float, window: int
) -> tuple[Flags, Floats]:
    """Which rows (n,) are so likely a fault that among alarms as likely at most a share ``q`` is expected to be false.

    Of the rows of each moment and the ``recent`` ones before the likeliest are taken, for as long as their mean chance
    of being none stays within ``q`` (Sun and Cai, Journal of the American Statistical Association 102(479), 2007). It
    holds as far as the ``chance`` (n,) of a fault does. Many sure ones would let many unlikely ones through, so none
    is taken that is likelier none. Returns them and the at most ``window`` chances to start from next time; a
    missing chance is never likely.
    """
    likely = np.zeros(len(chance), dtype=bool)
    for start, stop in _moments(moments):
        known = chance[start:stop]
        recent = np.concatenate([recent, known[~np.isnan(known)]])
        likely[start:stop] = known >= max(least_chance(recent, q), EVEN_CHANCE)
        recent = recent[-window:]
    return likely, recent


def least_chance(chances: Floats, q: float) -> float:
    """From which of ``chances`` (m,) on the mean chance of being no fault is at most ``q``; infinite where none is."""
    falling = np.sort(chances)[::-1]
    within = np.flatnonzero(np.cumsum(1.0 - falling) <= q * np.arange(1, len(falling) + 1))
    return float(falling[within[-1]]) if len(within) else np.inf


def _moments(moments: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Where the rows of each moment start and stop."""
    return pairwise([0, *(np.flatnonzero(np.diff(moments)) + 1).tolist(), len(moments)])


def running_cut(recent: Floats, q: float) -> float:
    """The largest p-value that Benjamini and Hochberg would reject if it came after ``recent`` (m - 1,).

    It is the largest q k / m for which at least k - 1 of the earlier ones lie at or below it.
    """
    m = len(recent) + 1
    cuts = q * np.arange(1, m + 1) / m
    below = np.searchsorted(np.sort(recent), cuts, side="right")
    return float(cuts[np.flatnonzero(below >= np.arange(m))[-1]])


PIECE_ROWS = 200


def running_alarms(p: Floats, recent: Floats, calibrated_on: int, policy: Policy, window: int) -> tuple[Flags, Floats]:
    """Alarms (n,) in a stream, each decided by the p-values of at most ``window`` rows before it.

    Returns them and the p-values to start from next time. The cut is renewed every ``PIECE_ROWS`` rows.
    Where calibration is too small for the cut, a p-value within the budget is an alarm.
    """
    alarm = np.zeros(len(p), dtype=bool)
    for start in range(0, len(p), PIECE_ROWS):
        piece = p[start : start + PIECE_ROWS]
        if policy.most_p is not None:
            cut = policy.most_p
        elif calibrated_on >= window / policy.q:
            cut = running_cut(recent, policy.q) if len(recent) >= window else policy.q / window
        else:
            cut = policy.budget_share
        alarm[start : start + PIECE_ROWS] = piece <= cut
        recent = np.concatenate([recent, piece[~np.isnan(piece)]])[-window:]
    return alarm, recent
