"""Buffers of many listings at once, in arrays of float64."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from os import cpu_count
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ml.buffers.big_orders import BigOrders
from ml.buffers.mistakes import accepted_chance, expected_mistakes
from ml.buffers.race import Late, Stretches, held_back_in_race, stretches
from ml.buffers.rails import POLICY, Policy, within
from ml.exposure.demand import dispersion_over
from ml.exposure.distribution import MOST_DISPERSED, MOST_UNITS, Demand, Floats

HOURS_A_DAY = 24.0
PIECE_ROWS = 8_000
"""Listings looked at together: their arrays stay in the processor's cache."""


@dataclass(frozen=True)
class Listings:
    """n listings, every column (n,). Rates are units a day, costs money of one currency a row, spans hours.

    ``others_lot`` and ``own_lot`` are Σq²/Σq over orders of q units, 1 where units are asked for singly. Of the
    refreshes ``late_share`` come late, after ``late_times`` the regular window; ``shared`` is the relative variance
    of the shock that the channel and the others share (``shocks``).
    ``others_rate``, its dispersion and lot are of everyday demand; ``big_rate`` orders a day ask for ``big_units`` more
    than a usual one, in the mean, with ``big_dispersion`` (``big_orders``). ``available`` is NaN where unknown; costs
    may be NaN, and then the policy's chance is taken. ``receipts`` (n, stretches) are the chances that a receipt comes
    before the middle of each stretch of the window (``race.middles``); without them none is expected.
    """

    others_rate: Floats
    others_dispersion: Floats
    others_lot: Floats
    big_rate: Floats
    big_units: Floats
    big_dispersion: Floats
    own_rate: Floats
    own_dispersion: Floats
    own_lot: Floats
    window_h: Floats
    late_share: Floats
    late_times: Floats
    shared: Floats
    lost_cost: Floats
    oversell_cost: Floats
    weight: Floats
    available: Floats
    current: Floats
    receipts: Floats | None = None

    def only(self, rows: NDArray[np.int64]) -> "Listings":
        """The listings in ``rows`` (m,)."""
        columns: list[Any] = [getattr(self, column.name) for column in fields(self)]
        kept: list[Any] = [None if column is None else column[rows] for column in columns]
        return Listings(*kept)

    @classmethod
    def together(cls, parts: Sequence["Listings"]) -> "Listings":
        """All listings of the ``parts``, one part after the other, all of them with receipts or all without."""
        columns: list[list[Any]] = [[getattr(part, column.name) for part in parts] for column in fields(cls)]
        joined: list[Any] = [None if column[0] is None else np.concatenate(column) for column in columns]
        return cls(*joined)

    @property
    def big(self) -> BigOrders:
        """Orders of the others beyond usual ones."""
        return BigOrders(self.big_rate, self.big_units, self.big_dispersion)

    def without_volatility(self) -> "Listings":
        """As if as much demand came unit by unit, by chance alone: no bursts, lots, big orders or shared days."""
        ones = np.ones(len(self.window_h))
        return replace(
            self, others_rate=self.others_rate + self.big.a_day, others_dispersion=ones, others_lot=ones,
            big_rate=0 * ones, own_dispersion=ones, own_lot=ones, shared=0 * ones,
        )  # fmt: skip


@dataclass(frozen=True)
class Buffers:
    """Figures (n,): units ``wanted`` before the limits, the buffer after them, the chance accepted, the mistakes.

    ``oversold`` and ``lost`` are units per window, ``oversell_rate`` is per unit asked of the channel; NaN where
    what is available is unknown.
    """

    wanted: Floats
    buffer: Floats
    limit: list[str]
    alpha: Floats
    oversold: Floats
    lost: Floats
    oversell_rate: Floats


def others_in_window(listings: Listings) -> Demand:
    """What all others ask for in each exposure window, big orders aside."""
    return _in_window(
        listings.others_rate,
        listings.others_dispersion,
        listings.others_lot,
        listings.window_h,
    )


def stretches_of(listings: Listings) -> Stretches:
    """The exposure windows in their stretches, demand spread evenly over the day."""

    def own(share: Floats, level: Floats) -> Demand:
        rate, dispersion = listings.own_rate, listings.own_dispersion
        return _shocked(rate, dispersion, listings.own_lot, listings.window_h * share, level, listings.shared)

    def others(share: Floats, level: Floats) -> Demand:
        rate, dispersion = listings.others_rate, listings.others_dispersion
        return _shocked(
            rate,
            dispersion,
            listings.others_lot,
            listings.window_h * share,
            level,
            listings.shared,
        )

    orders = listings.big

    def big(share: Floats, everyday: Demand) -> tuple[Floats, Demand]:
        return orders.come(listings.window_h * share / HOURS_A_DAY), orders.with_one(everyday)

    late = Late(listings.late_share, listings.late_times)
    receipts = None if listings.receipts is None else listings.receipts.T
    return stretches(own, others, late, listings.shared, big if orders.any else None, receipts)


def _shocked(
    rate: Floats,
    dispersion: Floats,
    lot: Floats,
    hours: Floats,
    level: Floats,
    shared: Floats,
) -> Demand:
    """Demand (n,) of ``hours`` at a ``level`` of a shock that explains ``shared`` of the relative variance."""
    bursts = np.maximum(dispersion - shared * rate, 1.0)
    spread = lot + (dispersion_over(hours, bursts, lot=lot) - lot) * level
    asked = np.minimum(rate * hours * level / HOURS_A_DAY, MOST_UNITS)
    return Demand.of(asked, np.clip(spread, 1.0, MOST_DISPERSED))


def wanted(listings: Listings, policy: Policy = POLICY, alpha: Floats | None = None) -> Floats:
    """Units (n,) that our rule holds back, before the limits; ``alpha`` (n,) instead of the chance costs accept."""
    accepted = chances(listings, policy) if alpha is None else alpha

    def of(rows: NDArray[np.int64]) -> Floats:
        part = listings.only(rows)
        return _wanted(part, stretches_of(part), accepted[rows])

    return np.concatenate(_by_pieces(of, len(accepted)))


def _wanted(listings: Listings, found: Stretches, alpha: Floats) -> Floats:
    regular = others_in_window(listings)
    usual = regular.mean + listings.big.a_day * listings.window_h / HOURS_A_DAY
    return held_back_in_race(found, regular, usual, listings.available, alpha, np.arange(len(alpha)))


Found = TypeVar("Found")


def _by_pieces(of: Callable[[NDArray[np.int64]], Found], count: int) -> list[Found]:
    """``of`` for all rows up to ``count``, in pieces."""
    pieces = np.array_split(np.arange(count), max(1, -(-count // PIECE_ROWS)))
    if len(pieces) == 1:
        return [of(pieces[0])]
    # The chances are ufuncs of scipy's, which let go of the interpreter while they count.
    with ThreadPoolExecutor(cpu_count()) as threads:
        return list(threads.map(of, pieces))


def _in_window(rate: Floats, dispersion: Floats, lot: Floats, hours: Floats) -> Demand:
    spread = dispersion_over(hours, dispersion, lot=lot)
    return Demand.of(np.minimum(rate * hours / HOURS_A_DAY, MOST_UNITS), np.minimum(spread, MOST_DISPERSED))


def asked_between_refreshes(listings: Listings) -> Floats:
    """Mean units (n,) that the channel is asked for from one refresh to the next, late ones included."""
    longer = 1 + listings.late_share * (np.maximum(listings.late_times, 1.0) - 1)
    asked: Floats = np.minimum(listings.own_rate * listings.window_h * longer / HOURS_A_DAY, MOST_UNITS)
    return asked


def chances(listings: Listings, policy: Policy = POLICY) -> Floats:
    """The chance (n,) accepted that the others take more than is held back."""
    alpha = accepted_chance(listings.lost_cost, listings.oversell_cost, listings.weight)
    return np.where(np.isnan(alpha), policy.assumed_alpha, alpha)


def buffers(listings: Listings, policy: Policy = POLICY) -> Buffers:
    """Recommend for n listings at once.

    Raises:
        NotADemand: a rate, dispersion or window that describes no demand.
    """
    found = _by_pieces(lambda rows: _buffers_of(listings.only(rows), policy), len(listings.window_h))

    def column(name: str) -> Floats:
        return np.concatenate([getattr(one, name) for one in found])

    limits = [limit for one in found for limit in one.limit]
    return Buffers(
        column("wanted"), column("buffer"), limits, column("alpha"), column("oversold"), column("lost"),
        column("oversell_rate"),
    )  # fmt: skip


def _buffers_of(listings: Listings, policy: Policy) -> Buffers:
    alpha, found = chances(listings, policy), stretches_of(listings)
    asked_for = _wanted(listings, found, alpha)
    per_hour = listings.others_rate / HOURS_A_DAY
    railed = within(asked_for, listings.current, listings.available, per_hour, policy)
    oversold, lost, rate = _mistakes(listings, found, railed.buffer)
    return Buffers(asked_for, railed.buffer, railed.limit, alpha, oversold, lost, rate)


def mistakes(listings: Listings, held: Floats) -> tuple[Floats, Floats, Floats]:
    """Units oversold and lost per window, and the oversell rate (n,), of ``held`` units (n,)."""
    return _mistakes(listings, stretches_of(listings), held)


def _mistakes(listings: Listings, found: Stretches, held: Floats) -> tuple[Floats, Floats, Floats]:
    oversold, lost = np.full(len(held), np.nan), np.full(len(held), np.nan)
    rows = np.flatnonzero(~np.isnan(listings.available))
    if len(rows):
        expected = expected_mistakes(held[rows], listings.available[rows], found.only(rows))
        oversold[rows], lost[rows] = expected.oversold, expected.lost
    asked = asked_between_refreshes(listings)
    rate = np.where(asked > 0, np.minimum(oversold / np.where(asked > 0, asked, 1.0), 1.0), oversold)
    return oversold, lost, rate
