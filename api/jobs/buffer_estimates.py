"""What the last weeks say of every SKU, channel and supplier: the slow part of a recommendation.

Estimates rest on four weeks, so a few minutes more or less change nothing. They are read for all SKUs at once and
renewed after ``KEPT``: what one SKU is told alone is what it is told among all.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from sqlalchemy import Connection, text

from api.jobs.fulfilment import read_fulfilment
from api.jobs.open_orders import read_open_orders
from api.jobs.order_sizes import HISTORY, OrderSizes, read_orders
from core_sync.availability.promises import channel_names
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.engine import Database
from core_sync.ledger.effects import SIGN
from ml.buffers.rails import Policy
from ml.buffers.shocks import shared_variance
from ml.buffers.supplier import OpenOrder, Received, SupplierBook, reliability
from ml.buffers.window import Window
from ml.exposure.demand import DemandBook
from ml.exposure.terms import Basis, Term, unknown
from ml.registry.service_models import ServiceModels, shipped_models
from ml.triage.past_demand import read_demand
from ml.triage.past_stock import DAY_US

KEPT = timedelta(minutes=5)
"""After which estimates are renewed."""
AT_MOST = timedelta(minutes=30)
"""After which nobody is answered with them any more."""
_LOG = logging.getLogger("stocktriage.estimates")


@dataclass(frozen=True)
class Estimates:
    """As of ``at``: demand and order sizes by SKU and channel, exposure windows and shared shocks by channel.

    ``waiting`` is the oldest open order of each SKU, ``fulfilment`` how long its orders wait to be picked where a model
    tells it.
    """

    at: datetime
    demand: DemandBook
    orders: OrderSizes
    windows: Mapping[str, Window]
    shared: Mapping[str, float]
    suppliers: SupplierBook
    waiting: Mapping[str, OpenOrder]
    fulfilment: Mapping[str, Term]

    def window(self, sku: str, channel: str) -> Window:
        """How long others may draw on the stock of ``sku`` before ``channel`` shows it."""
        known = self.windows[channel]
        return replace(known, fulfilment=self.fulfilment[sku]) if sku in self.fulfilment else known


def read_estimates(connection: Connection, at: datetime, models: ServiceModels) -> Estimates:
    """From the books of the last weeks before ``at``, and what the ``models`` make of them."""
    channels = channel_names(connection)
    skus = list(connection.execute(text("SELECT DISTINCT sku FROM position ORDER BY sku")).scalars())
    daily = _daily(connection, at)
    return Estimates(
        at=at,
        demand=read_demand(connection, skus, at),
        orders=read_orders(connection, at),
        windows={name: _window(connection, name, at) for name in channels},
        shared={name: _shared(daily, name) for name in channels},
        suppliers=_suppliers(connection),
        waiting=read_open_orders(connection, at, models),
        fulfilment=read_fulfilment(connection, at, models),
    )


@dataclass
class KeptEstimates:
    """Estimates of one process, for any thread: who asks is answered with those at hand while they are renewed beside.

    Only where there are none, older ones than ``AT_MOST`` or a channel is new does who asks wait until they are read.
    ``models`` are those that are live when they are read.
    """

    database: Database
    models: Callable[[], ServiceModels] = shipped_models
    _reading: threading.Lock = field(default_factory=threading.Lock)
    _renewal: threading.Thread | None = None
    _kept: Estimates | None = None
    _weights: dict[tuple[str, float, Policy], float | None] = field(default_factory=dict)

    def of(self, connection: Connection, channels: Sequence[str], at: datetime) -> Estimates:
        """The estimates that hold at ``at`` for ``channels``."""
        kept = self._holding(channels, at)
        if kept is None:
            with self._reading:
                found = self._holding(channels, at)
                return found or self._keep(read_estimates(connection, at, self.models()))
        if at - kept.at >= KEPT and self._reading.acquire(blocking=False):
            self._renewal = threading.Thread(target=self._renew, args=(at,), name="estimates", daemon=True)
            self._renewal.start()
        return kept

    def weight(self, channel: str, target: float, policy: Policy, find: Callable[[str], float | None]) -> float | None:
        """What an oversell counts on ``channel`` for ``target``; ``find`` works it out where it is not kept."""
        key = channel, target, policy
        if key not in self._weights:
            self._weights[key] = find(channel)
        return self._weights[key]

    @property
    def read_at(self) -> datetime | None:
        """As of when those at hand were read; None where none are."""
        return None if self._kept is None else self._kept.at

    def settle(self) -> None:
        """Wait for a renewal that is under way."""
        if self._renewal is not None:
            self._renewal.join()

    def _holding(self, channels: Sequence[str], at: datetime) -> Estimates | None:
        kept = self._kept
        if kept is None or not timedelta(0) <= at - kept.at < AT_MOST or not kept.windows.keys() >= set(channels):
            return None
        return kept

    def _keep(self, found: Estimates) -> Estimates:
        self._kept, self._weights = found, {}
        return found

    def _renew(self, at: datetime) -> None:
        try:
            with self.database.reading() as connection:
                self._keep(read_estimates(connection, at, self.models()))
        except Exception:
            _LOG.exception("the estimates of demand could not be read anew; those of before are kept")
        finally:
            self._reading.release()


def _window(connection: Connection, channel: str, at: datetime) -> Window:
    """How long others may draw on the stock before ``channel`` shows it, from pushes and picks of the last weeks."""
    bound = {"channel": channel, "since": to_microseconds(at - HISTORY), "until": to_microseconds(at)}
    gaps = list(connection.execute(text(_BETWEEN_REFRESHES), bound).scalars())
    seen = list(connection.execute(text(_TO_VISIBLE), bound).scalars())
    picks = list(connection.execute(text(_TO_PICK), bound).scalars())
    return Window(
        _span(gaps, "between accepted pushes of one listing"),
        _span(seen, "from a push accepted to the figure visible"),
        _span(picks, "from an order's reservation to its pick"),
        *_late(gaps),
    )


def _late(gaps: Sequence[float]) -> tuple[Term, Term]:
    """Which share of the refreshes takes more than twice the regular sync age, and how many times it in the mean."""
    seconds = np.array(gaps, dtype=np.float64)
    if len(seconds) < _SPANS_MIN:
        note = f"{len(seconds)} spans between refreshes: too few to tell late ones"
        return unknown("share", note), unknown("times", note)
    regular = max(float(np.quantile(seconds, 0.9)), 1.0)
    late = seconds[seconds > 2 * regular]
    note = f"{len(late)} of {len(seconds)} refreshes took more than twice the regular sync age"
    times = float(late.mean()) / regular if len(late) else 1.0
    share = Term(len(late) / len(seconds), "share", Basis.MEASURED, note)
    return share, Term(times, "times", Basis.MEASURED, note)


def _span(seconds: Sequence[float], note: str) -> Term:
    if len(seconds) < _SPANS_MIN:
        return unknown("h", f"{len(seconds)} spans {note}: too few")
    hours = float(np.quantile(np.array(seconds, dtype=np.float64), 0.9)) / 3600
    return Term(max(hours, 0.0), "h", Basis.MEASURED, f"90th percentile of {len(seconds)} spans {note}")


_SPANS_MIN = 10

_BETWEEN_REFRESHES = """
SELECT (a.at - (SELECT MAX(b.at) FROM push_attempt b
                WHERE b.intent_id = a.intent_id AND b.attempt_id < a.attempt_id AND b.answer = 'accepted')) / 1000000.0
FROM push_attempt a JOIN push_intent i ON i.intent_id = a.intent_id
WHERE i.channel = :channel AND a.answer = 'accepted' AND a.at BETWEEN :since AND :until
  AND EXISTS (SELECT 1 FROM push_attempt c
              WHERE c.intent_id = a.intent_id AND c.attempt_id < a.attempt_id AND c.answer = 'accepted')
ORDER BY a.attempt_id DESC LIMIT 5000
"""

_TO_VISIBLE = """
SELECT (visible_at - accepted_at) / 1000000.0 FROM push_intent
WHERE channel = :channel AND visible_at BETWEEN :since AND :until AND accepted_at <= visible_at
ORDER BY visible_at DESC LIMIT 5000
"""

_TO_PICK = """
SELECT (p.occurred_at - r.occurred_at) / 1000000.0
FROM ledger_entry p JOIN ledger_entry r
  ON r.document = p.document AND r.position_id = p.position_id AND r.type = 'reserve'
WHERE p.type = 'pick' AND p.document IS NOT NULL AND p.occurred_at BETWEEN :since AND :until
  AND r.occurred_at <= p.occurred_at
ORDER BY p.entry_id DESC LIMIT 5000
"""


def _daily(connection: Connection, at: datetime) -> pl.DataFrame:
    """Units shipped by SKU, channel and day, in the last weeks."""
    rows = connection.execute(
        text(
            f"SELECT p.sku, COALESCE(l.channel, '') AS channel, l.occurred_at / {DAY_US} AS day, "
            f"SUM({SIGN} * l.quantity) "
            "FROM ledger_entry l JOIN position p ON p.position_id = l.position_id "
            "WHERE l.type = 'ship' AND l.occurred_at BETWEEN :since AND :until GROUP BY 1, 2, 3"
        ),
        {"since": to_microseconds(at - HISTORY), "until": to_microseconds(at)},
    )
    schema = {"sku": pl.String, "channel": pl.String, "day": pl.Int64, "units": pl.Float64}
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def _shared(daily: pl.DataFrame, channel: str) -> float:
    """How far ``channel`` has its good days together with the others: relative variance of the shock they share."""
    if not daily.height:
        return 0.0
    pools = daily.with_columns(
        pool=pl.when(pl.col("channel") == channel).then(pl.lit("own")).otherwise(pl.lit("others"))
    )
    paths = {}
    skus = daily["sku"].unique().sort().to_list()
    first, last = int(str(daily["day"].min())), int(str(daily["day"].max()))
    for pool in ("own", "others"):
        these = pools.filter(pl.col("pool") == pool)
        paths[pool] = np.zeros((last - first + 1, len(skus)))
        places = these["sku"].replace_strict({sku: n for n, sku in enumerate(skus)}, return_dtype=pl.Int64).to_numpy()
        np.add.at(paths[pool], (these["day"].to_numpy() - first, places), these["units"].to_numpy())
    own, others = paths["own"], paths["others"]
    means = [np.broadcast_to(path.mean(axis=0), path.shape) for path in (own, others)]
    spreads = [np.maximum(path.var(axis=0) / np.maximum(path.mean(axis=0), 1e-9), 1.0) for path in (own, others)]
    spread = [np.broadcast_to(one, own.shape) for one in spreads]
    return float(shared_variance(own, others, *means, *spread)[-1])


def _suppliers(connection: Connection) -> SupplierBook:
    """From what came; a receipt that cannot be true is left out and counted."""
    rows = connection.execute(
        text(
            "SELECT supplier, ordered_at, promised_at, received_at, ordered_quantity, received_quantity FROM delivery "
            "WHERE received_at IS NOT NULL ORDER BY delivery_id"
        )
    )
    usable: list[Received] = []
    left_out: Counter[str] = Counter()
    for supplier, ordered, promised, received, wanted, came in rows:
        if came is None or received < ordered or wanted <= 0 or came < 0:
            left_out[supplier] += 1
            continue
        promised_at = from_microseconds(promised) if promised is not None else None
        dates = (from_microseconds(ordered), promised_at, from_microseconds(received))
        usable.append(Received(supplier, *dates, int(wanted), int(came)))
    return reliability(usable, left_out)
