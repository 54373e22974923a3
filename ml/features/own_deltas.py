"""What is usual for an item, a book and a SKU, and how far a difference goes beyond it.

A record that has been off by forty units for weeks is no news; one that usually agrees and is off by four is. An
item is a SKU at a location and channel in one book (a system's stock state). The reconciliation tells only figures
that differ, so an item that is absent from a snapshot agreed: its usual difference is the median of its last 28, and
nothing where it differed in less than half of the last 28 snapshots of its book.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.features.behind import Behind, BehindBooks
from ml.features.running import Ints, LastSeen, RunningSums, together

Floats = NDArray[np.float64]

USUAL_SNAPSHOTS = 28
PERSIST_SNAPSHOTS = 4
STEADY_SHARE = 0.75
"""A figure that differed in fewer of the snapshots usually agrees: where it differs, something is wrong."""
LEAST_ODD_UNITS = 2
ODD_TIMES = 1.5
"""A difference is odd from two units, and from one and a half times what nine of ten of the item's reached."""
PRIOR_ROWS = 20
MOMENTS = 1_000_000
"""A key of item and snapshot holds so many snapshots of a book."""


@dataclass(frozen=True)
class Differences:
    """One batch of whole snapshots (n rows): figures in units, NaN where one is missing.

    ``residual`` is reported less expected with what is in flight netted out, ``plain`` the same without, ``apart``
    ERP less WMS; ``reported`` the figure itself, ``snapshot`` which of its system's it is of, from 1; ``moved``
    (n, hours) is what moved in the hours before (``ml.features.behind``); ``unusual`` and ``unusual_apart`` say whether
    they lie beyond one sd.
    """

    time_us: Ints
    item: Ints
    book: Ints
    sku: Ints
    place: Ints
    snapshot: Floats
    reported: Floats
    residual: Floats
    plain: Floats
    apart: Floats
    moved: Floats
    unusual: NDArray[np.bool_]
    unusual_apart: NDArray[np.bool_]


class OwnDeltas:
    """The last 28 differences of every item, and how often the books differ."""

    def __init__(self) -> None:
        self._kept: pl.DataFrame | None = None
        self._book_moments = RunningSums(1)
        self._book_time = LastSeen()
        self._book = RunningSums(2)  # rows, odd rows
        self._stream_moments, self._stream_time = RunningSums(1), LastSeen()
        self._behind = BehindBooks()
        self._rows = 0

    def advance(self, rows: Differences) -> dict[str, Floats]:
        """Every figure (n,) by name; all rows are taken in."""
        moment, seen = self._moments(rows)
        fresh = pl.DataFrame(
            {
                "item": rows.item,
                "moment": moment,
                "seen": np.minimum(moment, seen),
                "reported": rows.reported,
                "residual": rows.residual,
                "plain": rows.plain,
                "apart": rows.apart,
                "unusual": rows.unusual.astype(np.int8),
                "unusual_apart": rows.unusual_apart.astype(np.int8),
            }
        ).with_columns(pl.col("residual", "plain", "apart", "reported").fill_nan(None))
        beyond, behind = self._beyond(fresh, rows)
        both = beyond if self._kept is None else pl.concat([self._kept, beyond])
        history = both.select(*_HISTORY).tail(fresh.height)
        self._kept = both.group_by("item", maintain_order=True).tail(USUAL_SNAPSHOTS)
        found = {name: history[name].fill_null(np.nan).to_numpy() for name in history.columns}
        found |= {name: beyond[name].fill_null(np.nan).to_numpy() for name in _BEYOND}
        follows = found.pop("moment_before") == moment - 1
        found["step"] = found["least"] - np.where(follows, found.pop("least_before"), 0.0)
        size = np.abs(found["least"])
        odd = (size >= LEAST_ODD_UNITS) & (size > ODD_TIMES * np.nan_to_num(found.pop("reached")))
        late = {"behind": behind.hours, "behind_anywhere": behind.anywhere, "behind_surprise": behind.surprise}
        steady = np.where(found["share"] < STEADY_SHARE, np.nan_to_num(rows.residual), 0.0)
        return found | late | self._around(rows, np.nan_to_num(size), odd) | _steady_beside(rows, steady)

    def _moments(self, rows: Differences) -> tuple[Ints, Ints]:
        """Which snapshot of its system each row is of, counted from 0, and how many moments before any row told of.

        Where the former is not told, those count in which the book differed.
        """
        differing = _counted(self._book_time, self._book_moments, rows.book, rows.time_us)
        seen = _counted(self._stream_time, self._stream_moments, np.zeros_like(rows.book), rows.time_us)
        told = ~np.isnan(rows.snapshot)
        return np.where(told, np.nan_to_num(rows.snapshot).astype(np.int64) - 1, differing), seen

    def _beyond(self, fresh: pl.DataFrame, rows: Differences) -> tuple[pl.DataFrame, Behind]:
        """``fresh`` with what is left of each difference beyond the item's usual one, and how far books are behind.

        ``least`` is the smallest left: with what is in flight netted, and with what moved since the book is behind.
        """
        names = ["item", "moment", "seen", "reported", "residual", "plain", "apart"]
        both = fresh.select(names) if self._kept is None else pl.concat([self._kept.select(names), fresh.select(names)])
        share = differed(*(both[name].to_numpy() for name in ("item", "moment", "seen")))
        found = both.select(_usual(name).alias(f"usual_{name}") for name in _FIGURES)
        found = found.with_columns(share=pl.Series(share)).tail(fresh.height)
        found = found.with_columns(
            pl.when(pl.col("share") < 0.5).then(0.0).otherwise(pl.col("^usual_.*$").fill_null(0.0)).name.keep()
        )
        beyond = pl.concat([fresh, found], how="horizontal").with_columns(
            own_residual=_from_nothing_up("residual"),
            own_plain=_from_nothing_up("plain"),
            own_apart=pl.col("apart") - pl.col("usual_apart"),
        )
        own = beyond["own_plain"].fill_null(np.nan).to_numpy()
        behind = self._behind.advance(rows.book, rows.place, rows.time_us, own, rows.moved)
        moved = pl.Series(behind.moved)
        beyond = beyond.with_columns(
            left=_from_nothing_up("plain", moved), own_apart=_smaller(pl.col("own_apart"), pl.col("own_apart") + moved)
        ).drop("usual_residual", "usual_plain", "usual_apart")
        return beyond.with_columns(least=_smaller(pl.col("own_residual"), pl.col("left"))), behind

    def _around(self, rows: Differences, size: Floats, odd: NDArray[np.bool_]) -> dict[str, Floats]:
        """How the SKU's other figures and the book's others at the same place stand, and how often the book differs."""
        _, sibling = together(rows.sku, rows.time_us)
        _, there = together(rows.book, rows.place, rows.time_us)
        flag = odd.astype(np.float64)
        _, then = together(rows.book, rows.time_us)
        _, moment = together(rows.time_us)
        here = np.bincount(there, flag)[there] - flag
        before = self._book.advance(rows.book, np.stack([np.ones_like(rows.book), odd.astype(np.int64)], axis=1))
        row = self._rows + np.arange(len(size))
        self._rows += len(size)
        return {
            "siblings_odd": np.bincount(sibling, flag)[sibling] - flag,
            "siblings_beyond": np.bincount(sibling, size)[sibling] - size,
            "odd_there": here / np.bincount(there)[there],
            "odd_elsewhere": _share_of_others(flag, then, there),
            "odd_then": _share_of_others(flag, moment, then),
            "book_rarity": -np.log((before[:, 0] + 1) / (row + PRIOR_ROWS)),
            "book_odd": (before[:, 1] + 1) / (before[:, 0] + 1 + PRIOR_ROWS),
        }


def _counted(last: LastSeen, moments: RunningSums, key: Ints, time_us: Ints) -> Ints:
    """At how many moments before its own there was a row (n,) of each one's key."""
    begins = (last.advance(key, time_us) != time_us).astype(np.int64)
    before: Ints = moments.advance(key, begins[:, None])[:, 0] + begins - 1
    return before


def _steady_beside(rows: Differences, steady: Floats) -> dict[str, Floats]:
    """Differences of the SKU's other figures that usually agree: summed at the row's own place, and without sign."""
    _, here = together(rows.sku, rows.place, rows.time_us)
    _, everywhere = together(rows.sku, rows.time_us)
    size: Floats = np.abs(steady)
    return {
        "steady_here": np.bincount(here, steady)[here] - steady,
        "steady_anywhere": np.bincount(everywhere, size)[everywhere] - size,
    }


def _share_of_others(flag: Floats, whole: Ints, part: Ints) -> Floats:
    """The share of flagged rows (n,) among those of a ``whole`` that are of another ``part``; NaN without."""
    others = np.bincount(whole)[whole] - np.bincount(part)[part]
    flagged = np.bincount(whole, flag)[whole] - np.bincount(part, flag)[part]
    found: Floats = np.where(others > 0, flagged / np.maximum(others, 1), np.nan)
    return found


def differed(item: Ints, moment: Ints, seen: Ints) -> Floats:
    """In which share of the last 28 snapshots before (at most the ``seen`` ones, (n,)) each row's item differed."""
    order = np.argsort(item, kind="stable")
    key = item[order] * MOMENTS + moment[order]
    since = item[order] * MOMENTS + np.maximum(moment[order] - USUAL_SNAPSHOTS, 0)
    count = np.empty(len(item))
    count[order] = np.searchsorted(key, key, "left") - np.searchsorted(key, since, "left")
    there_were = np.minimum(seen, USUAL_SNAPSHOTS)
    share: Floats = np.minimum(np.where(there_were > 0, count / np.maximum(there_were, 1), 0.0), 1.0)
    return share


def _usual(name: str) -> pl.Expr:
    """The median of an item's last ones before that showed something: nothing may hide any shortage.

    Of an item that never did the largest shortage.
    """
    shown = pl.when(pl.col("reported") != 0).then(pl.col(name)).shift(1)
    usual = shown.rolling_median(USUAL_SNAPSHOTS, min_samples=1)
    least = pl.col(name).shift(1).rolling_min(USUAL_SNAPSHOTS, min_samples=1)
    return pl.coalesce(usual, least).over("item")


def _from_nothing_up(name: str, moved: pl.Series | None = None) -> pl.Expr:
    """What a figure lies beyond its usual difference ``name``, and what ``moved`` since.

    A system that shows nothing below zero can be no further off than that.
    """
    difference = pl.col(name) - pl.col(f"usual_{name}") + (0.0 if moved is None else moved)
    shown = pl.col("reported")
    return pl.when((shown >= 0) & (difference > shown)).then(shown).otherwise(difference)


def _smaller(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    return pl.when(one.abs() < other.abs()).then(one).otherwise(other)


def _own(expression: pl.Expr) -> pl.Expr:
    return expression.over("item")


_FIGURES = ("residual", "plain", "apart")
_BEYOND = ("own_residual", "own_plain", "own_apart", "left", "least", "share")

_HISTORY = (
    _own(pl.col("least").abs().shift(1).rolling_median(USUAL_SNAPSHOTS, min_samples=1)).alias("usual_beyond"),
    _own(pl.col("least").abs().shift(1).rolling_quantile(0.9, window_size=USUAL_SNAPSHOTS, min_samples=1)).alias(
        "reached"
    ),
    _own(pl.col("own_apart").abs().shift(1).rolling_median(USUAL_SNAPSHOTS, min_samples=1)).alias("usual_apart_beyond"),
    _own(pl.col("least").shift(1)).alias("least_before"),
    _own(pl.col("moment").shift(1)).cast(pl.Float64).alias("moment_before"),
    *(
        _own(pl.col(name).shift(1).cast(pl.Int64).fill_null(0).rolling_sum(PERSIST_SNAPSHOTS, min_samples=1))
        .cast(pl.Float64)
        .alias(name)
        for name in ("unusual", "unusual_apart")
    ),
)
