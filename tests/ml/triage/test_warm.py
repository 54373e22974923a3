"""A scorer that stays warm says of an arriving movement what one that reads the whole history says."""

from collections.abc import Iterator

import numpy as np
import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.ledger.events import EventType
from core_sync.ledger.ledger import Ledger
from ml.anomaly.thresholds import Policy
from ml.registry.service_models import shipped_models
from ml.triage.detect import detect
from ml.triage.frames import scored_up_to
from ml.triage.warm import WarmScorers
from tests.builders import MONDAY, a_receipt, an_event

MODELS = shipped_models()
STRICT = Policy(most_p=1.0)
"""Everything is told, so that every score can be compared."""


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    database = Database(database_url)
    ledger = Ledger(database)
    sales = [
        an_event(EventType.SHIP, 1 + number % 4, hours=-200 + number, document=f"SO-{number}", line="1")
        for number in range(150)
    ]
    ledger.apply([a_receipt(5_000, hours=-300), *sales], MONDAY)
    yield ledger
    database.close()


def arrives(ledger: Ledger, number: int, quantity: int) -> None:
    event = an_event(EventType.SHIP, quantity, hours=24 * number, document=f"NEW-{number}", line="1")
    ledger.apply([event], MONDAY)


def scores(database: Database) -> list[float]:
    with database.reading() as connection:
        statement = "SELECT score FROM anomaly WHERE kind = 'movement' ORDER BY fact_id DESC LIMIT 3"
        return list(connection.execute(text(statement)).scalars())


def counted(database: Database) -> int:
    """How many movements were scored."""
    with database.reading() as connection:
        statement = "SELECT SUM(scored) FROM scored_day WHERE kind = 'movement'"
        return int(connection.execute(text(statement)).scalar_one())


def test_movements_scored_one_by_one_have_the_scores_of_a_whole_history(ledger: Ledger) -> None:
    warm = WarmScorers()
    detect(ledger.database, MODELS, MONDAY, STRICT, warm)
    for number, quantity in enumerate((2, 400, 1)):
        arrives(ledger, number, quantity)
        assert detect(ledger.database, MODELS, MONDAY, STRICT, warm, ("movement",)) == 1
    one_by_one = scores(ledger.database)
    with ledger.database.transaction() as connection:
        for table in ("anomaly", "scored_up_to"):
            connection.execute(text(f"DELETE FROM {table}"))
    detect(ledger.database, MODELS, MONDAY, STRICT)
    assert np.allclose(one_by_one, scores(ledger.database), atol=1e-9)


def test_another_process_that_scored_meanwhile_is_believed(ledger: Ledger) -> None:
    warm, other = WarmScorers(), WarmScorers()
    for one in (warm, other):
        detect(ledger.database, MODELS, MONDAY, STRICT, one)
    arrives(ledger, 1, 3)
    assert detect(ledger.database, MODELS, MONDAY, STRICT, other) == 1
    assert detect(ledger.database, MODELS, MONDAY, STRICT, warm) == 0
    arrives(ledger, 2, 3)
    assert detect(ledger.database, MODELS, MONDAY, STRICT, warm) == 1
    with ledger.database.reading() as connection:
        newest = connection.execute(text("SELECT MAX(entry_id) FROM ledger_entry")).scalar_one()
        assert scored_up_to(connection)["movement"] == newest


def test_an_event_that_arrives_late_is_scored_as_what_arrived_last(ledger: Ledger) -> None:
    warm = WarmScorers()
    arrives(ledger, 2, 3)
    detect(ledger.database, MODELS, MONDAY, STRICT, warm)
    before = counted(ledger.database)
    ledger.apply([an_event(EventType.SHIP, 2, hours=-100.5, document="LATE", line="1")], MONDAY)
    detect(ledger.database, MODELS, MONDAY, STRICT, warm)
    assert counted(ledger.database) == before + 1
