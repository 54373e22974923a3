"""Stock movements as a feature matrix, each row as known when it arrived; history and live by the same builder.

Within one minute the order of arrival decides what came before; features that also look at the rest of
their minute say so by their ``delay_s``. A batch therefore holds whole minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.features.definitions import DOCUMENT_SET, MOVEMENT_SET, PRICED_SET, STREAM_SET
from ml.features.feature import FeatureSet
from ml.features.own_history import OwnHistory
from ml.features.prices import PriceHistory
from ml.features.running import Codes, Ints
from ml.features.stream import DocumentNeighbours, StreamNeighbours

Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]

MINUTE_US = 60_000_000

DIRECTION: Mapping[str, int] = {
    "ship": -1,
    "transfer_out": -1,
    "scrap": -1,
    "release_reservation": -1,
    "order_cancelled": -1,
    "release_hold": -1,
}
"""The way goods or claims go by event type; +1 where not named. ``adjust`` carries its own sign."""


@dataclass(frozen=True)
class Movements:
    """Movements in order of arrival. Every column has n rows.

    ``time_us`` microseconds since 1970 UTC, never falling; ``effect`` whole units with the direction as
    sign; ``document`` is None where the source names none, and null in single rows; ``price`` is money a unit,
    None where the source tells none, and NaN in single rows.
    """

    time_us: Ints
    sku: pl.Series
    location: pl.Series
    kind: pl.Series
    effect: Ints
    document: pl.Series | None
    price: Floats | None = None

    def __post_init__(self) -> None:
        if len(self.time_us) and bool((np.diff(self.time_us) < 0).any()):
            raise ValueError("movements must be in order of time")

    def __len__(self) -> int:
        return len(self.time_us)

    @classmethod
    def from_events(cls, events: pl.DataFrame) -> "Movements":
        """Movements of an events table (interchange columns, any order of rows must already be by time)."""
        n = events.height
        kind = events["type"].cast(pl.String).fill_null("")
        sign = kind.replace_strict(dict(DIRECTION), default=1, return_dtype=pl.Int64).to_numpy()
        document = events["document"].cast(pl.String) if "document" in events.columns else None
        if document is not None and document.null_count() + int((document == "").sum() or 0) == n:
            document = None
        location = events["location"].cast(pl.String).fill_null("") if "location" in events.columns else empty(n)
        return cls(
            time_us=microseconds(events["time"]),
            sku=events["sku"].cast(pl.String).fill_null(""),
            location=location,
            kind=kind,
            effect=events["quantity"].cast(pl.Int64).fill_null(0).to_numpy() * sign,
            document=document,
            price=prices(events["unit_price"]) if "unit_price" in events.columns else None,
        )

    def minutes(self) -> Ints:
        """The minute of each row since 1970 UTC."""
        return self.time_us // MINUTE_US

    def rows(self, start: int, stop: int) -> "Movements":
        """Rows ``start`` to ``stop``."""
        size = stop - start
        return Movements(
            self.time_us[start:stop],
            self.sku.slice(start, size),
            self.location.slice(start, size),
            self.kind.slice(start, size),
            self.effect[start:stop],
            None if self.document is None else self.document.slice(start, size),
            None if self.price is None else self.price[start:stop],
        )

    def batches(self, size: int) -> list["Movements"]:
        """Batches of about ``size`` rows that never cut a minute in two."""
        minutes, cuts = self.minutes(), [0]
        while cuts[-1] < len(self):
            end = min(cuts[-1] + size, len(self))
            cuts.append(int(np.searchsorted(minutes, minutes[end - 1], side="right")))
        return [self.rows(start, stop) for start, stop in pairwise(cuts)]


def empty(n: int) -> pl.Series:
    """A column of n empty texts."""
    return pl.repeat("", n, dtype=pl.String, eager=True)


def prices(told: pl.Series) -> Floats | None:
    """A column of prices (n,), NaN where there is none; None where there is none at all."""
    return None if told.null_count() == len(told) else told.cast(pl.Float64).fill_null(np.nan).to_numpy()


def microseconds(times: pl.Series) -> Ints:
    """A datetime column as microseconds since 1970 UTC; a column without a zone is taken as UTC."""
    return times.dt.epoch("us").cast(pl.Int64).to_numpy()


@dataclass(frozen=True)
class Described:
    """The matrices of the same rows: the first columns of *document* are *stream*, and so on.

    ``prices`` (n, 2) are what *priced* has beside *movement*, None where no row has a price.
    """

    document_matrix: Matrix
    prices: Matrix | None = None

    def matrix(self, features: FeatureSet) -> Matrix:
        """The columns of ``features`` (n, k); raises ``ValueError`` for a set that is not of movements."""
        if features == PRICED_SET:
            own = self.document_matrix[:, : len(MOVEMENT_SET.features)]
            beside = len(PRICED_SET.features) - own.shape[1]
            unpriced = np.full((len(own), beside), np.nan, dtype=np.float32)
            return np.concatenate([own, unpriced if self.prices is None else self.prices], axis=1)
        if features not in (MOVEMENT_SET, STREAM_SET, DOCUMENT_SET):
            raise ValueError(f"{features.name} is not a feature set of movements")
        return self.document_matrix[:, : len(features.features)]


class MovementFeatures:
    """The builder, with all it has learned of the items and the stream so far."""

    def __init__(self) -> None:
        self._items = Codes()
        self._kinds = Codes()
        self._own = OwnHistory()
        self._stream = StreamNeighbours()
        self._documents = DocumentNeighbours()
        self._skus = Codes()
        self._prices = PriceHistory()

    def advance(self, movements: Movements) -> Described:
        """Describe ``movements``, whole minutes later than all before, and take them in."""
        if not len(movements):
            return Described(np.empty((0, len(DOCUMENT_SET.features)), dtype=np.float32))
        item = self._items.advance(movements.sku + "\x1f" + movements.location)
        kind = self._kinds.advance(movements.kind) * 3 + np.sign(movements.effect) + 1
        own = self._own.advance(movements.time_us, item, kind, movements.effect)
        minutes = movements.minutes()
        surprise = own[:, MOVEMENT_SET.names.index("quantity_rarity")].astype(np.float64)
        stream = self._stream.advance(minutes, surprise)
        documents = self._documents.advance(minutes, movements.document, surprise)
        return Described(np.concatenate([own, stream, documents], axis=1, dtype=np.float32), self._priced(movements))

    def _priced(self, movements: Movements) -> Matrix | None:
        if movements.price is None:
            return None
        return self._prices.advance(self._skus.advance(movements.sku), movements.price).astype(np.float32)


BATCH_ROWS = 100_000


def describe(movements: Movements, builder: MovementFeatures | None = None) -> Described:
    """The features of a whole history, built in batches so that memory beside the result stays bounded."""
    builder = builder or MovementFeatures()
    parts = [builder.advance(batch) for batch in movements.batches(BATCH_ROWS)]
    if not parts:
        return builder.advance(movements)
    matrix = np.concatenate([part.document_matrix for part in parts])
    if movements.price is None:
        return Described(matrix)
    return Described(matrix, np.concatenate([part.prices for part in parts if part.prices is not None]))
