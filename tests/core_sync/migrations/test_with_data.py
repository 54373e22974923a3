"""A database of any earlier revision comes up to date with everything that stands in it, and goes on from there."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from core_sync.database.engine import Database
from core_sync.database.migrate import CORE_SYNC, configuration, head, upgrade
from core_sync.intake.messages import ingest_messages
from core_sync.ledger.decisions import apply_after_all
from core_sync.ledger.held import read_held
from core_sync.ledger.history import disagreements, positions
from core_sync.ledger.ledger import Ledger
from tests.builders import a_receipt
from tests.core_sync.migrations.frozen import BY_REVISION, TELLINGS, rows_up_to
from tests.databases import fresh_database

REVISIONS = sorted(script.revision for script in ScriptDirectory.from_config(configuration(CORE_SYNC)).walk_revisions())
EACH = [
    one if one in (REVISIONS[0], REVISIONS[3], REVISIONS[-1]) else pytest.param(one, marks=pytest.mark.proof)
    for one in REVISIONS
]
"""The first, one between and the last of them always; the others with the slow checks."""

NOW = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without tables."""
    if request.param == "sqlite":
        yield Database(f"sqlite:///{tmp_path / 'old.sqlite'}")
        return
    with fresh_database(request.getfixturevalue("postgresql_url")) as url:
        database = Database(url)
        yield database
        database.close()


def written_at(database: Database, revision: str) -> Ledger:
    """The ledger on a database that was filled at ``revision`` and upgraded since."""
    upgrade(database, revision=revision)
    with database.transaction() as connection:
        for table, columns in rows_up_to(revision):
            names = list(columns)
            marks = ", ".join(f":{name}" for name in names)
            quoted = ", ".join(f'"{name}"' for name in names)
            connection.execute(text(f"INSERT INTO {table} ({quoted}) VALUES ({marks})"), columns)
    upgrade(database)
    return Ledger(database)


def stock(ledger: Ledger) -> list[tuple[str, str, str, int, int, int, int]]:
    with ledger.database.reading() as connection:
        assert disagreements(connection) == []
        return [
            (p.sku, p.location, p.lot, p.on_hand, p.allocated, p.quality_hold, p.in_transit)
            for p in positions(connection)
            if (p.on_hand, p.allocated, p.quality_hold, p.in_transit) != (0, 0, 0, 0)
        ]


STOCK = [
    ("CUP", "LEEDS", "L-1", 7, 0, 0, 0),
    ("MUG", "BATH", "", 0, 0, 0, 2),
    ("MUG", "LEEDS", "", 7, 1, 1, 0),
    ("PLATE", "LEEDS", "", 3, 0, 0, 0),
    ("TRAY", "LEEDS", "", -5, 0, 0, 0),
]


def test_the_first_revision_is_the_oldest_and_every_table_of_it_is_tried() -> None:
    assert (REVISIONS[0], REVISIONS[-1]) == ("core_0001", head(CORE_SYNC))
    assert set(BY_REVISION) <= set(REVISIONS)


@pytest.mark.parametrize("revision", EACH)
def test_every_row_is_carried_over_and_the_ledger_goes_on(empty: Database, revision: str) -> None:
    ledger = written_at(empty, revision)
    with empty.reading() as connection:
        assert_carried_over(connection, revision)
    assert stock(ledger) == STOCK

    again = ingest_messages(ledger, TELLINGS, NOW)
    assert (again.duplicates, again.accepted, again.named) == (len(TELLINGS), 0, [])
    assert stock(ledger) == STOCK

    with empty.reading() as connection:
        held = {one.event: one for one in read_held(connection).items}
    assert {"e8", "e9", "e10", "e16"} <= held.keys()
    assert (held["e9"].there, held["e9"].asked, held["e8"].twin and held["e8"].twin.event) == (7, 50, "e1")
    assert apply_after_all(ledger, held["e8"].held, "ops", NOW).status == "applied"
    freed = ledger.apply([a_receipt(40, event_id="new", hours=200)], NOW)
    assert (freed.accepted, freed.freed) == (2, 1)
    assert stock(ledger)[2] == ("MUG", "LEEDS", "", 7 + 10 + 40 - 50, 1, 1, 0)


def test_a_contradicting_telling_of_before_can_be_decided_after(empty: Database) -> None:
    ledger = written_at(empty, "core_0004")
    with empty.reading() as connection:
        (conflict,) = (one for one in read_held(connection).items if one.status == "conflict")
    assert apply_after_all(ledger, conflict.held, "ops", NOW).status == "applied"


@pytest.mark.parametrize(
    ("revision", "table"),
    [
        ("core_0001", "ledger_entry"), ("core_0001", "corrected_telling"),
        ("core_0003", "ledger_entry"), ("core_0003", "corrected_telling"), ("core_0003", "case_entry"),
    ],
)  # fmt: skip
def test_no_row_of_a_table_that_only_grows_can_be_changed_or_taken_away(
    empty: Database, revision: str, table: str
) -> None:
    database = written_at(empty, revision).database
    before = kept(database, table)
    assert before
    columns = ", ".join(before[0])
    tries = [f"DELETE FROM {table}", f"UPDATE {table} SET {next(iter(before[0]))} = {next(iter(before[0]))}"]
    tries.append(
        f"INSERT OR REPLACE INTO {table} ({columns}) SELECT {columns} FROM {table}"
        if database.is_sqlite
        else f"TRUNCATE {table} CASCADE"
    )
    for statement in tries:
        with pytest.raises(Exception, match="append-only"), database.transaction() as connection:
            connection.execute(text(statement))
    assert kept(database, table) == before


def kept(database: Database, table: str) -> list[dict[str, object]]:
    with database.reading() as connection:
        return [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]


def assert_carried_over(connection: Connection, revision: str) -> None:
    """Every column that was written still says the same, row by row in the order of writing."""
    rows = sorted(rows_up_to(revision), key=lambda row: row[0])
    for table, written in groupby(rows, key=lambda row: row[0]):
        told = [columns for _, columns in written]
        found = [dict(row) for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2")).mappings()]
        assert len(found) == len(told), table
        for columns in told:
            assert any(_says(row, columns) for row in found), (table, columns)


def _says(row: dict[str, object], columns: dict[str, object]) -> bool:
    return all(_plain(row[name]) == value for name, value in columns.items())


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value
