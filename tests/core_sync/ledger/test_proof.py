"""The proof goes on in slices, tells what somebody changed behind the ledger's back, and closes it when mended."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.ledger.events import EventType
from core_sync.ledger.history import disagreements
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.proof import ProofRound, ProofState, prove, prove_all, read_proof
from core_sync.master_data.load import bump_version
from tests.builders import MONDAY, a_receipt, a_reservation, an_event

AT_ONCE = timedelta(0)
LONG = timedelta(minutes=1)


@pytest.fixture
def database(database_url: str) -> Database:
    """A database with 250 positions; MUG at Leeds has stock in every state."""
    database = Database(database_url)
    Ledger(database).apply(
        [
            a_receipt(9), a_reservation(2, document="SO-1"), an_event(EventType.HOLD, 3, document="QA-1"),
            an_event(EventType.INBOUND_ANNOUNCED, 4, document="PO-1"),
            *(a_receipt(1, sku=f"SKU-{number}") for number in range(249)),
        ],
        MONDAY,
    )  # fmt: skip
    return database


def tamper(database: Database, statement: str) -> None:
    with database.transaction() as connection:
        connection.execute(text(statement))


def told(database: Database) -> list[tuple[str, str | None]]:
    with database.reading() as connection:
        rows = connection.execute(text("SELECT message, resolution FROM failure ORDER BY failure_id"))
        return [(row.message, row.resolution) for row in rows]


def state_of(database: Database) -> ProofState:
    with database.reading() as connection:
        return read_proof(connection)


def test_a_pass_is_done_in_rounds_that_go_on_where_the_last_one_stopped(database: Database) -> None:
    rounds = [prove(database, MONDAY, AT_ONCE) for _ in range(2)]
    assert rounds == [ProofRound(100, 0, False)] * 2
    assert (state_of(database).coverage, state_of(database).whole_ended_at) == (0.8, None)
    assert prove(database, MONDAY + timedelta(minutes=5), AT_ONCE) == ProofRound(50, 0, True)
    state = state_of(database)
    assert (state.whole_proved, state.whole_started_at, state.whole_ended_at) == (
        250, MONDAY, MONDAY + timedelta(minutes=5),
    )  # fmt: skip
    assert told(database) == []


@pytest.mark.parametrize(
    ("statement", "mend", "message"),
    [
        (
            "UPDATE position SET on_hand = on_hand + 5 WHERE sku = 'MUG'",
            "UPDATE position SET on_hand = on_hand - 5 WHERE sku = 'MUG'",
            "MUG at LEEDS: on hand is kept as 14, its entries say 9",
        ),
        (
            "UPDATE open_item SET open_quantity = 0 WHERE kind = 'reservation'",
            "UPDATE open_item SET open_quantity = 2 WHERE kind = 'reservation'",
            "MUG at LEEDS: allocated is kept as 2, its open items say 0",
        ),
        (
            "UPDATE open_item SET open_quantity = 5 WHERE kind = 'transit'",
            "UPDATE open_item SET open_quantity = 4 WHERE kind = 'transit'",
            "MUG at LEEDS: in transit is kept as 4, its open items say 5",
        ),
        (
            "UPDATE open_item SET open_quantity = 1 WHERE kind = 'hold'",
            "UPDATE open_item SET open_quantity = 3 WHERE kind = 'hold'",
            "MUG at LEEDS: quality hold is kept as 3, its open items say 1",
        ),
    ],
)
def test_what_was_changed_behind_the_ledger_s_back_is_told_and_closed_when_mended(
    database: Database, statement: str, mend: str, message: str
) -> None:
    tamper(database, statement)
    for _ in range(2):
        assert prove(database, MONDAY, LONG).differing == 1
    assert told(database) == [(message, None)]
    assert state_of(database).open_disagreements == 1
    tamper(database, mend)
    assert prove(database, MONDAY, LONG).differing == 0
    assert told(database) == [(message, "replaying the ledger gives the position again")]
    assert state_of(database).open_disagreements == 0


def test_asked_for_the_whole_proof_it_begins_again_at_the_first_position(database: Database) -> None:
    for _ in range(2):
        prove(database, MONDAY, AT_ONCE)
    tamper(database, "UPDATE position SET on_hand = 0 WHERE sku = 'MUG'")
    state = prove_all(database, MONDAY, LONG)
    assert (state.whole_proved, state.open_disagreements) == (250, 1)


def test_more_released_from_hold_than_was_held_is_fine_where_a_location_allows_it(
    database: Database,
) -> None:
    with database.transaction() as connection:
        connection.execute(text("INSERT INTO location (location, stock_control) VALUES ('BATH', 'lenient')"))
        bump_version(connection)
    released = an_event(EventType.RELEASE_HOLD, 5, location="BATH", document="QA-2")
    held = an_event(EventType.HOLD, 7, location="BATH", document="QA-2")
    Ledger(database).apply([released, held], MONDAY)
    with database.reading() as connection:
        assert disagreements(connection) == []
    tamper(database, "UPDATE position SET quality_hold = 1 WHERE location = 'BATH'")
    with database.reading() as connection:
        assert [(one.state, one.against) for one in disagreements(connection)] == [("quality_hold", "entries")]
