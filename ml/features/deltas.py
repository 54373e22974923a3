"""Differences between systems as a feature matrix, each row as known at its as-of moment.

A difference counts against what moves in the meantime: with d units a day and h seconds of age, about
F = d h / 86 400 units move, with a spread near sqrt(F + 1) (Poisson, and one unit of rounding). The daily
units come with the row (``daily_units``) or are learned from how the item's expected stock changes.
What is usual for an item is told in ``ml.features.own_deltas``.
A batch holds whole as-of moments, in order of time.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.features.behind import MOVED
from ml.features.definitions import DELTA_SET
from ml.features.lateness import LagRarity
from ml.features.own_deltas import PRIOR_ROWS, Differences, OwnDeltas
from ml.features.running import NEVER, Codes, Ints, LastSeen, RunningSums

Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]

DAY_S = 86_400
USUAL_AGE_S = 3_600
"""What an age is held against while nothing is known of the channel or location."""
PACKS = np.log(np.array([6.0, 12.0, 24.0]))
NUMBERS = ("expected", "reported", "in_flight", "erp", "wms", "channel_qty", "published_age_s", "event_lag_s")
FAILURES = ("failures_day", "failures_four_days", "failures_of_system", "failures_there", "told_units")
"""What failures that were known at the row's moment say: ``ml.triage.failures_before``."""
SNAPSHOT = "snapshot"
"""Which of its system's snapshots a row is of, counted from 1; without it those of the book that differed are."""


@dataclass(frozen=True)
class Deltas:
    """Deltas in order of time; every column has n rows, ``numbers`` NaN where a figure or count is missing.

    ``book`` names the system and the state of stock that the figure is of.
    """

    time_us: Ints
    sku: pl.Series
    location: pl.Series
    channel: pl.Series
    book: pl.Series
    numbers: dict[str, Floats]
    daily_units: Floats

    def __len__(self) -> int:
        return len(self.time_us)

    @classmethod
    def from_frame(cls, deltas: pl.DataFrame) -> "Deltas":
        """Deltas of an interchange table; absent columns are missing in every row. Rows must be by time."""
        n, nowhere = deltas.height, pl.repeat("", deltas.height, dtype=pl.String, eager=True)

        def number(name: str) -> Floats:
            if name not in deltas.columns:
                return np.full(n, np.nan)
            return deltas[name].cast(pl.Float64).fill_null(np.nan).to_numpy()

        def text(name: str) -> pl.Series:
            return deltas[name].cast(pl.String).fill_null("") if name in deltas.columns else nowhere

        time_us = deltas["as_of"].dt.epoch("us").cast(pl.Int64).to_numpy()
        if bool((np.diff(time_us) < 0).any()):
            raise ValueError("deltas must be in order of time")
        numbers = {name: number(name) for name in (*NUMBERS, *FAILURES, *MOVED, SNAPSHOT)}
        book = text("system") + "\x1f" + text("state")
        return cls(time_us, text("sku"), text("location"), text("channel"), book, numbers, number("daily_units"))

    def rows(self, start: int, stop: int) -> "Deltas":
        """Rows ``start`` to ``stop``."""
        size, here = stop - start, slice(start, stop)
        return Deltas(
            self.time_us[here],
            self.sku.slice(start, size),
            self.location.slice(start, size),
            self.channel.slice(start, size),
            self.book.slice(start, size),
            {name: column[here] for name, column in self.numbers.items()},
            self.daily_units[here],
        )

    def batches(self, size: int) -> list["Deltas"]:
        """Batches of about ``size`` rows that never cut an as-of moment in two."""
        parts, start = [], 0
        while start < len(self):
            end = min(start + size, len(self))
            stop = int(np.searchsorted(self.time_us, self.time_us[end - 1], side="right"))
            parts.append(self.rows(start, stop))
            start = stop
        return parts


class RunningMean:
    """The mean of the known ages by key before each row, drawn to ``USUAL_AGE_S`` while there are few."""

    def __init__(self) -> None:
        self._sums = RunningSums(2)

    def advance(self, keys: Ints, ages_s: Floats) -> Floats:
        known = ~np.isnan(ages_s)
        whole = np.round(np.where(known, ages_s, 0)).astype(np.int64)
        before = self._sums.advance(keys, np.stack([known.astype(np.int64), whole], axis=1))
        mean: Floats = (before[:, 1] + PRIOR_ROWS * USUAL_AGE_S) / (before[:, 0] + PRIOR_ROWS)
        return mean


class _Freshness(NamedTuple):
    """How old figures are, how old such figures usually are, and the units that may have moved meanwhile; (n,) each."""

    seconds: Floats
    usual: Floats
    spread: Floats


def _freshness(means: RunningMean, keys: Ints, seconds: Floats, daily: Floats) -> _Freshness:
    usual = means.advance(keys, seconds)
    return _Freshness(seconds, usual, spread(daily, np.where(np.isnan(seconds), usual, seconds)))


class DeltaFeatures:
    """The builder, with all it has learned of the items, channels and locations so far."""

    def __init__(self) -> None:
        self._items, self._channels, self._locations = Codes(), Codes(), Codes()
        self._skus, self._books = Codes(), Codes()
        self._last_time, self._last_expected = LastSeen(), LastSeen()
        self._moved = RunningSums(2)  # units, seconds
        self._published, self._lag = RunningMean(), RunningMean()
        self._lag_rarity = LagRarity()
        self._own = OwnDeltas()

    def advance(self, deltas: Deltas) -> Matrix:
        """The *delta* matrix (n, 39) in the order of ``DELTA_FEATURES``; all (n,) rows are taken in."""
        if not len(deltas):
            return np.empty((0, len(DELTA_SET.features)), dtype=np.float32)
        figure = deltas.numbers
        item = self._items.advance(deltas.sku + "\x1f" + deltas.location + "\x1f" + deltas.channel + deltas.book)
        place = self._locations.advance(deltas.location)
        daily = self._daily_units(item, deltas)
        channel = self._channels.advance(deltas.channel)
        age = _freshness(self._published, channel, figure["published_age_s"], daily)
        lag = _freshness(self._lag, place, figure["event_lag_s"], daily)
        in_flight = np.nan_to_num(figure["in_flight"])
        shown, real = figure["reported"], figure["expected"]
        plain = shown - real
        apart = figure["erp"] - figure["wms"] - in_flight
        residual_z, apart_z = (plain - in_flight) / np.maximum(age.spread, lag.spread), apart / lag.spread
        book = self._books.advance(deltas.book)
        differences = Differences(
            time_us=deltas.time_us,
            item=item,
            book=book,
            sku=self._skus.advance(deltas.sku),
            place=place,
            snapshot=figure[SNAPSHOT],
            reported=shown,
            residual=plain - in_flight,
            plain=plain,
            apart=apart,
            moved=np.stack([figure[name] for name in MOVED], axis=1),
            unusual=np.abs(residual_z) > 1,
            unusual_apart=np.abs(apart_z) > 1,
        )
        own = self._own.advance(differences)
        own_spread = np.sqrt(0.05 * daily + 1)
        columns = [
            np.arcsinh(residual_z),
            np.arcsinh(apart_z),
            np.arcsinh((figure["channel_qty"] - np.maximum(figure["wms"], 0)) / age.spread),
            np.arcsinh(own["own_residual"] / own_spread),
            np.arcsinh(own["own_apart"] / own_spread),
            np.log1p(np.maximum(age.seconds, 0) / age.usual),
            np.log1p(np.maximum(lag.seconds, 0) / lag.usual),
            np.arcsinh(figure["in_flight"] / lag.spread),
            pack_closeness(shown, real),
            own["unusual"],
            own["unusual_apart"],
            np.where(np.isnan(shown) | np.isnan(real), np.nan, (shown <= 0) != (real <= 0)),
            *_beyond_usual(own, own_spread),
            np.log1p(daily),
            np.log1p(np.abs(real)),
            np.log1p(figure["failures_day"]),
            np.log1p(figure["failures_four_days"]),
            *_late_or_told(own, self._lag_rarity.advance(book, figure["event_lag_s"]), figure),
            told_closeness(figure["told_units"], plain, in_flight),
        ]
        return np.stack(columns, axis=1).astype(np.float32)

    def _daily_units(self, item: Ints, deltas: Deltas) -> Floats:
        """Units the item moves a day, as given, else learned from the changes of what was expected of it."""
        expected = deltas.numbers["expected"]
        known = ~np.isnan(expected)
        whole = np.where(known, np.nan_to_num(expected), 0).astype(np.int64)
        before = self._last_expected.advance(item, np.where(known, whole, NEVER))
        since = self._last_time.advance(item, np.where(known, deltas.time_us, NEVER))
        both = known & (before != NEVER)
        units = np.where(both, np.abs(whole - np.where(both, before, 0)), 0)
        seconds = np.where(both, (deltas.time_us - np.where(both, since, 0)) // 1_000_000, 0)
        sums = self._moved.advance(item, np.stack([units, seconds], axis=1))
        learned = (sums[:, 0] + units + 1) / ((sums[:, 1] + seconds) / DAY_S + 1)
        return np.where(np.isnan(deltas.daily_units), learned, deltas.daily_units)


def _beyond_usual(own: dict[str, Floats], own_spread: Floats) -> list[Floats]:
    """The columns from ``plain_against_own`` to ``book_odd``: how far beyond its usual a figure lies, and others."""
    return [
        np.arcsinh(own["own_plain"] / own_spread),
        np.arcsinh(own["least"] / own_spread),
        np.log1p(np.abs(own["least"]) / (np.nan_to_num(own["usual_beyond"]) + 1)),
        np.log1p(np.abs(own["own_apart"]) / (np.nan_to_num(own["usual_apart_beyond"]) + 1)),
        np.arcsinh(own["step"]),
        own["siblings_odd"],
        np.log1p(own["siblings_beyond"]),
        own["odd_there"],
        own["odd_elsewhere"],
        own["odd_then"],
        own["share"],
        own["book_rarity"],
        own["book_odd"],
    ]


def _late_or_told(own: dict[str, Floats], lag_rarity: Floats, figure: dict[str, Floats]) -> list[Floats]:
    """The columns from ``behind`` to ``failures_there``: what being late explains, and what is wrong beside it."""
    return [
        np.log1p(own["behind"]),
        np.log1p(own["behind_anywhere"]),
        own["behind_surprise"],
        np.arcsinh(own["left"]),
        lag_rarity,
        np.arcsinh(own["steady_here"]),
        np.log1p(own["steady_anywhere"]),
        np.log1p(figure["failures_of_system"]),
        np.log1p(figure["failures_there"]),
    ]


def spread(daily_units: Floats, age_s: Floats) -> Floats:
    """sqrt(F + 1): how far figures may lie apart while about F units move."""
    found: Floats = np.sqrt(daily_units * np.maximum(age_s, 0) / DAY_S + 1)
    return found


def pack_closeness(shown: Floats, real: Floats) -> Floats:
    """1 where one figure is a pack times the other, falling off with the log distance; NaN where one is missing."""
    ratio = np.abs(np.log((np.maximum(shown, 0) + 1) / (np.maximum(real, 0) + 1)))
    closeness: Floats = np.exp(-8.0 * np.abs(ratio[:, None] - PACKS).min(axis=1))
    return closeness


def told_closeness(told: Floats, plain: Floats, in_flight: Floats) -> Floats:
    """1 where a difference is as many units as a failure named, less with every unit; NaN where none named any."""
    apart = np.minimum(np.abs(told - np.abs(plain)), np.abs(told - np.abs(plain - in_flight)))
    closeness: Floats = 1.0 / (1.0 + apart)
    return closeness


BATCH_ROWS = 200_000


def describe(deltas: Deltas, builder: DeltaFeatures | None = None) -> Matrix:
    """The features (n, 39) of a whole history, built in batches."""
    builder = builder or DeltaFeatures()
    parts = [builder.advance(batch) for batch in deltas.batches(BATCH_ROWS)]
    return np.concatenate(parts) if parts else builder.advance(deltas)
