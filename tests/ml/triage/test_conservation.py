"""Whatever the order of signals, merges and splits: each signal is in one case, and the money stays the same in sum."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from core_sync.cases.grouping import merge, split
from core_sync.cases.undo import undo
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.errors import VerbRefused
from core_sync.failures.record import NewFailure, record_failure
from core_sync.ledger.ledger import Ledger
from core_sync.master_data.load import bump_version
from core_sync.snapshots.store import Figure, store_figures
from ml.registry.service_models import shipped_models
from ml.triage.run import triage
from tests.builders import MONDAY, a_receipt, a_shipment
from tests.ml.triage.test_triage import ML_TABLES
from tests.proof import counted

AT = MONDAY + timedelta(hours=4)
MODELS = shipped_models()
SIGNALS = (
    ("push:shop:MUG", 504, "upstream request timed out after 30 s", "shop"),
    ("push:shop:MUG:2", 401, "the token has expired", "shop"),
    ("map:MUG", 404, "no SKU is known by that code", None),
    ("push:market:MUG", 503, "service unavailable", "market"),
    ("post:MUG", 422, "the posting period is closed", None),
)


@dataclass(frozen=True)
class Step:
    """What a person does to the cases that are open, named by their place in order."""

    verb: str
    one: int
    other: int


STEPS = st.builds(Step, st.sampled_from(["merge", "split", "undo", "triage"]), st.integers(0, 4), st.integers(0, 4))


@contextmanager
def a_shop() -> Iterator[Database]:
    """Mugs sold on two channels that both show nothing, though there are some: each update that fails costs sales."""
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder)}/stock.db")
        upgrade(database, ML_TABLES)
        with database.transaction() as connection:
            connection.execute(text("INSERT INTO sku (sku, base_uom, unit_price, unit_cost, currency, lot_controlled) "
                                    "VALUES ('MUG', 'EA', 100000, 60000, 'EUR', FALSE)"))  # fmt: skip
            connection.execute(text("INSERT INTO channel (channel, kind, priority, mode) VALUES "
                                    "('shop', 'shopify', 1, 'live'), ('market', 'amazon', 2, 'live')"))  # fmt: skip
            bump_version(connection)
        sales = [
            a_shipment(8, hours=-24 * day - index, channel=channel)
            for day in range(1, 8)
            for index, channel in enumerate(("shop", "market"))
        ]
        Ledger(database).apply([a_receipt(200, hours=-24 * 9), *sales], MONDAY)
        with database.transaction() as connection:
            store_figures(connection, [Figure(c, "MUG", "", "available", 0, AT) for c in ("shop", "market")], AT)
        yield database
        database.close()


def fails(database: Database, number: int) -> None:
    subject, status, message, channel = SIGNALS[number]
    with database.transaction() as connection:
        record_failure(connection, NewFailure(
            kind="push", subject=subject, message=message, occurred_at=AT, recorded_at=AT, system=channel or "erp",
            channel=channel, operation="push_inventory", sku="MUG", http_status=status,
        ))  # fmt: skip


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


@pytest.mark.proof
@settings(max_examples=counted(150, 3), deadline=None)
@given(st.permutations(range(len(SIGNALS))), st.lists(STEPS, max_size=6))
def test_each_signal_is_in_one_case_and_the_exposures_keep_their_sum(order: list[int], steps: list[Step]) -> None:
    with a_shop() as plain, a_shop() as worked:
        for number in range(len(SIGNALS)):
            fails(plain, number)
        weighed(plain)
        for turn, number in enumerate(order):
            fails(worked, number)
            if turn % 2:
                weighed(worked)
        weighed(worked)
        for step in steps:
            does(worked, step)
        weighed(worked)
        with worked.reading() as connection:
            rows = connection.execute(text(
                "SELECT s.signal_id FROM case_signal s JOIN exception_case c ON c.case_id = s.case_id "
                "WHERE c.status <> 'resolved' ORDER BY s.signal_id"
            )).scalars().all()  # fmt: skip
        assert list(rows) == [1, 2, 3, 4, 5]
        assert in_sum(plain) > 0
        assert in_sum(worked) == pytest.approx(in_sum(plain), abs=0.01)
