"""Killed anywhere, again and again, an ingest that is started again ends where the oracle ends."""

import random
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from zlib import crc32

import pytest
from msgspec.structs import asdict
from sqlalchemy import Connection

from core_sync.database.engine import Database
from core_sync.interchange.writing import write_rows
from core_sync.ledger.events import Event, EventType
from tests.core_sync.ledger.distributor import NAMED_OTHERWISE, Distributor, an_oracle, load_master_data
from tests.core_sync.ledger.laws import assert_as_told, assert_lawful
from tests.core_sync.ledger.mortal import start_ingest
from tests.core_sync.ledger.oracle import Oracle
from tests.proof import counted, keep_result

TIMES = counted(200, 5)
"""That an ingest is killed, resumed and compared with the oracle, on each database."""

EVENTS = 240
"""Told each time."""

BATCH = 20
BATCH_SECONDS = 0.03
"""About as long as a batch takes: the moment of death falls anywhere in one."""

WRITERS = {"sqlite": 1, "postgresql": 3}
DOOMED = (0.7, 0.2)
"""How likely a process is killed, at first and when it is started again."""

COLUMNS = ("id", "source", "type", "time", "sku", "location", "quantity", "uom", "lot", "document", "line",
           "reservation_id", "to_location")  # fmt: skip


@pytest.mark.proof
@pytest.mark.timeout(0)
def test_after_each_kill_the_same_ingest_ends_where_the_oracle_ends(database_url: str, tmp_path: Path) -> None:
    kind = "sqlite" if database_url.startswith("sqlite") else "postgresql"
    oracle, chance, kills, times = an_oracle(), random.Random(3), 0, 0
    oracle.skus.clear()  # an empty catalogue controls nothing, and need not be read at each start
    with a_look_at(database_url) as connection:
        load_master_data(connection, oracle)
    history = heard(iter(Distributor(oracle, seed=4, events=EVENTS * TIMES * 10)), oracle)
    while times < TIMES:
        files = written(islice(history, EVENTS), tmp_path, WRITERS[kind])
        killed = ingest_despite_kills(database_url, files, chance)
        kills += killed
        times += killed > 0
        with a_look_at(database_url) as connection:
            assert_lawful(connection, oracle.lenient)
            assert_as_told(connection, oracle)
    keep_result(
        f"ledger_crashes_{kind}",
        "tests/core_sync/ledger/test_crashes.py",
        {
            "database": kind,
            "writers at once": WRITERS[kind],
            "times killed, resumed and compared with the oracle": times,
            "kills": kills,
            "events": len(oracle.ends),
            "differing": 0,
        },
    )


def ingest_despite_kills(database_url: str, files: Sequence[Path], chance: random.Random) -> int:
    """Ingest ``files`` at once and kill most at a random moment; again, until all are in. Returns the kills."""
    left, kills, doomed = list(files), 0, DOOMED[0]
    while left:
        running = {file: start_ingest(database_url, file, BATCH) for file in left}
        for one in running.values():
            if chance.random() < doomed:
                one.kill_after(chance.randrange(EVENTS // BATCH // len(files)), chance.random() * BATCH_SECONDS)
        ended = {file: one.end() for file, one in running.items()}
        assert set(ended.values()) <= {0, -signal.SIGKILL}
        left = [file for file, code in ended.items() if code]
        kills, doomed = kills + len(left), DOOMED[1]
    return kills


def heard(history: Iterator[Event], oracle: Oracle) -> Iterator[Event]:
    """What a file can tell, heard by the oracle as soon as it is told."""
    for event in history:
        if event.quantity >= 0 or event.type is EventType.ADJUST:  # else its row would be refused, not the event
            oracle.hear(event)
            yield event


def written(events: Iterable[Event], folder: Path, writers: int) -> list[Path]:
    """The events as files, one a writer; what is told of one SKU stays in order in one file."""
    shares: list[list[Event]] = [[] for _ in range(writers)]
    for event in events:
        sku = NAMED_OTHERWISE.get((event.source, event.sku), event.sku)
        shares[crc32(sku.encode()) % writers].append(event)
    files = [folder / f"events-{number}.csv" for number in range(writers)]
    for file, share in zip(files, shares, strict=True):
        write_rows(
            file, [{**asdict(event), "id": event.event_id, "time": event.occurred_at} for event in share], COLUMNS
        )
    return files


@contextmanager
def a_look_at(database_url: str) -> Iterator[Connection]:
    """A transaction, and nothing of the database left open behind it: processes will be forked."""
    database = Database(database_url)
    with database.transaction() as connection:
        yield connection
    database.close()
