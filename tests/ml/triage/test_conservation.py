"""Whatever the order of signals, merges and splits: each signal is in one case, and the money stays the same in sum."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from core_sync.cases.grouping import merge, split
from core_sync.cases.undo import undo
from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.errors import VerbRefused
from core_sync.failures.record import NewFailure, record_failure, resolve_subject
from core_sync.ledger.ledger import Ledger
from core_sync.master_data.load import bump_version
from core_sync.snapshots.store import Figure, store_figures
from ml.registry.service_models import shipped_models
from ml.triage.run import triage
from tests.builders import MONDAY, a_receipt, a_shipment
from tests.ml.triage.test_triage import ML_TABLES
from tests.proof import counted, keep_result

AT = MONDAY + timedelta(hours=4)
MODELS = shipped_models()
FAILURES = (
    ("MUG", "push:shop:MUG", 504, "upstream request timed out after 30 s", "shop"),
    ("MUG", "push:shop:MUG:2", 401, "the token has expired", "shop"),
    ("MUG", "map:MUG", 404, "no SKU is known by that code", None),
    ("MUG", "push:market:MUG", 503, "service unavailable", "market"),
    ("MUG", "post:MUG", 422, "the posting period is closed", None),
    ("CUP", "push:shop:CUP", 504, "upstream request timed out after 30 s", "shop"),
    ("CUP", "push:market:CUP", 503, "service unavailable", "market"),
)
UNKNOWN = (("wms-1", 60), ("wms-2", 25))
"""Goods that went out under a name that most likely means the mugs: two events, and one figure that is wrong."""
ANOMALIES = (("MUG", "shop", 88, 0), ("MUG", "", 200, 170), ("CUP", "", 200, 220))
"""SKU, the channel whose figure it is (none: another system's books), what was expected, what was reported."""
SIGNALS = (*FAILURES, *UNKNOWN, *ANOMALIES)
LISTINGS = [(channel, sku) for sku in ("MUG", "CUP") for channel in ("shop", "market")]


@dataclass(frozen=True)
class Step:
    """What a person does to the cases that are open, named by their place in order."""

    verb: str
    one: int
    other: int


PLACES = st.integers(0, 7)
STEPS = st.builds(
    Step, st.sampled_from(["merge", "merge", "split", "undo", "triage", "triage", "triage"]), PLACES, PLACES
)


@contextmanager
def a_shop() -> Iterator[Database]:
    """Mugs and cups sold on two channels that show none of them: each update that fails costs sales."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "stock.db"
        file.write_bytes(_opened())
        database = Database(f"sqlite:///{file}")
        yield database
        database.close()


@cache
def _opened() -> bytes:
    """The shop's database as it is before anything goes wrong: made once, for it is wanted hundreds of times."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "stock.db"
        database = Database(f"sqlite:///{file}")
        upgrade(database, ML_TABLES)
        with database.transaction() as connection:
            connection.execute(text("INSERT INTO sku (sku, base_uom, unit_price, unit_cost, currency, lot_controlled) "
                                    "VALUES ('MUG', 'EA', 100000, 60000, 'EUR', FALSE), "
                                    "('CUP', 'EA', 70000, 20000, 'EUR', FALSE)"))  # fmt: skip
            connection.execute(text("INSERT INTO channel (channel, kind, priority, mode, chargeback, cancel_limit, "
                                    "cancel_cost) VALUES ('shop', 'shopify', 1, 'live', 30000, NULL, NULL), "
                                    "('market', 'amazon', 2, 'live', NULL, 250, 5000000)"))  # fmt: skip
            bump_version(connection)
        sales = [
            a_shipment(8, hours=-24 * day - index, channel=channel, sku=sku)
            for day in range(1, 8)
            for index, (channel, sku) in enumerate(LISTINGS)
        ]
        received = [a_receipt(200, hours=-24 * 9, sku=sku) for sku in ("MUG", "CUP")]
        with closing(Ledger(database)) as ledger:
            ledger.apply([*received, *sales], MONDAY)
        with database.transaction() as connection:
            store_figures(connection, [Figure(c, sku, "", "available", 0, AT) for c, sku in LISTINGS], AT)
        database.close()
        return file.read_bytes()


def comes(database: Database, number: int) -> None:
    """A signal is there: a failure is told, or a difference was found strange."""
    with database.transaction() as connection:
        if number < len(FAILURES):
            sku, subject, status, message, channel = FAILURES[number]
            record_failure(connection, NewFailure(
                kind="push", subject=subject, message=message, occurred_at=AT, recorded_at=AT, system=channel or "erp",
                channel=channel, operation="push_inventory", sku=sku, http_status=status,
            ))  # fmt: skip
            return
        if number < len(FAILURES) + len(UNKNOWN):
            event, quantity = UNKNOWN[number - len(FAILURES)]
            record_failure(connection, NewFailure(
                kind="parked", subject=f"event:wms:{event}", message="wms names SKU MUGX, which no alias explains",
                occurred_at=AT, recorded_at=AT, system="wms", operation="ledger.ship", sku="MUGX",
                error_code="unmapped_sku", quantity=quantity,
            ))  # fmt: skip
            return
        sku, channel, expected, actual = ANOMALIES[number - len(FAILURES) - len(UNKNOWN)]
        connection.execute(text(STRANGE), {"fact": number, "sku": sku, "channel": channel, "expected": expected,
                                           "actual": actual, "at": to_microseconds(AT)})  # fmt: skip


STRANGE = """
INSERT INTO anomaly (kind, fact_id, system, sku, location, channel, state, occurred_at, expected, actual,
    score, p_value, fault_probability, reasons, model_version, scored_at)
VALUES ('delta', :fact, 'wms', :sku, '', :channel, 'available', :at, :expected, :actual,
    6.0, 0.001, 0.7, '[]', '1', :at)
"""


def weighed(database: Database) -> None:
    """Triage until nothing asks any more."""
    for _ in range(4):
        if not triage(database, MODELS, lambda *_: ("look into", "suggest"), "EUR", AT).weighed:
            return
    raise AssertionError("cases go on asking to be weighed")


def does(database: Database, step: Step) -> None:
    """The step, where it makes sense just then."""
    with database.transaction() as connection:
        cases = list(connection.execute(text(
            "SELECT case_id FROM exception_case WHERE status <> 'resolved' ORDER BY case_id")).scalars())  # fmt: skip
        if not cases:
            return
        one, other = (cases[place % len(cases)] for place in (step.one, step.other))
        try:
            if step.verb == "merge":
                merge(connection, one, other, "ana", AT)
            elif step.verb == "split":
                split(connection, one, _signals(connection, one)[:1], "ana", AT)
            elif step.verb == "undo":
                undo(connection, one, _newest_entry(connection, one), "ana", AT)
        except VerbRefused:
            return
    if step.verb == "triage":
        weighed(database)


def _signals(connection: Connection, case_id: int) -> list[int]:
    found = connection.execute(text("SELECT case_signal_id FROM case_signal WHERE case_id = :c"), {"c": case_id})
    return list(found.scalars())


def _newest_entry(connection: Connection, case_id: int) -> int:
    found = connection.execute(text("SELECT MAX(entry_id) FROM case_entry WHERE case_id = :c"), {"c": case_id})
    return int(found.scalar_one())


def in_sum(database: Database) -> float:
    with database.reading() as connection:
        total = connection.execute(text("SELECT SUM(exposure) FROM exception_case WHERE status <> 'resolved'"))
        return int(total.scalar_one() or 0) / 10_000


def in_open_cases(database: Database) -> list[tuple[str, int]]:
    """Kind and number of every signal of a case that is not resolved, as often as it is in one."""
    with database.reading() as connection:
        rows = connection.execute(text(
            "SELECT s.kind, s.signal_id FROM case_signal s JOIN exception_case c ON c.case_id = s.case_id "
            "WHERE c.status <> 'resolved'"
        ))  # fmt: skip
        return sorted((kind, number) for kind, number in rows)


EVERY_SIGNAL = sorted(
    [("failure", 1 + n) for n in range(len(FAILURES) + len(UNKNOWN))]
    + [("anomaly", 1 + n) for n in range(len(ANOMALIES))]
)


LISTED = tuple(range(len(SIGNALS)))
FIGURES_FIRST = [*LISTED[-len(ANOMALIES) :], *LISTED[: -len(ANOMALIES)]]
ORDERS = counted(150, 3)


@pytest.mark.proof
def test_each_signal_is_in_one_case_and_the_exposures_keep_their_sum() -> None:
    done: Counter[str] = Counter()

    @example(FIGURES_FIRST, [(len(ANOMALIES), Step("triage", 0, 0)), (len(ANOMALIES) + 1, Step("triage", 0, 0))])
    @example([*reversed(LISTED)], [(come, Step("triage", 0, 0)) for come in range(1, len(SIGNALS))])
    @settings(max_examples=ORDERS, deadline=None)
    @given(st.permutations(range(len(SIGNALS))), st.lists(st.tuples(st.integers(1, len(SIGNALS)), STEPS), max_size=8))
    def is_conserved(order: list[int], steps: list[tuple[int, Step]]) -> None:
        with a_shop() as plain, a_shop() as worked:
            keeps_its_sum(plain, worked, order, steps)
        done.update(["orders of signals", *(f"times that somebody did {step.verb}" for _, step in steps)])

    is_conserved()
    assert done["orders of signals"] >= ORDERS
    keep_result(
        "conservation", "tests/ml/triage/test_conservation.py", {"signals": len(SIGNALS), **dict(sorted(done.items()))}
    )


def keeps_its_sum(plain: Database, worked: Database, order: list[int], steps: list[tuple[int, Step]]) -> None:
    """One shop where all signals come at once, one where they come in ``order`` and people are at work meanwhile."""
    for number in range(len(SIGNALS)):
        comes(plain, number)
    weighed(plain)
    for come, number in enumerate(order, start=1):
        comes(worked, number)
        for after, step in steps:
            if after == come:
                does(worked, step)
    weighed(worked)
    assert in_open_cases(worked) == EVERY_SIGNAL == in_open_cases(plain)
    assert in_sum(plain) > 0
    assert in_sum(worked) == pytest.approx(in_sum(plain), abs=0.01)
    for shop in (plain, worked):  # the dearest trouble of the mugs' listings ends, and the others bear the rest
        with shop.transaction() as connection:
            resolve_subject(connection, FAILURES[0][1], AT, "cured")
        weighed(shop)
    assert in_sum(worked) == pytest.approx(in_sum(plain), abs=0.01)
