"""Of lines keyed in one after another the strangest is shown; where it is called a fault, the others follow."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from core_sync.cases.grouping import split
from core_sync.database.engine import Database
from core_sync.ledger.events import EventType
from core_sync.ledger.ledger import Ledger
from ml.anomaly.thresholds import Policy
from ml.feedback.judge import judge_case
from ml.feedback.rules import FalseAlarm, Fault
from ml.feedback.take_back import take_back
from ml.registry.service_models import shipped_models
from ml.triage.detect import detect
from ml.triage.gather import gather, settle
from ml.triage.neighbours import BESIDE_A_FAULT
from tests.builders import MONDAY, a_receipt, an_event

MODELS = shipped_models()
POLICY = Policy(most_p=0.02)
ODD = (613, 211, 487, 97)
"""A clerk's list, a line every two minutes."""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A month of sales of a few mugs, then the list, and a sale in the middle of it."""
    database = Database(database_url)
    sales = [
        an_event(EventType.SHIP, 1 + number % 4, hours=-600 + 2 * number, document=f"SO-{number}", line="1")
        for number in range(290)
    ]
    ledger = Ledger(database)
    ledger.apply([a_receipt(5_000, hours=-700), *sales], MONDAY)
    keyed_in = [
        an_event(EventType.ADJUST, -odd, hours=-1 + at / 30, document=f"ADJ-{at}", line="1", sku="MUG")
        for at, odd in enumerate(ODD)
    ]
    ledger.apply([*keyed_in, an_event(EventType.SHIP, 2, hours=-0.95, document="SO-LAST", line="1")], MONDAY)
    yield database
    database.close()


def looked_at(database: Database) -> list[int]:
    """The figures of the list that are shown."""
    detect(database, MODELS, MONDAY, POLICY)
    with database.transaction() as connection:
        gather(connection, MONDAY)
        shown = connection.execute(text("SELECT actual FROM anomaly WHERE kind = 'movement' AND actual < -4"))
        return sorted(-figure for figure in shown.scalars())


def judged(database: Database, opinion: Fault | FalseAlarm) -> int:
    with database.transaction() as connection:
        case = connection.execute(text("SELECT MIN(case_id) FROM exception_case")).scalar_one()
        return judge_case(connection, case, opinion, "ann", MONDAY)


def test_where_the_strangest_is_called_a_fault_the_rest_of_the_list_follows_and_the_sale_does_not(
    database: Database,
) -> None:
    assert looked_at(database) == [613]
    judged(database, Fault())
    detect(database, MODELS, MONDAY, POLICY, kinds=("delta",))  # a look at other facts takes nothing away
    assert looked_at(database) == sorted(ODD)
    with database.reading() as connection:
        told = connection.execute(text("SELECT reasons, fault_probability FROM anomaly WHERE actual > -600")).all()
    assert all(BESIDE_A_FAULT in row.reasons and row.fault_probability >= 0.5 for row in told)


def test_where_it_is_called_none_the_rest_is_left_alone(database: Database) -> None:
    assert looked_at(database) == [613]
    judged(database, FalseAlarm("the yearly count"))
    assert looked_at(database) == [613]


def test_what_followed_goes_when_the_judgement_is_taken_back(database: Database) -> None:
    looked_at(database)
    judgement = judged(database, Fault())
    looked_at(database)
    with database.transaction() as connection:
        take_back(connection, judgement, "ann", MONDAY)
    settle(database, MONDAY)
    with database.reading() as connection:
        still_open = connection.execute(text("SELECT actual FROM anomaly WHERE settled_at IS NULL")).scalars().all()
    assert list(still_open) == [-613]


def test_what_followed_goes_where_the_newest_word_on_the_movement_is_that_it_was_none(database: Database) -> None:
    looked_at(database)
    judged(database, Fault())
    looked_at(database)
    with database.transaction() as connection:
        followed = "SELECT s.case_signal_id FROM case_signal s JOIN anomaly a ON a.anomaly_id = s.signal_id"
        signals = connection.execute(text(f"{followed} WHERE s.kind = 'anomaly' AND a.actual > -600")).scalars().all()
        split(connection, 1, list(signals), "ann", MONDAY)
    judged(database, FalseAlarm("the yearly count"))
    settle(database, MONDAY)
    with database.reading() as connection:
        assert connection.execute(text("SELECT actual FROM anomaly WHERE settled_at IS NULL")).all() == []
