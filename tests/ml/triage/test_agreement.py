"""A strange difference is over when the figures agree, or differ as they usually did."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, text

from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.ledger.ledger import Ledger
from core_sync.snapshots.reconcile import reconcile
from core_sync.snapshots.store import Figure, store_figures
from ml.triage.agreement import is_over
from ml.triage.gather import settle
from ml.triage.hard_rules import SHOWN_FROM_NOTHING
from ml.triage.tables import Anomaly
from tests.builders import MONDAY, a_receipt

units = st.integers(-200, 200)
NOON = MONDAY + timedelta(hours=4)


@pytest.mark.parametrize(
    ("reported", "reason", "still_open"),
    [
        (20, "3 failures of the SKU within a day", False),
        (21, "3 failures of the SKU within a day", False),
        (25, "3 failures of the SKU within a day", True),
        (21, SHOWN_FROM_NOTHING, True),
    ],
)
def test_a_figure_that_agrees_is_no_trouble_however_strange_what_is_told_beside_it(
    database: Database, reported: int, reason: str, still_open: bool
) -> None:
    Ledger(database).apply([a_receipt(20, hours=-24)], MONDAY)
    with database.transaction() as connection:
        store_figures(connection, [Figure("wms", "MUG", "LEEDS", "on_hand", reported, NOON)], NOON)
    reconcile(database, NOON)
    with database.transaction() as connection:
        connection.execute(insert(Anomaly).values(
            kind="delta", fact_id=1, system="wms", sku="MUG", location="LEEDS", occurred_at=to_microseconds(NOON),
            score=9.0, p_value=0.001, fault_probability=0.9, expected=20, actual=reported, reasons=f'["{reason}"]',
            model_version="1", scored_at=to_microseconds(NOON),
        ))  # fmt: skip
    settle(database, NOON)
    with database.reading() as connection:
        found = connection.execute(text("SELECT COUNT(*) FROM anomaly WHERE settled_at IS NULL")).scalar_one()
    assert bool(found) == still_open


def test_a_standing_offset_is_back_to_usual() -> None:
    assert is_over(jump_to=40, usual=3, now=3)
    assert is_over(jump_to=40, usual=3, now=9)
    assert not is_over(jump_to=40, usual=3, now=30)


def test_a_jump_that_half_remains_is_not_over() -> None:
    assert not is_over(jump_to=10, usual=0, now=5)


@given(units, units, st.integers(-1, 1))
def test_agreement_to_a_unit_is_always_over(jump_to: int, usual: int, now: int) -> None:
    assert is_over(jump_to, usual, now)


@given(st.integers(5, 200), units.filter(lambda offset: abs(offset) < 100))
def test_a_jump_that_stays_is_never_over(jump: int, offset: int) -> None:
    if abs(offset + jump) > 1:
        assert not is_over(offset + jump, offset, offset + jump)
