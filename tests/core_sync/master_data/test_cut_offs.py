"""Cut-off times: loaded like other master data, told in the hours of their own zone."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core_sync.database.engine import Database
from core_sync.intake.load import load_files
from core_sync.intake.summary import IngestSummary
from core_sync.ledger.ledger import Ledger
from core_sync.master_data.cut_offs import next_cut_off, read_cut_offs
from tests.builders import MONDAY


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


def load(database: Database, folder: Path, *rows: dict[str, object]) -> IngestSummary:
    file = folder / "cut_offs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_files(Ledger(database), "cut_offs", [file], MONDAY)


def next_for(database: Database, channel: str, location: str, at: datetime) -> tuple[str, datetime] | None:
    with database.reading() as connection:
        found = next_cut_off(read_cut_offs(connection), channel, location, at)
    return None if found is None else (found[0].name, found[1].astimezone(UTC))


PICK_UP: dict[str, object] = {
    "cut_off": "carrier",
    "time": "16:30",
    "zone": "Europe/Berlin",
    "weekdays": "mon-fri",
    "location": "LEEDS",
}


def test_the_next_cut_off_is_told_in_the_hours_of_its_zone_in_summer_and_winter(
    database: Database, tmp_path: Path
) -> None:
    load(database, tmp_path, PICK_UP)
    for at, expected in (
        (datetime(2026, 7, 1, 9, tzinfo=UTC), datetime(2026, 7, 1, 14, 30, tzinfo=UTC)),
        (datetime(2026, 12, 1, 9, tzinfo=UTC), datetime(2026, 12, 1, 15, 30, tzinfo=UTC)),
    ):
        assert next_for(database, "shop", "LEEDS", at) == ("carrier", expected)


def test_after_fridays_pick_up_comes_mondays(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, PICK_UP)
    friday_evening = datetime(2026, 7, 3, 14, 30, tzinfo=UTC)
    assert next_for(database, "shop", "LEEDS", friday_evening) == ("carrier", datetime(2026, 7, 6, 14, 30, tzinfo=UTC))


def test_a_span_of_days_may_be_written_with_blanks(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, {**PICK_UP, "weekdays": "Mon - Wed, sat"})
    with database.reading() as connection:
        assert read_cut_offs(connection)[0].weekdays == {0, 1, 2, 5}


def test_of_those_that_hold_the_first_to_come_counts_and_another_places_do_not_hold(
    database: Database, tmp_path: Path
) -> None:
    load(database, tmp_path, PICK_UP, {"cut_off": "orders", "time": "6:00", "zone": "UTC", "channel": "edi"})
    at = datetime(2026, 7, 1, 20, tzinfo=UTC)
    assert next_for(database, "edi", "LEEDS", at) == ("orders", datetime(2026, 7, 2, 6, tzinfo=UTC))
    assert next_for(database, "shop", "LEEDS", at) == ("carrier", datetime(2026, 7, 2, 14, 30, tzinfo=UTC))
    assert next_for(database, "shop", "BATH", at) is None


@pytest.mark.parametrize(
    ("column", "told", "reason"),
    [
        ("time", "25:10", "no time of day"),
        ("zone", "Mars/Base", "no IANA time zone"),
        ("weekdays", "mon-someday", "no day of the week"),
    ],
)
def test_a_row_that_tells_no_time_is_named_with_what_to_write_instead(
    database: Database, tmp_path: Path, column: str, told: str, reason: str
) -> None:
    summary = load(database, tmp_path, {**PICK_UP, column: told}, {**PICK_UP, "cut_off": "second"})
    assert (summary.accepted, summary.rejected) == (1, 1)
    (refused,) = summary.refused_rows
    assert (refused.row, refused.field) == (1, column)
    assert reason in refused.reason
