"""A simulated world played through the real path as it was told, and the worklist as it stood at each look."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, text

from api.jobs.told_world import Late, late_master_data, load_late, load_master_data, load_rows, tell_events
from api.wiring import ROOMS
from benchmarks.sample_feed import OpenCase, open_cases
from core_sync.cases.feed import FeedCase, read_feed
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.failures.record import resolve_failures
from core_sync.ledger.decisions import confirm_duplicate
from core_sync.ledger.ledger import Ledger
from core_sync.snapshots.reconcile import reconcile
from ml.registry.service_models import ServiceModels
from ml.triage.agreement import RECORD_ERROR_UNITS
from ml.triage.market import read_market
from ml.triage.run import triage
from ml.triage.told import Signals, read_signals
from ml.triage.warm import WarmScorers
from remediation.service import recommendation
from simulation.scenario import REPORTING_CURRENCY
from simulation.world import World


@dataclass(frozen=True, slots=True)
class Listed:
    """One case as the worklist showed it, in its order, with what simpler orders go by.

    ``touched`` are the ids that its signals bear in the simulated world, ``stands_on`` those of open ones, of which
    ``differs`` says whether one is of a figure that differs from the books by more than a unit in the newest
    comparison. ``difference`` is the widest of its signals in
    units, ``difference_value`` that times the price and ``turnover`` units sold a day times the price, over its SKUs.
    """

    case_id: int
    opened_at: datetime
    touched: frozenset[str]
    stands_on: frozenset[str]
    differs: bool
    difference: float
    difference_value: float
    turnover: float
    expected_loss: float


@dataclass(frozen=True, slots=True)
class Look:
    """The worklist at one moment, the first in rank first."""

    at: datetime
    cases: Sequence[Listed]


def looks(world: World, models: ServiceModels, every: timedelta) -> Iterator[Look]:
    """Play ``world`` piece by piece; after each piece reconcile, triage and read the worklist.

    What was told, corrected or closed later than a look is not known at it. People cure faults when they did in the
    world, and say then of what was told twice that it was; nobody goes by the worklist.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        database = Database(f"sqlite:///{folder}/stock.db")
        upgrade(database, *ROOMS[1:])
        ledger, warm = Ledger(database), WarmScorers()
        late = late_master_data(world)
        load_master_data(ledger, folder, world, late)
        before, at = world.scenario.start - timedelta(days=1), world.scenario.start + every
        while at <= world.scenario.end:
            _tell(ledger, folder, world, late, before, at)
            _decide(ledger, world, at)
            reconcile(database, at)
            triage(database, models, recommendation, REPORTING_CURRENCY, at, warm=warm)
            with database.reading() as connection:
                yield Look(at, _listed(connection, at))
            before, at = at, at + every
        database.close()


def _tell(ledger: Ledger, folder: Path, world: World, late: Late, before: datetime, at: datetime) -> None:
    """Everything that was told after ``before`` and up to ``at``."""
    load_late(ledger, folder, late, before, at)
    tell_events(ledger, folder, [row for row in world.tables["events"] if before < row["recorded_at"] <= at], at)
    load_rows(
        ledger, folder, "snapshots", [row for row in world.tables["snapshots"] if before < row["as_of"] <= at], at
    )
    told = [row for row in world.tables["failures"] if before < row["recorded_at"] <= at]
    load_rows(ledger, folder, "failures", [{**row, "resolved_at": None} for row in told], at)
    ended_at = {str(row["id"]): row.get("resolved_at") for row in world.tables["failures"]}
    over = {name for name, moment in ended_at.items() if moment is not None and moment <= at}
    with ledger.database.transaction() as connection:
        open_now = connection.execute(text("SELECT failure_id, id FROM failure WHERE resolved_at IS NULL")).all()
        ended = [failure_id for failure_id, told_id in open_now if told_id in over]
        resolve_failures(connection, ended, at, "its source says that it is over")


def _decide(ledger: Ledger, world: World, at: datetime) -> None:
    """Whoever cured a fault has confirmed the repeats that it left."""
    cured = [fault for fault in world.truth["faults"] if fault["ended_at"] is not None and fault["ended_at"] <= at]
    theirs = {event for fault in cured for event in str(fault["event_ids"]).split()}
    with ledger.database.reading() as connection:
        held = connection.execute(text(_REPEATS)).all()
    for held_id, event_id in held:
        if event_id.split("#")[0] in theirs:  # EVENT, or EVENT#DIGEST for one told again otherwise
            confirm_duplicate(ledger, held_id, "whoever cured it", at)


_REPEATS = "SELECT held_id, event_id FROM held_event WHERE status IN ('suspected_duplicate', 'conflict')"


def _listed(connection: Connection, at: datetime) -> list[Listed]:
    shown: list[FeedCase] = []
    page = read_feed(connection, at, limit=500)
    shown += page.cases
    while page.next_cursor is not None:
        page = read_feed(connection, at, cursor=page.next_cursor, limit=500)
        shown += page.cases
    known = {case.case_id: case for case in open_cases(connection)}
    signals = read_signals(connection, [case.case for case in shown])
    worth = _worth(connection, {sku for told in signals.values() for sku in told.skus}, at)
    return [_of_case(case, known[case.case], signals.get(case.case, Signals((), ())), worth) for case in shown]


def _of_case(case: FeedCase, known: OpenCase, signals: Signals, worth: Mapping[str, tuple[float, float]]) -> Listed:
    widest: dict[str, int] = {}
    for row in signals.rows:
        quantity = row.get("quantity") if row["kind"] == "failure" else (row["actual"] or 0) - (row["expected"] or 0)
        sku = row["sku"] or ""
        widest[sku] = max(widest.get(sku, 0), abs(quantity or 0))
    return Listed(
        case_id=case.case,
        opened_at=case.opened_at,
        touched=known.touched,
        stands_on=known.stands_on,
        differs=any(
            abs((row["actual"] or 0) - (row["expected"] or 0)) > RECORD_ERROR_UNITS
            for row in signals.anomalies
            if row["kind"] == "delta"
        ),
        difference=max(widest.values(), default=0),
        difference_value=sum(worth.get(sku, (0.0, 0.0))[0] * units for sku, units in widest.items()),
        turnover=sum(price * rate for price, rate in (worth.get(sku, (0.0, 0.0)) for sku in signals.skus)),
        expected_loss=float(case.expected_loss or 0),
    )


def _worth(connection: Connection, skus: set[str], at: datetime) -> dict[str, tuple[float, float]]:
    """Price in the reporting currency and units sold a day on all channels, by SKU."""
    market = read_market(connection, sorted(skus), REPORTING_CURRENCY, at)
    found = {}
    for sku in skus:
        prices = market.prices.get(sku)
        worth = market.rates.worth(prices.currency or REPORTING_CURRENCY) if prices is not None else None
        price = float(prices.price * worth) if prices is not None and prices.price and worth else 0.0
        found[sku] = (price, market.demand.rates.get(sku, 0.0))
    return found
