"""Days of trade at the service's own doors: a shop over HTTP, a warehouse, and what is asked of both.

Time stands still but for what a step takes. In each step goods come in, the shop is put right where its turn has come,
other buyers take what they want from the warehouse, and then the shop's buyers order what it shows. Orders are told to
the ledger at once; what is not there is cancelled. So a run meets the same demand, refreshes and deliveries as the
replay of the same history (``ml.buffers.backtest``), and everything else comes about by the service's own work: the
ledger, promises, pushes, read-back, and with ``kept`` targets the role ``steer``.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import text

from api.jobs.steering import steer
from api.wiring import World as Service
from api.wiring import build_world
from core_sync.channels.budget import Pace
from core_sync.channels.connect import Connections
from core_sync.intake.load import load_files
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.ledger import Ledger
from core_sync.outbox.dispatch import Dispatcher, push_due
from core_sync.outbox.listing import Listing
from core_sync.outbox.read_back import confirm_visible
from core_sync.settings import read_settings
from ml.buffers.backtest import order_up_to
from ml.buffers.estimates import Known, learn
from ml.buffers.history import HOURS_A_DAY, MICROSECONDS_A_DAY, MOVEMENTS, DemandHistory, Units, World, from_movements
from ml.buffers.targets import set_target
from simulation.peers.fleet import Fleet
from simulation.peers.remote import RemotePeer

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
STEPS_A_DAY = 24
STEP = timedelta(days=1) / STEPS_A_DAY
SHOP, PLACE = "shopify", "WH"
FAULTS = ("503", "cut", "cut_applied")
FAULTY = 0.01
"""Share of the pushes that meet each of the ``FAULTS``."""
ANSWER_S = 5.0
OWN, OTHERS, SPREAD, BURSTS = 6.0, 12.0, 0.6, 3.0
"""Units a day asked of the shop and of the others in the median SKU, sd of their logarithm, variance over mean of a
day's units."""


@dataclass(frozen=True)
class OnTheHour(World):
    """A ``World`` in which a late refresh waits for another one's turn: whole multiples of the time between them."""

    def refreshes(self, steps: int, steps_a_day: int) -> NDArray[np.bool_]:
        """As in ``World``."""
        chance = np.random.default_rng([self.seed, 1])
        found = np.zeros((len(self.refresh_h), steps), dtype=bool)
        soonest, latest = map(int, self.late_factor)
        for item, hours in enumerate(self.refresh_h):
            every = round(hours / HOURS_A_DAY * steps_a_day)
            late = chance.random(steps // every + 1) < self.late_share
            turns = np.where(late, chance.integers(soonest, latest, len(late), endpoint=True), 1)
            moments = np.concatenate([[0], np.cumsum(turns * every)])
            found[item, moments[moments < steps]] = True
        return found


def bursty_demand(items: int, days: int, seed: int, learn_days: int, doubles_on: int | None = None) -> DemandHistory:
    """Units asked by hour: Poisson at a day's gamma distributed rate, twice as much from day ``doubles_on`` on."""
    chance = np.random.default_rng([seed, 11])
    rows = []
    for pool, usual in (("own", OWN), ("others", OTHERS)):
        rate = np.repeat(chance.lognormal(np.log(usual), SPREAD, items)[:, None], days, axis=1)
        if doubles_on is not None:
            rate[:, doubles_on:] *= 2
        day = chance.gamma(rate / (BURSTS - 1)) * (BURSTS - 1)
        units = chance.poisson(np.repeat(day / STEPS_A_DAY, STEPS_A_DAY, axis=1))
        item, step = np.nonzero(units)
        rows.append(
            pl.DataFrame(
                {"item": [f"SKU-{number:03d}" for number in item], "pool": [pool] * len(item),
                 "at": step * (MICROSECONDS_A_DAY // STEPS_A_DAY), "units": units[item, step]},
                schema_overrides=dict(MOVEMENTS),
            )
        )  # fmt: skip
    return from_movements(pl.concat(rows), STEPS_A_DAY, learn_days)


@dataclass
class Warehouse:
    """What is truly there, by item, and on order by day (days, items)."""

    stock: Units
    coming: Units


@dataclass
class Sold:
    """Units by day and item (days, items): asked of the shop, ordered there (the rest was turned away), sold though not
    there, and turned away though there."""

    asked: Units
    ordered: Units
    oversold: Units
    withheld: Units

    @classmethod
    def nothing(cls, history: DemandHistory) -> "Sold":
        """So far."""
        return cls(*(np.zeros((history.days, len(history.items)), dtype=np.int64) for _ in range(4)))

    def rates(self, first: int, last: int) -> tuple[float, float]:
        """Oversold and withheld units per unit asked, over the days from ``first`` to before ``last``."""
        asked = max(int(self.asked[first:last].sum()), 1)
        return float(self.oversold[first:last].sum()) / asked, float(self.withheld[first:last].sum()) / asked

    def oversold_of_ordered(self, first: int, last: int) -> float:
        """Oversold units per unit ordered, over the same days: what the books tell of, and what is accepted."""
        return float(self.oversold[first:last].sum()) / max(int(self.ordered[first:last].sum()), 1)


class StandingClock:
    """A clock that passes only when somebody waits."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def wait(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.at += timedelta(seconds=max(seconds, 0.0))

    @property
    def pace(self) -> Pace:
        """The same for budgets."""
        return Pace(lambda: (self.at - MONDAY).total_seconds(), self.wait)


@dataclass
class Trade:
    """One service, its shop, what its warehouse truly holds, and what was sold so far."""

    service: Service
    clock: StandingClock
    shop: RemotePeer
    ledger: Ledger
    history: DemandHistory
    known: tuple[Known, Known]
    world: World
    warehouse: Warehouse
    sold: Sold
    steered: bool = False
    late: set[int] = field(default_factory=set)

    def accept(self, rate: float) -> None:
        """From now on ``rate`` oversells per unit asked are accepted, and buffers kept for it by the service."""
        with self.service.database.transaction() as connection:
            set_target(connection, rate, "planner", "agreed with the shop", self.clock(), SHOP, kept=True)
        self.steered = True

    def count(self, units: Units) -> None:
        """The warehouse holds ``units`` (items,) from now on, and has told so."""
        self.warehouse.stock = units.copy()
        told = f"c{self.clock():%Y%m%d}"
        self._tell([self._moved("count", item, int(there), f"{told}-{item}") for item, there in enumerate(units)])

    def pass_days(self, first: int, last: int, refreshes: NDArray[np.bool_]) -> None:
        """Trade from the begin of day ``first`` to that of ``last``, put right at ``refreshes`` (items, steps)."""
        coming = self.world.order_days(self.history.days)
        for step in range(first * STEPS_A_DAY, last * STEPS_A_DAY):
            self.clock.at = max(self.clock.at, MONDAY + step * STEP)
            day, of_day = divmod(step, STEPS_A_DAY)
            if of_day == 0:
                self._goods_come_in(day, coming)
            due = np.flatnonzero(refreshes[:, step - first * STEPS_A_DAY])
            if len(due) or self.late:
                self._put_right(due.tolist())
            self._trade(step)

    def _goods_come_in(self, day: int, order_days: Units) -> None:
        house, (own, others) = self.warehouse, self.known
        came = house.coming[day]
        house.stock += came
        self._tell(
            [self._moved("receipt", item, int(came[item]), f"r{day}-{item}") for item in np.flatnonzero(came).tolist()]
        )
        if (day - own.first) % self.world.review_days == 0:
            level = order_up_to(self.world, own, others, max(day, own.first)).astype(np.int64)
            missing = np.maximum(level - house.stock - house.coming[day + 1 :].sum(axis=0), 0)
            for item in np.flatnonzero(missing):
                house.coming[day + order_days[item, day], item] += missing[item]

    def _put_right(self, due: Sequence[int]) -> None:
        """Push what the shop should show of the items ``due`` and of those whose push failed before."""
        if self.steered and due:
            steer(self.service)
        wanted = {*due, *self.late}
        only = [Listing(SHOP, self.history.items[item]) for item in wanted]
        channels, database = self.service.channels, self.service.database
        told = push_due(database, channels, self.clock(), limit=len(only), only=only,
                        dispatcher=Dispatcher("shop", pace=self.clock.pace))  # fmt: skip
        number = {name: item for item, name in enumerate(self.history.items)}
        self.late = {number[one.sku] for one in (*told.retried_later, *told.failed, *told.given_back)}
        if told.accepted:
            confirm_visible(database, channels, self.clock(), told.accepted)

    def _trade(self, step: int) -> None:
        """The others first, then the shop's buyers: as in the replay."""
        wanted, asked = self.history.others[:, step], self.history.own[:, step]
        taken = np.minimum(self.warehouse.stock, wanted)
        self.warehouse.stock -= taken
        events = [
            self._moved("ship", item, int(taken[item]), f"o{step}-{item}") for item in np.flatnonzero(taken).tolist()
        ]
        for item in np.flatnonzero(asked).tolist():
            events += self._buyers(item, int(asked[item]), step)
        self._tell(events)

    def _buyers(self, item: int, asked: int, step: int) -> list[Event]:
        """Order what the shop shows, ``asked`` units at most; what came of it, as events."""
        name, house, day = self.history.items[item], self.warehouse, step // STEPS_A_DAY
        sold = asked
        if self.shop.buy(name, asked) is None:
            sold = min(self.shop.shown()[name], asked)
            if sold:
                self.shop.buy(name, sold)
        filled = min(int(house.stock[item]), sold)
        house.stock[item] -= filled
        self.sold.asked[day, item] += asked
        self.sold.ordered[day, item] += sold
        self.sold.oversold[day, item] += sold - filled
        self.sold.withheld[day, item] += min(asked - sold, int(house.stock[item]))
        if not sold:
            return []
        order = f"S{step}-{item}"
        events = [self._moved("reserve", item, sold, f"{order}-1", order)]
        if filled:
            events.append(self._moved("ship", item, filled, f"{order}-2", order))
        if filled < sold:
            events.append(self._moved("order_cancelled", item, 0, f"{order}-3", order))
        return events

    def _moved(self, kind: str, item: int, units: int, event_id: str, order: str = "") -> Event:
        return Event(
            event_id=event_id, type=EventType(kind), occurred_at=self.clock(), sku=self.history.items[item],
            quantity=units, source=SHOP if order else "wms", location=PLACE, channel=SHOP if order else "",
            document=order, line="1" if order else "", reservation_id=order,
        )  # fmt: skip

    def _tell(self, events: Sequence[Event]) -> None:
        if events:
            self.ledger.apply(events, self.clock())

    def books_agree(self) -> bool:
        """Whether the ledger has what is truly in the warehouse."""
        with self.service.database.reading() as connection:
            rows = connection.execute(text("SELECT sku, on_hand - allocated FROM position")).all()
        told = {str(sku): int(units) for sku, units in rows}
        return all(
            told.get(name, 0) == units for name, units in zip(self.history.items, self.warehouse.stock, strict=True)
        )


@contextmanager
def trading(
    folder: Path, history: DemandHistory, world: World, learn_days: int, warehouse: Warehouse, day: int
) -> Iterator[Trade]:
    """A service with its home in ``folder`` and a shop of its own, at the begin of ``day``."""
    with ExitStack() as up:
        begin = MONDAY + timedelta(days=day)
        fleet = up.enter_context(Fleet.start([SHOP], listings=dict.fromkeys(history.items, 0), speed=0.0,
                                             starts_at=begin, generous=True))  # fmt: skip
        clock = StandingClock(begin)
        service = build_world(read_settings(home=folder, sample=False, buffer_most_share=1.0), clock)
        up.callback(service.close)
        service.__dict__["channels"] = Connections(
            service.database, {SHOP: fleet[SHOP].url}, answer_s=ANSWER_S, pace=clock.pace
        )
        fleet[SHOP].follows_plan(*({"fault": name, "probability": FAULTY} for name in FAULTS), seed=world.seed)
        ledger = up.enter_context(closing(Ledger(service.database)))
        _make_known(ledger, folder, history.items, begin)
        known = (learn(history.own, history.own_lot, STEPS_A_DAY, learn_days),
                 learn(history.others, history.others_lot, STEPS_A_DAY, learn_days))  # fmt: skip
        yield Trade(service, clock, fleet[SHOP], ledger, history, known, world, warehouse, Sold.nothing(history))


def _make_known(ledger: Ledger, folder: Path, items: Sequence[str], at: datetime) -> None:
    tables = {
        "skus": "sku,base_uom,unit_price,unit_cost,currency\n" + "".join(f"{sku},EA,10,6,EUR\n" for sku in items),
        "locations": f"location,stock_control\n{PLACE},strict\n",
        "channels": f"channel,kind,mode,share,buffer,oversell_penalty\n{SHOP},{SHOP},live,1,0,0\n",
    }
    for table, rows in tables.items():
        file = folder / f"{table}.csv"
        file.write_text(rows)
        load_files(ledger, table, [file], at)
